"""Operations on instances, one or many: suspend, cancel, retry, migrate and the others (rules I5, I8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from fastapi import APIRouter

from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, ViaDep, responses
from airflow_workflow_provider.api.models import Instance
from airflow_workflow_provider.api.operating import shown
from airflow_workflow_provider.api.operation_models import (
    BulkBody,
    BulkResult,
    BulkResults,
    CancelBody,
    MigrateBody,
    ReasonBody,
    RestartBody,
    RetryBody,
    SkipBody,
    SkipPreview,
)
from airflow_workflow_provider.api.selecting import choose
from airflow_workflow_provider.operations import lifecycle, migrating, reruns
from airflow_workflow_provider.operations.bulk import Bulk, bulk
from airflow_workflow_provider.operations.context import Order, Via
from airflow_workflow_provider.operations.permission import Checked, permit_bulk

router: Final = APIRouter(tags=["operations"], route_class=StrictRoute)
ANSWERS: Final = responses(*BODY, 409)


@router.post("/instances/{instance_id}/suspend", responses=ANSWERS)
def suspend_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: ReasonBody | None = None
) -> Instance:
    """Suspend an instance: no new step starts, running steps continue to their end.

    Suspending a suspended instance again changes nothing.
    """
    order = _order(access, via, body)
    return shown(services, access, lifecycle.suspend(services.operation_context, instance_id, order))


@router.post("/instances/{instance_id}/resume", responses=ANSWERS)
def resume_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: ReasonBody | None = None
) -> Instance:
    """Resume a suspended instance. Resuming a running instance changes nothing."""
    order = _order(access, via, body)
    return shown(services, access, lifecycle.resume(services.operation_context, instance_id, order))


@router.post("/instances/{instance_id}/cancel", responses=ANSWERS)
def cancel_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: CancelBody | None = None
) -> Instance:
    """Cancel an instance: it ends `failed` with the error type `Cancelled`, and so do the instances it waits for.

    With `compensate` the workflow's compensations run first. Cancelling a cancelled instance again changes nothing.
    """
    given = body or CancelBody()
    order = _order(access, via, given)
    ended = lifecycle.cancel(services.operation_context, instance_id, order, compensate=given.compensate)
    return shown(services, access, ended)


@router.post("/instances/{instance_id}/retry", responses=ANSWERS)
def retry_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: RetryBody | None = None
) -> Instance:
    """Run the failed and stopped steps of an instance again, and continue from there."""
    given = body or RetryBody()
    order = _order(access, via, given)
    return shown(services, access, reruns.retry(services.operation_context, instance_id, order, version=given.version))


@router.post("/instances/{instance_id}/restart", responses=ANSWERS)
def restart_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: RestartBody | None = None
) -> Instance:
    """Run an ended instance again, from the start or from a step that ran before."""
    given = body or RestartBody()
    order = _order(access, via, given)
    found = reruns.restart(
        services.operation_context,
        instance_id,
        order,
        from_step_id=given.from_step_id,
        input_data=given.input,
        version=given.version,
    )
    return shown(services, access, found)


@router.post("/instances/{instance_id}/skip", responses=ANSWERS)
def skip_step(services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: SkipBody) -> Instance:
    """Replace the result of a failed step by an output, and continue after it."""
    order = _order(access, via, body)
    found = reruns.skip(services.operation_context, instance_id, order, output=body.output, step_id=body.step_id)
    return shown(services, access, found)


@router.post("/instances/{instance_id}/skip/preview", responses=ANSWERS)
def preview_skip(services: ServicesDep, access: AccessDep, instance_id: UUID, body: SkipBody) -> SkipPreview:
    """Show what a skip with an output would lead to, and change nothing: the step's output and the following step."""
    context = services.operation_context
    found = reruns.preview_skip(context, instance_id, access, output=body.output, step_id=body.step_id)
    masker = services.masker(services.instances.get(instance_id))
    return SkipPreview(step_id=found.step_id, output=masker.mask(found.output), next=found.next)


@router.post("/instances/{instance_id}/compensate", responses=ANSWERS)
def compensate_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: ReasonBody | None = None
) -> Instance:
    """Run the compensations of a failed or cancelled instance that have not run; it then ends with the same error.

    `compensationsOwed` is their number. Each runs once, also if you send this again.
    """
    order = _order(access, via, body)
    return shown(services, access, reruns.compensate(services.operation_context, instance_id, order))


@router.post("/instances/{instance_id}/migrate", responses=ANSWERS)
def migrate_instance(
    services: ServicesDep, access: AccessDep, via: ViaDep, instance_id: UUID, body: MigrateBody | None = None
) -> Instance:
    """Let an instance that has not ended continue in another version of its workflow, from where it is.

    It is refused with `version-incompatible` if the version does not have the instance's steps where they were;
    `diagnostics` has every reason. Migrating to the version that it runs changes nothing.
    """
    given = body or MigrateBody()
    order = _order(access, via, given)
    found = migrating.migrate(services.operation_context, instance_id, order, version=given.to_version)
    return shown(services, access, found)


@router.post("/instances/bulk", responses=responses(*BODY))
def operate_on_many(services: ServicesDep, access: AccessDep, via: ViaDep, body: BulkBody) -> BulkResults:
    """Operate on the instances that match a filter, at most `limit` at a time, newest first.

    Send the same body with `after` set to `next` until `next` is null. With `dryRun` nothing changes, and the answer
    lists what would change. Workflows whose instances you cannot operate are skipped.
    """
    permitted = permit_bulk(access, body.operation, body.filter.workflow_id, services.definitions.names())
    if not body.dry_run:
        access.record(
            f"workflow.bulk-{body.operation}",
            workflow_id=body.filter.workflow_id,
            filter=body.filter.model_dump(mode="json", by_alias=True, exclude_none=True),
        )
    order = Order(access.actor, Checked(permitted), via, body.reason)
    chosen = choose(services, body.filter, permitted)
    only = replace(chosen.only, ids=body.filter.ids)
    asked = Bulk(body.operation, only, order, body.arguments(), dry_run=body.dry_run, keep=chosen.keep)
    found = bulk(services.operation_context, asked, after=body.after, limit=body.limit)
    return BulkResults(items=[BulkResult.model_validate(each) for each in found.items], next=found.next)


def _order(access: Access, via: Via, body: ReasonBody | None) -> Order:
    """Return who operates on an instance, from where and why."""
    return Order(access.actor, access, via, body.reason if body is not None else None)
