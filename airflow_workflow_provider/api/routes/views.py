"""The pages of instances in one answer each, cheap to poll, and the graph of a definition."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Response

from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import AccessDep, ServicesDep, WorkflowId, etag, responses
from airflow_workflow_provider.api.models import Text
from airflow_workflow_provider.api.routes.instances import readable_instance
from airflow_workflow_provider.api.step_detail import step_detail
from airflow_workflow_provider.api.view_models import (
    DefinitionGraph,
    GraphEdge,
    GraphGroup,
    GraphNode,
    InstanceView,
    StepDetail,
)
from airflow_workflow_provider.api.viewing import Caller, view_of, view_tag
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.definition import STEP_ID_PATTERN
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.store.instances import instance_id as id_of_run
from airflow_workflow_provider.vocabulary import ProblemCode

router: Final = APIRouter(tags=["views"], route_class=StrictRoute)

UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Nothing has changed since (`If-None-Match`)"}
}
IMMUTABLE: Final = "private, max-age=31536000, immutable"
ASK_AGAIN: Final = "private, no-cache"

Known = Annotated[
    str | None, Header(alias="If-None-Match", description="`ETag` of the answer before: 304 if nothing has changed")
]
MAX_ID: Final = 250


@router.get(
    "/instances/{instance_id}/view",
    response_model=InstanceView,
    response_model_exclude_none=True,
    responses={**UNCHANGED, **responses()},
)
def view_instance(
    services: ServicesDep, access: AccessDep, response: Response, instance_id: UUID, if_none_match: Known = None
) -> InstanceView | Response:
    """Get the whole page of an instance: components, steps, path, timeline, your permissions.

    Asked again with `If-None-Match` it answers 304 without looking at the state while nothing has changed.
    """
    mark = services.views.mark(instance_id)
    missing = NotFound(f"There is no instance {instance_id}", pointer=str(instance_id))
    access.require(Right.READ_INSTANCES, mark.workflow_id, missing)
    caller = Caller.of(access, mark.workflow_id)
    tag = view_tag(mark, caller)
    if _knows(if_none_match, tag):
        return Response(status_code=304, headers={"ETag": tag, "Cache-Control": ASK_AGAIN})
    # What changed meanwhile is in the answer, under the tag of what was there before: the next one sends it again.
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = ASK_AGAIN
    return view_of(services, caller, services.instances.get(instance_id))


@router.get(
    "/run-view",
    response_model=InstanceView,
    response_model_exclude_none=True,
    responses={**UNCHANGED, **responses()},
)
def view_run(
    *,
    services: ServicesDep,
    access: AccessDep,
    response: Response,
    dag_id: Annotated[Text, Query(alias="dagId", min_length=1, max_length=MAX_ID)],
    run_id: Annotated[Text, Query(alias="runId", min_length=1, max_length=MAX_ID)],
    if_none_match: Known = None,
) -> InstanceView | Response:
    """Get the page of a DAG run's instance.

    404 has the code `not-a-workflow` for a DAG without a workflow, and `no-instance` for a run without an instance.
    """
    access.require(Right.READ_INSTANCES, dag_id, NotFound(f"There is no DAG {dag_id!r}", pointer="?dagId"))
    wanted = id_of_run(dag_id, run_id)
    try:
        return view_instance(services, access, response, wanted, if_none_match)
    except NotFound:
        raise _nothing_there(services, dag_id, run_id) from None


@router.get("/instances/{instance_id}/steps/{step_id}", response_model_exclude_none=True, responses=responses())
def get_step(
    services: ServicesDep,
    access: AccessDep,
    instance_id: UUID,
    step_id: Annotated[str, Path(pattern=STEP_ID_PATTERN, description="A step of the definition")],
) -> StepDetail:
    """Get input, output and decision of a step of an instance, attempt by attempt, and the actions of people.

    Inputs, attempts and decisions come from the execution log, and only with the permission to read it.
    """
    stored = readable_instance(services, access, instance_id, Right.READ_INSTANCES)
    with_log = access.may(Right.READ_LOG, stored.workflow_id)
    return step_detail(services, stored, step_id, with_log=with_log)


@router.get(
    "/definitions/{workflow_id}/graph",
    response_model=DefinitionGraph,
    response_model_exclude_none=True,
    responses={**UNCHANGED, **responses()},
)
def get_graph(
    *,
    services: ServicesDep,
    access: AccessDep,
    response: Response,
    workflow_id: WorkflowId,
    revision: Annotated[
        int | None, Query(ge=1, lt=2**63, description="The graph of that revision, which never changes")
    ] = None,
    if_none_match: Known = None,
) -> DefinitionGraph | Response:
    """Get a workflow as nodes and edges, now or as it was at a revision."""
    access.require(Right.READ, workflow_id)
    wanted = services.definitions.highest_revision() if revision is None else revision
    graph, drawing = services.graph(workflow_id, wanted), services.drawing(workflow_id, wanted)
    headers = {"ETag": etag(wanted), "Cache-Control": ASK_AGAIN if revision is None else IMMUTABLE}
    if _knows(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return DefinitionGraph(
        workflow_id=workflow_id,
        version=graph.definition.version,
        revision=wanted,
        nodes=[GraphNode.model_validate(each) for each in drawing.nodes],
        groups=[GraphGroup.model_validate(each) for each in drawing.groups],
        edges=[GraphEdge.model_validate(each) for each in drawing.edges],
    )


def _knows(if_none_match: str | None, tag: str) -> bool:
    """Return whether a client has an answer already; a proxy that compresses may have marked its tag as weak."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag in given or "*" in given


def _nothing_there(services: ServicesDep, dag_id: str, run_id: str) -> NotFound:
    try:
        services.definitions.head(dag_id)
    except NotFound:
        return NotFound(f"DAG {dag_id!r} is not a workflow", code=ProblemCode.NOT_A_WORKFLOW, pointer="?dagId")
    return NotFound(
        f"Run {run_id!r} of workflow {dag_id!r} has no instance",
        code=ProblemCode.NO_INSTANCE,
        pointer="?runId",
        suggestion="its first step has not begun, or the instance was deleted",
    )
