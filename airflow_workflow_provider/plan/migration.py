"""Whether a live instance can continue in another version of its workflow (rule I8).

A function of the stored state and the two definitions. What an instance has done stays as it is, so the other version
must have each of its steps where it was, must lead to the live ones from where they were led to, and must continue what
has begun in the same way. All that stands in the way is found at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.graph import reachable
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.engine.keys import list_path
from airflow_workflow_provider.engine.phases import Phase
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.checks.base import Checked
from airflow_workflow_provider.model.checks.expressions import steps_read
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.ways import ON_FAILURE, every_step, inner_lists
from airflow_workflow_provider.plan.nodes import task_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.vocabulary import MigrationObstacle

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition

Place = tuple[str, str]
"""A step in a list: the list's key, and the step's id."""

WAIT: Final = "suspend the instance, and migrate it when the attempts have ended"


@dataclass(frozen=True)
class Obstacle:
    """One reason why an instance cannot continue in a version.

    :param step_id: the step that it is about; None for the instance as a whole
    :param pointer: JSON pointer into the document of the instance's own version or, for a step that it does not have,
        of the other version
    :param suggestion: what to do about it, where something helps
    """

    code: MigrationObstacle
    message: str
    step_id: str | None = None
    pointer: str = ""
    suggestion: str | None = None


def obstacles(state: State, old: Graph, new: Graph) -> list[Obstacle]:
    """Return why a live instance cannot continue in another version; an empty list where it can.

    :param old: the version that it runs
    :param new: the other version
    """
    search = _Search(state, old, new)
    found = [
        *search.of_instance(),
        *search.of_stored_steps(),
        *search.of_compensations(),
        *search.of_live_steps(),
        *search.of_reads(),
    ]
    # A step of many items would be named once for each of them.
    return list(dict.fromkeys(found))


def continuing_at(state: State) -> list[Place]:
    """Return the innermost live steps of an instance: those that another version has to begin or to wait at."""
    return [(key, current.step_id) for key, current in state.live() if current.phase is not Phase.REGION]


def tasks_to_begin(state: State, graph: Graph) -> set[str]:
    """Return the tasks of another version with which the run of an instance continues.

    They are those of the live steps, with the empty tasks between them and what led to them. What else the version adds
    where the instance has passed was never chosen.
    """
    plan, found = plan_of(graph), set()
    for key, step_id in continuing_at(state):
        task_id = task_in(graph, plan, step_id)
        last, owner = _leading(state, key, step_id), graph.home(step_id).owner
        before = last if last is not None else None if owner is None else owner.step_id
        leading = set() if before is None else {task_in(graph, plan, before)}
        if last is not None and last in plan.task_of:
            leading.add(plan.exit_of(last).task_id)
        found |= {task_id, *plan.between(leading - {task_id}, task_id)}
    return found


def _leading(state: State, key: str, step_id: str) -> str | None:
    """Return the step of a list that led to another one there; None where nothing did."""
    steps = state.values(key).steps
    before = [name for name, record in steps.items() if record.next == step_id]
    return max(before, key=lambda name: steps[name].completed_at or "") if before else None


class _Search:
    def __init__(self, state: State, old: Graph, new: Graph) -> None:
        self._state, self._old, self._new = state, old, new
        self._plans = {id(graph): plan_of(graph) for graph in (old, new)}
        self._pointers = _pointers(new.definition) | _pointers(old.definition)

    def of_instance(self) -> Iterator[Obstacle]:
        """Yield what concerns the instance as a whole."""
        state, old, new = self._state, self._old, self._new
        if old.runs_inline != new.runs_inline:
            how = "in one task" if new.runs_inline else "as tasks of their own"
            message = f"The version runs its steps {how}, the instance does not"
            yield Obstacle(MigrationObstacle.EXECUTION_CHANGED, message, pointer="/settings/execution")
        if state.failure is not None:
            message = "The workflow's onFailure handles a failure of the instance"
            yield Obstacle(MigrationObstacle.HANDLING_FAILURE, message, pointer="/onFailure")
        concurrency = old.definition.settings.concurrency, new.definition.settings.concurrency
        if state.queued_at is not None and concurrency[0] != concurrency[1]:
            message = "The instance waits for its turn, and the version limits instances in another way"
            yield Obstacle(MigrationObstacle.LIMIT_CHANGED, message, pointer="/settings/concurrency")
        try:
            accepted_input(new.definition.input_schema, state.input)
        except StepFailure as error:
            yield Obstacle(MigrationObstacle.INPUT_REFUSED, error.message, pointer="/inputSchema")

    def of_stored_steps(self) -> Iterator[Obstacle]:
        """Yield the steps that have run, or are live, and are not where they were."""
        for key in self._state.lists:
            live = [current.step_id for found, current in self._state.live() if found == key]
            for step_id in (*self._state.values(key).steps, *live):
                if self._is_there(step_id):
                    continue
                if step_id in self._new.step_ids:
                    message = f"Step {step_id!r} is in another list of steps"
                    yield self._at(MigrationObstacle.STEP_MOVED, message, step_id)
                else:
                    message = f"The version has no step {step_id!r}, which has run or is live"
                    yield self._at(MigrationObstacle.STEP_REMOVED, message, step_id)

    def of_compensations(self) -> Iterator[Obstacle]:
        """Yield the steps that could not be undone any more (rule F7)."""
        for visit in self._state.completed:
            step_id = visit.step_id
            if step_id not in self._old.step_ids or not self._is_there(step_id):
                continue
            if self._new.step(step_id).compensation is None:
                message = f"Step {step_id!r} has completed, and the version has no compensation for it"
                yield self._at(MigrationObstacle.COMPENSATION_REMOVED, message, step_id)

    def of_live_steps(self) -> Iterator[Obstacle]:
        """Yield the live steps that cannot continue."""
        for key, current in self._state.live():
            step_id = current.step_id
            if not current.is_step or not self._is_there(step_id):
                continue
            if current.phase is Phase.RUNNING:
                message = f"Step {step_id!r} is running"
                yield self._at(MigrationObstacle.STEP_RUNNING, message, step_id, WAIT)
            elif current.phase is Phase.WAITING and self._waits_otherwise(current):
                message = f"Step {step_id!r} waits for what its present version asked for; its task or arguments differ"
                yield self._at(MigrationObstacle.WAIT_CHANGED, message, step_id)
            elif current.phase is Phase.REGION and self._is_restructured(current):
                message = f"Step {step_id!r} has other branches or items, or they run in another way"
                yield self._at(MigrationObstacle.REGION_CHANGED, message, step_id)
            if self._state.failure is None and not self._is_led_to(key, step_id):
                message = f"In the version, step {step_id!r} does not follow the step that led to it"
                yield self._at(MigrationObstacle.PATH_CHANGED, message, step_id)

    def of_reads(self) -> Iterator[Obstacle]:
        """Yield the expressions ahead that read a step which the version adds where the instance has passed already."""
        ahead = self._ahead()
        passed = self._new.step_ids - self._old.step_ids - ahead
        if not passed:
            return
        steps = list(every_step(self._new.definition.steps))
        for path, read in steps_read(Checked(self._new.definition)):
            # The last of those around it is the innermost.
            around = [step.step_id for place, step in steps if path[: len(place)] == place]
            if path[0] == "uiComponents" or (around and around[-1] not in ahead):
                continue
            for step_id in sorted(read & passed):
                message = f"An expression reads step {step_id!r}, which the instance has passed and never runs"
                reader = around[-1] if around else None
                yield Obstacle(MigrationObstacle.RESULT_MISSING, message, reader, pointer_of(path))

    def _at(self, code: MigrationObstacle, message: str, step_id: str, suggestion: str | None = None) -> Obstacle:
        return Obstacle(code, message, step_id, self._pointers.get(step_id, ""), suggestion)

    def _is_there(self, step_id: str) -> bool:
        """Return whether the version has a step in the list in which the instance has it.

        The records of branches that have ended are those of the list around them too, so the definition says where. A
        step that a retry on a newer version has left behind already belongs to no list.
        """
        if step_id not in self._old.step_ids:
            return True
        return step_id in self._new.step_ids and self._new.home(step_id).path == self._old.home(step_id).path

    def _waits_otherwise(self, current: Activation) -> bool:
        """Return whether the attempt that waits could not be continued as the one that it is."""
        step_id = current.step_id
        return self._asked(self._old, step_id) != self._asked(self._new, step_id)

    def _asked(self, graph: Graph, step_id: str) -> tuple[object, ...]:
        step = graph.step(step_id)
        tasks = tuple(graph.tasks.get(task_id) for task_id in step.task_ids)
        return step.task_id, tasks, step.arguments, step.input, self._runs_alone(graph, step_id)

    def _is_restructured(self, current: Activation) -> bool:
        """Return whether branches or items that run are others in the version, or a branch that has ended continues."""
        step_id = current.step_id
        if self._structure(self._old, step_id) != self._structure(self._new, step_id):
            return True
        if current.region is None or not self._runs_alone(self._new, step_id):
            return False
        ended = [key for key in current.region.children if not self._state.lists[key].is_running]
        return any(self._ends(self._old, step_id, key) != self._ends(self._new, step_id, key) for key in ended)

    def _ends(self, graph: Graph, step_id: str, key: str) -> frozenset[str]:
        plan = self._plans[id(graph)]
        return plan.ends_of(plan.exit_of(step_id).task_id, list_path(key))

    def _structure(self, graph: Graph, step_id: str) -> tuple[object, ...]:
        step = graph.step(step_id)
        inner = sorted((each.branch_id or "", sorted(each.names)) for each in inner_lists(step))
        return inner, step.for_each is not None, graph.must_run_inline(step), self._runs_alone(graph, step_id)

    def _runs_alone(self, graph: Graph, step_id: str) -> bool:
        """Return whether a step has a task of its own; what waits inside a task of several steps waits differently."""
        plan = self._plans[id(graph)]
        return plan.node(task_in(graph, plan, step_id)).kind == "step"

    def _is_led_to(self, key: str, step_id: str) -> bool:
        found, last = self._new.lists[list_path(key)], _leading(self._state, key, step_id)
        if last is None:
            return found.entry == step_id
        return last in found.by_id and step_id in self._new.successors(found, last)

    def _ahead(self) -> set[str]:
        """Return the steps of the version that the instance may still run, the live ones included."""
        ahead: set[str] = set()
        for _, current in self._state.live():
            if not self._is_there(current.step_id):
                continue
            found = self._new.home(current.step_id)
            forked = current.phase is Phase.REGION
            starts = self._new.successors(found, current.step_id) if forked else (current.step_id,)
            for name in reachable(starts, partial(self._new.successors, found)) - {ON_FAILURE}:
                ahead.update(_within(self._new.step(name)))
            # Its output, and the items that have not begun, are ahead although it has begun.
            step = self._new.step(current.step_id)
            ahead.update(_within(step) if step.for_each is not None else {step.step_id})
        return ahead


def _within(step: Step) -> set[str]:
    """Return a step and the steps inside it."""
    return {each.step_id for _, each in every_step((step,))}


def _pointers(definition: WorkflowDefinition) -> dict[str, str]:
    return {step.step_id: pointer_of(path) for path, step in every_step(definition.steps)}
