"""Rule P5: what refers to which version of another workflow."""

from __future__ import annotations

from itertools import permutations

import pytest

from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.references import by_reference, referred
from tests.support.documents import step, workflow


def definition(version: str, workflow_id: str = "child") -> WorkflowDefinition:
    return WorkflowDefinition.model_validate(workflow(step("a"), workflowId=workflow_id, version=version))


@pytest.mark.parametrize("order", permutations(["1.9.0", "1.10.0", "1.10.0-rc.2"]))
def test_p5_without_a_version_the_newest_by_order_of_versions_is_meant(order: tuple[str, ...]) -> None:
    workflows = by_reference(definition(version) for version in order)

    assert {task_id: getattr(referred(workflows, task_id), "version", None) for task_id in (
        "workflow:child", "workflow:child@1.9.0", "workflow:child@1.10.0-rc.2", "workflow:child@1.10.0",
        "workflow:child@2.0.0", "workflow:chil", "workflow:child@1.9.0+b",
    )} == {
        "workflow:child": "1.10.0",
        "workflow:child@1.9.0": "1.9.0",
        "workflow:child@1.10.0-rc.2": "1.10.0-rc.2",
        "workflow:child@1.10.0": "1.10.0",
        "workflow:child@2.0.0": None,
        "workflow:chil": None,
        "workflow:child@1.9.0+b": None,
    }  # fmt: skip


def test_p5_versions_that_differ_in_build_metadata_are_different_ones() -> None:
    workflows = by_reference([definition("1.0.0+a"), definition("1.0.0+b")])

    found = [referred(workflows, f"workflow:child@1.0.0{build}") for build in ("+a", "+b", "")]

    assert [getattr(each, "version", None) for each in found] == ["1.0.0+a", "1.0.0+b", None]


def test_p5_a_definition_given_by_its_id_alone_is_found_by_its_version() -> None:
    workflows = {"child": definition("1.0.0")}

    assert referred(workflows, "workflow:child@1.0.0") is workflows["child"]
    assert referred(workflows, "workflow:child@1.0.1") is None
