"""What a definition may start and publish: as much as its publisher; recorded with the version, checked in runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.reach import Path, Problem
from airflow_workflow_provider.model.references import Reference, is_child_workflow
from airflow_workflow_provider.model.ways import every_step
from airflow_workflow_provider.model.words import shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition

EVENT: Final = "event"
"""The built-in task that publishes an event."""


@dataclass(frozen=True)
class Grants:
    """What the publisher of a version was allowed, kept with the version and asked again in every run.

    :param children: the workflows that its steps may start
    :param events: whether its steps may publish events
    :param older: whether the version was published before grants were recorded. It keeps running as it did: what an
        administrator would have to allow since then is not asked of it, what protects secrets is
    """

    children: frozenset[str] = frozenset()
    events: bool = False
    older: bool = False

    def to_json(self) -> dict[str, Any] | None:
        """Return it as it is stored; null for an older version."""
        return None if self.older else {"children": sorted(self.children), "events": self.events}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> Grants:
        """Return what :meth:`to_json` wrote."""
        if value is None:
            return cls(older=True)
        return cls(frozenset(value.get("children", ())), bool(value.get("events")))

    def child_problem(self, workflow_id: str) -> Problem | None:
        """Return why a step of the version may not start a workflow, or None where it may."""
        if self.older or workflow_id in self.children:
            return None
        return _not_granted(f"start the workflow {shown(workflow_id)}")

    def event_problem(self) -> Problem | None:
        """Return why a step of the version may not publish events, or None where it may."""
        return None if self.older or self.events else _not_granted("publish events")

    @classmethod
    def of_administrator(cls, definition: WorkflowDefinition) -> Grants:
        """Return the grants of who may do everything: all that the definition names."""
        return cls(frozenset(workflow_id for _, workflow_id in sub_workflows(definition)), events=True)


@dataclass(frozen=True)
class Needs:
    """What the steps of a definition need of its publisher's rights, each with its place.

    :param children: the workflows that steps start
    :param events: steps that publish events
    """

    children: tuple[tuple[Path, str], ...] = ()
    events: tuple[Path, ...] = ()

    @classmethod
    def of(cls, definition: WorkflowDefinition, operator_of: Callable[[str], str | None]) -> Needs:
        """Return what a definition needs.

        :param operator_of: gives the operator behind a task id
        """
        events = (path for path, task_id in task_references(definition) if operator_of(task_id) == EVENT)
        return cls(tuple(sub_workflows(definition)), tuple(events))

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON value."""
        return {
            "children": [[list(path), workflow_id] for path, workflow_id in self.children],
            "events": [list(path) for path in self.events],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Needs:
        """Return what :meth:`to_json` wrote."""
        children = tuple((tuple(path), workflow_id) for path, workflow_id in value["children"])
        return cls(children, tuple(tuple(path) for path in value["events"]))


@dataclass(frozen=True)
class Publisher:
    """What somebody who publishes may do, as Airflow's auth manager says.

    :param may_start: returns for a workflow's id whether they may start it
    :param may_publish_events: returns whether they may publish events
    """

    may_start: Callable[[str], bool]
    may_publish_events: Callable[[], bool]

    def grants(self, needs: Needs) -> tuple[Grants, list[tuple[Path, Problem]]]:
        """Return what a definition gets of this publisher's rights, and what it needs beyond them."""
        asked = dict.fromkeys(workflow_id for _, workflow_id in needs.children)
        children = frozenset(workflow_id for workflow_id in asked if self.may_start(workflow_id))
        problems = [
            (path, not_yours(f"start the workflow {shown(workflow_id)}"))
            for path, workflow_id in needs.children
            if workflow_id not in children
        ]
        events = self.may_publish_events()
        if not events:
            problems += [(path, not_yours("publish events")) for path in needs.events]
        return Grants(children, events), problems


def not_yours(what: str) -> Problem:
    """Return the finding about something that the publisher may not do themselves."""
    return Problem(
        "WF414",
        f"You may not {what}, so you cannot publish a definition that does",
        "have a user with this permission publish it, or ask an administrator for the permission",
    )


def _not_granted(what: str) -> Problem:
    advice = "have a user with this permission publish a new version"
    return Problem("WF414", f"The publisher of this version of the workflow may not {what}", advice)


def task_references(definition: WorkflowDefinition) -> Iterator[tuple[Path, str]]:
    """Yield every task id of a definition with its place, compensations, branches and items included."""
    for place, step in every_step(definition.steps):
        yield from task_places(place, step)
        if step.compensation is not None:
            yield (*place, "compensation", "taskId"), step.compensation.task_id


def task_places(place: Path, step: Step) -> Iterator[tuple[Path, str]]:
    """Yield each task that a step can run, with where the step at a place names it (rules K1, K5)."""
    if step.choice is None:
        yield from (((*place, "taskId"), task_id) for task_id in step.task_ids)
    else:
        yield from (((*place, "taskId", "oneOf", number), each) for number, each in enumerate(step.choice.one_of))


def sub_workflows(definition: WorkflowDefinition) -> Iterator[tuple[Path, str]]:
    """Yield the ids of the workflows that a definition starts, with their places (rule P5)."""
    for path, task_id in task_references(definition):
        if is_child_workflow(task_id):
            yield path, Reference.of(task_id).workflow_id
