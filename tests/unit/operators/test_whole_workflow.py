"""The only task of an inline workflow: what it does when it is started once more (rule T8)."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operators import task_protocol
from airflow_workflow_provider.operators.outcomes import Follow, Stop
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue
from tests.support.documents import step, workflow
from tests.unit.engine.driving import NOW


@pytest.mark.parametrize(("failing", "again"), [("b", "b"), (None, "a")])
def test_t8_a_cleared_task_continues_at_the_step_that_failed_or_starts_again(failing: str | None, again: str) -> None:
    definition = parse_definition(workflow(*(step(name, "set") for name in "abc"), settings={"execution": "inline"}))
    graph = Graph.of(definition, tasks_of(definition, Catalogue()))
    (node,) = plan_of(graph).nodes
    machine = Machine.start(graph, InstanceFacts("i", "example", "1.0.0", None), {}, now=NOW)
    for name in "abc":
        machine.begin("", name, "first", NOW, generation=1)
        if name == failing:
            machine.fail("", name, "first", Failure("Broken", "no"), NOW)
            break
        machine.succeed("", name, "first", {}, NOW)

    retried = task_protocol.enter_region(machine, node, (), NOW, 1)
    assert retried == (Follow((), {}) if failing is None else Stop(machine.state.error or {}))
    assert task_protocol.enter_region(machine, node, (), NOW, 2) is None
    assert [(current.step_id, current.visit) for _, current in machine.live()] == [(again, 2)]
