"""Failures: what went wrong with an attempt, what matches it, and whether it is tried again (rules F1, F2, F4)."""

from __future__ import annotations

import builtins
import json
import math
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.errors import LimitExceeded, StepFailure, TaskError
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.model.definition import RetryPolicy

BUILT_IN_TYPES: Final = frozenset(ErrorType)
"""The types that only the engine gives."""

ANY_TYPE = "*"
TASK_ERROR = "TaskError"
MAX_MESSAGE = 4_000
MAX_NAME = 500
MAX_DETAILS = 65_536
"""Bytes of an error's details; what is larger is replaced by its size."""

MAX_DETAILS_DEPTH = 50
MAX_CAUSES = 10
"""Errors that one after another led to an error and are kept with it; in a loop that fails again and again older ones
are left out."""

CAUSE = "cause"
"""Key of an error's details that holds the error that was being handled when it happened (rule F4)."""

OWN_CAUSE = "ownCause"
"""Key under which details of its own called ``cause`` are kept beside that."""


@dataclass(frozen=True)
class Failure:
    """One failure before it becomes the error object of a step.

    :param type: the error's type (rule F1)
    :param message: what went wrong
    :param code: the error's code, or None
    :param details: a JSON object with more about it
    :param kinds: further names that it matches: the classes along the exception's MRO
    :param causes: the failures of branches, items or a child workflow that led to this one (rule P2)
    :param raised: a task raised it itself; its type is then no built-in one, whatever it is called (rule F1)
    """

    type: str
    message: str
    code: str | None = None
    details: Json = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    causes: tuple[Failure, ...] = ()
    raised: bool = False

    @classmethod
    def named(
        cls,
        type: str,
        message: str,
        *,
        code: str | None = None,
        details: Json | None = None,
    ) -> Failure:
        """Return a failure whose class is not available; its name is looked up among Python's own exceptions."""
        name = clean_text(type)[:MAX_NAME]
        return cls(
            name,
            clean_text(message)[:MAX_MESSAGE],
            None if code is None else clean_text(code)[:MAX_NAME],
            clean_details(details),
            _kinds_of_name(name),
        )

    @classmethod
    def from_exception(cls, exc: BaseException) -> Failure:
        """Return the failure that an exception of a task stands for."""
        if isinstance(exc, StepFailure):
            named = cls.named(exc.error_type, exc.message, code=exc.error_code, details=exc.details)
            if exc.names_its_type and not isinstance(exc, TaskError):
                return named
            # Authors who name the type of a TaskError could have raised a class of their own (rule F1).
            kinds = (*named.kinds, *_own_name(exc), *_kinds_of_class(type(exc)))
            return replace(named, kinds=tuple(dict.fromkeys(kinds)), raised=True)
        failure = cls.named(type(exc).__name__, _message_of(exc))
        return replace(failure, kinds=_kinds_of_class(type(exc)), raised=True)

    def while_handling(self, handled: Json | None) -> Failure:
        """Return the same failure with the error in its details that was being handled (rule F4).

        :param handled: the error object, or None where no failure was being handled
        """
        if handled is None:
            return self
        own = {OWN_CAUSE if key == CAUSE else key: value for key, value in self.details.items()}
        return replace(self, details={**own, CAUSE: _kept_cause(handled, MAX_CAUSES)})

    def error_object(self, step_id: str | None, attempt: int | None, at: str) -> Json:
        """Return the error object of rule F1."""
        return {
            "type": str(self.type),
            "code": None if self.code is None else str(self.code),
            "message": self.message,
            "stepId": step_id,
            "attempt": attempt,
            "details": self.details,
            "at": at,
        }

    def to_json(self) -> Json:
        """Return this failure as a JSON object, for storage."""
        return {
            "type": str(self.type),
            "message": self.message,
            "code": None if self.code is None else str(self.code),
            "details": self.details,
            "kinds": list(self.kinds),
            "causes": [cause.to_json() for cause in self.causes],
            "raised": self.raised,
        }

    @classmethod
    def from_json(cls, value: Json) -> Failure:
        """Return the failure that :meth:`to_json` wrote."""
        return cls(
            value["type"],
            value["message"],
            value["code"],
            value["details"],
            tuple(value["kinds"]),
            tuple(cls.from_json(cause) for cause in value["causes"]),
            # Documents that were stored before this key existed identify such classes by their bases.
            value.get("raised", bool(value["kinds"])),
        )

    def matches_type(self, name: str) -> bool:
        """Return whether ``name`` matches this failure or one of its causes (rules F1, P2)."""
        return any(_type_matches(candidate, name) for candidate in self._candidates())

    def matches(self, error_type: str | None, error_code: str | None) -> bool:
        """Return whether a condition's fields match; fields that are present must match together (rule F4)."""
        return any(
            (error_type is None or _type_matches(candidate, error_type))
            and (error_code is None or error_code in (ANY_TYPE, candidate.code))
            for candidate in self._candidates()
        )

    @property
    def is_invalid_input(self) -> bool:
        """Whether trying again cannot help: the engine's ValidationError, or a region with no other cause (rule F2)."""
        if self.causes:
            return all(cause.is_invalid_input for cause in self.causes)
        return self.is_built_in(ErrorType.VALIDATION_ERROR)

    def is_built_in(self, name: str | None = None) -> bool:
        """Return whether this is a failure of a built-in type, rather than a task's class of that name (rule F1).

        :param name: the type; None for any
        """
        return not self.raised and self.type in (BUILT_IN_TYPES if name is None else {name})

    def _candidates(self) -> Iterable[Failure]:
        yield self
        for cause in self.causes:
            yield from cause._candidates()


