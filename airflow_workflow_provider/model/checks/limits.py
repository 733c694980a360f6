"""Limits of what runs at the same time (rule I7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.model.checks.base import Check, Checked, warning
from airflow_workflow_provider.model.grants import task_references
from airflow_workflow_provider.model.references import Reference, is_child_workflow
from airflow_workflow_provider.model.words import shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

_LEADS_TO: Final = {
    "queue": "it waits for the place of the instance that waits for it, and both wait forever",
    "skip": "it is cancelled while all places are taken, and the step fails",
    "fail": "it fails while all places are taken, and so does the step",
    "replace": "it takes the place of the instance that waits for it, which is cancelled",
}
"""What becomes of a sub-workflow that is one more than the limit, by ``onLimit``."""


class OwnPlace(Check):
    """A workflow that limits its instances does not wait for another instance of itself with the same key (rule I7)."""

    codes = ("WF218",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the steps and compensations that start the workflow itself."""
        definition = document.definition
        limited = definition.settings.concurrency
        if limited is None:
            return
        for path, task_id in task_references(definition):
            if not is_child_workflow(task_id):
                continue
            reference = Reference.of(task_id)
            # What another version limits is not in this document.
            if reference.workflow_id != definition.workflow_id or reference.version not in (None, definition.version):
                continue
            same = (
                "counts for the same limit"
                if limited.key is None
                else "counts for the same limit if it has the same key"
            )
            message = f"{shown(task_id)} is this workflow, and {same}: {_LEADS_TO[limited.on_limit]}"
            suggestion = (
                "move the steps that repeat into a workflow of their own, without a limit"
                if limited.key is None
                else "make sure that its input gives another key, or start a workflow without a limit instead"
            )
            yield warning("WF218", path, message, suggestion)
