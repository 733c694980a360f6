"""``docs/vocabulary.md`` lists every error type of the engine and every event of the execution log."""

from __future__ import annotations

import re
from pathlib import Path

from airflow_workflow_provider.engine.failure import BUILT_IN_TYPES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
TYPES, EVENTS = PAGE.split("## Log events")
KINDS = "instance|step|condition|region|compensation|question|airflow"
NO_EVENTS = {"airflow.configuration", "airflow.sdk"}


def test_every_error_type_is_listed_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TYPES, re.MULTILINE)) == BUILT_IN_TYPES


def test_every_log_event_of_the_code_is_listed_and_no_other() -> None:
    listed = {
        event for row in re.findall(r"^\| (`.*?) \|", EVENTS, re.MULTILINE) for event in re.findall(r"`([\w.-]+)`", row)
    }
    literals: set[str] = set()
    for path in (ROOT / "airflow_workflow_provider").rglob("*.py"):
        literals |= set(re.findall(rf'"((?:{KINDS})\.[a-zA-Z-]+)"', path.read_text(encoding="utf-8")))

    # What people do to a question is named after what they do.
    asked = {event for event in listed if event.startswith("question.")}
    assert {"question.answered", "question.voted"} <= asked
    assert listed - asked == {event for event in literals - NO_EVENTS if not event.startswith("question.")}
    assert {event for event in literals if event.startswith("question.")} <= asked
