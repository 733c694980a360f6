"""From a definition to an Airflow DAG. The same definition gives the same DAG, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, BaseOperator, Param, TaskGroup

from airflow_workflow_provider.dag.doc import doc_of, step_doc
from airflow_workflow_provider.dag.timetable import timetable_of
from airflow_workflow_provider.engine.graph import DAG_SHAPE, Graph
from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.instances.session import options_of
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.grants import Grants
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.references import is_child_workflow
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.operators.catalogue import authorized, check_step, constructor_arguments, operator_class
from airflow_workflow_provider.operators.child import ChildWorkflowOperator
from airflow_workflow_provider.operators.patience import GROWTH, longest_delay, tries_within
from airflow_workflow_provider.operators.region import RegionOperator
from airflow_workflow_provider.operators.retry import StepRetryPolicy
from airflow_workflow_provider.operators.routing import CatchOperator, FailureOperator, HandledOperator, JoinOperator
from airflow_workflow_provider.operators.step import step_class
from airflow_workflow_provider.operators.task_runtime import Place, Workflow
from airflow_workflow_provider.plan.nodes import EMPTY, Node, Plan
from airflow_workflow_provider.plan.params import REQUIRED, params_of
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.tasks.builtin import asks_people
from airflow_workflow_provider.tasks.calls import task_ids, tasks_of
from airflow_workflow_provider.tasks.catalogue import Catalogue

if TYPE_CHECKING:
    from airflow_workflow_provider.dag.timetable import WorkflowTimetable
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition

TAG: Final = "workflow"
VERSION_TAG: Final = "version "
"""Begins the tag that names the definition's version."""

MAX_RUNS: Final = 10_000
MAX_TASKS: Final = 1_000
LOST_WORKER_DELAY: Final = timedelta(seconds=1)
"""Airflow waits so long before it first tries a task again whose process was killed, where no policy says more."""

QUESTION_RETRIES: Final = 10_000
"""Tries of a region that asks people: each further question that Airflow shows of it takes one."""

_ROUTING: Final[Mapping[str, type[BaseOperator]]] = {
    "catch": CatchOperator,
    "join": JoinOperator,
    "handled": HandledOperator,
    "fail": FailureOperator,
}
_NAMES: Final = {"whole": "Steps", "end": "End", "fail": "Fail"}
OTHERWISE: Final = "otherwise"
"""The label of a way without a condition."""


def build_dag(
    definition: WorkflowDefinition,
    tasks: Mapping[str, TaskDefinition] | None = None,
    *,
    revision: int,
    grants: Grants | None = None,
    settings: Settings | None = None,
    dag_shape: int = DAG_SHAPE,
    since: Sequence[str] | None = None,
) -> DAG:
    """Return the DAG of a definition.

    :param tasks: the task definitions of the table that it names
    :param revision: the definition's revision, kept with each instance
    :param grants: what the publisher of the version was allowed; by default an administrator's
    :param dag_shape: the shape of the DAG, kept with the revision
    :param since: since when its schedules count, as ISO 8601; by default they do not start it
    :raises InvalidDefinition: a task is unknown, or its operator cannot be used as the definition says
    """
    settings = settings or load_settings()
    grants = grants or Grants.of_administrator(definition)
    found = tasks_of(definition, Catalogue(tasks))
    missing = sorted(name for name in task_ids(definition) if name not in found and not is_child_workflow(name))
    if missing:
        message = f"Workflow {definition.workflow_id!r}: tasks {missing} are unknown"
        raise InvalidDefinition(message)
    for task in found.values():
        check_step(task, {}, Policy.of(settings), older=grants.older)
    graph = Graph.of(definition, found, dag_shape=dag_shape)
    for step in map(graph.step, sorted(graph.step_ids)):
        for known in map(graph.tasks.get, step.task_ids):
            check_step(known, step.arguments or {}, Policy.of(settings), older=grants.older)
    plan = plan_of(graph)
    return _Builder(Workflow(graph, plan, revision, grants), settings, since).dag()


