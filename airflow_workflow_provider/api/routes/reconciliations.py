"""Comparing instances with Airflow's DAG runs, on request (rule I1)."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from airflow_workflow_provider.api import audit
from airflow_workflow_provider.api.access import Right
from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.models import ApiModel, Body
from airflow_workflow_provider.operations.reconcile import Found, Outcome, Reconciler

router: Final = APIRouter(tags=["operations"], route_class=StrictRoute)


class ReconciliationBody(Body):
    """What to do."""

    dry_run: bool = Field(False, description="Change nothing, list only what would be done")
    all: bool = Field(
        False, description="Make missing DAG runs again even if there are more than `[workflows] missing_runs_limit`"
    )


class Disagreement(ApiModel):
    """An instance and its DAG run that do not agree."""

    instance_id: UUID
    workflow_id: str
    run_id: str
    found: Found = Field(
        description="`run-ended`: the run has ended, the instance has not; `run-missing`: Airflow has no such run any "
        "more; `run-active`: the instance has failed, and tasks of its run wait without an end"
    )
    deed: Literal["settle", "recreate", "fail", "end-run"] = Field(
        description="`settle`: end the instance as the run did; `recreate`: make the run again; `fail`: fail the "
        "instance; `end-run`: set the run failed"
    )
    outcome: Outcome = Field(
        description="`mended`: done; `would`: it would be done without `dryRun`; `open`: it cannot be done now"
    )
    code: str | None = Field(description="Why it is open")
    detail: str | None


class Reconciliation(ApiModel):
    """What was found and done."""

    compared: int = Field(description="Instances that had not ended and were compared with their DAG runs")
    items: list[Disagreement] = Field(description="At most 1000, of workflows whose instances you may read")


@router.post("/reconciliations", responses=responses(*BODY, 409))
def reconcile(services: ServicesDep, access: AccessDep, body: ReconciliationBody | None = None) -> Reconciliation:
    """Compare instances with Airflow's DAG runs, and make agree what does not.

    The api-server does this by itself every `[workflows] reconcile_interval` seconds. While everything is well, nothing
    changes. Takes the permission to operate workflows.
    """
    access.require_general(Right.OPERATE, "workflows")
    given = body or ReconciliationBody()
    if not given.dry_run:
        audit.record(access, "workflow.reconcile", all=given.all)
    look = Reconciler(services.operation_context, services.database).look(dry_run=given.dry_run, every=given.all)
    readable = access.permitted(Right.READ_INSTANCES, {each.workflow_id for each in look.findings})
    items = [Disagreement.model_validate(each) for each in look.findings if each.workflow_id in readable]
    return Reconciliation(compared=look.compared, items=items)
