"""How many instances of a workflow run at the same time: the key they are counted by, and their queue (rule I7).

The workflow database decides who gets a place; the engine computes the key, and lets no attempt of an instance begin
that waits for its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.bindings import Occasion, apply_transform, bindings_of
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.scope import Scope
from airflow_workflow_provider.engine.values import unusable_in
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.engine.turn import Turn
    from airflow_workflow_provider.model.definition import Concurrency

CODE: Final = "concurrency-limit"
"""Code of the error of an instance that was started over the limit."""

USE: Final = "settings/concurrency/key"


def concurrency_key(concurrency: Concurrency, state: State, now: datetime) -> str:
    """Return what an instance is counted by: a digest, since the value itself may be secret.

    :raises StepFailure: of type ``ExpressionError``: the key cannot be computed, or is null
    """
    if concurrency.key is None:
        return digest({})
    known = bindings_of(Scope(state, ROOT))
    names = ("input", "event", "workflow")
    occasion = Occasion(state.instance.id, "workflow", "1", now)
    value = apply_transform(concurrency.key, frozenset(names), {name: known[name] for name in names}, occasion, USE)
    found = unusable_in(value)
    if value is None or found:
        problem = found[0]["message"] if found else "null"
        message = f"The key of settings.concurrency is {problem}: {concurrency.key.expression}"
        raise StepFailure(message, type=ErrorType.EXPRESSION_ERROR)
    return digest({"key": value})


def refusal(concurrency: Concurrency) -> Failure:
    """Return why an instance ends that was started over the limit."""
    message = f"{concurrency.limit} of the workflow's instances with the same key run already"
    skipped = concurrency.on_limit == "skip"
    kind = ErrorType.CANCELLED if skipped else ErrorType.CONCURRENCY_LIMIT_EXCEEDED
    return Failure(kind, message, code=CODE, details={"limit": concurrency.limit})


def enqueue(turn: Turn) -> None:
    """Let no attempt of an instance begin until :func:`engine.suspension.admit`."""
    turn.state.queued_at = turn.timestamp
    turn.log.add("info", LogEvent.INSTANCE_QUEUED, turn.now)


def run_again(turn: Turn) -> None:
    """Have an instance that had ended, and is to continue, wait for its turn if its number is limited."""
    if turn.state.is_over and turn.graph.definition.settings.concurrency is not None:
        enqueue(turn)