class _Builder:
    def __init__(self, workflow: Workflow, settings: Settings, since: Sequence[str] | None) -> None:
        self._since = since
        self._workflow = workflow
        self._graph = workflow.graph
        self._plan: Plan = workflow.plan
        self._settings = settings
        self._policy = Policy.of(settings)
        self._default_retry = options_of(settings).default_retry

    def dag(self) -> DAG:
        definition = self._graph.definition
        dag = DAG(
            dag_id=definition.workflow_id,
            dag_display_name=definition.name,
            description=definition.description or definition.name,
            doc_md=doc_of(definition),
            tags=[TAG, f"{VERSION_TAG}{definition.version}"],
            schedule=self._timetable(),
            # Each schedule has its own.
            catchup=False,
            max_active_runs=MAX_RUNS,
            max_active_tasks=MAX_TASKS,
            is_paused_upon_creation=False,
        )
        groups = self._groups(dag)
        made = {node.task_id: self._operator(node, dag, groups) for node in self._plan.nodes}
        for edge in self._plan.edges:
            made[edge.source].set_downstream(made[edge.target])
            if edge.label:
                # Airflow's own Label would also connect the boxes that the tasks are in.
                dag.set_edge_info(edge.source, edge.target, {"label": edge.label})
        # Last, or each task would copy them several times and be serialized with them.
        found = params_of(definition.input_schema, all_optional=bool(definition.schedules))
        dag.params.update({name: _param(*given) for name, given in found.items()})
        return dag

    def _timetable(self) -> WorkflowTimetable | None:
        schedules = self._graph.definition.schedules
        if self._since is None or not schedules:
            return None
        for schedule in schedules:
            if schedule.timetable is not None and not self._policy.allows_timetable(schedule.timetable):
                message = f"Timetable {schedule.timetable!r} is not allowed"
                raise InvalidDefinition(message)
        return timetable_of(schedules, self._since)

    def _groups(self, dag: DAG) -> dict[str, TaskGroup]:
        """Return the box of each branch, by the path of its list."""
        by_id: dict[str, TaskGroup] = {}
        by_path: dict[str, TaskGroup] = {}
        for group in self._plan.groups:
            parent = by_id[group.parent] if group.parent is not None else dag.task_group
            made = TaskGroup(
                group.group_id,
                prefix_group_id=False,
                group_display_name=group.name,
                parent_group=parent,
                dag=dag,
            )
            by_id[group.group_id] = by_path[group.path] = made
        return by_path

    def _operator(self, node: Node, dag: DAG, groups: Mapping[str, TaskGroup]) -> BaseOperator:
        common: dict[str, Any] = {
            "task_id": node.task_id,
            "dag": dag,
            "task_group": groups.get(node.path, dag.task_group),
            "trigger_rule": node.rule,
            "task_display_name": self._name(node),
        }
        if node.kind in EMPTY:
            return EmptyOperator(**common)
        if node.kind == "step":
            operator = self._step(node, common)
        elif node.kind in _ROUTING:
            operator = _ROUTING[node.kind](**common, **self._patience(1))
        else:
            step = self._graph.step(node.step_id) if node.kind == "inline" and node.step_id else None
            retries = self._patience(self._region_tries())
            own = {} if step is None else {"doc_md": step_doc(step), **self._placed(step)}
            operator = RegionOperator(**common, **retries, **own)
        operator.workflow_place = Place(self._workflow, node)
        return operator

    def _step(self, node: Node, common: Mapping[str, Any]) -> BaseOperator:
        step = self._graph.step(node.step_id or "")
        more = {**common, **self._step_retries(step), "doc_md": step_doc(step)}
        # One that is selected in a run has no task of its own, see `Graph.must_run_inline`.
        (task_id,) = step.task_ids
        if is_child_workflow(task_id):
            of_child = {"arguments": {"workflow": task_id}, **self._placed(step)}
            child = step_class(ChildWorkflowOperator)(**more, **of_child)
            return authorized(child, self._workflow.grants)
        task = self._graph.tasks[task_id]
        older = self._workflow.grants.older
        operator = operator_class(task, self._policy, older=older)
        arguments = constructor_arguments(operator, task, step.arguments or {}, self._policy, older=older)
        try:
            placed = {**arguments, **self._placed(step)}
            return authorized(step_class(operator)(**more, **placed), self._workflow.grants)
        except (TypeError, ValueError) as error:
            message = f"Step {step.step_id!r}: {operator.__name__} does not take its arguments: {error}"
            raise InvalidDefinition(message) from error

    def _placed(self, step: Step) -> dict[str, Any]:
        """Return where and when Airflow is to run the task of a step (rule T9).

        :raises InvalidDefinition: an administrator does not allow it
        """
        found = step.airflow.arguments if step.airflow is not None else {}
        for name in found:
            problem = self._policy.argument_problem(f"step {step.step_id!r}", name)
            if problem is not None:
                message = f"{problem.message}; {problem.suggestion}"
                raise InvalidDefinition(message)
        # As it is written: Airflow's own rule would add what stands behind the task.
        return {**found, "weight_rule": "absolute"} if "priority_weight" in found else found

    def _step_retries(self, step: Step) -> dict[str, Any]:
        """Return how often Airflow may try a step: the machine decides, this is only an upper bound."""
        policies = self._graph.retry_policies(step, self._default_retry)
        attempts = sum(policy.max_attempts - 1 for policy in policies)
        return self._patience(attempts + 1, parse_duration(policies[0].delay) if policies else LOST_WORKER_DELAY)

    def _region_tries(self) -> int:
        """Return how many tries of a region its own work may take: each further question that it shows takes one."""
        return QUESTION_RETRIES if any(asks_people(task.operator) for task in self._graph.tasks.values()) else 1

    def _patience(self, own: int, delay: timedelta = LOST_WORKER_DELAY) -> dict[str, Any]:
        """Return the retries of a task whose own work takes so many tries, and that waits for the infrastructure too.

        They are what Airflow itself counts with when a task could not be sent, started or loaded, or was killed.

        :param delay: before another try of its own work
        """
        return {
            "retries": own + tries_within(self._settings),
            "retry_delay": max(delay, LOST_WORKER_DELAY),
            "retry_exponential_backoff": GROWTH,
            "max_retry_delay": max(delay, longest_delay(self._settings)),
            "retry_policy": StepRetryPolicy(own),
        }

    def _name(self, node: Node) -> str:
        if node.kind in ("step", "inline") and node.step_id is not None:
            return self._graph.step(node.step_id).name or node.step_id
        if node.kind == "loop":
            return "Loop: " + ", ".join(name for name in node.nodes if name != ON_FAILURE)
        if node.kind == "on_failure":
            return "On failure"
        return _NAMES[node.kind] if node.kind in _NAMES else f"⤷ {self._between(node)}"

    def _between(self, node: Node) -> str:
        """Return what a task between steps stands for."""
        if node.kind == "sink":
            return f"{node.path.rpartition('/')[2]}: end of the branch"
        if node.kind in ("edge", "handled"):
            before = [self._of(edge.source) for edge in self._plan.edges if edge.target == node.task_id]
            return f"{', '.join(dict.fromkeys(before))}: {self._plan.label_into(node.task_id) or OTHERWISE}"
        name = self._of(node.task_id)
        return f"{name}: failed" if node.kind == "catch" else f"{name}: end of the branches"

    def _of(self, task_id: str) -> str:
        """Return the name of the step that a task stands for."""
        node = self._plan.node(task_id)
        own = node.kind in ("step", "inline", "loop", "on_failure")
        return self._name(node) if own or node.step_id is None else self._graph.step(node.step_id).name or node.step_id


def _param(default: Any, schema: Mapping[str, Any]) -> Param:
    about = {key: value for key, value in schema.items() if key not in ("description", "default")}
    description = schema.get("description")
    if default is REQUIRED:
        return Param(description=description, schema=about)
    return Param(default, description=description, schema=about)
