"""Rule T9: what a step may ask of Airflow's scheduler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_workflow_provider.model.validate import validate_document
from tests.support.documents import POLICY, SmallCatalogue, step, workflow

ALL = replace(POLICY, operator_arguments=frozenset({"pool", "pool_slots", "queue", "priority_weight", "executor"}))
EVERYTHING = {"pool": "crm", "poolSlots": 2, "queue": "gpu", "priority": -5, "executor": "CeleryExecutor"}


def found(document: dict[str, Any], **options: Any) -> list[tuple[str, str, str]]:
    result = validate_document(document, SmallCatalogue(), **options)
    return [(each.code, each.severity, each.pointer) for each in result.diagnostics]


def test_t9_what_is_allowed_has_no_finding() -> None:
    assert found(workflow(step("a", airflow=EVERYTHING)), policy=ALL) == []


@pytest.mark.parametrize("key", sorted(EVERYTHING))
def test_t9_what_no_administrator_allows_is_refused(key: str) -> None:
    document = workflow(step("a", airflow={key: EVERYTHING[key]}))
    assert found(document, policy=replace(ALL, operator_arguments=frozenset())) == [
        ("WF411", "error", f"/steps/0/airflow/{key}")
    ]


@pytest.mark.parametrize(
    ("given", "code", "key"),
    [
        ({"pool": ""}, "WF114", "pool"),
        ({"pool": 7}, "WF112", "pool"),
        ({"poolSlots": 0}, "WF114", "poolSlots"),
        ({"priority": 2**31}, "WF114", "priority"),
        ({"priority": "high"}, "WF112", "priority"),
        ({"Pool": "crm"}, "WF110", "Pool"),
        ({"executor": "x" * 300}, "WF114", "executor"),
    ],
)
def test_t9_values_of_another_form_are_found(given: dict[str, Any], code: str, key: str) -> None:
    assert (code, "error", f"/steps/0/airflow/{key}") in found(workflow(step("a", airflow=given)), policy=ALL)


def test_t9_a_step_without_a_task_of_its_own_has_none() -> None:
    inner = {"items": {"type": "jmespath", "expression": "input.xs"}, "steps": [step("b", airflow={"pool": "crm"})]}
    document = workflow(step("a", forEach=inner, airflow={"queue": "gpu"}))
    place = "/steps/0/forEach/steps/0/airflow/pool"
    assert found(document, policy=ALL) == [("WF217", "warning", place)]
    inline = workflow(step("a", airflow={"priority": 3}), settings={"execution": "inline"})
    assert found(inline, policy=ALL) == [("WF217", "warning", "/steps/0/airflow/priority")]
