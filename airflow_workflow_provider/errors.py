"""The exceptions of this package.

Everything that this package raises on purpose derives from :class:`WorkflowsError`::

    WorkflowsError
    ├── InvalidDefinition       a document was checked and refused; carries every diagnostic
    ├── NotFound                the named definition, version, task or instance does not exist
    ├── Conflict                the request contradicts what is stored (a version rule, a lost race)
    ├── Forbidden               the caller may know of it, but not do this
    ├── StoreUnavailable        PostgreSQL could not be reached or did not answer in time
    ├── Misuse                  the caller's arguments are wrong (an option, a file, a value)
    ├── Unprocessable           what was sent is invalid: an input, an answer, an event
    ├── LimitExceeded           an expression, schema or template exceeds a limit of time or memory
    ├── Overloaded              all workers for this kind of request are busy for now
    └── StepFailure             a step failed with an error object that definitions can route
        └── TaskError           what a task raises to choose that error's type and code

All of them survive pickling, because Airflow carries exceptions between processes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_workflow_provider.vocabulary import ProblemCode


class WorkflowsError(Exception):
    """Base class: an error with a code, the place, the offending value and a suggestion.

    :param message: what is wrong, naming the offending and, where there are any, the allowed values
    :param code: stable identifier of the kind of error
    :param pointer: JSON pointer or path of the place, if there is one
    :param suggestion: what to do about it
    :ivar findings: every single finding, where there are several: a diagnostic, or ``{"pointer", "message"}``
    """

    default_code: ProblemCode = ProblemCode.WORKFLOWS_ERROR
    findings: Sequence[Any] = ()

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        pointer: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = str(code or self.default_code)
        self.pointer = pointer
        self.suggestion = suggestion

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[WorkflowsError], args: tuple[Any, ...], attributes: dict[str, Any]) -> WorkflowsError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(attributes)
    return error


class InvalidDefinition(WorkflowsError):
    """A document was refused; ``diagnostics`` holds every finding, warnings included.

    :param diagnostics: the findings, in document order
    """

    default_code = ProblemCode.INVALID_DEFINITION

    def __init__(self, message: str, diagnostics: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(diagnostics)

    @property
    def diagnostics(self) -> tuple[Any, ...]:
        """The findings, in document order."""
        return tuple(self.findings)


class NotFound(WorkflowsError):
    """Something that was named does not exist."""

    default_code = ProblemCode.NOT_FOUND


class Conflict(WorkflowsError):
    """The request contradicts what is stored."""

    default_code = ProblemCode.CONFLICT


class Forbidden(WorkflowsError):
    """The caller may know of it, but not do this."""

    default_code = ProblemCode.FORBIDDEN


class StoreUnavailable(WorkflowsError):
    """PostgreSQL could not be reached or did not answer in time."""

    default_code = ProblemCode.STORE_UNAVAILABLE


class Misuse(WorkflowsError):
    """The caller's arguments are wrong: an option, a file, a value."""

    default_code = ProblemCode.MISUSE


class Unprocessable(WorkflowsError):
    """What was sent is well-formed but invalid; ``findings`` holds every invalid place."""


class LimitExceeded(WorkflowsError):
    """The evaluation of untrusted input exceeds a limit of time or memory.

    :param which: the limit: ``time``, ``memory``, ``depth``, ``size``, or ``died`` where the process ended by itself
    """

    default_code = ProblemCode.LIMIT_EXCEEDED

    def __init__(self, message: str, which: str = "time", *, suggestion: str | None = None) -> None:
        super().__init__(message, suggestion=suggestion)
        self.which = which


class Overloaded(WorkflowsError):
    """All workers for this kind of request are busy; the same request may succeed a little later."""

    default_code = ProblemCode.OVERLOADED


class StepFailure(WorkflowsError):
    """A failure of one attempt of a step, as definitions route it (rule F1).

    :param message: what went wrong
    :param type: the error's type, matched by ``errorType``; default the name of the class
    :param code: the error's code, matched by ``errorCode``; null when there is none
    :param details: more about it, as a JSON object
    """

    def __init__(
        self,
        message: str,
        *,
        type: str | None = None,
        code: str | None = None,
        details: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.names_its_type = type is not None
        self.error_type = str(type) if type else self.__class__.__name__
        self.error_code = None if code is None else str(code)
        self.details = details or {}


class TaskError(StepFailure):
    """Raise it in a task to choose the type and code that ``errorHandler`` conditions match.

    Without a type the name of the class is the type, so a subclass is a type of its own.
    """
