"""The outside world of simulated instances: events that arrive, and people who answer, in virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.engine.events import ENDS
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.events import CloudEvent, parse_event
from airflow_workflow_provider.model.json_schema.canonical import canonical
from airflow_workflow_provider.model.patterns import matches, values_at
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.errors import WorkflowsError
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.model.scenario import Arrival, GivenAnswer

WINDOW: Final = timedelta(minutes=5)
"""How long an event counts that arrived before a step began to wait, as ``[workflows] receive_window`` does."""

_EVENT_DEFAULTS: Final = {"specversion": "1.0", "source": "/scenario"}


def scripted_event(given: Mapping[str, Any], name: str, pointer: str) -> CloudEvent:
    """Return an event of a scenario, which may leave out what every event has.

    :param name: its id if it has none
    :param pointer: where it is, for findings about it
    """
    return parse_event({**_EVENT_DEFAULTS, "id": name, **given}, pointer)


def later(start: datetime, after: str, pointer: str) -> datetime:
    """Return the time that is a duration after another.

    :raises Misuse: it is beyond the year 9999
    """
    try:
        return start + parse_duration(after)
    except OverflowError as error:
        message = f"{after!r} after {start:%Y-%m-%d} is beyond the year 9999"
        raise Misuse(message, code=ProblemCode.BAD_REQUEST, pointer=pointer) from error


def arrivals(events: Iterable[Arrival], start: datetime) -> list[tuple[datetime, CloudEvent]]:
    """Return the events that arrive in a scenario, each with its time, in the order in which they come."""
    found = [
        (
            later(start, each.after, f"/events/{number}/after"),
            scripted_event(each.event, f"event-{number}", f"/events/{number}/event"),
        )
        for number, each in enumerate(events)
    ]
    return sorted(found, key=lambda each: each[0])


@dataclass
class World:
    """What happens outside of the instances of one simulation.

    :param events: the events that arrive, each with its time, in order
    :param answers: what people answer, by the stepId of the question
    :param window: how long an event counts before a step waits for it
    :ivar problems: answers that were refused, as text
    :ivar received: the positions of the events that a step received
    """

    events: Sequence[tuple[datetime, CloudEvent]] = ()
    answers: Mapping[str, Sequence[GivenAnswer]] = field(default_factory=dict)
    window: timedelta = WINDOW
    problems: list[str] = field(default_factory=list)
    received: set[int] = field(default_factory=set)
    _left: dict[str, Iterator[GivenAnswer]] = field(default_factory=dict)

    def next_answer(self, step_id: str) -> GivenAnswer | None:
        """Return the next answer to the questions of a step, and use it up."""
        return next(self._left.setdefault(step_id, iter(self.answers.get(step_id, ()))), None)

    def unasked(self) -> Iterator[str]:
        """Yield the steps whose answers nobody asked for to the last; these are used up."""
        for step_id in self.answers:
            if self.next_answer(step_id) is not None:
                yield step_id


class Inbox:
    """The events that one instance receives (rule E5).

    :param world: the events that arrive
    :param trigger: the event that started the instance, which no step receives
    """

    def __init__(self, world: World, trigger: Json | None) -> None:
        self.world = world
        self._trigger = None if trigger is None else (trigger.get("source"), trigger.get("id"))
        self._received: dict[tuple[str, str, int], tuple[datetime, int]] = {}

    def of(self, call: Call, now: datetime) -> ReachedCall:
        """Return what reaches a call that begins now."""
        return ReachedCall(self, call, now)

    def receive(
        self, call: Call, now: datetime, pattern: str, correlation: Mapping[str, Any], until: datetime | None
    ) -> tuple[datetime, CloudEvent] | None:
        """Return the first event that a call may have, and when it gets it; another attempt gets the same one."""
        own = (call.scope, call.step_id, call.visit)
        known = self._received.get(own)
        if known is not None and known[0] <= now:
            return now, self.world.events[known[1]][1]
        taken = {
            number
            for visit, (at, number) in self._received.items()
            if at <= now and _is_same_path(visit[0], call.scope)
        }
        wanted = canonical(dict(correlation))
        for number, (at, event) in enumerate(self.world.events):
            if number in taken or at < now - self.world.window or event.key == self._trigger:
                continue
            values = values_at(event.data, correlation)
            if values is None or canonical(values) != wanted or not matches(pattern, event.type):
                continue
            if until is not None and at >= until:
                return None
            came = max(at, now)
            self._received[own] = came, number
            return came, event
        return None

    def settle(self, ended: Simulation) -> None:
        """Note in the world what the instance received: not what came after its step, or itself, had ended."""
        ends = {(event.scope, event.step_id, event.visit): event.at for event in ended.trace if event.name in ENDS}
        self.world.received |= {
            number for own, (came, number) in self._received.items() if came <= ends.get(own, ended.ended_at)
        }


@dataclass
class ReachedCall:
    """What reaches one call from outside.

    :param now: when the call began
    """

    inbox: Inbox
    call: Call
    now: datetime
    _at: datetime | None = None

    def event(
        self, pattern: str, correlation: Mapping[str, Any], until: datetime | None
    ) -> tuple[datetime, CloudEvent] | None:
        """Return the event that the step receives, and when; None where none comes in time."""
        return self.inbox.receive(self.call, self.now, pattern, correlation, until)

    def answer(self, until: datetime | None) -> tuple[datetime, GivenAnswer] | None:
        """Return the next answer to the step's question, and when it is given; one that comes too late is refused."""
        world, step_id = self.inbox.world, self.call.step_id
        while (given := world.next_answer(step_id)) is not None:
            at = max(self._at or self.now, later(self.now, given.after, f"/answers/{step_id}"))
            if until is None or at < until:
                self._at = at
                return at, given
            world.problems.append(f"answers/{step_id}: {given.by!r} answered after {given.after}, which is too late")
        return None

    def refused(self, error: WorkflowsError) -> None:
        """Note that an answer is invalid."""
        self.inbox.world.problems.append(f"answers/{self.call.step_id}: {error.message}")


def _is_same_path(scope: str, other: str) -> bool:
    """Return whether a step list is another one, or around it, or inside it; branches beside each other are not."""
    return scope == other or not scope or not other or scope.startswith(f"{other}/") or other.startswith(f"{scope}/")
