"""Comparing instances with Airflow's DAG runs, on request (rule I1)."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from airflow_workflow_provider.api.bodies import StrictRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, ServicesDep, responses
from airflow_workflow_provider.api.models import ApiModel, Body
from airflow_workflow_provider.operations.reconcile import Found, Outcome, Reconciler

router: Final = APIRouter(tags=["operations"], route_class=StrictRoute)


class ReconciliationBody(Body):
    """Options of a comparison."""

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
        "more; `run-active`: the instance has failed, and tasks of its run wait without an end; "
        "`database-restored`: the instance is older than what its tasks have stored; `task-waiting`: a task waits for "
        "what the instance does not wait for"
    )
    deed: Literal["settle", "recreate", "fail", "end-run", "rewind", "wake"] = Field(
        description="`settle`: end the instance as the run did; `recreate`: make the run again; `fail`: fail the "
        "instance; `end-run`: set the run failed; `rewind`: suspend the instance, and have the run start from the "
        "first task; `wake`: have the task look again"
    )
    outcome: Outcome = Field(
        description="`fixed`: done; `would`: it would be done without `dryRun`; `open`: it cannot be done now"
    )
    code: str | None = Field(description="Why it is open")
    detail: str | None


class Reconciliation(ApiModel):
    """The findings and changes of a comparison."""

    compared: int = Field(description="Instances that had not ended and were compared with their DAG runs")
    items: list[Disagreement] = Field(description="At most 1000, of workflows whose instances you may read")


@router.post("/reconciliations", responses=responses(*BODY, 409))
def reconcile(services: ServicesDep, access: AccessDep, body: ReconciliationBody | None = None) -> Reconciliation:
    """Compare instances with Airflow's DAG runs, and fix what does not agree.

    The api-server does this automatically every `[workflows] reconcile_interval` seconds. While they agree, nothing
    changes. Requires the permission to operate workflows.
    """
    given = body or ReconciliationBody()
    reconciler = Reconciler(services.operation_context, services.database)
    look = reconciler.look(access, dry_run=given.dry_run, every=given.all)
    items = [Disagreement.model_validate(each) for each in look.findings]
    return Reconciliation(compared=look.compared, items=items)
