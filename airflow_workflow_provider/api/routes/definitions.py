"""Workflow definitions: read, publish, compare, switch on and off."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Body, Query, Request, Response

from airflow_workflow_provider.api.bodies import DocumentRoute, StrictRequest
from airflow_workflow_provider.api.dependencies import (
    BODY,
    AccessDep,
    Expected,
    ServicesDep,
    WorkflowId,
    etag,
    responses,
)
from airflow_workflow_provider.api.evaluating import check_definition
from airflow_workflow_provider.api.models import (
    DefinitionPage,
    DefinitionSummary,
    DefinitionVersion,
    Diff,
    Finding,
    Publication,
    Publications,
    PublishedDefinition,
    Text,
    Validation,
)
from airflow_workflow_provider.api.publishing import publishing
from airflow_workflow_provider.api.visible import visible_heads
from airflow_workflow_provider.model.comparison import changes
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.operations.permission import Right

router: Final = APIRouter(prefix="/definitions", tags=["definitions"], route_class=DocumentRoute)

Document = Annotated[
    Any, Body(description="A workflow document", json_schema_extra={"$ref": "#/components/schemas/WorkflowDefinition"})
]
Version = Annotated[Text, Query(description="A published version")]


@router.get("", responses=responses())
def list_definitions(
    services: ServicesDep,
    access: AccessDep,
    active: Annotated[bool | None, Query(description="Only those that are, or are not, active")] = None,
    search: Annotated[
        Text | None, Query(description="Only those in whose id, name or description each of these words is")
    ] = None,
    after: Annotated[Text | None, Query(description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DefinitionPage:
    """List the workflows that you can read, by id."""
    heads = visible_heads(services, access, words=(search or "").split(), active=active, after=after)
    found = list(islice(heads, limit + 1))
    page = [DefinitionSummary.model_validate(head) for head in found[:limit]]
    following = page[-1].workflow_id if len(found) > limit else None
    return DefinitionPage(items=page, next=following, editable=access.may(Right.EDIT, None))


@router.post("/validate", responses=responses(*BODY))
def validate_definition(services: ServicesDep, access: AccessDep, document: Document) -> Validation:
    """Validate a document as a publication would, and store nothing."""
    access.require_general(Right.READ, "workflows")
    result = check_definition(services, document)
    beyond = publishing(services, access).granted(result.needs)[1]
    return Validation.of((*result.diagnostics, *beyond), valid=result.valid and not beyond)


@router.get("/{workflow_id}", responses=responses())
def get_definition(
    services: ServicesDep,
    access: AccessDep,
    response: Response,
    workflow_id: WorkflowId,
    version: Version | None = None,
) -> DefinitionVersion:
    """Get the current definition of a workflow, or one of its versions; `ETag` is its revision."""
    access.require(Right.READ, workflow_id)
    stored = services.definitions.get(workflow_id, version=version)
    response.headers["ETag"] = etag(stored.revision)
    source, document = services.definitions.source(stored) or (None, stored.document)
    return DefinitionVersion.model_validate({**vars(stored), "document": document, "source": source})


@router.put("/{workflow_id}", responses={201: {"model": PublishedDefinition}, **responses(*BODY, 409, 412)})
def publish_definition(
    *,
    services: ServicesDep,
    access: AccessDep,
    request: Request,
    response: Response,
    workflow_id: WorkflowId,
    document: Document,
    expected: Expected,
    force: Annotated[bool, Query(description="Allow a version lower than the current one: a rollback")] = False,
) -> PublishedDefinition:
    """Publish a document as the current definition of its workflow.

    The same version with the same content changes nothing; with other content it is refused.
    """
    # Before the document is checked, so that nothing is evaluated for a user who may not publish it.
    publisher = publishing(services, access)
    publisher.permit(workflow_id)
    result = check_definition(services, document)
    definition = result.definition()
    published = publisher.publish(
        definition,
        document,
        workflow_id=workflow_id,
        diagnostics=result.diagnostics,
        force=force,
        expected=expected,
        source=cast("StrictRequest", request).text,
    )
    response.status_code = 201 if published.outcome == "created" else 200
    response.headers["ETag"] = etag(published.revision)
    return PublishedDefinition(
        workflow_id=workflow_id,
        version=definition.version,
        revision=published.revision,
        outcome=published.outcome,
        diagnostics=_findings(result.diagnostics),
    )


@router.get("/{workflow_id}/versions", responses=responses())
def list_versions(services: ServicesDep, access: AccessDep, workflow_id: WorkflowId) -> Publications:
    """List the publications of a workflow, newest first."""
    access.require(Right.READ, workflow_id)
    found = services.definitions.versions(workflow_id)
    return Publications(items=[Publication.model_validate(each) for each in found])


@router.get("/{workflow_id}/diff", responses=responses())
def diff_versions(
    services: ServicesDep,
    access: AccessDep,
    workflow_id: WorkflowId,
    old: Annotated[Text, Query(description="A published version")],
    new: Annotated[Text | None, Query(description="Another; the current one by default")] = None,
) -> Diff:
    """Compare two versions of a workflow."""
    access.require(Right.READ, workflow_id)
    before = services.definitions.get(workflow_id, version=old)
    after = services.definitions.get(workflow_id, version=new)
    return Diff.model_validate({"changes": list(changes(before.document, after.document))})


@router.post("/{workflow_id}/activate", responses=responses())
def activate_definition(services: ServicesDep, access: AccessDep, workflow_id: WorkflowId) -> DefinitionSummary:
    """Activate a workflow, so that new instances can start."""
    return _set_active(services, access, workflow_id, active=True)


@router.post("/{workflow_id}/deactivate", responses=responses())
def deactivate_definition(services: ServicesDep, access: AccessDep, workflow_id: WorkflowId) -> DefinitionSummary:
    """Deactivate a workflow: new instances are refused, running ones continue."""
    return _set_active(services, access, workflow_id, active=False)


def _set_active(services: ServicesDep, access: AccessDep, workflow_id: str, *, active: bool) -> DefinitionSummary:
    return DefinitionSummary.model_validate(publishing(services, access).set_active(workflow_id, active=active))


def _findings(diagnostics: tuple[Diagnostic, ...]) -> list[Finding]:
    return [Finding(**each.as_json()) for each in diagnostics]
