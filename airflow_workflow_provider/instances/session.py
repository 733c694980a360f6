"""The instance of a DAG run: the machine under the row's lock, and the log written with it (rule I2).

Airflow tasks, listeners and people change an instance in this one way: read it under its lock, let the machine decide,
store state and log, commit. No Airflow import here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID

from pydantic.alias_generators import to_camel

from airflow_workflow_provider.bounded.doors import Door, behind, renewed
from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.engine.calls import Options
from airflow_workflow_provider.engine.failure import Failure, moment
from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.engine.values import unusable_in
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.admission import admission
from airflow_workflow_provider.instances.configured import configured_database
from airflow_workflow_provider.instances.given import given_to
from airflow_workflow_provider.instances.keeping import keep, masker_of
from airflow_workflow_provider.instances.run_conf import ABOUT, START, input_of
from airflow_workflow_provider.instances.stored import StateRestored, Stored
from airflow_workflow_provider.instances.unsaved import unsaved
from airflow_workflow_provider.model.definition import RetryPolicy
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.held import HeldInstance
from airflow_workflow_provider.store.inserting import NewInstance
from airflow_workflow_provider.store.instances import Instance, Instances, Record, instance_id
from airflow_workflow_provider.store.journal import by, entries, metadata_of
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.store.starts import Announced, read
from airflow_workflow_provider.vocabulary import LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.masking import Masker
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.store.types import Connection

T = TypeVar("T")

PARENT: Final = "parent"
"""Key of what is announced, and of the state's ``instance``: the step that waits for it; see :class:`Parent`."""

API_RUN_PREFIX: Final = "api__"
"""How the ids of runs begin that our own API makes."""

STARTED: Final = LogEvent.INSTANCE_STARTED
TRIGGERED: Final = LogEvent.AIRFLOW_TRIGGERED


@dataclass(frozen=True)
class Parent:
    """The attempt of a step that started an instance and waits for it (rule P5).

    :param depth: how many instances are around the one that it starts
    """

    instance_id: str
    scope: str
    step_id: str
    visit: int
    attempt: int
    depth: int

    def to_json(self) -> Json:
        """Return it as a run's ``conf`` keeps it."""
        return {to_camel(key): value for key, value in vars(self).items()}

    @classmethod
    def from_json(cls, value: Json) -> Parent:
        """Return what :meth:`to_json` wrote."""
        return cls(**{name: value[to_camel(name)] for name in cls.__dataclass_fields__})

    def waits(self, state: State) -> bool:
        """Return from the state of its instance whether the attempt is still alive."""
        current = state.live_step(self.scope, self.step_id)
        return current is not None and (self.visit, self.attempt) == (current.visit, current.attempt)


@dataclass(frozen=True)
class Run:
    """A DAG run, as far as its instance needs to know.

    :param conf: the run's ``conf``: the input, and :data:`ABOUT`; users write their own
    :param triggered_by: the user who triggered it, as Airflow shows them; null where no user did
    """

    dag_id: str
    run_id: str
    conf: Mapping[str, JsonValue] = field(default_factory=dict)
    triggered_by: str | None = None

    @property
    def instance_id(self) -> UUID:
        """The id of its instance."""
        return instance_id(self.dag_id, self.run_id)

    @property
    def input(self) -> Json:
        """The input as it was given."""
        return input_of(self.conf)

    @property
    def kept_input(self) -> Json:
        """The input as far as the store can have it: whole, or none of it."""
        return {} if unusable_in(self.input) else self.input

    @property
    def _about(self) -> Json:
        found = self.conf.get(ABOUT)
        return found if isinstance(found, dict) and not unusable_in(found) else {}

    def is_of(self, announced: Announced | None) -> bool:
        """Return whether the run was made by the start that was announced."""
        said = self._about.get(START, "")
        return announced is not None and isinstance(said, str) and said == announced.token

    def parent_in(self, instance: Instance) -> Parent | None:
        """Return the step that waits for the run, if one does, from its instance as it is stored."""
        parent = instance.state.instance.parent
        if parent is not None:
            return Parent.from_json(parent)
        if instance.parent_instance_id is None:
            return None
        # Made before parents were kept: then the row says which instance it was, and the conf which attempt.
        try:
            found = Parent.from_json(self._about[PARENT])
        except (KeyError, TypeError):
            return None
        return found if found.instance_id == str(instance.parent_instance_id) else None


def options_of(settings: Settings) -> Options:
    """Return the machine's bounds and defaults as they are configured."""
    return Options(
        max_output_bytes=settings.max_output_bytes, default_retry=RetryPolicy.model_validate(settings.default_retry)
    )


