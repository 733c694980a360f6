"""The request and the response of an import."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from airflow_workflow_provider.api.models import ApiModel, Body, Finding

MAX_SOURCES = 50
"""Sources of one request."""


class ImportSource(Body):
    """A definition of another workflow system, as its file has it."""

    name: str = Field(
        min_length=1, max_length=255, description="Name of the file; the definition is named after it, without endings"
    )
    content: str = Field(description="JSON or YAML text")


class ImportBody(Body):
    """What to convert, and from which language."""

    dialect: Literal["stepfunctions", "conductor", "open-workflow"]
    sources: list[ImportSource] = Field(min_length=1, max_length=MAX_SOURCES)


class ImportEntry(ApiModel):
    """What became of one construct of the source."""

    result: Literal["exact", "detour", "todo", "refused"]
    construct_name: str = Field(
        alias="construct", description="Its name in the language of the source, such as `Retry`"
    )
    source: str = Field(description="JSON Pointer into the source")
    target: str | None = Field(description="JSON Pointer into the definition; null if nothing stands for it")
    message: str


class ImportFinding(Finding):
    """A finding in one of the documents."""

    document: str = Field(description="Its `workflowId` or `taskId`")


class ImportedSource(ApiModel):
    """What became of one source."""

    source: str = Field(description="Its name")
    valid: bool = Field(description="Whether there is a definition, and no error in it")
    complete: bool = Field(description="Whether nothing is left to do")
    counts: dict[str, int] = Field(description="Entries by result")
    entries: list[ImportEntry]
    diagnostics: list[ImportFinding]
    workflows: list[dict[str, Any]] = Field(description="Workflow documents, the main one first")
    tasks: list[dict[str, Any]] = Field(description="Task documents, whose operators are still to be chosen")


class ImportResult(ApiModel):
    """What became of each source, in order."""

    items: list[ImportedSource]
