"""Moving a live instance to another version of its workflow, in the state in which it is (rule I8).

As for every operation that Airflow has to follow, the instance's row is locked while Airflow's run is changed, and
Airflow's transaction commits first. Where ours is lost after that, the run has the tasks of the other version, which
continue from the stored state; doing it again then makes the row agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.clearing import moved
from airflow_workflow_provider.airflow_db.dag_runs import find_run, refuse_paused
from airflow_workflow_provider.dag.pinned import pinned_dag
from airflow_workflow_provider.engine.migration import continued_in, raise_generations
from airflow_workflow_provider.engine.operating import DO, UNCHANGED, Verdict, verdict
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.instances.graphs import resolve_version
from airflow_workflow_provider.instances.session import Run
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.operations import run_again
from airflow_workflow_provider.operations.context import Case, is_to_do, machine_of, permit, store_cleared
from airflow_workflow_provider.operations.loading import Loading
from airflow_workflow_provider.plan.migration import obstacles, tasks_to_begin
from airflow_workflow_provider.plan.nodes import task_in
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from uuid import UUID

    from airflow_workflow_provider.airflow_db.dag_runs import LoadedVersion
    from airflow_workflow_provider.airflow_db.dag_versions import PinnedDag
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.operations.context import OperationContext, Order
    from airflow_workflow_provider.plan.migration import Obstacle
    from airflow_workflow_provider.store.instances import Instance

INSTEAD: Final = "let it end on its version, or publish a version that continues where it is"


class MigrationRefused(Conflict):
    """An instance cannot continue in a version.

    :ivar findings: every reason, with the place in the definition
    """

    default_code = ProblemCode.VERSION_INCOMPATIBLE

    def __init__(self, wanted: UUID, version: str, found: list[Obstacle]) -> None:
        reasons = "; ".join(dict.fromkeys(each.message for each in found))
        super().__init__(f"Instance {wanted} cannot continue in version {version}: {reasons}", suggestion=INSTEAD)
        self.findings = [Diagnostic(each.code, "error", each.pointer, each.message, each.suggestion) for each in found]


@dataclass(frozen=True)
class _Target:
    """The version that an instance is to run.

    :param dag: what it is, or becomes, in Airflow
    """

    revision: int
    graph: Graph
    dag: LoadedVersion | PinnedDag


def migrate(context: OperationContext, wanted: UUID, order: Order, *, version: str | None = None) -> Instance:
    """Let a live instance continue in another version, from where it is; one that runs it already is left as it is.

    A step that waits waits on; one that waits for its next attempt begins it at once.

    :param version: the version; None for the newest
    :raises NotFound: there is no such instance or version, or the caller may not read it
    :raises Forbidden: the caller may not operate on it
    :raises MigrationRefused: ``version-incompatible``: it cannot continue there, with every reason
    :raises Conflict: ``instance-over``; ``step-running``: one of its tasks runs at this moment;
        ``workflow-not-loaded``, ``workflow-paused`` or ``bundle-without-versions``
    """
    permit(context, wanted, "migrate", order)
    with context.instances.locked(wanted) as record:
        stored = record.stored
        case = Case(record, machine_of(context, record), datetime.now(UTC))
        is_to_do(verdict(case.machine, "migrate"), wanted)
        target = _target(context, stored, version)
        if target.revision == stored.revision:
            return stored
        _refuse(wanted, case.machine, target.graph)
        refuse_paused(stored.dag_id)
        case.more.update(oldVersion=stored.version, version=target.graph.definition.version)
        case.machine = continued_in(case.machine, target.graph)
        record.revision, record.version = target.revision, target.graph.definition.version
        record.input = case.machine.state.input
        _move_run(context, case, target)
        store_cleared(context, case, "migrate", order)
    return context.instances.get(wanted)


def look_at_migration(context: OperationContext, stored: Instance, machine: Machine, version: str | None) -> Verdict:
    """Return what :func:`migrate` would do with an instance, as far as its state and the versions show.

    :param machine: of the instance
    :raises WorkflowsError: see :func:`migrate`
    """
    found = verdict(machine, "migrate")
    if found.outcome != "do":
        return found
    target = _target(context, stored, version)
    if target.revision == stored.revision:
        return UNCHANGED
    _refuse(stored.id, machine, target.graph)
    return DO


def _target(context: OperationContext, stored: Instance, version: str | None) -> _Target:
    loading = Loading(context.definitions, context.tasks)
    if version is None:
        wanted = loading.wanted(stored.workflow_id)
        loaded = loading.loaded(stored.workflow_id) if wanted is None else loading.ready(wanted)
        return _Target(loaded.revision, context.graph_of(stored.workflow_id, loaded.revision), loaded.dag)
    resolved = resolve_version(context.definitions, context.tasks, stored.workflow_id, version)
    graph = context.graph_of(stored.workflow_id, resolved.revision)
    loaded = loading.loaded(stored.workflow_id)
    dag = loaded.dag if loaded.revision == resolved.revision else pinned_dag(resolved)
    return _Target(resolved.revision, graph, dag)


def _refuse(wanted: UUID, machine: Machine, graph: Graph) -> None:
    found = obstacles(machine.state, machine.graph, graph)
    if found:
        raise MigrationRefused(wanted, graph.definition.version, found)


def _move_run(context: OperationContext, case: Case, target: _Target) -> None:
    """Have the instance's run continue with the tasks of the version; one that Airflow has lost is made again."""
    stored, graph = case.record.stored, case.machine.graph
    plan = plan_of(graph)

    def agree(tries: dict[str, int]) -> None:
        raise_generations(case.machine, lambda step_id: tries.get(task_in(graph, plan, step_id), 0))

    if find_run(stored.dag_id, stored.run_id) is None:
        run = run_again.lost_run(context, stored)
        again = Run(run.dag_id, run.run_id, run.conf, run.triggered_by)
        agree(run_again.start_again(context, again, target.revision, case.machine))
        return
    tasks = tasks_to_begin(case.machine.state, graph)
    with moved(stored.dag_id, stored.run_id, tasks, target.dag) as tries:
        agree(tries)
