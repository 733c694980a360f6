"""Instances: start, find, read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response

from airflow_workflow_provider.airflow_internals.secrets_masker import names_a_secret, server_mask
from airflow_workflow_provider.api import audit
from airflow_workflow_provider.api.access import Access, Right
from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, ViaDep, WorkflowId, responses
from airflow_workflow_provider.api.models import (
    Instance,
    InstancePage,
    InstanceQuery,
    InstanceSummary,
    StartBody,
)
from airflow_workflow_provider.api.operating import shown
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.api.visible import visible
from airflow_workflow_provider.engine.masking import SecretPlaces
from airflow_workflow_provider.errors import Misuse, NotFound
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.operations.start_instance import Starter, Which
from airflow_workflow_provider.store.instances import Instance as StoredInstance
from airflow_workflow_provider.store.instances import InstanceSummary as InstanceRow
from airflow_workflow_provider.store.jsonpath import InputCondition, parse_condition, values_touched
from airflow_workflow_provider.store.listing import InstanceFilter
from airflow_workflow_provider.vocabulary import ProblemCode

router: Final = APIRouter(tags=["instances"], route_class=StrictRoute)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=255,
        description="Names this start: sent again with the same key, it gives the same instance",
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
    access.require(Right.START, workflow_id)
    audit.record(access, "workflow.start", workflow_id=workflow_id, correlation_id=body.correlation_id)
    # Each user has their own keys: nobody meets, or learns of, another's start.
    given = headers.idempotency_key
    key = None if given is None else f"{access.actor['id']}\n{given}"
    opened = _starter(services).start(
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
    permitted = visible(services, access, workflow_id=query.workflow_id)
    only = InstanceFilter(
        workflow_id=query.workflow_id,
        # Without a restriction none is sent: a list of every workflow would only slow the query down.
        workflow_ids=None if permitted >= services.definitions.names() else permitted,
        version=query.version,
        statuses=query.status,
        correlation_id=query.correlation_id,
        current_step_id=query.current_step_id,
        started_from=query.started_from,
        started_before=query.started_before,
        parent_instance_id=query.parent_instance_id,
        compensation_owed=query.compensation_owed,
        input=_conditions(services, query, permitted),
    )
    keep = _unmasked(services, only) if only.input and permitted else None
    page = services.instance_list.page(only, after=query.after, limit=query.limit, keep=keep)
    return InstancePage(items=[InstanceSummary.model_validate(each) for each in page.items], next=page.next)


@router.get("/instances/{instance_id}", responses=responses())
def get_instance(services: ServicesDep, access: AccessDep, instance_id: UUID) -> Instance:
    """Get an instance with its state; secrets are masked."""
    return shown(services, access, readable_instance(services, access, instance_id, Right.READ_INSTANCES))


def readable_instance(services: Services, access: Access, instance_id: UUID, right: Right) -> StoredInstance:
    """Return an instance on which the user has a right.

    :raises NotFound: there is none, or the user may not read it
    :raises Refused: 403: the user may read it, but not this
    """
    stored = services.instances.get(instance_id)
    missing = NotFound(f"There is no instance {instance_id}", pointer=str(instance_id))
    access.require(right, stored.workflow_id, missing)
    return stored


def _starter(services: Services) -> Starter:
    def definition_of(workflow_id: str, revision: int) -> WorkflowDefinition:
        # What the answer needs is read before anything is made: a start that was made must not be refused.
        services.graph(workflow_id, revision)
        return services.definition(workflow_id, revision)

    return Starter(
        services.definitions,
        services.tasks,
        services.instances,
        services.settings,
        definition_of,
        mask=server_mask,
    )


def _conditions(services: Services, query: InstanceQuery, permitted: set[str]) -> list[InputCondition]:
    """Return the conditions on the input.

    What is masked when it is read must not be found out by asking, so conditions on secrets are refused; which places
    those are, the workflow's definition says.

    :raises Misuse: a condition cannot be read, names a secret, or no workflow is named
    """
    if not query.input:
        return []
    if query.workflow_id is None:
        message = "Conditions on the input need the workflow whose input it is"
        raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="?workflowId")
    conditions = [parse_condition(text) for text in query.input]
    if query.workflow_id not in permitted:
        return conditions
    secrets = SecretPlaces(services.secret_paths(query.workflow_id))
    for condition in conditions:
        names = condition.names
        if secrets.hide(names) or any(map(names_a_secret, names)):
            message = f"{'.'.join(names)!r} is secret: instances cannot be found by it"
            raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="?input")
    return conditions


def _unmasked(services: Services, only: InstanceFilter) -> Callable[[InstanceRow], bool]:
    """Return what leaves out instances in which a condition looks at a value that is masked when it is read.

    A secret is masked wherever it turns up, so no path tells where that is.
    """

    def keep(found: InstanceRow) -> bool:
        stored = services.instances.get(found.id)
        shown_input = services.masker(stored).mask({"input": stored.input})["input"]
        return all(values_touched(stored.input, each) == values_touched(shown_input, each) for each in only.input)

    return keep
