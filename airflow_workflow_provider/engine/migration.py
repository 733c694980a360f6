"""Continuing a live instance in another version of its workflow (rule I8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_workflow_provider.engine.graph import Graph


def continued_in(machine: Machine, graph: Graph) -> Machine:
    """Return the machine of an instance in another version in which :func:`plan.migration.obstacles` finds nothing.

    What the version's ``inputSchema`` adds by default is added to the input, and to the working document where no step
    has a key of that name. The instance's deadline stays what it was when it started.

    :raises StepFailure: the input does not fit the version
    """
    state = machine.state
    given = accepted_input(graph.definition.input_schema, state.input)
    for name in given.keys() - state.input.keys():
        state.data.setdefault(name, given[name])
    state.input = given
    state.instance.version = graph.definition.version
    # The tasks that waited for a resumption begin again, and wait again.
    state.held = []
    return Machine(graph, state, machine.options)


def raise_generations(machine: Machine, generation_of: Callable[[str], int]) -> None:
    """Let what has run, or waits, count as run by the tasks that stand for it now, however often these may be tried.

    A task of another version may be tried more often than the one before it; without this that would look as if an
    operator had cleared it to have its step run again.

    :param generation_of: gives the generation of the task that runs a step
    """
    for key, control in machine.state.lists.items():
        for step_id, record in machine.state.values(key).steps.items():
            if record.is_finished:
                record.generation = max(record.generation, generation_of(step_id))
        current = control.current
        if current is not None and current.phase in (Phase.WAITING, Phase.REGION):
            current.generation = max(current.generation, generation_of(current.step_id))