@cache
def own_limits() -> Inside:
    """Return the limits within which the process of a task evaluates."""
    return Inside(Limits.configured(load_settings()))


class InstanceSession:
    """Reads and changes the instance of one DAG run.

    :param graph: the definition that the instance keeps
    :param revision: the definition's revision
    :param run: the DAG run
    :param instances: the store, by default the configured one
    :param mask: masks more than the definition asks for, such as Airflow's secrets masker
    :param door: within which limits the machine evaluates; by default within those of the context
    """

    def __init__(
        self,
        graph: Graph,
        revision: int,
        run: Run,
        *,
        instances: Instances | None = None,
        settings: Settings | None = None,
        mask: Callable[[JsonValue], JsonValue] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        door: Door | None = None,
    ) -> None:
        self._door = door
        self.graph = graph
        self.run = run
        self.settings = settings or load_settings()
        self.clock = clock
        self._revision = revision
        self._instances = instances or Instances(configured_database(self.settings))
        self._mask = mask or (lambda value: value)
        self._options = options_of(self.settings)
        self._changed: Machine | None = None
        self._masker: Masker | None = None
        self.stored = Stored()

    @property
    def instance_id(self) -> UUID:
        """The id of the instance."""
        return self.run.instance_id

    def change(self, work: Callable[[Machine], T], *, create: bool = True) -> T:
        """Let ``work`` change the instance in one transaction; done again from the start when the connection is lost.

        :param work: gets the machine; when it meets its own result, it must do nothing
        :param create: make the instance when this is the first to need it
        :raises NotFound: there is no instance and ``create`` is False, or the workflow was never published
        :raises StateRestored: what is stored is older than what this session has stored
        :raises StoreUnavailable: the database could not be reached
        """

        def within(record: Record) -> tuple[T, Stored]:
            machine = self._machine(record)
            done = work(machine)
            self._save(record, machine)
            return done, Stored(machine.state.sequence, machine.is_over)

        with self._limited():
            done, self.stored = self._instances.update(self.instance_id, within, self._new if create else None)
        return done

    def open(self) -> Instance:
        """Return the instance as it is stored, made if this is the first to need it; raises as :meth:`change` does."""
        # An accepted input must not be refused because its first check has used most of the request's time.
        with renewed():
            self.change(lambda _: None)
        return self._instances.get(self.instance_id)

    def unsaved(self, definition: UUID, about: Json) -> Instance:
        """Return the instance as its first step will write it.

        :param definition: the id of its workflow
        :param about: what is known about its start beside the input
        """
        with renewed(), self._limited():
            return unsaved(self._first(about), definition, self.clock())

    def turns(self) -> Callable[[], AbstractContextManager[Machine]]:
        """Return what gives the machine for a turn and stores it after; for one who changes the instance many times.

        Between turns the instance stays in memory. A turn that somebody else's change has overtaken is not stored: its
        end raises :class:`ChangedMeanwhile`.
        """
        held = HeldInstance(self._instances.database, self.instance_id, self._new)

        @contextmanager
        def turn() -> Iterator[Machine]:
            with self._limited():
                record = held.read()
                try:
                    machine = self._machine(record)
                    yield machine
                    self._save(record, machine)
                    stored = Stored(machine.state.sequence, machine.is_over)
                    held.write(record)
                    self.stored = stored
                except BaseException:
                    held.forget()  # The state in memory has changed already.
                    raise

        return turn

    def stop_if_abandoned(self) -> None:
        """Cancel the instance of a child whose parent does not wait for it any more (rule P5)."""
        parent = self._parent()
        if parent is None:
            return
        try:
            waits = parent.waits(self._instances.get(UUID(parent.instance_id)).state)
        except NotFound:
            waits = False
        if not waits:
            reason = "The step that started it no longer waits for it"
            self.change(lambda machine: cancel(machine, reason, self.clock()))

    def _parent(self) -> Parent | None:
        if ABOUT not in self.run.conf:
            return None
        try:
            return self.run.parent_in(self._instances.get(self.instance_id))
        except NotFound:
            self.change(lambda _: None)
            return self.run.parent_in(self._instances.get(self.instance_id))

    def look(self, work: Callable[[Machine], T]) -> T:
        """Return what ``work`` reads from the instance as it is now; nothing is stored.

        :raises NotFound: there is no instance
        """
        stored = self._instances.get(self.instance_id)
        with self._limited():
            return work(Machine(self.graph, stored.state, self._options))

    def masked(self, value: JsonValue) -> JsonValue:
        """Return a value as it may be shown, without the secrets that the instance had at its last change (L4)."""
        if self._masker is None and self._changed is not None:
            self._masker = masker_of(self._changed, self._mask)
        elif self._masker is None:
            self._masker = self.look(lambda machine: masker_of(machine, self._mask))
        return self._masker.mask(value)

    def _machine(self, record: Record) -> Machine:
        if record.state.sequence < self.stored.position:
            raise StateRestored
        machine = Machine(self.graph, record.state, self._options)
        # For metrics, whatever the definition has logged.
        machine.log.trace = []
        return machine

    def _limited(self) -> AbstractContextManager[None]:
        return nullcontext() if self._door is None else behind(self._door)

    def _save(self, record: Record, machine: Machine) -> None:
        keep(record, machine, self.clock())
        self._changed, self._masker = machine, None
        record.log(self._entries(machine))

    def _entries(self, machine: Machine) -> list[LogEntry]:
        events = machine.drain_events()
        if not events:
            return []
        self._masker = masker_of(machine, self._mask)
        state, log = machine.state, self.graph.definition.execution_log
        names = log.metadata if log is not None else ()
        return entries(
            events,
            self._masker,
            metadata_of(names, self.run.kept_input, state.event, state.input),
        )

    def _new(self, connection: Connection) -> NewInstance:
        """Return the instance as it is before its first step (rules I2, X6)."""
        announced = read(connection, self.instance_id) if ABOUT in self.run.conf else None
        about = announced.about if announced is not None and self.run.is_of(announced) else {}
        return self._first(about, connection)

    def _first(self, about: Json, connection: Connection | None = None) -> NewInstance:
        run, definition, now = self.run, self.graph.definition, self.clock()
        parent = Parent.from_json(about[PARENT]) if about.get(PARENT) else None
        instance = InstanceFacts(
            str(run.instance_id),
            definition.workflow_id,
            definition.version,
            about.get("correlationId"),
            depth=parent.depth if parent is not None else 0,
            parent=about.get(PARENT),
            # Of a child, who started its parent.
            started_by={"name": run.triggered_by} if run.triggered_by is not None else about.get("startedBy"),
        )
        event, given = given_to(definition, run.run_id, run.conf, instance.id, about.get("event"))
        machine = self._started(instance, event, given, now)
        admitted = None if connection is None or machine.is_over else admission(connection, machine, now)
        if admitted is not None and admitted.refused is not None:
            kept = machine.state.input
            machine = self._refused(instance, event, kept, admitted.refused, now)
        state = machine.state
        return NewInstance(
            dag_id=run.dag_id,
            run_id=run.run_id,
            workflow_id=definition.workflow_id,
            version=definition.version,
            revision=self._revision,
            input=state.input,
            state=state,
            correlation_id=instance.correlation_id,
            event=event,
            parent_instance_id=UUID(parent.instance_id) if parent is not None else None,
            parent_step_id=parent.step_id if parent is not None else None,
            started_at=now,
            deadline_at=moment(state.instance.deadline) if state.instance.deadline else None,
            status=machine.status,
            current_step_id=machine.current_step_id,
            log=self._beginning(machine, now, about.get("via", "api")),
            announced=bool(about),
            claim=admitted.claim if admitted is not None and not machine.is_over else None,
            replaces=admitted is not None and admitted.replaces,
        )

    def _beginning(self, machine: Machine, now: datetime, via: str) -> list[LogEntry]:
        """Return the first rows of the log; they show who triggered the run, if a user did (rule L1)."""
        rows, name = self._entries(machine), self.run.triggered_by
        if name is None:
            return rows
        # Airflow keeps the name only.
        actor = {"id": name, "name": name}
        if self.run.run_id.startswith(API_RUN_PREFIX):
            return [by(row, actor, via) if row.event == STARTED else row for row in rows]
        # Users may copy the conf of another run; only the input in it counts.
        ignored = {"ignored": [ABOUT]} if ABOUT in self.run.conf else {}
        return [LogEntry(TRIGGERED, at=now, actor=actor, data={"via": "airflow", **ignored}), *rows]

    def _started(self, instance: InstanceFacts, event: Json | None, given: Json | Failure, now: datetime) -> Machine:
        if isinstance(given, Failure):
            return self._refused(instance, event, self.run.kept_input, given, now)
        return Machine.start(self.graph, instance, given, now=now, event=event, options=self._options)

    def _refused(
        self, instance: InstanceFacts, event: Json | None, kept: Json, failure: Failure, now: datetime
    ) -> Machine:
        return Machine.refused(self.graph, instance, kept, failure, now=now, event=event, options=self._options)
