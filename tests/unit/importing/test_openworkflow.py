"""Documents of Open Workflow become definitions that do what its specification says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.imports import Case, check_case, imported
from tests.unit.importing.openworkflow_cases import CASES, document, put, task


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_goes_the_same_way_to_the_same_result(case: Case) -> None:
    check_case("open-workflow", case)


def test_schedules_and_events_start_it() -> None:
    found = imported("open-workflow", document(put("a", {}), schedule={"cron": "0 6 * * *", "every": {"hours": 2}}))
    (first, second) = found.conversion.workflows[0]["triggers"]
    assert found.complete, found.as_json()
    assert (first["schedule"]["cron"], second["schedule"]["every"]) == ("0 6 * * *", "PT2H")

    events = {"on": {"any": [{"with": {"type": "a.b"}}, {"with": {"type": "c"}}]}}
    found = imported("open-workflow", document(put("a", "${ $workflow.input[0].data }"), schedule=events))
    assert found.complete, found.as_json()
    assert [each["eventPattern"] for each in found.conversion.workflows[0]["triggers"]] == ["a.b", "c"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"document": {"dsl": "0.8", "name": "x"}}, "/document/dsl"),
        ({"evaluate": {"language": "js"}}, "/evaluate/language"),
        ({"do": []}, "/do"),
        ({"do": [put("a", {}, then="nowhere")]}, "/do/0/a/then"),
        ({"do": [put("a", {}), put("a", {})]}, "/do"),
        ({"do": [task("a")]}, "/do/0/a"),
        ({"do": [{"a": {"set": {}}, "b": {"set": {}}}]}, "/do/0"),
        ({"do": [put("a", {}, then={"b": 1})]}, ""),
    ],
)
def test_what_is_not_a_document_is_refused(change: dict[str, Any], pointer: str) -> None:
    found = imported("open-workflow", {**document(put("a", {})), **change})
    assert not found.valid
    assert [(each.result, each.source) for each in found.conversion.entries] == [("refused", pointer)]
