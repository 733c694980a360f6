"""Simulation: run a definition in memory, with mocked tasks."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter

from airflow_workflow_provider.api.access import Right
from airflow_workflow_provider.api.bodies import DocumentRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.evaluating import check_definition, simulate
from airflow_workflow_provider.api.models import Finding, SimulateBody, SimulationResult
from airflow_workflow_provider.errors import InvalidDefinition, Misuse, NotFound
from airflow_workflow_provider.instances.graphs import named_tasks
from airflow_workflow_provider.model.diagnostics import OUTSIDE, Diagnostic
from airflow_workflow_provider.model.references import Reference, is_child_workflow

router: Final = APIRouter(tags=["simulation"], route_class=DocumentRoute)

MISSING_TASKS: Final = OUTSIDE
"""Findings that a simulation can live with: a task that is not there is mocked, or returns ``{}``."""

MAX_CHILDREN: Final = 100

Json = dict[str, Any]


@router.post("/simulate", responses=responses(*BODY))
def simulate_definition(services: ServicesDep, access: AccessDep, body: SimulateBody) -> SimulationResult:
    """Run a definition in memory and virtual time: tasks are mocked, nothing is stored, nothing is called."""
    access.require_general(Right.READ, "workflows")
    document, diagnostics = _document(services, access, body)
    result = simulate(services, document, _children(services, access, document), body)
    return SimulationResult.model_validate(
        {**result, "diagnostics": [Finding(**each.as_json()) for each in diagnostics]}
    )


def _document(services: ServicesDep, access: AccessDep, body: SimulateBody) -> tuple[Json, list[Diagnostic]]:
    if (body.definition is None) == (body.workflow_id is None):
        message = "Give either 'definition' or 'workflowId'"
        raise Misuse(message, code="bad-request", pointer="/definition")
    if body.workflow_id is not None:
        access.require(Right.READ, body.workflow_id)
        return services.definitions.get(body.workflow_id, version=body.version).document, []
    result = check_definition(services, body.definition, people=False)
    found = [each for each in result.diagnostics if each.code not in MISSING_TASKS]
    if any(each.severity == "error" for each in found):
        message = f"The definition is invalid: {found[0].message}"
        raise InvalidDefinition(message, result.diagnostics)
    return body.definition or {}, found


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
