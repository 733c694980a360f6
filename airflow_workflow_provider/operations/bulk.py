"""One operation on many instances, page by page (rule I5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.operating import Operation, Verdict, verdict
from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.instances.session import options_of
from airflow_workflow_provider.model.diagnostics import Diagnostic, diagnostics_of
from airflow_workflow_provider.operations import lifecycle, migrating, reruns

if TYPE_CHECKING:
    from uuid import UUID

    from airflow_workflow_provider.operations.context import OperationContext, Order
    from airflow_workflow_provider.store.filtering import InstanceFilter
    from airflow_workflow_provider.store.instances import InstanceSummary

_DOING: Final[Mapping[Operation, Callable[..., Any]]] = {
    "suspend": lifecycle.suspend,
    "resume": lifecycle.resume,
    "cancel": lifecycle.cancel,
    "retry": reruns.retry,
    "restart": reruns.restart,
    "skip": reruns.skip,
    "compensate": reruns.compensate,
    "migrate": migrating.migrate,
}


@dataclass(frozen=True)
class Bulk:
    """A bulk operation.

    :param only: the instances
    :param arguments: of the operation
    :param keep: returns whether an instance is meant, for what SQL cannot decide
    :param dry_run: change nothing, say only what would be done
    """

    operation: Operation
    only: InstanceFilter
    order: Order
    arguments: Mapping[str, Any]
    dry_run: bool
    keep: Callable[[InstanceSummary], bool] | None = None


@dataclass(frozen=True)
class Result:
    """The outcome of one instance; a refusal has a code and a reason.

    :param findings: every single reason of a refusal, where there may be several
    """

    instance_id: UUID
    workflow_id: str
    correlation_id: str | None
    outcome: Literal["done", "unchanged", "refused", "would"]
    code: str | None = None
    detail: str | None = None
    findings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Results:
    """The outcomes of a page of instances, and the start of the next page; null after the last."""

    items: tuple[Result, ...]
    next: str | None


def bulk(context: OperationContext, asked: Bulk, *, after: str | None = None, limit: int = 200) -> Results:
    """Operate on a page of instances; one that refuses does not stop the others.

    :param after: ``next`` of the page before
    :raises StoreUnavailable: what was done is done; doing it again does no harm
    """
    page = context.instance_list.page(asked.only, after=after, limit=limit, keep=asked.keep)
    return Results(tuple(_one(context, asked, each) for each in page.items), page.next)


def _one(context: OperationContext, asked: Bulk, wanted: InstanceSummary) -> Result:
    about = (wanted.id, wanted.workflow_id, wanted.correlation_id)
    try:
        found = _verdict(context, asked, wanted.id)
        if found.outcome != "do":
            return Result(*about, found.outcome, found.code, found.detail)
        if asked.dry_run:
            return Result(*about, "would")
        _DOING[asked.operation](context, wanted.id, asked.order, **asked.arguments)
    except StoreUnavailable:
        raise
    except WorkflowsError as error:
        return Result(*about, "refused", error.code, error.message, tuple(diagnostics_of(error)))
    return Result(*about, "done")


def _verdict(context: OperationContext, asked: Bulk, wanted: UUID) -> Verdict:
    stored = context.instances.get(wanted)
    machine = Machine(context.graph_of(stored.workflow_id, stored.revision), stored.state, options_of(context.settings))
    if asked.operation == "migrate":
        return migrating.look_at_migration(context, stored, machine, asked.arguments.get("version"))
    return verdict(machine, asked.operation, compensate=bool(asked.arguments.get("compensate")))
