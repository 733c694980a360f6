"""The machine: what an outcome means and what happens next, as a function of graph and state.

The machine owns the meaning of a definition; three hosts own the doing. A host asks for the activations that are
:meth:`~Machine.ready`, begins one, runs its task and reports the result or the failure; the machine folds that into
the state, decides, and activates what follows. It never waits, never looks at a clock and never calls a task, so the
same state and the same outcomes always lead to the same decisions:

* ``simulate`` holds the state in memory and runs mocked tasks in virtual time,
* an inline region runs inside one Airflow task and stores the state after every call,
* with an Airflow task per step, Airflow's scheduler starts what the machine activated.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from typing import Any, Final, TYPE_CHECKING

from airflow_workflow_provider.engine import closing, regions
from airflow_workflow_provider.engine.bindings import (
    Uuids,
    apply_transform,
    bindings_of,
    expression_error,
    names_in,
    resolve_arguments,
)
from airflow_workflow_provider.engine.bindings import (
    holds as condition_holds,
)
from airflow_workflow_provider.engine.events import Event, EventLog, operands
from airflow_workflow_provider.engine.failure import (
    LOOP_LIMIT_EXCEEDED,
    NO_TRANSITION_MATCHED,
    TIMEOUT_ERROR,
    WORKER_LOST,
    WORKFLOW_FAILED,
    Failure,
    moment,
    next_delay,
    timestamp,
)
from airflow_workflow_provider.engine.graph import ON_FAILURE, Graph
from airflow_workflow_provider.engine.schemas import check_against
from airflow_workflow_provider.engine.state import ROOT, Json, Scope, item_indexes, list_path, new_scope, new_state
from airflow_workflow_provider.engine.values import json_object
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.definition import END, FAIL, RetryPolicy, Step
from airflow_workflow_provider.model.durations import parse_duration

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from collections.abc import Callable, Iterator

RAW_FACTOR: Final = 64
DEFAULT_RETRY: Final = RetryPolicy(max_attempts=3, strategy="exponential", delay="PT1S")


@dataclass(frozen=True)
class Options:
    """Bounds and defaults that the configuration sets.

    :param max_output_bytes: largest output that is kept, as UTF-8 (rule X5)
    :param default_retry: policy of ``onFailure.action: retry`` where a step has none (rule F4)
    """

    max_output_bytes: int = 262_144
    default_retry: RetryPolicy = DEFAULT_RETRY


@dataclass(frozen=True)
class Activation:
    """A step that may be begun now.

    :param scope: key of the step list that it runs in
    :param step_id: the step
    :param visit: number of this visit, 1 the first
    :param kind: ``step`` or ``compensation``
    """

    scope: str
    step_id: str
    visit: int
    kind: str = "step"


@dataclass(frozen=True)
class Call:
    """What a host needs to run one attempt of a task.

    :param task_id: the task to run
    :param input: what the task receives (rule X4)
    :param arguments: the step's ``arguments`` with their transforms resolved (rule K3)
    :param bindings: the bindings of rule X1, for the templates of the task definition
    :param idempotency_key: the same for every attempt of this visit
    :param deadline: when the attempt is to fail with a TimeoutError, None for never
    """

    scope: str
    step_id: str
    kind: str
    task_id: str
    visit: int
    attempt: int
    input: Any
    arguments: Json
    bindings: Json = field(repr=False)
    idempotency_key: str
    deadline: datetime | None


@dataclass(frozen=True)
class Decision:
    """What an outcome led to.

    :param status: ``completed`` or ``failed`` where the step ended; ``retry`` where another attempt follows;
        ``region`` where branches or items now run; ``ignored`` where the report came from no live attempt
    :param next: where the path goes after a step that ended: a step, ``end``, ``fail``, :data:`ON_FAILURE`, or None
        where the failure is not handled by this step list
    :param delay: time until the next attempt
    :param error: the error object of the failure
    """

    status: str
    next: str | None = None
    delay: timedelta | None = None
    error: Json | None = None


@dataclass(frozen=True)
class Begun:
    """What a host is to do with a step that it was asked to start.

    :param action: ``run`` a new attempt; ``resume`` the attempt it already runs; ``decided``: do nothing but what
        the decision says, the outcome is stored already; ``skip``: no decision activated this step
    """

    action: str
    decision: Decision | None = None


class Machine:
    """The state machine of one instance.

    :param graph: the definition's control flow
    :param state: the instance's state, see :mod:`airflow_workflow_provider.engine.state`; changed in place
    :param options: bounds and defaults
    """

    def __init__(self, graph: Graph, state: Json, options: Options | None = None) -> None:
        self.graph = graph
        self.state = state
        self.options = options or Options()
        log = graph.definition.execution_log
        self.log = EventLog(log.level if log is not None else "info")

    @classmethod
    def start(
        cls,
        graph: Graph,
        instance: Json,
        input_data: Json,
        *,
        now: datetime,
        event: Json | None = None,
        options: Options | None = None,
    ) -> Machine:
        """Return the machine of a new instance, its first step activated.

        :param instance: ``id``, ``workflowId``, ``version`` and ``correlationId``
        :param input_data: the input, validated and with its defaults applied (rule X6)
        :param event: the CloudEvent that started it
        """
        machine = cls(graph, new_state(instance, input_data, event, now), options)
        timeout = graph.definition.settings.timeout
        machine.state["instance"]["deadline"] = timestamp(now + parse_duration(timeout)) if timeout else None
        machine.state["scopes"][ROOT] = new_scope(None)
        machine.log.add("error", "instance.started", now, data={"input": input_data, "event": event})
        entry = graph.root.entry
        if entry is not None:
            machine.activate(machine.scope(ROOT), entry, now)
        machine.refresh()
        return machine

    # What a host asks

    @property
    def status(self) -> str:
        """The instance's status (rule I1)."""
        return str(self.state["status"])

    @property
    def is_over(self) -> bool:
        """Whether the instance has ended."""
        return self.status in ("completed", "failed")

    @property
    def current_step_id(self) -> str | None:
        """The step most recently activated at top level (rule I4)."""
        control = self.state["scopes"][ROOT]
        return str(control["current"]["stepId"]) if control["current"] else control["last"]

    def drain_events(self) -> list[Event]:
        """Return the events since the last call, for the execution log."""
        return self.log.drain()

    def ready(self, now: datetime) -> list[Activation]:
        """Return what may be begun now, in the order of activation."""
        due = [
            (current["sequence"], key, current)
            for key, current in self._live()
            if current["phase"] == "pending" or (current["phase"] == "retrying" and moment(current["retryAt"]) <= now)
        ]
        return [_activation(key, current) for _, key, current in sorted(due, key=lambda entry: entry[0])]

    def orphans(self, runner: str) -> list[Activation]:
        """Return what runs according to the state, but by another runner than this one: that one has died."""
        return [
            _activation(key, current)
            for key, current in self._live()
            if current["phase"] == "running" and current["runner"] != runner
        ]

    def park(self, key: str, step_id: str, runner: str, note: Json, now: datetime) -> bool:
        """Note that a begun attempt waits for something outside and that nobody runs it meanwhile.

        :param note: what whoever takes it up again has to know
        :returns: False where the attempt is no longer the runner's
        """
        scope = self._owned(key, step_id, runner)
        if scope is None:
            return False
        current = scope.control["current"]
        current.update(phase="waiting", parked=note)
        if current["kind"] == "step":
            scope.record(step_id)["status"] = "waiting"
        self.log.step("info", "step.waiting", now, key, current)
        return True

    def waits(self, activation: Activation) -> bool:
        """Tell whether an attempt still waits, rather than having been stopped."""
        current = self._current_of(activation.scope, activation.step_id)
        return current is not None and current["phase"] == "waiting" and current["visit"] == activation.visit

    def adopt(self, runner: str, holds: Callable[[str, str], bool]) -> list[tuple[Activation, Json]]:
        """Take over the attempts that wait, oldest first, with the notes that :meth:`park` left.

        :param holds: tells, from scope and step, which attempts the runner is responsible for
        """
        waiting = sorted(
            ((k, c) for k, c in self._live() if c["phase"] == "waiting" and holds(k, c["stepId"])),
            key=lambda entry: int(entry[1]["sequence"]),
        )
        for _, current in waiting:
            current["runner"] = runner
        return [(_activation(key, current), current["parked"]) for key, current in waiting]

    def call_of(self, key: str) -> Call:
        """Return the call of the live attempt of a list once more.

        :raises StepFailure: the input or the arguments cannot be computed
        """
        scope = self.scope(key)
        return self._call(scope, scope.control["current"])

    def next_timer(self) -> datetime | None:
        """Return the next moment at which a retry is due or a deadline passes, or None."""
        moments = [
            moment(text)
            for _, current in self._live()
            for text in (current["retryAt"], current["deadline"])
            if text is not None
        ]
        if self.state["instance"]["deadline"] is not None and self.state["failure"] is None and not self.is_over:
            moments.append(moment(self.state["instance"]["deadline"]))
        return min(moments, default=None)

    def begin(self, key: str, step_id: str, runner: str, now: datetime, *, generation: int = 0) -> Begun:
        """Begin an attempt of an activated step, or say why there is none to begin.

        :param key: the scope
        :param runner: who runs the attempt; a report counts only from the runner that began it
        :param generation: rises when an operator asks Airflow to run a finished step again
        """
        current = self._current_of(key, step_id)
        if current is None:
            return self._begin_again(key, step_id, runner, now, generation)
        scope = self.scope(key)
        if current["phase"] == "region":
            return Begun("decided", Decision("region"))
        if current["phase"] == "running":
            if current["runner"] == runner:
                return Begun("resume")
            decision = self.attempt_failed(scope, Failure(WORKER_LOST, "The worker that ran this attempt died"), now)
            self.refresh()
            if decision.status != "retry":
                return Begun("decided", decision)
        self._start_attempt(scope, runner, now, generation)
        self.refresh()
        return Begun("run")

    def prepare(self, key: str, now: datetime) -> Call:
        """Return what the attempt that was just begun runs with.

        :raises StepFailure: the input or the arguments cannot be computed; report it with :meth:`fail`
        """
        scope = self.scope(key)
        current = scope.control["current"]
        try:
            call = self._call(scope, current)
        except StepFailure:
            self._log_start(scope, current, now, None)
            raise
        self._log_start(scope, current, now, call)
        task = self.graph.tasks.get(call.task_id)
        if task is not None and task.input_schema:
            check_against(task.input_schema, call.input, f"input of task {call.task_id!r}")
        return call

    def succeed(self, key: str, step_id: str, runner: str, raw: Any, now: datetime) -> Decision:
        """Fold a task's result into the state and decide what follows (order of rule X4)."""
        scope = self._owned(key, step_id, runner)
        if scope is None:
            return Decision("ignored")
        if scope.control["current"]["kind"] == "compensation":
            decision = closing.compensated(self, scope, now)
        else:
            decision = self._task_done(scope, self.graph.step(step_id), raw, now)
        self.refresh()
        return decision

    def fail(self, key: str, step_id: str, runner: str | None, failure: Failure, now: datetime) -> Decision:
        """Fold a failure of an attempt into the state and decide what follows.

        :param runner: who ran the attempt; None where the host knows that nobody runs it any more
        """
        scope = self._owned(key, step_id, runner)
        if scope is None:
            return Decision("ignored")
        decision = self.attempt_failed(scope, failure, now)
        self.refresh()
        return decision

    def expire(self, now: datetime) -> bool:
        """Fail what has passed its deadline (rule F3); return whether anything had."""
        deadline = self.state["instance"]["deadline"]
        if deadline is not None and moment(deadline) <= now and self.state["failure"] is None and not self.is_over:
            self.fail_instance(
                Failure(TIMEOUT_ERROR, f"The instance did not end within {self.graph.definition.settings.timeout}"), now
            )
            return True
        for key, current in self._live():
            if current["deadline"] is not None and moment(current["deadline"]) <= now:
                self._expire_attempt(self.scope(key), current, now)
                self.refresh()
                return True
        return False

    def decision_of(self, key: str, step_id: str) -> Decision | None:
        """Return the stored decision of a step that ended, or None."""
        if key not in self.state["scopes"]:
            return None
        record = self.scope(key).values["steps"].get(step_id)
        return None if record is None else _decided(record)

    def fail_instance(self, failure: Failure, now: datetime) -> None:
        """Fail the top-level list with a failure that no step can route; the workflow's ``onFailure`` still may."""
        root = self.scope(ROOT)
        error = failure.error_object(self.current_step_id, None, timestamp(now))
        regions.cancel_live(self, root, now)
        root.control["current"] = None
        self.fail_list(root, failure, error, now)
        self.refresh()

    # What the rooms beside this one use

    def scope(self, key: str) -> Scope:
        """Return the view of one running step list."""
        return Scope(self.state, key)

    def activate(
        self, scope: Scope, step_id: str, now: datetime, *, attempt: int = 0, again: Json | None = None
    ) -> bool:
        """Make a step the live activation of its list; refuse the visit past the limit (rule T6).

        :param attempt: attempts made before, where a region is tried again as a whole (rule F2)
        :param again: the activation that is tried again
        :returns: False where the visit was refused; the list has failed then
        """
        count = scope.control["counts"].get(step_id, 0) + 1
        limit = self.graph.definition.settings.max_iterations
        if count > limit:
            failure = Failure(
                LOOP_LIMIT_EXCEEDED,
                f"Step {step_id!r} was to be visited more than {limit:,} times (settings.maxIterations)",
                details={"maxIterations": limit},
            )
            self.fail_list(scope, failure, failure.error_object(step_id, None, timestamp(now)), now)
            return False
        scope.control["counts"][step_id] = count
        visit = scope.numbering.get(step_id, 0) + 1
        scope.numbering[step_id] = visit
        activation = self.new_activation(step_id, visit, "step")
        if again is not None:
            activation.update(attempt=attempt, counts=again["counts"])
        scope.control["current"] = activation
        return True

    def new_activation(self, step_id: str, visit: int, kind: str) -> Json:
        """Return a live activation that nobody has begun."""
        self.state["sequence"] += 1
        return {
            "stepId": step_id,
            "visit": visit,
            "kind": kind,
            "phase": "pending",
            "attempt": 0,
            "sequence": self.state["sequence"],
            "runner": None,
            "generation": 0,
            "startedAt": None,
            "deadline": None,
            "retryAt": None,
            "counts": [],
            "region": None,
        }

    def complete(
        self, scope: Scope, step: Step, raw_output: Json, now: datetime, *, shaped_only: bool = False
    ) -> Decision:
        """Shape and keep a step's output, set its variables, and take its transition (rule X4).

        :param raw_output: the task's result as a JSON object; of a region the aggregate
        :param shaped_only: merge the output into the working document only where ``output`` shaped it (rule X1)
        :raises StepFailure: ``output`` or ``assign`` failed; the attempt has failed, nothing was kept
        """
        current = scope.control["current"]
        bindings = bindings_of(scope, attempt=current["attempt"], output=raw_output)
        names, uuids = names_in(scope), self.uuids(scope, current)
        kept = raw_output
        if step.output is not None:
            shaped = apply_transform(step.output, names, bindings, uuids, "output")
            kept = json_object(shaped, max_bytes=self.options.max_output_bytes)
        elif shaped_only:
            kept = json_object(raw_output, max_bytes=self.options.max_output_bytes)
        assigned = {}
        for variable, transform in step.assign.items():
            value = apply_transform(transform, names, {**bindings, "output": kept}, uuids, f"assign/{variable}")
            json_object(value, max_bytes=self.options.max_output_bytes, what=f"variable {variable!r}")
            assigned[variable] = value
        record = scope.record(step.step_id)
        record.update(status="completed", output=kept, error=None, completedAt=timestamp(now))
        if step.output is not None or not shaped_only:
            scope.values["data"].update(kept)
        scope.values["variables"].update(assigned)
        if scope.key == ROOT:
            self.state["data"].update(self.state["variables"])
        if not shaped_only:
            closing.note_completed(self, scope, step, kept)
        return self._take_transition(scope, step, kept, now)

    def uuids(self, scope: Scope, current: Json) -> Uuids:
        """Return the stable UUIDs of an activation (rule X3)."""
        return Uuids(self.state["instance"]["id"], current["stepId"], visit_name(scope.key, current["visit"]))

    def rng(self, scope: Scope, current: Json) -> random.Random:
        """Return the source of an attempt's jitter, the same in every host."""
        seed = f"{self.state['instance']['id']}/{scope.key}/{current['stepId']}/{current['visit']}/{current['attempt']}"
        return random.Random(uuid.uuid5(uuid.NAMESPACE_OID, seed).int)

    def refresh(self) -> None:
        """Bring ``activeSteps`` up to date (rule I4)."""
        live = sorted(self._live(), key=lambda entry: int(entry[1]["sequence"]))
        self.state["activeSteps"] = [current["stepId"] for _, current in live if current["kind"] == "step"]

    # The parts of a step's life

    def _live(self) -> Iterator[tuple[str, Json]]:
        if self.is_over:
            return
        for key, control in list(self.state["scopes"].items()):
            if control["status"] == "running" and control["current"] is not None:
                yield key, control["current"]

    def _current_of(self, key: str, step_id: str) -> Json | None:
        control = self.state["scopes"].get(key)
        if self.is_over or control is None or control["status"] != "running":
            return None
        current: Json | None = control["current"]
        return current if current is not None and current["stepId"] == step_id else None

    def _owned(self, key: str, step_id: str, runner: str | None) -> Scope | None:
        current = self._current_of(key, step_id)
        if current is None or current["phase"] not in ("running", "waiting"):
            return None
        return self.scope(key) if runner is None or current["runner"] == runner else None

    def _begin_again(self, key: str, step_id: str, runner: str, now: datetime, generation: int) -> Begun:
        """Begin a step that no decision activated: its outcome is stored, or an operator wants it run again."""
        control = self.state["scopes"].get(key)
        record = None if control is None else self.scope(key).values["steps"].get(step_id)
        if record is None or record["status"] in ("running", "waiting"):
            return Begun("skip")
        if generation <= record["generation"]:
            return Begun("decided", _decided(record))
        from airflow_workflow_provider.engine.rerun import reopen

        reopen(self, key, step_id, now)
        return self.begin(key, step_id, runner, now, generation=generation)

    def _start_attempt(self, scope: Scope, runner: str, now: datetime, generation: int) -> None:
        current = scope.control["current"]
        current["attempt"] += 1
        deadline = None
        timeout = self._timeout(current)
        if timeout is not None:
            deadline = timestamp(now + parse_duration(timeout))
        current.update(
            phase="running",
            runner=runner,
            generation=generation,
            startedAt=timestamp(now),
            deadline=deadline,
            retryAt=None,
        )
        if current["kind"] == "compensation":
            closing.compensation_started(self, current)
            return
        record = scope.record(current["stepId"])
        first = record.get("visit") != current["visit"]
        record.update(
            status="running",
            output=None,
            error=None if first else record["error"],
            startedAt=timestamp(now) if first else record["startedAt"],
            completedAt=None,
            visit=current["visit"],
            attempt=current["attempt"],
            next=None,
            generation=generation,
        )

    def _timeout(self, current: Json) -> str | None:
        step = self.graph.step(current["stepId"])
        if current["kind"] == "compensation":
            task = self.graph.tasks.get(closing.compensation_of(step).task_id)
            return None if task is None else task.timeout
        return self.graph.timeout(step)

    def _call(self, scope: Scope, current: Json) -> Call:
        step = self.graph.step(current["stepId"])
        uuids, deadline = self.uuids(scope, current), current["deadline"]
        if current["kind"] == "compensation":
            bindings, names = closing.compensation_bindings(self, scope, current)
            compensation = closing.compensation_of(step)
            task_id, transform, given, use = compensation.task_id, compensation.input, None, "compensation/input"
        else:
            bindings, names = bindings_of(scope, attempt=current["attempt"]), names_in(scope)
            task_id, transform, given, use = step.task_id, step.input, step.arguments, "input"
        value = bindings["data"]
        if transform is not None:
            value = apply_transform(transform, names, bindings, uuids, use)
            value = {} if value is None else value
        return Call(
            scope=scope.key,
            step_id=step.step_id,
            kind=current["kind"],
            task_id=task_id,
            visit=current["visit"],
            attempt=current["attempt"],
            input=value,
            arguments=resolve_arguments(given or {}, names, bindings, uuids, "arguments"),
            bindings=bindings,
            idempotency_key=self.idempotency_key(scope.key, step.step_id, current["visit"]),
            deadline=None if deadline is None else moment(deadline),
        )

    def idempotency_key(self, key: str, step_id: str, visit: int) -> str:
        """Return ``<instance>/<step>/<visit>``, with the item's numbers behind it inside a forEach (rule F7)."""
        return f"{self.state['instance']['id']}/{step_id}/{visit_name(key, visit)}"

    def _log_start(self, scope: Scope, current: Json, now: datetime, call: Call | None) -> None:
        if current["kind"] == "compensation":
            name, first = "compensation.started", True
        else:
            name, first = "step.started", current["attempt"] == 1
        data = {"input": call.input, "idempotencyKey": call.idempotency_key} if call is not None else {}
        self.log.step("info" if first else "debug", name, now, scope.key, current, data=data)
        if call is not None and call.arguments:
            self.log.step("debug", "step.arguments", now, scope.key, current, data={"arguments": call.arguments})

    def _task_done(self, scope: Scope, step: Step, raw: Any, now: datetime) -> Decision:
        try:
            task = self.graph.tasks.get(step.task_id)
            is_region = self.graph.is_region(step)
            shaped = step.output is not None and not is_region
            # What `output` shapes is measured after it did; this bound only keeps memory bounded.
            bound = RAW_FACTOR * self.options.max_output_bytes if shaped else self.options.max_output_bytes
            result = json_object(raw, max_bytes=bound)
            if task is not None and task.output_schema:
                check_against(task.output_schema, result, f"output of task {step.task_id!r}", output=True)
            if not is_region:
                return self.complete(scope, step, result, now)
            return regions.fork(self, scope, step, result, now)
        except StepFailure as exc:
            return self.attempt_failed(scope, Failure.from_exception(exc), now)

    def _expire_attempt(self, scope: Scope, current: Json, now: datetime) -> None:
        regions.cancel_live(self, scope, now, keep=True)
        self.attempt_failed(
            scope, Failure(TIMEOUT_ERROR, f"The attempt did not end within {self._timeout(current)}"), now
        )

    def attempt_failed(self, scope: Scope, failure: Failure, now: datetime) -> Decision:
        current = scope.control["current"]
        if current["kind"] == "compensation":
            return closing.compensation_failed(self, scope, failure, now)
        step = self.graph.step(current["stepId"])
        error = failure.error_object(step.step_id, current["attempt"], timestamp(now))
        delay = self._retry_delay(scope, step, current, failure)
        if delay is None:
            return self._step_failed(scope, step, failure, error, now)
        self.log.step(
            "info", "step.retrying", now, scope.key, current, data={"error": error, "delay": delay.total_seconds()}
        )
        record = scope.record(step.step_id)
        record["error"] = error
        if self.graph.is_region(step):
            regions.drop_children(self, scope)
            if not self.activate(scope, step.step_id, now, attempt=current["attempt"], again=current):
                return Decision("failed", next=None, error=error)
            current = scope.control["current"]
        current.update(phase="retrying", runner=None, deadline=None, retryAt=timestamp(now + delay))
        return Decision("retry", delay=delay, error=error)

    def _retry_delay(self, scope: Scope, step: Step, current: Json, failure: Failure) -> timedelta | None:
        policies = self.graph.retry_policies(step)
        if not policies and step.on_failure is not None and step.on_failure.action == "retry":
            policies = (self.options.default_retry,)
        if len(current["counts"]) != len(policies):
            current["counts"] = [0] * len(policies)
        return next_delay(policies, failure, current["counts"], self.rng(scope, current))

    def _step_failed(self, scope: Scope, step: Step, failure: Failure, error: Json, now: datetime) -> Decision:
        record = scope.record(step.step_id)
        record.update(status="failed", output=None, error=error, completedAt=timestamp(now))
        return self._route(scope, step, failure, error, now, in_transition=False)

    def _take_transition(self, scope: Scope, step: Step, output: Json, now: datetime) -> Decision:
        """Choose the transition of a step whose output is folded in; a failure here is never retried (rule X4)."""
        current = scope.control["current"]
        try:
            target = self._choose(scope, step, output, current["attempt"], now)
        except StepFailure as exc:
            failure = Failure.from_exception(exc)
            error = failure.error_object(step.step_id, current["attempt"], timestamp(now))
            scope.record(step.step_id).update(status="failed", error=error)
            return self._route(scope, step, failure, error, now, in_transition=True)
        return self._advance(scope, step, target, now)

    def _choose(self, scope: Scope, step: Step, output: Json, attempt: int, now: datetime) -> str:
        """Return the target of a step's transition (rules T2 to T4)."""
        if step.next is None:
            return self.graph.lists[list_path(scope.key)].flow.default_next(step.step_id) or END
        if not step.next:
            return END
        bindings = bindings_of(scope, attempt=attempt, output=output)
        names = names_in(scope)
        for transition in step.next:
            if transition.condition is None:
                return transition.next_step_id
            held = condition_holds(transition.condition, names, bindings)
            self.log.step(
                "debug",
                "condition.evaluated",
                now,
                scope.key,
                scope.control["current"],
                data={
                    "condition": transition.condition,
                    "result": held,
                    "operands": operands(transition.condition, bindings),
                    "target": transition.next_step_id,
                },
            )
            if held:
                return transition.next_step_id
        conditions = [transition.condition for transition in step.next]
        msg = f"No transition of step {step.step_id!r} holds: {', '.join(map(str, conditions))}"
        raise StepFailure(
            msg,
            type=NO_TRANSITION_MATCHED,
            details={"conditions": conditions},
        )

    def _route(
        self, scope: Scope, step: Step, failure: Failure, error: Json, now: datetime, *, in_transition: bool
    ) -> Decision:
        """Hand a failure to the step's ``onFailure``, else to the list (rule F4)."""
        current = scope.control["current"]
        record = scope.record(step.step_id)
        self.log.step(
            "error", "step.failed", now, scope.key, current, data={"error": error, "output": record["output"]}
        )
        handler = step.on_failure
        if handler is not None:
            for condition in handler.conditions:
                if failure.matches(condition.error_type, condition.error_code):
                    return self._handled(scope, step, error, condition.next_step_id, now)
            if handler.action == "continue" and handler.next_step_id is not None:
                return self._handled(scope, step, error, handler.next_step_id, now)
            if handler.action == "continue" and not in_transition:
                return self._continue(scope, step, error, now)
        return self._unhandled(scope, step, failure, error, now)

    def _continue(self, scope: Scope, step: Step, error: Json, now: datetime) -> Decision:
        """Go on by the normal transition, evaluated with an empty output (rule F4)."""
        outer, scope.control["error"] = scope.control["error"], error
        try:
            target = self._choose(scope, step, {}, scope.control["current"]["attempt"], now)
        except StepFailure as exc:
            scope.control["error"] = outer
            second = Failure.from_exception(exc).with_details(cause=error)
            stands = second.error_object(step.step_id, error["attempt"], timestamp(now))
            scope.record(step.step_id)["error"] = stands
            return self._unhandled(scope, step, second, stands, now)
        return self._handled(scope, step, error, target, now)

    def _handled(self, scope: Scope, step: Step, error: Json, target: str, now: datetime) -> Decision:
        scope.control["error"] = error
        return self._advance(scope, step, target, now)

    def _unhandled(self, scope: Scope, step: Step, failure: Failure, error: Json, now: datetime) -> Decision:
        record = scope.record(step.step_id)
        self._leave(scope, step)
        self.fail_list(scope, failure, error, now)
        if scope.key == ROOT and self.state["failure"] is not None and not self._handler_ran(record):
            record["next"] = ON_FAILURE
        return _decided(record)

    def _handler_ran(self, record: Json) -> bool:
        """Tell whether a step of the workflow's ``onFailure`` path ended, rather than one that led to it."""
        return bool(record.get("handling"))

    def _leave(self, scope: Scope, step: Step) -> None:
        record = scope.record(step.step_id)
        record["handling"] = scope.key == ROOT and self.state["failure"] is not None
        scope.control["current"] = None
        scope.control["last"] = step.step_id

    def _advance(self, scope: Scope, step: Step, target: str, now: datetime) -> Decision:
        """Follow a decision: end the path, fail the list, or activate the next step."""
        record = scope.record(step.step_id)
        current = scope.control["current"]
        record["next"] = target
        if record["status"] == "completed":
            data = {"output": record["output"], "next": target}
            self.log.step("info", "step.completed", now, scope.key, current, data=data)
        else:
            self.log.step("info", "step.handled", now, scope.key, current, data={"next": target})
        self._leave(scope, step)
        if target == END:
            self.finish_list(scope, now)
        elif target == FAIL:
            details = {"cause": record["error"]} if record["error"] is not None else {}
            failure = Failure(WORKFLOW_FAILED, f"Step {step.step_id!r} chose {FAIL!r}", details=details)
            self.fail_list(scope, failure, failure.error_object(step.step_id, record["attempt"], timestamp(now)), now)
        else:
            self.activate(scope, target, now)
        if scope.key == ROOT:
            self._note_ending(record)
        return _decided(record)

    def _note_ending(self, record: Json) -> None:
        """Write into a top-level step's record where its path went when the list ended behind it."""
        if self.status == "failed":
            record["next"] = FAIL
        elif self.state["failure"] is not None and not self._handler_ran(record):
            record["next"] = ON_FAILURE

    def finish_list(self, scope: Scope, now: datetime) -> None:
        control = scope.control
        last = scope.values["steps"].get(control["last"]) if control["last"] else None
        control.update(status="completed", error=None, output=(last or {}).get("output") or {})
        if scope.key == ROOT:
            closing.path_ended(self, scope, now)
        else:
            regions.child_ended(self, scope, now)

    def fail_list(self, scope: Scope, failure: Failure, error: Json, now: datetime) -> None:
        scope.control.update(status="failed", current=None, failure={**failure.to_json(), "error": error})
        if scope.key == ROOT:
            closing.instance_failed(self, scope, failure, error, now)
        else:
            regions.child_ended(self, scope, now)


def visit_name(key: str, visit: int) -> str:
    """Return a visit's number, with the numbers of the items around it behind it."""
    indexes = item_indexes(key)
    return f"{visit}/{'.'.join(map(str, indexes))}" if indexes else str(visit)


def _activation(key: str, current: Json) -> Activation:
    return Activation(key, current["stepId"], current["visit"], current["kind"])


def _decided(record: Json) -> Decision:
    if record["status"] in ("running", "waiting"):
        return Decision("region")
    return Decision(record["status"], next=record["next"], error=record["error"])


__all__ = ["Activation", "Begun", "Call", "Decision", "Machine", "Options", "expression_error"]
