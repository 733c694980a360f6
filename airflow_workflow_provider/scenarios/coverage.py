"""Which steps and ways of definitions some runs took: transitions, handlers, branches, items and compensations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.ways import Way, WayKind, ways_of_workflow
from airflow_workflow_provider.views.history import Happening, path_taken, spans_of

if TYPE_CHECKING:
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.model.definition import WorkflowDefinition

KINDS: Final[Mapping[WayKind, str]] = {
    WayKind.NEXT: "transitions",
    WayKind.FAILURE: "handlers",
    WayKind.BRANCH: "branches",
    WayKind.ITEMS: "items",
    WayKind.COMPENSATION: "compensations",
}
"""What the ways of each kind are called in reports."""


@dataclass
class Coverage:
    """How often the steps of one definition were visited, and its ways taken.

    :param definition: the definition
    :param ways: its ways, in document order
    :param steps: its steps, in document order
    """

    definition: WorkflowDefinition
    ways: tuple[Way, ...]
    steps: tuple[str, ...]
    taken: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, definition: WorkflowDefinition) -> Coverage:
        """Return the coverage of a definition before anything ran."""
        graph = Graph.of(definition)
        steps = [step.step_id for found in graph.lists.values() for step in found.steps]
        ways = [way for step_id in steps for way in graph.home(step_id).flow.ways(step_id)]
        return cls(definition, (*ways, *ways_of_workflow(definition)), tuple(steps))

    def add(self, graph: Graph, run: Simulation) -> None:
        """Count what one run took."""
        if run.final is None:
            return
        happenings = [
            Happening(
                event.at,
                event.name,
                event.step_id,
                event.scope,
                event.visit or 0,
                event.attempt or 0,
                event.data.get("next"),
                event.data.get("way"),
            )
            for event in run.trace
            if event.step_id is not None
        ]
        spans = spans_of(graph, happenings, run.final, run.ended_at)
        visits = {(span.scope, span.step_id, span.visit) for span in spans if span.kind == "step"}
        self.begun.update(step_id for _, step_id, _ in visits)
        for taken in path_taken(graph, spans, run.final):
            if taken.way is not None:
                self.taken[taken.way] += taken.count

    def missed(self) -> list[Way]:
        """Return the ways that were never taken."""
        return [way for way in self.ways if not self.taken[way.id]]

    def counts(self) -> dict[str, tuple[int, int]]:
        """Return, of the steps and of each kind of ways, how many were taken and how many there are."""
        found = {"steps": (sum(bool(self.begun[step]) for step in self.steps), len(self.steps))}
        for kind, name in KINDS.items():
            ways = [way for way in self.ways if way.kind is kind]
            found[name] = (sum(bool(self.taken[way.id]) for way in ways), len(ways))
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON; ``graph --coverage`` reads it."""
        return {
            "workflowId": self.definition.workflow_id,
            "version": self.definition.version,
            "percent": percent([self]),
            "totals": {name: {"taken": taken, "of": of} for name, (taken, of) in self.counts().items()},
            "steps": {step: self.begun[step] for step in self.steps},
            "ways": {way.id: self.taken[way.id] for way in self.ways},
            "missed": [way.id for way in self.missed()],
        }


def percent(covered: Iterable[Coverage]) -> float:
    """Return how many of the ways of some definitions were taken, in per cent, rounded down to a tenth."""
    taken = of = 0
    for each in covered:
        taken += len(each.ways) - len(each.missed())
        of += len(each.ways)
    return 100.0 if not of else taken * 1000 // of / 10
