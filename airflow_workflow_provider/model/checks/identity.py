"""Identifiers and versions (rule D3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding
from airflow_workflow_provider.model.definition import RESERVED_TARGETS, STEP_ID_PATTERN, WORKFLOW_ID_PATTERN
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.words import shown

_STEP_ID: Final = re.compile(STEP_ID_PATTERN.rstrip("$"))
_WORKFLOW_ID: Final = re.compile(WORKFLOW_ID_PATTERN.rstrip("$"))
_LONGEST: Final = 255
_OTHER: Final = re.compile(r"[^A-Za-z0-9_-]+")


def _proposal(name: str) -> str | None:
    made = _OTHER.sub("_", name).strip("_")[:100]
    return f"for example {shown(made)}" if made else None


class IdentifierForm(Check):
    """Identifiers have the form that Airflow, URLs and expressions can take."""

    codes = ("WF120",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the identifiers of another form."""
        workflow_id = document.definition.workflow_id
        if not _WORKFLOW_ID.fullmatch(workflow_id):
            message = f"workflowId {shown(workflow_id)} is not 1 to 200 of the characters A-Z a-z 0-9 _ . -"
            yield finding("WF120", ("workflowId",), message, _proposal(workflow_id))
        for path, kind, name in _names(document):
            if not _STEP_ID.fullmatch(name):
                message = f"{kind} {shown(name)} is not 1 to 100 of the characters A-Z a-z 0-9 _ -"
                yield finding("WF120", path, message, _proposal(name))


class ReservedIdentifier(Check):
    """``end`` and ``fail`` are targets of their own."""

    codes = ("WF121",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the identifiers that are reserved."""
        for path, kind, name in _names(document):
            if name in RESERVED_TARGETS:
                yield finding("WF121", path, f"{kind} {shown(name)} is reserved as a target", "choose another name")


class UniqueSteps(Check):
    """A stepId is unique in the whole definition, branches included."""

    codes = ("WF122",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield every stepId after its first."""
        first: dict[str, Path] = {}
        for path, step, _ in document.steps():
            if step.step_id in first:
                message = f"stepId {shown(step.step_id)} is already used at {pointer_of(first[step.step_id])}"
                yield finding("WF122", (*path, "stepId"), message, "choose another name; branches share one name space")
            first.setdefault(step.step_id, path)


class UniqueBranches(Check):
    """A branchId is unique in its step."""

    codes = ("WF123",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield every branchId after its first."""
        for path, step, _ in document.steps():
            seen: set[str] = set()
            for number, branch in enumerate(step.parallel_branches or ()):
                if branch.branch_id in seen:
                    place = (*path, "parallelBranches", number, "branchId")
                    message = f"branchId {shown(branch.branch_id)} is used twice in step {shown(step.step_id)}"
                    yield finding("WF123", place, message, "choose another name")
                seen.add(branch.branch_id)


class SemanticVersion(Check):
    """The version is a semantic version 2.0.0."""

    codes = ("WF124",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the version if it is none."""
        version = document.definition.version
        if not is_semantic(version):
            message = f"version {shown(version)} is not a semantic version (major.minor.patch)"
            yield finding("WF124", ("version",), message, _complete(version))


class SomeStep(Check):
    """A workflow has at least one step."""

    codes = ("WF114",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the empty list."""
        if not document.definition.steps:
            yield finding("WF114", ("steps",), "A workflow needs at least one step", "add one, for example a noop")


def is_semantic(version: str) -> bool:
    """Whether a text is a semantic version 2.0.0."""
    import semver

    return len(version) <= _LONGEST and version.isascii() and semver.Version.is_valid(version)


def _complete(version: str) -> str | None:
    match = re.fullmatch(r"[vV]?([0-9]{1,9})(?:\.([0-9]{1,9}))?(?:\.([0-9]{1,9}))?", version.strip())
    if match is None:
        return "write for example 1.0.0"
    return "write " + ".".join(str(int(part or 0)) for part in match.groups())


def _names(document: Checked) -> Iterator[tuple[Path, str, str]]:
    for path, step, _ in document.steps():
        yield (*path, "stepId"), "stepId", step.step_id
        for number, branch in enumerate(step.parallel_branches or ()):
            yield (*path, "parallelBranches", number, "branchId"), "branchId", branch.branch_id
