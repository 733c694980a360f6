"""The tasks of a simulation: mocks where there are any, the pure built-ins for real, nothing else."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import MinLen
from pydantic import TypeAdapter, ValidationError

from airflow_workflow_provider.engine.bindings import Occasion, apply_transform
from airflow_workflow_provider.engine.failure import TASK_ERROR, Failure
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.hosts.simulation import Simulation, child_outcome, simulate
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.references import Reference, is_child_workflow, referred, too_deep
from airflow_workflow_provider.model.scenario import MockOutcome
from airflow_workflow_provider.settings import MAX_DEPTH
from airflow_workflow_provider.tasks.builtin import BUILTINS, SimulatedCall, builtin
from airflow_workflow_provider.tasks.calls import (
    arguments_of,
    child_correlation_id,
    task_ids,
    tasks_of,
)
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.templates import template_values
from airflow_workflow_provider.tasks.world import Inbox, World
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.machine import Call, Options
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition


@dataclass
class Simulator:
    """Runs definitions in memory.

    :param catalogue: the task definitions that are known
    :param workflows: definitions that steps may run as sub-workflows, by what refers to them: ``<id>`` for the current
        version, ``<id>@<version>`` for one; see :func:`~airflow_workflow_provider.model.references.by_reference`
    :param warn: called with a task that is neither mocked nor can run here; it returns ``{}``
    :param options: bounds and defaults of the engine
    :param watch: called before each task; what it raises ends the simulation
    :param ended: called with each run that has ended, also of a sub-workflow
    :param max_depth: how deep sub-workflows nest
    """

    catalogue: Catalogue = field(default_factory=Catalogue)
    workflows: Mapping[str, WorkflowDefinition] = field(default_factory=dict)
    warn: Callable[[str], None] = lambda _: None
    options: Options | None = None
    watch: Callable[[], None] = lambda: None
    ended: Callable[[Graph, Simulation], None] = lambda *_: None
    max_depth: int = MAX_DEPTH

    def run(
        self,
        definition: WorkflowDefinition,
        input_data: Any,
        mocks: Mapping[str, Any] | None = None,
        *,
        now: datetime,
        event: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        world: World | None = None,
    ) -> Simulation:
        """Run a definition to its end.

        :param mocks: outcomes by stepId or taskId, see :class:`Mocks`
        :param now: virtual time at the start
        :param world: the events and answers that come; None for none
        :raises Misuse: a mock is malformed, or is neither a step nor a task of the definition
        """
        known = [definition, *self.workflows.values()]
        run = SimulatedTasks(self, Mocks(mocks or {}, known), world)
        return run.start(definition, input_data, now, depth=0, event=event, correlation_id=correlation_id)


class Mocks:
    """Outcomes by stepId or taskId, used in call order; the last one repeats.

    An outcome is ``{"output": …}``, ``{"kept": …}`` (what the step keeps, its ``output`` not applied),
    ``{"error": {"type", "code", "message", "details"}}`` or ``{"transform": {"type", "expression"}}`` over ``{input}``;
    ``duration`` beside it says how long the call takes in virtual time.

    :param mocks: a list of outcomes for each id
    :param definitions: the definitions whose steps and tasks may be named
    :raises Misuse: a mock is malformed, or names no step and no task
    """

    def __init__(self, mocks: Mapping[str, Any], definitions: Sequence[WorkflowDefinition]) -> None:
        known = {name for definition in definitions for name in _names(definition)}
        self._mocks: dict[str, list[MockOutcome]] = {}
        for name, outcomes in mocks.items():
            if name not in known:
                raise _unknown(name, known)
            self._mocks[name] = _parse(name, outcomes)
        self._used: dict[str, int] = {}

    def find(self, call: Call) -> MockOutcome | None:
        """Return the next outcome for a call; a step's mock beats its task's."""
        for name in (call.step_id, call.task_id):
            if name in self._mocks and (call.kind == "step" or name == call.task_id):
                outcomes = self._mocks[name]
                used = self._used.get(name, 0)
                self._used[name] = used + 1
                return outcomes[min(used, len(outcomes) - 1)]
        return None


class SimulatedTasks:
    """The tasks of one simulated instance and its children: mocked, pure, or doing nothing with a warning.

    :param simulator: what the tasks may use
    :param mocks: the outcomes, used up call by call
    :param world: the events and answers that come; None for none
    """

    def __init__(self, simulator: Simulator, mocks: Mocks, world: World | None = None) -> None:
        self._simulator = simulator
        self._mocks = mocks
        self._world = world or World()
        self._warned: set[str] = set()

    def start(
        self,
        definition: WorkflowDefinition,
        input_data: Any,
        now: datetime,
        *,
        depth: int = 0,
        event: dict[str, Any] | None = None,
        correlation_id: str | None = None,
        instance_id: str | None = None,
    ) -> Simulation:
        """Run a definition to its end."""
        graph = Graph.of(definition, tasks_of(definition, self._simulator.catalogue))
        inbox = Inbox(self._world, event)

        def run_task(call: Call, moment: datetime) -> Outcome:
            return self.run(graph, call, moment, inbox, depth=depth)

        result = simulate(
            graph,
            input_data,
            run_task,
            now=now,
            event=event,
            options=self._simulator.options,
            correlation_id=correlation_id,
            instance_id=instance_id,
            watch=self._simulator.watch,
        )
        inbox.settle(result)
        self._simulator.ended(graph, result)
        return result

    def run(self, graph: Graph, call: Call, now: datetime, inbox: Inbox | None = None, *, depth: int = 0) -> Outcome:
        """Run a call; what the task raises is raised.

        :param inbox: of the instance; None for an empty one
        :param depth: how many workflows are around this one
        """
        mock = self._mocks.find(call)
        if mock is not None:
            return _mocked(mock, call, now)
        if is_child_workflow(call.task_id):
            return self._run_child(call, now, depth)
        outcome = self._built_in(graph.tasks.get(call.task_id), call, now, inbox or Inbox(self._world, None))
        if outcome is None:
            self._warn(call.task_id)
            return Outcome(output={})
        return outcome

    @staticmethod
    def _built_in(task: TaskDefinition | None, call: Call, now: datetime, inbox: Inbox) -> Outcome | None:
        if task is None or task.operator not in BUILTINS:
            return None
        simulated = SimulatedCall(now, call.deadline, lambda: template_values(call)["workflow"], inbox.of(call, now))
        return builtin(task.operator).simulated(lambda: arguments_of(task, call), simulated)

    def _run_child(self, call: Call, now: datetime, depth: int) -> Outcome:
        name = Reference.of(call.task_id).workflow_id
        definition = referred(self._simulator.workflows, call.task_id)
        if definition is None:
            self._warn(call.task_id)
            return Outcome(output={})
        msg = too_deep(name, depth + 1, self._simulator.max_depth)
        if msg is not None:
            raise StepFailure(
                msg,
                type=ErrorType.TASK_NOT_FOUND,
                code=ProblemCode.MAX_DEPTH,
            )
        result = self.start(
            definition,
            call.input,
            now,
            depth=depth + 1,
            instance_id=call.idempotency_key,
            correlation_id=child_correlation_id(call),
        )
        return child_outcome(result, name)

    def _warn(self, task_id: str) -> None:
        if task_id not in self._warned:
            self._warned.add(task_id)
            self._simulator.warn(f"task {task_id!r} cannot run in a simulation and has no mock: it returns {{}}")


def _mocked(mock: MockOutcome, call: Call, now: datetime) -> Outcome:
    ends_at = now + parse_duration(mock.duration) if mock.duration is not None else None
    if mock.error is not None:
        error = mock.error
        failure = Failure.named(error.type or TASK_ERROR, error.message, code=error.code, details=error.details)
        return Outcome(failure=failure, ends_at=ends_at)
    if mock.kept is not None:
        return Outcome(output=mock.kept, kept=True, ends_at=ends_at)
    if mock.transform is None:
        return Outcome(output=mock.output, ends_at=ends_at)
    occasion = Occasion("mock", call.step_id, str(call.visit), now)
    output = apply_transform(mock.transform, frozenset({"input"}), {"input": call.input}, occasion, "mock")
    return Outcome(output=output, ends_at=ends_at)


def _names(definition: WorkflowDefinition) -> set[str]:
    steps = Graph.of(definition)
    return {step.step_id for found in steps.lists.values() for step in found.steps} | set(task_ids(definition))


def _unknown(name: str, known: set[str]) -> Misuse:
    near = difflib.get_close_matches(name, known, n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"known are {sorted(known)}"
    return Misuse(
        f"Mock {name!r} is neither a step nor a task of the definition",
        code=ProblemCode.UNKNOWN_MOCK,
        pointer=f"/{name}",
        suggestion=hint,
    )


_OUTCOMES: TypeAdapter[list[MockOutcome]] = TypeAdapter(Annotated[list[MockOutcome], MinLen(1)])


def _parse(name: str, outcomes: Any) -> list[MockOutcome]:
    try:
        return _OUTCOMES.validate_python(outcomes)
    except ValidationError as exc:
        first = exc.errors()[0]
        place = "".join(f"/{part}" for part in (name, *first["loc"]))
        message = f"Mock {name!r} at {place}: {first['msg']}"
        suggestion = 'Give a list of outcomes: {"output": …}, {"error": {"type": …}} or {"transform": {…}}'
        raise Misuse(message, code=ProblemCode.INVALID_MOCK, pointer=place, suggestion=suggestion) from exc
