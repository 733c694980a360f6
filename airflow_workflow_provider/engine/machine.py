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
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine import attempts, closing, regions, timing, transitions
from airflow_workflow_provider.engine.bindings import Occasion
from airflow_workflow_provider.engine.calls import Activation, Begun, Call, Decision, Options, decided, visit_name
from airflow_workflow_provider.engine.events import Event, EventLog
from airflow_workflow_provider.engine.failure import (
    LOOP_LIMIT_EXCEEDED,
    WORKER_LOST,
    Failure,
    moment,
    timestamp,
)
from airflow_workflow_provider.engine.schemas import check_against
from airflow_workflow_provider.engine.state import ROOT, Json, Scope, new_scope, new_state
from airflow_workflow_provider.errors import StepFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from airflow_workflow_provider.engine.graph import Graph


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
        visits: Json | None = None,
    ) -> Machine:
        """Return the machine of a new instance, its first step activated.

        :param instance: ``id``, ``workflowId``, ``version`` and ``correlationId``
        :param input_data: the input, validated and with its defaults applied (rule X6)
        :param event: the CloudEvent that started it
        :param visits: how often its steps were visited before, where it starts anew (rule F7)
        """
        machine = cls(graph, new_state(instance, input_data, event, now), options)
        timing.set_deadline(machine, now)
        machine.state["scopes"][ROOT] = {**new_scope(None), "visits": dict(visits or {})}
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
    def is_suspended(self) -> bool:
        """Whether somebody has suspended the instance; waiting for people alone is not that (rule I3)."""
        return self.state.get("suspension") is not None

    @property
    def current_step_id(self) -> str | None:
        """The step most recently activated at top level (rule I4)."""
        control = self.state["scopes"][ROOT]
        current, stopped = control["current"], control.get("stopped")
        if current and current["kind"] == "step":
            return str(current["stepId"])
        last = self.state["steps"].get(control["last"]) or {}
        # A step that was stopped came after the last that ended, unless that one handled the stop.
        if stopped is not None and (stopped["handling"] or not last.get("handling")):
            return str(stopped["stepId"])
        return control["last"]  # type: ignore[no-any-return]

    def drain_events(self) -> list[Event]:
        """Return the events since the last call, for the execution log."""
        return self.log.drain()

    def ready(self, now: datetime) -> list[Activation]:
        """Return what may be begun now, in the order of activation."""
        if self.is_suspended:
            return []
        due = [
            (current["sequence"], key, current)
            for key, current in self.live()
            if current["phase"] == "pending" or (current["phase"] == "retrying" and moment(current["retryAt"]) <= now)
        ]
        return [Activation.of(key, current) for _, key, current in sorted(due, key=lambda entry: entry[0])]

    def orphans(self, runner: str) -> list[Activation]:
        """Return what runs according to the state, but by another runner than this one: that one has died."""
        return [
            Activation.of(key, current)
            for key, current in self.live()
            if current["phase"] == "running" and current["runner"] != runner
        ]

    def park(
        self, key: str, step_id: str, runner: str, note: Json, now: datetime, *, question: str | None = None
    ) -> bool:
        """Note that a begun attempt waits for something outside and that nobody runs it meanwhile.

        :param note: what whoever takes it up again has to know
        :param question: id of the question to people that it waits for, if it does (rule I3)
        :returns: False where the attempt is no longer the runner's
        """
        scope = self._owned(key, step_id, runner)
        if scope is None:
            return False
        current = scope.control["current"]
        current.update(phase="waiting", parked=note, question=question)
        if current["kind"] == "step":
            scope.record(step_id)["status"] = "waiting"
        self.log.step("info", "step.waiting", now, key, current)
        self.refresh()
        return True

    def answered(self, question: str) -> bool:
        """Note that nobody need wait for people any more because of a question: its answer is there, or its end.

        :returns: whether a live attempt had waited for it
        """
        waiting = [current for _, current in self.live() if current.get("question") == question]
        for current in waiting:
            current["question"] = None
        self.refresh()
        return bool(waiting)

    def waits(self, activation: Activation) -> bool:
        """Tell whether an attempt still waits, rather than having been stopped."""
        current = self._current_of(activation.scope, activation.step_id)
        if current is None or current["phase"] != "waiting" or current["visit"] != activation.visit:
            return False
        return activation.attempt in (0, current["attempt"])

    def is_live(self, activation: Activation) -> bool:
        """Tell whether an attempt has begun and not ended."""
        current = self._current_of(activation.scope, activation.step_id)
        if current is None or current["phase"] not in ("running", "waiting"):
            return False
        return (current["visit"], current["attempt"]) == (activation.visit, activation.attempt)

    def adopt(self, runner: str, holds: Callable[[Activation], bool]) -> list[tuple[Activation, Json]]:
        """Take over the attempts that wait, with the notes that :meth:`park` left.

        :param holds: tells which attempts the runner is responsible for
        """
        waiting = self.parked(holds)
        for activation, _ in waiting:
            self.scope(activation.scope).control["current"]["runner"] = runner
        return waiting

    def parked(self, holds: Callable[[Activation], bool]) -> list[tuple[Activation, Json]]:
        """Return the attempts that wait, oldest first, with the notes that :meth:`park` left."""
        waiting = sorted(
            ((k, c) for k, c in self.live() if c["phase"] == "waiting" and holds(Activation.of(k, c))),
            key=lambda entry: int(entry[1]["sequence"]),
        )
        return [(Activation.of(key, current), current["parked"]) for key, current in waiting]

    def call_of(self, key: str) -> Call:
        """Return the call of the live attempt of a list once more.

        :raises StepFailure: the input or the arguments cannot be computed
        """
        scope = self.scope(key)
        return attempts.call_of(self, scope, scope.control["current"])

    def next_timer(self, holds: Callable[[Activation], bool] = lambda _: True) -> datetime | None:
        """Return the next moment at which a retry is due or a deadline passes, or None.

        :param holds: tells which retries the asking host would begin; those of others are not its business
        """
        return timing.next_timer(self, holds)

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
        if current["phase"] in ("running", "waiting") and current["runner"] == runner:
            attempts.go_on(scope)
            self.refresh()
            return Begun("resume")
        # No worker dies while an attempt waits, and a person who has a step run again makes no failure of it.
        if current["phase"] == "running" and generation <= current["generation"]:
            decision = attempts.attempt_failed(
                self, scope, Failure(WORKER_LOST, "The worker that ran this attempt died"), now
            )
            self.refresh()
            if decision.status != "retry":
                return Begun("decided", decision)
        if self.is_suspended:
            return Begun("hold")
        attempts.start_attempt(self, scope, runner, now, generation)
        self.refresh()
        return Begun("run")

    def prepare(self, key: str, now: datetime) -> Call:
        """Return what the attempt that was just begun runs with.

        :raises StepFailure: the input or the arguments cannot be computed; report it with :meth:`fail`
        """
        scope = self.scope(key)
        current = scope.control["current"]
        try:
            call = attempts.call_of(self, scope, current)
        except StepFailure:
            attempts.log_start(self, scope, current, now, None)
            raise
        attempts.log_start(self, scope, current, now, call)
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
            decision = attempts.task_done(self, scope, self.graph.step(step_id), raw, now)
        self.refresh()
        return decision

    def fail(self, key: str, step_id: str, runner: str | None, failure: Failure, now: datetime) -> Decision:
        """Fold a failure of an attempt into the state and decide what follows.

        :param runner: who ran the attempt; None where the host knows that nobody runs it any more
        """
        scope = self._owned(key, step_id, runner)
        if scope is None:
            return Decision("ignored")
        decision = attempts.attempt_failed(self, scope, failure, now)
        self.refresh()
        return decision

    def expire(self, now: datetime) -> bool:
        """Fail what has passed its deadline (rule F3); return whether anything had."""
        return timing.expire(self, now)

    def decision_of(self, key: str, step_id: str) -> Decision | None:
        """Return the stored decision of a step that ended, or None."""
        if key not in self.state["scopes"]:
            return None
        record = self.scope(key).values["steps"].get(step_id)
        return None if record is None else decided(record)

    def fail_instance(self, failure: Failure, now: datetime) -> None:
        """Fail the top-level list with a failure that no step can route; the workflow's ``onFailure`` still may."""
        root = self.scope(ROOT)
        failure = failure.while_handling(root.error)
        error = failure.error_object(self.current_step_id, None, timestamp(now))
        regions.cancel_live(self, root, now)
        root.control["current"] = None
        transitions.fail_list(self, root, failure, error, now)
        self.refresh()

    # What the rooms beside this one use

    def scope(self, key: str) -> Scope:
        """Return the view of one running step list."""
        return Scope(self.state, key)

    def live(self) -> Iterator[tuple[str, Json]]:
        """Yield what is live, with the key of its list."""
        if self.is_over:
            return
        for key, control in list(self.state["scopes"].items()):
            if control["status"] == "running" and control["current"] is not None:
                yield key, control["current"]

    def activate(
        self, scope: Scope, step_id: str, now: datetime, *, attempt: int = 0, again: Json | None = None
    ) -> bool:
        """Make a step the live activation of its list; refuse the visit past the limit (rule T6).

        :param attempt: attempts made before, where a region is tried again as a whole (rule F2)
        :param again: the activation that is tried again
        :returns: False where the visit was refused; the list has failed then
        """
        failure = self.loop_limit(scope, step_id)
        if failure is not None:
            failure = failure.while_handling(scope.error)
            transitions.fail_list(self, scope, failure, failure.error_object(step_id, None, timestamp(now)), now)
            return False
        scope.control["counts"][step_id] = scope.control["counts"].get(step_id, 0) + 1
        visit = scope.numbering.get(step_id, 0) + 1
        scope.numbering[step_id] = visit
        activation = self.new_activation(step_id, visit, "step")
        if again is not None:
            activation.update(attempt=attempt, counts=again["counts"])
        scope.control["current"] = activation
        return True

    def loop_limit(self, scope: Scope, step_id: str) -> Failure | None:
        """Return the failure with which one more visit of a step is refused, or None (rule T6)."""
        limit = self.graph.definition.settings.max_iterations
        if scope.control["counts"].get(step_id, 0) < limit:
            return None
        return Failure(
            LOOP_LIMIT_EXCEEDED,
            f"Step {step_id!r} was to be visited more than {limit:,} times (settings.maxIterations)",
            details={"maxIterations": limit},
        )

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
            "question": None,
        }

    def occasion(self, scope: Scope, current: Json, at: datetime) -> Occasion:
        """Return what an evaluation of an activation is told: its time and its stable UUIDs (rule X3)."""
        return Occasion(self.state["instance"]["id"], current["stepId"], visit_name(scope.key, current["visit"]), at)

    def rng(self, scope: Scope, current: Json) -> random.Random:
        """Return the source of an attempt's jitter, the same in every host."""
        seed = f"{self.state['instance']['id']}/{scope.key}/{current['stepId']}/{current['visit']}/{current['attempt']}"
        return random.Random(uuid.uuid5(uuid.NAMESPACE_OID, seed).int)  # noqa: S311 - jitter is no secret

    def refresh(self) -> None:
        """Bring ``activeSteps`` and, while the instance lives, its status up to date (rules I3, I4)."""
        live = sorted(self.live(), key=lambda entry: int(entry[1]["sequence"]))
        self.state["activeSteps"] = [current["stepId"] for _, current in live if current["kind"] == "step"]
        if self.is_over:
            self.state.pop("suspension", None)
        else:
            paths = [current for _, current in live if current["phase"] != "region"]
            asks = bool(paths) and all(_asks(current) for current in paths)
            self.state["status"] = "suspended" if asks or self.is_suspended else "running"

    # The parts of a step's life

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
            return Begun("decided", decided(record))
        from airflow_workflow_provider.engine.rerun import reopen

        reopen(self, key, step_id, now)
        return self.begin(key, step_id, runner, now, generation=generation)

    def idempotency_key(self, key: str, step_id: str, visit: int) -> str:
        """Return ``<instance>/<step>/<visit>``, with the item's numbers behind it inside a forEach (rule F7)."""
        return f"{self.state['instance']['id']}/{step_id}/{visit_name(key, visit)}"


def _asks(current: Json) -> bool:
    """Tell whether an attempt waits for people."""
    return current["phase"] == "waiting" and current.get("question") is not None


__all__ = ["Activation", "Begun", "Call", "Decision", "Machine", "Options"]
