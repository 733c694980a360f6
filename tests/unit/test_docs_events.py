"""Every snippet of ``docs/events.md`` is what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.model.events import parse_event
from airflow_workflow_provider.model.patterns import matches
from airflow_workflow_provider.model.validate import validate_document
from airflow_workflow_provider.tasks.catalogue import Catalogue

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
SNIPPETS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
DEFINITIONS = [snippet for snippet in SNIPPETS if "workflowId" in snippet]


@pytest.mark.parametrize("document", DEFINITIONS, ids=lambda document: document["workflowId"])
def test_the_definitions_are_valid(document: dict[str, Any]) -> None:
    assert list(validate_document(document, Catalogue()).diagnostics) == []


def test_the_event_is_one_and_starts_the_first_definition() -> None:
    from airflow_workflow_provider.engine.triggering import input_from
    from airflow_workflow_provider.model.validate import parse_definition

    (event,) = [parse_event(snippet) for snippet in SNIPPETS if "specversion" in snippet]
    given = input_from(parse_definition(DEFINITIONS[0]), event, "an instance")
    assert given == {"orderId": 1042, "source": "/shop"}


def test_the_table_of_patterns_is_right() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    table = [row for row in rows if "order" in row[1] or "created" in row[1]]
    assert len(table) == 4
    for pattern, those, others in table:
        assert all(matches(pattern, each) for each in re.findall("`([^`]+)`", those)), pattern
        assert not any(matches(pattern, each) for each in re.findall("`([^`]+)`", others)), pattern


def test_the_programs_are_python_and_use_what_there_is() -> None:
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(programs) == 3
    for program in programs:
        exec(compile(program, "docs/events.md", "exec"), {"__name__": "docs.events"})  # noqa: S102
