"""Import: convert definitions of other workflow systems; nothing is stored."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from airflow_workflow_provider.api.bodies import DocumentRoute
from airflow_workflow_provider.api.dependencies import BODY, AccessDep, responses
from airflow_workflow_provider.api.import_models import ImportBody, ImportResult
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.tasks.evaluating import imported

router: Final = APIRouter(tags=["definitions"], route_class=DocumentRoute)


@router.post("/import", responses=responses(*BODY))
def import_definitions(access: AccessDep, body: ImportBody) -> ImportResult:
    """Convert definitions of another workflow system, with a report; nothing is stored.

    Publish the documents with `PUT /tasks/{task_id}` and `PUT /definitions/{workflow_id}`.
    """
    access.require_general(Right.READ, "workflows")
    found = imported(body.dialect, [{"name": each.name, "content": each.content} for each in body.sources])
    return ImportResult.model_validate({"items": found})
