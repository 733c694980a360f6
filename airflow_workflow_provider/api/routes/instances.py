"""Instances: start, find, read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, ViaDep, WorkflowId, responses
from airflow_workflow_provider.api.exporting import WRITERS, pages_of
from airflow_workflow_provider.api.models import Instance, InstancePage, InstanceSummary, StartBody
from airflow_workflow_provider.api.operating import shown
from airflow_workflow_provider.api.selecting import readable
from airflow_workflow_provider.api.selection_models import (
    Cause,
    InstanceCounts,
    InstanceExportQuery,
    InstanceQuery,
    InstanceSelectionQuery,
)
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.api.visible import visible
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.operations.start_instance import Starter, Which
from airflow_workflow_provider.store.causes import Causes
from airflow_workflow_provider.store.instances import Instance as StoredInstance

router: Final = APIRouter(tags=["instances"], route_class=StrictRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Identifies this start: a repeated request with the same key returns the same instance",
    ),
]
IfVersion = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Start only if this is the version that will run; otherwise the answer is 412",
    ),
]


@dataclass(frozen=True)
class StartHeaders:
    """Headers of a start."""

    idempotency_key: str | None
    if_version: str | None


def _start_headers(idempotency_key: IdempotencyKey = None, if_version: IfVersion = None) -> StartHeaders:
    return StartHeaders(idempotency_key, if_version)


REPLAYED: Final = "Idempotency-Replayed"


@router.post(
    "/definitions/{workflow_id}/instances",
    status_code=201,
    responses={200: {"model": Instance, "description": "Started before with this key"}, **responses(*BODY, 409, 412)},
)
def start_instance(
    *,
    services: ServicesDep,
    access: AccessDep,
    via: ViaDep,
    request: Request,
    response: Response,
    workflow_id: WorkflowId,
    body: StartBody,
    headers: Annotated[StartHeaders, Depends(_start_headers)],
) -> Instance:
    """Start an instance; the input is validated before anything is created.

    It runs what was published before the request, or something newer. If Airflow has not loaded that yet, the request
    waits for `[workflows] start_wait` at most; after that time the answer is 409 `workflow-not-loaded` with
    `Retry-After`.
    """

    # Each user has their own keys: nobody meets, or learns of, another's start.
    given = headers.idempotency_key
    key = None if given is None else f"{access.actor['id']}\n{given}"
    opened = _starter(services, access).start(
        workflow_id,
        body.input,
        about={"correlationId": body.correlation_id, "via": None if via == "api" else via},
        key=key,
        user_name=access.user_name,
        which=Which(headers.if_version, body.min_revision),
    )
    place = request.app.url_path_for("get_instance", instance_id=str(opened.id))
    response.headers["Location"] = f"{request.scope['root_path']}{place}"
    if not opened.created:
        response.status_code = 200
        response.headers[REPLAYED] = "true"
    return shown(services, access, opened.instance)


@router.get("/instances", responses=responses())
def list_instances(services: ServicesDep, access: AccessDep, query: Annotated[InstanceQuery, Query()]) -> InstancePage:
    """List the instances that you can read, newest first."""
    chosen = readable(services, access, query)
    page = services.instance_list.page(
        chosen.only, after=query.after, limit=query.limit, keep=chosen.keep, oldest=query.order == "oldest"
    )
    positions = services.places.positions([each.id for each in page.items if each.queued])
    items = [InstanceSummary.model_validate(each) for each in page.items]
    items = [each.model_copy(update={"queue_position": positions.get(each.id)}) for each in items]
    return InstancePage(items=items, next=page.next)


@router.get("/instances/summary", responses=responses())
def count_instances(
    services: ServicesDep, access: AccessDep, query: Annotated[InstanceSelectionQuery, Query()]
) -> InstanceCounts:
    """Count the instances that you can read by status, and group those that failed by cause."""
    chosen = readable(services, access, query)
    operable = bool(visible(services, access, Right.OPERATE, workflow_id=query.workflow_id))
    if chosen.keep is not None:
        # A number would reveal a masked value.
        return InstanceCounts(counts=None, cancelled=None, causes=[], operable=operable)
    causes = Causes(services.database).of(chosen.only)
    counts, cancelled = services.instance_list.counts(chosen.only)
    return InstanceCounts(
        counts=counts,
        cancelled=cancelled,
        causes=[Cause.model_validate(each) for each in causes],
        operable=operable,
    )


@router.get("/instances/export", responses={**responses(), 200: {"content": {"text/csv": {}}}})
def export_instances(
    services: ServicesDep, access: AccessDep, query: Annotated[InstanceExportQuery, Query()]
) -> StreamingResponse:
    """Write all instances that match a filter and that you can read to a file: CSV, or one JSON array."""
    chosen = readable(services, access, query)
    write, kind = WRITERS[query.format]
    pages = pages_of(services.instance_list, chosen, oldest=query.order == "oldest")
    headers = {"Content-Disposition": f'attachment; filename="instances.{query.format}"'}
    return StreamingResponse(write(pages), media_type=kind, headers=headers)


@router.get("/instances/{instance_id}", responses=responses())
def get_instance(services: ServicesDep, access: AccessDep, instance_id: UUID) -> Instance:
    """Get an instance with its state; secrets are masked."""
    return shown(services, access, readable_instance(services, access, instance_id, Right.READ_INSTANCES))


def readable_instance(services: Services, access: Access, instance_id: UUID, right: Right) -> StoredInstance:
    """Return an instance on which the user has a right.

    :raises NotFound: there is none, or the user may not read it
    :raises Forbidden: the user may read it, but not this
    """
    stored = services.instances.get(instance_id)
    missing = NotFound(f"There is no instance {instance_id}", pointer=str(instance_id))
    access.require(right, stored.workflow_id, missing)
    return stored


def _starter(services: Services, access: Access) -> Starter:
    def definition_of(workflow_id: str, revision: int) -> WorkflowDefinition:
        # What the answer needs is read before anything is made: a start that was made must not be refused.
        services.graph(workflow_id, revision)
        return services.definition(workflow_id, revision)

    return Starter(
        services.definitions,
        services.tasks,
        services.instances,
        services.settings,
        access,
        definition_of,
        mask=server_mask,
    )
