"""Runs scenarios in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.triggering import transformed
from airflow_workflow_provider.errors import Misuse, WorkflowsError
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.references import Reference, referred
from airflow_workflow_provider.model.scenario import PATH_LINE
from airflow_workflow_provider.model.words import did_you_mean, listed
from airflow_workflow_provider.scenarios.coverage import Coverage
from airflow_workflow_provider.scenarios.expecting import differs, path_differs
from airflow_workflow_provider.tasks.world import WINDOW, World, arrivals, scripted_event
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.scenario import Expected, Scenario
    from airflow_workflow_provider.tasks.mocks import Simulator

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""When a scenario begins that does not say it."""


@dataclass(frozen=True)
class Result:
    """What became of one scenario.

    :param file: the file that it is in
    :param name: its name
    :param workflow: the workflow that it tests
    :param failures: how the run differs from what is expected
    :param error: why it could not be run, if it could not
    """

    file: str
    name: str
    workflow: str
    failures: tuple[str, ...] = ()
    error: str | None = None

    @property
    def passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.failures and self.error is None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "file": self.file,
            "name": self.name,
            "workflow": self.workflow,
            "passed": self.passed,
            "failures": list(self.failures),
            "error": self.error,
        }


@dataclass
class Runner:
    """Runs scenarios, and counts the ways that they take.

    :param simulator: has the tasks, the definitions and the bounds
    :param refused: why a definition cannot be run, by workflowId
    :param window: how long an event counts before a step waits for it
    :param files: where each definition is, by workflowId and version
    """

    simulator: Simulator
    refused: Mapping[str, str] = field(default_factory=dict)
    window: timedelta = WINDOW
    files: Mapping[tuple[str, str], str] = field(default_factory=dict)
    coverage: dict[tuple[str, str], Coverage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.simulator.workflows.values():
            self.coverage[each.workflow_id, each.version] = Coverage.of(each)
        self.simulator.ended = self._count
        self._unmocked: list[str] = []
        self.simulator.warn = self._unmocked.append

    def run(self, file: str, workflow: str, scenario: Scenario) -> Result:
        """Run one scenario to its end, and compare."""

        def result(**more: Any) -> Result:
            return Result(file, scenario.name, workflow, **more)

        self._unmocked.clear()
        try:
            definition = self._definition(workflow)
            ran, world, now = self._simulate(definition, scenario)
        except WorkflowsError as error:
            way_out = f" ({error.suggestion})" if error.suggestion else ""
            return result(error=f"{error.code}: {error.message}{way_out}")
        surroundings = [*world.problems, *_unused(scenario, world)]
        failures = [*self._unmocked, *surroundings, *mismatches(scenario.expect, ran, ran.ended_at - now)]
        return result(failures=tuple(failures))

    def _definition(self, workflow: str) -> WorkflowDefinition:
        found = referred(self.simulator.workflows, workflow)
        if found is not None:
            return found
        wanted = Reference.of(workflow).workflow_id
        if wanted in self.refused:
            message = f"The definition of {wanted!r} is invalid: {self.refused[wanted]}"
            raise Misuse(message, code=ProblemCode.INVALID_DEFINITION)
        known = sorted(self.simulator.workflows)
        message = f"There is no definition {workflow!r}"
        hint = did_you_mean(workflow, known) or f"known are {listed(known)}"
        raise Misuse(message, code=ProblemCode.NOT_FOUND, suggestion=hint)

    def _simulate(self, definition: WorkflowDefinition, scenario: Scenario) -> tuple[Simulation, World, datetime]:
        self._check_names(definition, scenario)
        now = scenario.start or START
        event = None if scenario.event is None else scripted_event(scenario.event, "event", "/event")
        world = World(arrivals(scenario.events, now), scenario.answers, self.window)
        given = scenario.input or {}
        if event is not None:
            given = transformed(definition, event, f"scenario/{definition.workflow_id}", now)
        mocks = {
            name: [each.model_dump(by_alias=True, exclude_unset=True) for each in outcomes]
            for name, outcomes in scenario.mocks.items()
        }
        ran = self.simulator.run(
            definition, given, mocks, now=now, event=None if event is None else event.to_json(), world=world
        )
        return ran, world, now

    def _check_names(self, definition: WorkflowDefinition, scenario: Scenario) -> None:
        """Refuse a scenario that names a step that there is not: what it expects of it would hold always."""
        own = set(self.coverage[definition.workflow_id, definition.version].steps)
        every = own.union(*(each.steps for each in self.coverage.values()))
        lines = (PATH_LINE.fullmatch(line) for line in scenario.expect.path or ())
        named = [("expect/steps", name, own) for name in scenario.expect.steps]
        named += [("expect/path", line["step"], own) for line in lines if line is not None]
        named += [("answers", name, every) for name in scenario.answers]
        for place, name, known in named:
            if name not in known:
                message = f"{place}: {definition.workflow_id!r} has no step {name!r}"
                hint = did_you_mean(name, known) or f"known are {listed(known)}"
                raise Misuse(message, code=ProblemCode.UNKNOWN_STEP, suggestion=hint)

    def _count(self, graph: Graph, run: Simulation) -> None:
        found = self.coverage.get((graph.definition.workflow_id, graph.definition.version))
        if found is not None:
            found.add(graph, run)


def _unused(scenario: Scenario, world: World) -> Iterator[str]:
    """Yield the events and answers that nobody waited for: the scenario does not test what it says."""
    # The world has the events in the order in which they come.
    order = sorted(range(len(scenario.events)), key=lambda number: parse_duration(scenario.events[number].after))
    received = {order[number] for number in world.received}
    for number, arrival in enumerate(scenario.events):
        if arrival.ignored == (number in received):
            message = "a step received it" if arrival.ignored else "no step received it; if none has to, it is ignored"
            yield f"events[{number}]: {message}"
    for step_id in world.unasked():
        yield f"answers/{step_id}: no question asked for the last of them"


def mismatches(expected: Expected, ran: Simulation, elapsed: timedelta) -> Iterator[str]:
    """Yield how a run differs from what is expected.

    :param elapsed: virtual time from start to end
    """
    given = expected.model_fields_set
    status = expected.status or ("failed" if expected.error is not None else "completed")
    if ran.status != status:
        reason = "" if ran.error is None else f": {ran.error.get('type')}: {ran.error.get('message')}"
        yield f"status: expected {status}, got {ran.status}{reason}"
    if expected.path is not None:
        yield from path_differs(expected.path, ran.path)
    yield from _steps_differ(expected.steps, ran.state["steps"])
    compared: list[tuple[str, Any, Any, bool]] = [
        ("output", expected.output, ran.output, True) if "output" in given else ("", None, None, True),
        ("output", expected.output_includes or {}, ran.output or {}, False),
        ("error", expected.error or {}, ran.error or {}, False),
        ("data", expected.data or {}, ran.state["data"], False),
        ("variables", expected.variables or {}, ran.state["variables"], False),
    ]
    for what, wanted, actual, exact in compared:
        yield from differs(what, wanted, actual, exact=exact)
    if expected.log is not None:
        yield from differs("log", list(expected.log), [str(event.name) for event in ran.events], exact=True)
    if expected.elapsed is not None:
        yield from differs("elapsed", parse_duration(expected.elapsed), elapsed, exact=True)


def _steps_differ(expected: Mapping[str, str | None], steps: Mapping[str, Any]) -> Iterable[str]:
    for step_id, status in expected.items():
        actual = (steps.get(step_id) or {}).get("status")
        if actual != status:
            yield f"steps.{step_id}: expected {status or 'not to run'}, got {actual or 'that it did not run'}"
