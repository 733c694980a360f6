"""Publishing definitions of workflows and tasks: the same rules for every interface (rules D2, D4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from airflow_workflow_provider.errors import Conflict, InvalidDefinition, NotFound
from airflow_workflow_provider.model.checks.base import diagnostic_of
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.grants import EVENT, Grants, Needs, Publisher, not_yours
from airflow_workflow_provider.operations.permission import UNRESTRICTED, Right
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import MAINTENANCE_DAG, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition
    from airflow_workflow_provider.operations.permission import Permission
    from airflow_workflow_provider.store.definitions import Definitions, Head
    from airflow_workflow_provider.store.publications import Published
    from airflow_workflow_provider.store.tasks import Tasks

Document = dict[str, Any]

ADMINISTRATOR = Publisher(may_start=lambda _: True, may_publish_events=lambda: True)
"""Somebody with the workflow database itself, who may do everything."""


class Airflow(Protocol):
    """What a publication needs from Airflow, and records there."""

    def dag_exists(self, dag_id: str) -> bool:
        """Return whether Airflow has a DAG of this id that is not gone."""
        ...

    def record(self, event: str, *, workflow_id: str | None = None, **extra: Any) -> None:
        """Write a row of Airflow's audit log."""
        ...


@dataclass(frozen=True)
class Publishing:
    """Publishes documents that were checked.

    :param operator_of: gives the operator behind a task id, None where there is no such task
    :param actor: who publishes, kept with the version
    :param publisher: what the actor may do, and so what the steps may
    :param permission: checked by each publication
    """

    definitions: Definitions
    tasks: Tasks
    airflow: Airflow
    operator_of: Callable[[str], str | None]
    actor: str | None
    publisher: Publisher = ADMINISTRATOR
    permission: Permission = UNRESTRICTED

    def permit(self, workflow_id: str) -> None:
        """Check that the actor may edit a workflow.

        :raises NotFound: the actor may not read it
        :raises Forbidden: the actor may read it, but not edit it
        """
        self.permission.require(Right.EDIT, workflow_id)

    def permit_task(self) -> None:
        """Check that the actor may edit tasks: all workflows may use one, so the right is that to edit all DAGs.

        :raises Forbidden: the actor may not
        """
        self.permission.require_general(Right.EDIT, "tasks")

    def granted(self, needs: Needs) -> tuple[Grants, tuple[Diagnostic, ...]]:
        """Return what a definition gets of the publisher's rights, and findings where it needs more."""
        grants, problems = self.publisher.grants(needs)
        return grants, tuple(diagnostic_of(path, problem) for path, problem in problems)

    def publish(
        self,
        definition: WorkflowDefinition,
        document: Document,
        *,
        workflow_id: str | None = None,
        diagnostics: Sequence[Diagnostic] = (),
        force: bool = False,
        expected: int | None = None,
        source: str | None = None,
    ) -> Published:
        """Make a checked document the current definition of its workflow.

        :param workflow_id: the workflow that it is meant for, where that was said beside the document
        :param diagnostics: what the checks found, reported with what is found here
        :param force: allow a version lower than the current one
        :param expected: the revision that the publisher has seen, 0 for none; None where any will do
        :param source: the text that the document was read from
        :raises NotFound: the actor may not read the workflow
        :raises Forbidden: the actor may read it, but not edit it
        :raises InvalidDefinition: it is of another workflow, or asks for more than the publisher may do
        :raises Conflict: ``dag-id-taken``, or what :meth:`Definitions.publish` raises
        """
        self.permit(definition.workflow_id if workflow_id is None else workflow_id)
        _refuse_other_id(definition.workflow_id, workflow_id, "/workflowId")
        grants, beyond = self.granted(Needs.of(definition, self.operator_of))
        if beyond:
            message = f"The definition asks for more than its publisher may do: {beyond[0].message}"
            raise InvalidDefinition(message, (*diagnostics, *beyond))
        self._refuse_foreign_dag(definition.workflow_id)
        self.airflow.record(
            "workflow.publish", workflow_id=definition.workflow_id, version=definition.version, force=force or None
        )
        return self.definitions.publish(
            definition,
            document,
            force=force,
            actor=self.actor,
            expected=expected,
            grants=grants,
            source=source,
            execution=load_settings().default_execution,
        )

    def publish_task(
        self,
        task: TaskDefinition,
        document: Document,
        *,
        task_id: str | None = None,
        diagnostics: Sequence[Diagnostic] = (),
        expected: int | None = None,
    ) -> Published:
        """Make a checked document the current definition of its task.

        :raises Forbidden: the actor may not edit tasks
        :raises InvalidDefinition: it is of another task, or does more than the publisher may do
        :raises Conflict: what :meth:`Tasks.publish` raises
        """
        self.permit_task()
        _refuse_other_id(task.task_id, task_id, "/taskId")
        beyond = self.task_beyond(task)
        if beyond:
            raise InvalidDefinition(beyond[0].message, (*diagnostics, *beyond))
        self.airflow.record("workflow.publish_task", task=task.task_id)
        return self.tasks.publish(task, document, actor=self.actor, expected=expected)

    def set_active(
        self, workflow_id: str, *, active: bool, expected: int | None = None, unless_live: bool = False
    ) -> Head:
        """Let a workflow accept new instances, or refuse them.

        :param expected: the revision that the actor has seen; None where any will do
        :param unless_live: refuse where it has instances that have not ended
        :raises NotFound: there is no such workflow, or the actor may not read it
        :raises Forbidden: the actor may read it, but not edit it
        :raises Conflict: what :meth:`Definitions.set_active` raises
        """
        self.permit(workflow_id)
        self.definitions.head(workflow_id)
        self.airflow.record(f"workflow.{'activate' if active else 'deactivate'}", workflow_id=workflow_id)
        return self.definitions.set_active(workflow_id, active=active, expected=expected, unless_live=unless_live)

    def task_beyond(self, task: TaskDefinition) -> tuple[Diagnostic, ...]:
        """Return a finding where a task does what its publisher may not."""
        if task.operator != EVENT or self.publisher.may_publish_events():
            return ()
        return (diagnostic_of(("operator",), not_yours("publish events")),)

    def _refuse_foreign_dag(self, workflow_id: str) -> None:
        """A workflow's DAG has the workflow's id, which another DAG may have already."""
        try:
            self.definitions.head(workflow_id)
        except NotFound:
            if workflow_id == MAINTENANCE_DAG or self.airflow.dag_exists(workflow_id):
                message = f"Airflow has another DAG with the id {workflow_id!r}"
                raise Conflict(
                    message, code=ProblemCode.DAG_ID_TAKEN, pointer="/workflowId", suggestion="choose another id"
                ) from None


def _refuse_other_id(found: str, expected: str | None, pointer: str) -> None:
    if expected is not None and found != expected:
        message = f"The document is of {found!r}, the address of {expected!r}"
        raise InvalidDefinition(message, [Diagnostic("WF113", "error", pointer, message, f"use {expected!r} in both")])
