"""Simulation: run a definition in memory, with mocked tasks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter

from airflow_workflow_provider.api.access import Right
from airflow_workflow_provider.api.bodies import DocumentRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.models import Finding, SimulateBody, SimulationResult
from airflow_workflow_provider.errors import InvalidDefinition, Misuse, NotFound
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.diagnostics import OUTSIDE, Diagnostic
from airflow_workflow_provider.model.references import Reference
from airflow_workflow_provider.model.validate import parse_definition, validate_document
from airflow_workflow_provider.operators.ledger import options_of
from airflow_workflow_provider.tasks.calls import is_child_workflow, task_ids
from airflow_workflow_provider.tasks.mocks import Simulator

router: Final = APIRouter(tags=["simulation"], route_class=DocumentRoute)

MISSING_TASKS: Final = OUTSIDE
"""Findings that a simulation can live with: a task that is not there is mocked, or returns ``{}``."""

MAX_CALLS: Final = 2_000
MAX_SECONDS: Final = 5.0
MAX_CHILDREN: Final = 100


@router.post("/simulate", responses=responses(*BODY))
def simulate_definition(services: ServicesDep, access: AccessDep, body: SimulateBody) -> SimulationResult:
    """Run a definition in memory and virtual time: tasks are mocked, nothing is stored, nothing is called."""
    access.require_general(Right.READ, "workflows")
    definition, diagnostics = _definition(services, access, body)
    warnings: list[str] = []
    budget = _Budget()
    simulator = Simulator(
        catalogue=services.catalogue(),
        workflows=_children(services, access, definition),
        warn=warnings.append,
        options=options_of(services.settings),
        watch=budget.spend,
    )
    result = simulator.run(
        definition,
        body.input,
        body.mocks,
        now=datetime.now(UTC),
        event=body.event,
        correlation_id=body.correlation_id,
    )
    budget.check()
    return SimulationResult.model_validate(
        {**result.to_json(), "diagnostics": [Finding(**each.as_json()) for each in diagnostics], "warnings": warnings}
    )


class _Budget:
    """What one request may use: a definition can loop, and many people share the api-server."""

    def __init__(self) -> None:
        self._calls = 0
        self._ends = time.monotonic() + MAX_SECONDS

    def spend(self) -> None:
        self._calls += 1
        self.check()

    def check(self) -> None:
        if self._calls > MAX_CALLS or time.monotonic() > self._ends:
            message = f"The simulation made more than {MAX_CALLS:,} calls or took more than {MAX_SECONDS:g} s"
            raise Misuse(message, code="simulation-too-long", suggestion="airflow-workflows simulate has no such bound")


def _definition(
    services: ServicesDep, access: AccessDep, body: SimulateBody
) -> tuple[WorkflowDefinition, list[Diagnostic]]:
    if (body.definition is None) == (body.workflow_id is None):
        message = "Give either 'definition' or 'workflowId'"
        raise Misuse(message, code="bad-request", pointer="/definition")
    if body.workflow_id is not None:
        access.require(Right.READ, body.workflow_id)
        stored = services.definitions.get(body.workflow_id, version=body.version)
        return services.definition(body.workflow_id, stored.revision), []
    result = validate_document(body.definition, services.catalogue(), policy=services.policy)
    found = [each for each in result.diagnostics if each.code not in MISSING_TASKS]
    if any(each.severity == "error" for each in found):
        message = f"The definition is invalid: {found[0].message}"
        raise InvalidDefinition(message, result.diagnostics)
    definition = result.definition
    return definition if definition is not None else parse_definition(body.definition, checked=False), found


def _children(
    services: ServicesDep, access: AccessDep, definition: WorkflowDefinition
) -> dict[str, WorkflowDefinition]:
    """Return the stored workflows that a definition runs, directly or through others, as far as the user may read.

    They are given by what refers to them.
    """
    found: dict[str, WorkflowDefinition] = {}
    wanted = [definition]
    while wanted and len(found) < MAX_CHILDREN:
        for reference in map(Reference.of, filter(is_child_workflow, task_ids(wanted.pop()))):
            if str(reference) in found or not access.may(Right.READ, reference.workflow_id):
                continue
            try:
                stored = services.definitions.get(reference.workflow_id, version=reference.version)
            except NotFound:
                continue
            found[str(reference)] = services.definition(reference.workflow_id, stored.revision)
            wanted.append(found[str(reference)])
    return found
