"""``docs/diagnostics.md`` explains every code, and each snippet there gives exactly that code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.errors import InvalidDefinition, LimitExceeded, Misuse
from airflow_workflow_provider.model.checks import CHECKS
from airflow_workflow_provider.model.diagnostics import CODES, Diagnostic, diagnostics_of
from airflow_workflow_provider.model.events import InvalidEvent
from airflow_workflow_provider.model.validate import ValidationResult, loads_document, too_much, validate_task
from tests.support.documents import POLICY, SmallCatalogue, check

PAGE = Path(__file__).parents[3] / "docs" / "diagnostics.md"
SECTIONS = re.split(r"^### (WF\d{3})$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
EXPLAINED = dict(zip(SECTIONS[1::2], SECTIONS[2::2], strict=True))
BLOCK = re.compile(r"^```(\w+)(?: (\w+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BASE = json.loads(next(text for _, kind, text in BLOCK.findall(SECTIONS[0]) if kind == "base"))


def _codes(language: str, kind: str, text: str) -> set[tuple[str, str]]:
    if kind == "text":
        with pytest.raises(InvalidDefinition) as refused:
            loads_document(text)
        return {(each.code, each.severity) for each in refused.value.diagnostics}
    result: ValidationResult[Any]
    if language == "python":
        names: dict[str, Any] = {"base": BASE}
        exec(text, names)  # noqa: S102 - our own page
        result = check(names["document"])
    elif kind == "limited":
        with pytest.raises(LimitExceeded) as stopped:
            # Again and again: a clock that counts processor time ticks some hundred times a second only.
            Inside(Limits(seconds=0.01)).within(lambda: [check({**BASE, **json.loads(text)}) for _ in range(100_000)])
        result = too_much(stopped.value.message)
    elif kind == "task":
        result = validate_task(json.loads(text), policy=POLICY, catalogue=SmallCatalogue())
    else:
        result = check({**BASE, **json.loads(text)})
    return {(each.code, each.severity) for each in result.diagnostics}


def test_d2_the_base_document_of_the_page_is_fine() -> None:
    assert check(BASE).diagnostics == ()


def test_d2_every_code_is_explained_and_no_other() -> None:
    assert set(EXPLAINED) == set(CODES)
    assert list(EXPLAINED) == sorted(EXPLAINED)


def test_d2_every_check_has_a_rule_and_known_codes() -> None:
    for each in CHECKS:
        assert each.__doc__
        assert set(each.codes) <= set(CODES)


@pytest.mark.parametrize("code", sorted(CODES))
def test_d2_the_snippet_gives_exactly_its_code(code: str) -> None:
    language, kind, text = BLOCK.findall(EXPLAINED[code])[0]

    codes = _codes(language, kind, text)

    assert {found for found, _ in codes} == {code}
    severity = EXPLAINED[code].strip().split("*", 2)[1].rstrip(".").lower()
    assert {found for _, found in codes} == {severity}


@pytest.mark.parametrize("code", sorted(CODES))
def test_d2_the_page_states_what_to_do(code: str) -> None:
    assert "**Fix:**" in EXPLAINED[code]


def test_findings_that_are_only_place_and_message_have_the_code_of_their_exception() -> None:
    event = InvalidEvent("no", [{"pointer": "/id", "message": "is missing"}])
    assert diagnostics_of(event) == [Diagnostic("invalid-event", "error", "/id", "is missing")]
    found = Diagnostic("WF203", "warning", "/steps/1", "nothing leads to it")
    assert diagnostics_of(InvalidDefinition("no", [found])) == [found]
    assert diagnostics_of(Misuse("no")) == []
