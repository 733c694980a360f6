"""Task definitions: read, publish, compare."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Query, Response

from airflow_workflow_provider.api.bodies import DocumentRoute
from airflow_workflow_provider.api.dependencies import (
    BODY,
    AccessDep,
    Expected,
    ServicesDep,
    TaskId,
    etag,
    responses,
)
from airflow_workflow_provider.api.evaluating import check_task
from airflow_workflow_provider.api.models import (
    Diff,
    Finding,
    PublishedTask,
    TaskList,
    TaskPublication,
    TaskPublications,
    TaskSummary,
    TaskVersion,
    Validation,
)
from airflow_workflow_provider.api.publishing import publishing
from airflow_workflow_provider.model.comparison import changes
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.tasks.builtin import BUILTINS

router: Final = APIRouter(prefix="/tasks", tags=["tasks"], route_class=DocumentRoute)

Document = Annotated[
    Any, Body(description="A task document", json_schema_extra={"$ref": "#/components/schemas/TaskDefinition"})
]
Revision = Annotated[int, Query(ge=1, lt=2**63)]
WHAT: Final = "task definitions, which all workflows share"


@router.get("", responses=responses())
def list_tasks(services: ServicesDep, access: AccessDep) -> TaskList:
    """List the tasks that steps can name: built-in, registered from Python, stored."""
    access.require_general(Right.READ, WHAT)
    revisions = {stored.task_id: stored.revision for stored in services.tasks.list()}
    catalogue = services.catalogue()
    found = []
    for task_id in sorted(catalogue.ids()):
        task = catalogue.get(task_id)
        if task is not None:
            stored = task_id in revisions and task_id not in BUILTINS
            found.append(
                TaskSummary(
                    task_id=task_id,
                    name=task.name,
                    description=task.description,
                    operator=task.operator,
                    arguments_schema=catalogue.argument_schema(task_id),
                    source="stored" if stored else "built-in" if task_id in BUILTINS else "python",
                    revision=revisions[task_id] if stored else None,
                )
            )
    return TaskList(items=found)


@router.post("/validate", responses=responses(*BODY))
def validate_task_definition(services: ServicesDep, access: AccessDep, document: Document) -> Validation:
    """Validate a document as a publication would, and store nothing."""
    access.require_general(Right.READ, WHAT)
    result = check_task(services, document)
    beyond = publishing(services, access).task_beyond(result.task()) if result.valid else ()
    return Validation.of((*result.diagnostics, *beyond), valid=result.valid and not beyond)


@router.get("/{task_id}", responses=responses())
def get_task(
    services: ServicesDep, access: AccessDep, response: Response, task_id: TaskId, revision: Revision | None = None
) -> TaskVersion:
    """Get the current definition of a stored task, or one of its revisions; `ETag` is its revision."""
    access.require_general(Right.READ, WHAT)
    stored = services.tasks.get(task_id, revision)
    response.headers["ETag"] = etag(stored.revision)
    return TaskVersion.model_validate(stored)


@router.put("/{task_id}", responses={201: {"model": PublishedTask}, **responses(*BODY, 412)})
def publish_task(
    *,
    services: ServicesDep,
    access: AccessDep,
    response: Response,
    task_id: TaskId,
    document: Document,
    expected: Expected,
) -> PublishedTask:
    """Publish a document as the current definition of its task; the same content changes nothing.

    All workflows may use a task, so this needs the permission to edit DAGs in general.
    """
    publisher = publishing(services, access)
    publisher.permit_task()
    result = check_task(services, document)
    task = result.task()
    published = publisher.publish_task(
        task, document, task_id=task_id, diagnostics=result.diagnostics, expected=expected
    )
    response.status_code = 201 if published.outcome == "created" else 200
    response.headers["ETag"] = etag(published.revision)
    return PublishedTask(
        task_id=task_id,
        revision=published.revision,
        outcome=published.outcome,
        diagnostics=_findings(result.diagnostics),
    )


@router.get("/{task_id}/versions", responses=responses())
def list_task_versions(services: ServicesDep, access: AccessDep, task_id: TaskId) -> TaskPublications:
    """List the publications of a task, newest first."""
    access.require_general(Right.READ, WHAT)
    found = services.tasks.versions(task_id)
    return TaskPublications(items=[TaskPublication.model_validate(each) for each in found])


@router.get("/{task_id}/diff", responses=responses())
def diff_tasks(
    services: ServicesDep, access: AccessDep, task_id: TaskId, old: Revision, new: Revision | None = None
) -> Diff:
    """Compare two revisions of a task; the newer one defaults to the current one."""
    access.require_general(Right.READ, WHAT)
    before = services.tasks.get(task_id, old)
    after = services.tasks.get(task_id, new)
    return Diff.model_validate({"changes": list(changes(before.document, after.document))})


def _findings(diagnostics: tuple[Diagnostic, ...]) -> list[Finding]:
    return [Finding(**each.as_json()) for each in diagnostics]
