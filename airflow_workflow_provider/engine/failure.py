"""Failures: what went wrong with an attempt, what matches it, and whether it is tried again (rules F1, F2, F4)."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.errors import StepFailure, TaskError
from airflow_workflow_provider.model.durations import parse_duration

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

    from airflow_workflow_provider.model.definition import RetryPolicy

VALIDATION_ERROR = "ValidationError"
TIMEOUT_ERROR = "TimeoutError"
EXPRESSION_ERROR = "ExpressionError"
NO_TRANSITION_MATCHED = "NoTransitionMatched"
BRANCH_FAILED = "BranchFailed"
OUTPUT_ERROR = "OutputError"
OUTPUT_TOO_LARGE = "OutputTooLarge"
LOOP_LIMIT_EXCEEDED = "LoopLimitExceeded"
TASK_NOT_FOUND = "TaskNotFound"
WORKER_LOST = "WorkerLost"
REJECTED = "Rejected"
CANCELLED = "Cancelled"
WORKFLOW_FAILED = "WorkflowFailed"

BUILT_IN_TYPES = frozenset(
    {
        VALIDATION_ERROR,
        TIMEOUT_ERROR,
        EXPRESSION_ERROR,
        NO_TRANSITION_MATCHED,
        BRANCH_FAILED,
        OUTPUT_ERROR,
        OUTPUT_TOO_LARGE,
        LOOP_LIMIT_EXCEEDED,
        TASK_NOT_FOUND,
        WORKER_LOST,
        REJECTED,
        CANCELLED,
        WORKFLOW_FAILED,
    }
)
ANY_TYPE = "*"
TASK_ERROR = "TaskError"
MAX_MESSAGE = 4_000


@dataclass(frozen=True)
class Failure:
    """One failure before it becomes the error object of a step.

    :param type: the error's type (rule F1)
    :param message: what went wrong
    :param code: the error's code, or None
    :param details: a JSON object with more about it
    :param kinds: further names that it matches: the classes along the exception's MRO
    :param causes: the failures of branches, items or a child workflow that led to this one (rule P2)
    """

    type: str
    message: str
    code: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    causes: tuple[Failure, ...] = ()

    @classmethod
    def named(
        cls,
        type: str,
        message: str,
        *,
        code: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> Failure:
        """Return a failure whose class is not at hand; its name is looked up among Python's own exceptions."""
        return cls(type, message[:MAX_MESSAGE], code, details or {}, _kinds_of_name(type))

    @classmethod
    def from_exception(cls, exc: BaseException) -> Failure:
        """Return the failure that an exception of a task stands for."""
        if isinstance(exc, StepFailure):
            if exc.names_its_type:
                return cls.named(exc.error_type, exc.message, code=exc.error_code, details=exc.details)
            return cls(
                exc.error_type, exc.message[:MAX_MESSAGE], exc.error_code, exc.details, _kinds_of_class(type(exc))
            )
        name = type(exc).__name__
        kinds = () if name in BUILT_IN_TYPES else _kinds_of_class(type(exc))
        return cls(name, (str(exc) or name)[:MAX_MESSAGE], None, {}, kinds)

    def with_details(self, **details: Any) -> Failure:
        """Return the same failure with more details."""
        return Failure(self.type, self.message, self.code, {**self.details, **details}, self.kinds, self.causes)

    def error_object(self, step_id: str | None, attempt: int | None, at: str) -> dict[str, Any]:
        """Return the error object of rule F1."""
        return {
            "type": self.type,
            "code": self.code,
            "message": self.message,
            "stepId": step_id,
            "attempt": attempt,
            "details": self.details,
            "at": at,
        }

    def to_json(self) -> dict[str, Any]:
        """Return this failure as a JSON object, for storage."""
        return {
            "type": self.type,
            "message": self.message,
            "code": self.code,
            "details": self.details,
            "kinds": list(self.kinds),
            "causes": [cause.to_json() for cause in self.causes],
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Failure:
        """Return the failure that :meth:`to_json` wrote."""
        return cls(
            value["type"],
            value["message"],
            value["code"],
            value["details"],
            tuple(value["kinds"]),
            tuple(cls.from_json(cause) for cause in value["causes"]),
        )

    def matches_type(self, name: str) -> bool:
        """Tell whether ``name`` matches this failure or one of its causes (rules F1, P2)."""
        return any(_type_matches(candidate, name) for candidate in self._candidates())

    def matches(self, error_type: str | None, error_code: str | None) -> bool:
        """Tell whether a condition's fields match; fields that are present must match together (rule F4)."""
        return any(
            (error_type is None or _type_matches(candidate, error_type))
            and (error_code is None or error_code in (ANY_TYPE, candidate.code))
            for candidate in self._candidates()
        )

    @property
    def is_invalid_input(self) -> bool:
        """Whether trying again cannot help: a ValidationError, or a region whose causes all are (rule F2)."""
        if self.causes:
            return all(cause.is_invalid_input for cause in self.causes)
        return self.type == VALIDATION_ERROR

    def _candidates(self) -> Iterable[Failure]:
        yield self
        for cause in self.causes:
            yield from cause._candidates()


def _type_matches(failure: Failure, name: str) -> bool:
    if name == ANY_TYPE:
        return failure.type != CANCELLED
    if name == TASK_ERROR and failure.type not in BUILT_IN_TYPES:
        return True
    return name == failure.type or name in failure.kinds


def _kinds_of_class(cls: type[BaseException]) -> tuple[str, ...]:
    return tuple(base.__name__ for base in cls.__mro__[1:] if base not in (object, StepFailure, TaskError))


def _kinds_of_name(name: str) -> tuple[str, ...]:
    known = getattr(builtins, name, None)
    if name in BUILT_IN_TYPES or not (isinstance(known, type) and issubclass(known, BaseException)):
        return ()
    return _kinds_of_class(known)


def policy_for(policies: Sequence[RetryPolicy], failure: Failure) -> int | None:
    """Return the index of the policy that applies to a failure: the first whose ``retryOn`` matches (rule F2)."""
    for index, policy in enumerate(policies):
        if not policy.retry_on or any(failure.matches_type(name) for name in policy.retry_on):
            return index
    return None


def next_delay(
    policies: Sequence[RetryPolicy], failure: Failure, counts: list[int], rng: random.Random
) -> timedelta | None:
    """Count a failure against its policy and return the delay before the next attempt, or None for no attempt.

    :param policies: the step's policies, in order
    :param failure: what the attempt failed with
    :param counts: failures matched so far, one number a policy; updated in place
    :param rng: source of the jitter
    """
    if failure.is_invalid_input or failure.type == CANCELLED:
        return None
    index = policy_for(policies, failure)
    if index is None:
        return None
    policy = policies[index]
    counts[index] += 1
    if counts[index] >= policy.max_attempts:
        return None
    if any(failure.matches_type(name) for name in policy.do_not_retry_on):
        return None
    return delay_of(policy, counts[index], rng)


def delay_of(policy: RetryPolicy, count: int, rng: random.Random) -> timedelta:
    """Return the delay after the ``count``-th failure that a policy matched."""
    seconds = parse_duration(policy.delay).total_seconds()
    limit = (
        parse_duration(policy.max_delay).total_seconds() if policy.max_delay else timedelta(days=365).total_seconds()
    )
    if policy.strategy == "exponential":
        try:
            seconds *= float(policy.multiplier) ** (count - 1)
        except OverflowError:
            seconds = limit
    seconds = min(seconds, limit)
    if policy.jitter:
        seconds *= rng.uniform(1 - policy.jitter, 1 + policy.jitter)
    return timedelta(seconds=seconds)


def timestamp(moment: datetime) -> str:
    """Return a moment as the state and the log write it: RFC 3339 in UTC, microseconds, ``Z``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Return the moment that :func:`timestamp` wrote."""
    return datetime.fromisoformat(text)
