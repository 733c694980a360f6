"""The permission of the caller of a use case, and the rights that each operation requires.

Every use case takes the permission as an argument and checks it itself, before it reads or changes anything else. So
an interface cannot forget a check, or ask for another right than the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

from airflow_workflow_provider.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.operating import Operation


class Right(Enum):
    """A right on a workflow; the value completes a sentence of the form "You may not … workflow 'order'"."""

    READ = "read"
    EDIT = "edit"
    READ_INSTANCES = "read the instances of"
    READ_LOG = "read the logs of"
    START = "start"
    OPERATE = "operate"
    ANSWER = "answer for"


class Permission(Protocol):
    """The rights of a caller, and the audit log of what the caller does."""

    def require(self, right: Right, workflow_id: str, missing: NotFound | None = None) -> None:
        """Require a right on a workflow.

        :param missing: raised where the caller may not even read the workflow
        :raises NotFound: the caller may not read it
        :raises Forbidden: the caller may read it, but does not have the right
        """
        ...

    def require_general(self, right: Right, what: str) -> None:
        """Require a right on workflows in general.

        :raises Forbidden: the caller does not have it
        """
        ...

    def require_events(self) -> None:
        """Require the right to publish events.

        :raises Forbidden: the caller does not have it
        """
        ...

    def permitted(self, right: Right, workflow_ids: Iterable[str]) -> set[str]:
        """Return the workflows on which the caller has a right."""
        ...

    def record(self, event: str, *, workflow_id: str | None = None, run_id: str | None = None, **extra: Any) -> None:
        """Write a row of Airflow's audit log, also where the use case fails later."""
        ...


class _Unrestricted:
    """May do everything and leaves no audit row."""

    def require(self, right: Right, workflow_id: str, missing: NotFound | None = None) -> None:
        """Accept."""

    def require_general(self, right: Right, what: str) -> None:
        """Accept."""

    def require_events(self) -> None:
        """Accept."""

    def permitted(self, right: Right, workflow_ids: Iterable[str]) -> set[str]:  # noqa: ARG002 - every right
        """Return all of them."""
        return set(workflow_ids)

    def record(self, event: str, *, workflow_id: str | None = None, run_id: str | None = None, **extra: Any) -> None:
        """Write nothing."""


UNRESTRICTED: Final[Permission] = _Unrestricted()
"""The permission of this package itself, and of a caller who has the workflow database: there is nothing to check."""


class Checked(_Unrestricted):
    """The permission within a bulk operation: the rights on these workflows were checked, and the audit row written.

    :param workflow_ids: the workflows
    """

    def __init__(self, workflow_ids: Iterable[str]) -> None:
        self._workflow_ids = frozenset(workflow_ids)

    def require(self, right: Right, workflow_id: str, missing: NotFound | None = None) -> None:  # noqa: ARG002
        """Accept only the workflows that were checked."""
        if workflow_id not in self._workflow_ids:
            message = f"You may not {right.value} workflow {workflow_id!r}"
            raise Forbidden(message)

    def permitted(self, right: Right, workflow_ids: Iterable[str]) -> set[str]:  # noqa: ARG002
        """Return those that were checked."""
        return set(workflow_ids) & self._workflow_ids


_RIGHTS: Final[dict[Operation, tuple[Right, ...]]] = {"restart": (Right.OPERATE, Right.START)}


def rights_for(operation: Operation) -> tuple[Right, ...]:
    """Return the rights that an operation on an instance requires."""
    return _RIGHTS.get(operation, (Right.OPERATE,))


def permit_bulk(
    permission: Permission, operation: Operation, workflow_id: str | None, every: Iterable[str]
) -> set[str]:
    """Return the workflows whose instances a bulk operation may change.

    :param workflow_id: the only workflow that is meant; None for all on which the caller has the rights
    :param every: the workflows that there are
    :raises NotFound: the caller may not read the workflow that is named
    :raises Forbidden: the caller may not operate the workflow that is named or, where none is named, any
    """
    rights = rights_for(operation)
    if workflow_id is not None:
        for right in rights:
            permission.require(right, workflow_id)
        return {workflow_id}
    permitted = set(every)
    for right in (Right.READ_INSTANCES, *rights):
        permitted = permission.permitted(right, permitted)
    if not permitted:
        for right in rights:
            permission.require_general(right, "workflows")
    return permitted