def _type_matches(failure: Failure, name: str) -> bool:
    if name == ANY_TYPE:
        return not failure.is_built_in(ErrorType.CANCELLED)
    if name == TASK_ERROR and not failure.is_built_in():
        return True
    return name == failure.type or name in failure.kinds


def _own_name(exc: StepFailure) -> tuple[str, ...]:
    """Return the name of the class beside the type that its exception names, unless it is ours."""
    own = type(exc)
    return () if own in (StepFailure, TaskError) else (own.__name__,)


def _kept_cause(error: Json, links: int) -> Json:
    """Return an error object with at most so many errors in it, one in another, and of bounded size."""
    details = error.get("details") or {}
    cause = details.get(CAUSE)
    kept = {key: value for key, value in details.items() if key != CAUSE}
    if len(json.dumps(kept)) > MAX_DETAILS:
        kept = {"omitted": f"the details are larger than {MAX_DETAILS:,} bytes"}
    if isinstance(cause, dict) and {"type", "details"} <= cause.keys():
        if links > 1:
            kept[CAUSE] = _kept_cause(cause, links - 1)
    elif cause is not None:
        kept[CAUSE] = cause
    return {**error, "details": kept}


def _message_of(exc: BaseException) -> str:
    try:
        return str(exc) or type(exc).__name__
    except Exception:
        return type(exc).__name__


def clean_text(value: object) -> str:
    """Return a text that every store takes: without NUL characters and lonely surrogates."""
    return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def clean_details(details: object) -> Json:
    """Return an error's details as a JSON object of bounded size, so that no failure can harm the state.

    Values that JSON does not know become text. Details that are no object, or too large, are replaced by a note.
    """
    if not details:
        return {}
    if not isinstance(details, dict):
        return {"value": clean_text(details)[:MAX_MESSAGE]}
    try:
        text = json.dumps(_json_value(details, 0), ensure_ascii=False, allow_nan=False)
    except Exception as exc:  # a third-party object, whose str() may raise anything
        return {"omitted": f"the details are not JSON ({type(exc).__name__})"}
    size = len(text.encode())
    if size > MAX_DETAILS:
        return {"omitted": f"the details have {size:,} bytes; at most {MAX_DETAILS:,} are kept"}
    cleaned: Json = json.loads(text)
    return cleaned


def _json_value(value: JsonValue, depth: int) -> JsonValue:
    if depth > MAX_DETAILS_DEPTH:
        return clean_text(type(value).__name__)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {clean_text(key): _json_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json_value(item, depth + 1) for item in value]
    return clean_text(value)


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
    if failure.is_invalid_input or failure.is_built_in(ErrorType.CANCELLED):
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
    """Return the delay after the ``count``-th failure that a policy matched; ``maxDelay`` is the longest, jitter
    included."""
    seconds = parse_duration(policy.delay).total_seconds()
    longest = parse_duration(policy.max_delay).total_seconds() if policy.max_delay is not None else None
    limit = timedelta(days=365).total_seconds() if longest is None else longest
    if policy.strategy == "exponential":
        try:
            seconds *= float(policy.multiplier) ** (count - 1)
        except OverflowError:
            seconds = limit
    elif policy.strategy == "linear":
        seconds *= count
    seconds = min(seconds, limit)
    if policy.jitter:
        seconds *= rng.uniform(1 - policy.jitter, 1 + policy.jitter)
    if longest is not None:
        seconds = min(seconds, longest)
    return timedelta(seconds=min(seconds, timedelta.max.total_seconds() / 2))


def timestamp(moment: datetime) -> str:
    """Return a moment as the state and the log write it: RFC 3339 in UTC, microseconds, ``Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def moment(text: str) -> datetime:
    """Return the moment that :func:`timestamp` wrote."""
    return datetime.fromisoformat(text)


def later(now: datetime, length: timedelta) -> datetime:
    """Return the moment that is a length of time after another, the end of the calendar at the latest."""
    try:
        return now + length
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


@contextmanager
def limits_as(type: str, what: str) -> Iterator[None]:
    """Turn limits that are passed inside into the failure of a step.

    :param type: the failure's
    :param what: what was computed, as the message calls it
    :raises StepFailure: of that type, with the code ``limit-exceeded``
    """
    try:
        yield
    except LimitExceeded as exc:
        msg = f"{what}: {exc.message}"
        raise StepFailure(msg, type=type, code=exc.code) from exc
    except RecursionError as exc:
        msg = f"{what}: it is nested too deeply, or refers to itself without end"
        raise StepFailure(msg, type=type, code=LimitExceeded.default_code) from exc
    except MemoryError as exc:
        msg = f"{what}: it needs more memory than there is"
        raise StepFailure(msg, type=type, code=LimitExceeded.default_code) from exc
