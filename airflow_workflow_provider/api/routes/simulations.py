"""Simulation: run a definition in memory, with mocked tasks."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from airflow_workflow_provider.api.bodies import DocumentRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.evaluating import simulate
from airflow_workflow_provider.api.models import Finding, SimulateBody, SimulationResult
from airflow_workflow_provider.errors import Misuse, NotFound
from airflow_workflow_provider.instances.graphs import named_tasks
from airflow_workflow_provider.model.references import Reference, is_child_workflow
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.vocabulary import ProblemCode

router: Final = APIRouter(tags=["simulation"], route_class=DocumentRoute)

MAX_CHILDREN: Final = 100

Json = dict[str, Any]


@router.post("/simulate", responses=responses(*BODY))
def simulate_definition(services: ServicesDep, access: AccessDep, body: SimulateBody) -> SimulationResult:
    """Run a definition in memory and virtual time: tasks are mocked, nothing is stored, nothing is called."""
    access.require_general(Right.READ, "workflows")
    document = _document(services, access, body)
    children = _children(services, access, document)
    result, diagnostics = simulate(services, document, children, body, checked=body.workflow_id is not None)
    return SimulationResult.model_validate(
        {**result, "diagnostics": [Finding(**each.as_json()) for each in diagnostics]}
    )


def _document(services: ServicesDep, access: AccessDep, body: SimulateBody) -> Json:
    if (body.definition is None) == (body.workflow_id is None):
        message = "Give either 'definition' or 'workflowId'"
        raise Misuse(message, code=ProblemCode.BAD_REQUEST, pointer="/definition")
    if body.workflow_id is not None:
        access.require(Right.READ, body.workflow_id)
        return services.definitions.get(body.workflow_id, version=body.version).document
    return body.definition or {}


def _children(services: ServicesDep, access: AccessDep, document: Json) -> dict[str, Json]:
    """Return the stored workflows that a definition runs, directly or through others, as far as the user may read.

    They are given by what refers to them.
    """
    found: dict[str, Json] = {}
    wanted = [document]
    while wanted and len(found) < MAX_CHILDREN:
        for reference in map(Reference.of, filter(is_child_workflow, sorted(named_tasks(wanted.pop())))):
            if str(reference) in found or not access.may(Right.READ, reference.workflow_id):
                continue
            try:
                stored = services.definitions.get(reference.workflow_id, version=reference.version)
            except NotFound:
                continue
            found[str(reference)] = stored.document
            wanted.append(stored.document)
    return found
