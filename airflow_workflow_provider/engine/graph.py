"""The control flow of a definition: step lists, what follows what, and which parts run as one region.

Pure functions over the checked document; both the machine and the DAG builder read this graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.engine.keys import list_path
from airflow_workflow_provider.model.definition import RetryPolicy
from airflow_workflow_provider.model.flow import Flow, workflow_targets
from airflow_workflow_provider.model.ways import ON_FAILURE, inner_lists

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition
    from airflow_workflow_provider.model.fields import Transform
    from airflow_workflow_provider.model.task import TaskDefinition

Successors = Callable[[str], Iterable[str]]

DAG_SHAPE: Final = 2
"""The shape of the DAGs of what is published now. A DAG run keeps the shape of its revision until it ends."""

DAG_SHAPE_OF_CATCHES: Final = 1
"""The shape of revisions that were published before shapes were recorded: a task of its own follows a failure."""

_SOME_RETRY: Final = RetryPolicy.model_construct(max_attempts=2)


@dataclass(frozen=True)
class StepList:
    """One step list: the top-level ``steps``, a branch's, or those of a ``forEach`` (rule T1).

    :param path: ``""`` for the top level, ``par/b1`` for branch ``b1`` of step ``par``, ``each[]`` for a forEach
    :param steps: the steps, in document order
    :param flow: what follows what (rules T1, T2)
    :param owner: the step whose branch or items this list is; None at the top level
    :param names: names that expressions of this list may use besides those of rule X1 (rule P4)
    """

    path: str
    steps: tuple[Step, ...]
    flow: Flow
    owner: Step | None
    names: frozenset[str]

    @property
    def entry(self) -> str | None:
        """The first step's id, or None for an empty list."""
        return self.steps[0].step_id if self.steps else None

    @cached_property
    def by_id(self) -> Mapping[str, Step]:
        """The steps of this list by their id."""
        return {step.step_id: step for step in self.steps}


@dataclass(frozen=True)
class Graph:
    """The control flow of one definition.

    :param definition: the checked document
    :param tasks: the task definitions that it names, by their id (rule K1)
    :param lists: every step list by its path
    :param dag_shape: the shape of the DAG in which Airflow runs this revision, see :data:`DAG_SHAPE`
    """

    definition: WorkflowDefinition
    tasks: Mapping[str, TaskDefinition]
    lists: Mapping[str, StepList]
    _home: Mapping[str, StepList] = field(repr=False)
    dag_shape: int = DAG_SHAPE

    @classmethod
    def of(
        cls,
        definition: WorkflowDefinition,
        tasks: Mapping[str, TaskDefinition] | None = None,
        *,
        dag_shape: int = DAG_SHAPE,
    ) -> Graph:
        """Return the graph of a definition."""
        named_before = workflow_targets(definition)
        lists = {
            found.path: found for found in _lists("", definition.steps, None, frozenset(), named_before=named_before)
        }
        home = {step.step_id: found for found in lists.values() for step in found.steps}
        return cls(definition, dict(tasks or {}), lists, home, dag_shape)

    @property
    def root(self) -> StepList:
        """The top-level step list."""
        return self.lists[""]

    @property
    def runs_inline(self) -> bool:
        """Whether all steps run inside one task (rule T8)."""
        return self.definition.settings.execution == "inline"

    @property
    def step_ids(self) -> Set[str]:
        """The ids of all steps."""
        return self._home.keys()

    def step(self, step_id: str) -> Step:
        """Return a step by its id; ids are unique in the whole definition (rule D3)."""
        return self._home[step_id].by_id[step_id]

    def home(self, step_id: str) -> StepList:
        """Return the list that a step stands in."""
        return self._home[step_id]

    def task_of(self, step: Step, selected: str | None = None) -> TaskDefinition | None:
        """Return the definition of a step's task; None for another workflow, and where none is selected (rule K5).

        :param selected: the task that was selected, of a step that can run one of several
        """
        task_id = step.task_id if isinstance(step.task_id, str) else selected
        return self.tasks.get(task_id) if task_id is not None else None

    def retry_policies(
        self, step: Step, default: RetryPolicy | None = None, *, selected: str | None = None
    ) -> tuple[RetryPolicy, ...]:
        """Return the policies that apply to a step: its own, else its task's (rule K4); an empty list means no retry.

        :param default: what applies where neither has any and the step's ``onFailure`` says ``retry`` (rule F4)
        :param selected: see :meth:`task_of`
        """
        if step.retry_policy is not None:
            return step.retry_policies
        task = self.task_of(step, selected)
        if task is not None and task.retry_policy is not None:
            return task.retry_policies
        wanted = step.on_failure is not None and step.on_failure.action == "retry"
        return (default,) if wanted and default is not None else ()

    def timeout(self, step: Step, selected: str | None = None) -> str | Transform | None:
        """Return the timeout of one attempt of a step: its own, else its task's (rules F3, K4); or its expression.

        :param selected: see :meth:`task_of`
        """
        if step.timeout is not None:
            return step.timeout
        task = self.task_of(step, selected)
        return task.timeout if task is not None else None

    def may_retry(self, step: Step) -> bool:
        """Return whether a failed attempt of a step may be followed by another."""
        # The configured default may differ between processes, so any default counts as a retry.
        policies = (self.retry_policies(step, _SOME_RETRY, selected=task_id) for task_id in step.task_ids)
        return any(policy.max_attempts > 1 for found in policies for policy in found)

    def is_region(self, step: Step) -> bool:
        """Return whether a step has branches or items."""
        return bool(step.parallel_branches) or step.for_each is not None

    def must_run_inline(self, step: Step) -> bool:
        """Return whether a step has to run inside a task that can run any.

        A step whose task is selected does (rule K5), and items always. Branches do where the region is retried, timed
        or stopped as a whole (rules F2, F3, P1, P2).
        """
        if step.for_each is not None or step.choice is not None:
            return True
        is_timed = self.timeout(step) is not None and step.on_timeout == "fail"
        return bool(step.parallel_branches) and (
            self.may_retry(step) or step.fail_fast or step.join is not None or is_timed
        )

    def key_of(self, key: str, step_id: str) -> str | None:
        """Return the key of the list that a step ran in whose record a list around that one holds (rule X1).

        :param key: the list that holds the record
        :returns: None where the step ran for an item; the key itself for a step that the definition does not have
        """
        home = self._home.get(step_id)
        if home is None:
            return key
        inside = home.path[len(list_path(key)) :]
        return None if "[]" in inside else f"{key}{inside}"

    def child_lists(self, step: Step) -> tuple[StepList, ...]:
        """Return the lists of a step's branches or items, in definition order."""
        prefix = self.home(step.step_id).path
        return tuple(self.lists[child_path(prefix, step, inner.branch_id)] for inner in inner_lists(step))

    def successors(self, found: StepList, node: str) -> tuple[str, ...]:
        """Return the nodes of a list that may follow a node of it, handlers included.

        At the top level of a workflow with an ``onFailure``, :data:`ON_FAILURE` is a node like a step.
        """
        if node == ON_FAILURE:
            return workflow_targets(self.definition)
        follows = (*found.flow.successors(node), *found.flow.handlers(node))
        if self.can_reach_on_failure(found, node):
            follows = (*follows, ON_FAILURE)
        return tuple(dict.fromkeys(follows))

    def can_reach_on_failure(self, found: StepList, node: str) -> bool:
        """Return whether a failure of a node may be handed to the workflow's ``onFailure``."""
        return found.owner is None and self.definition.on_failure is not None and node in self._normal_steps

    @cached_property
    def _normal_steps(self) -> frozenset[str]:
        """The top-level steps that can run before the workflow's ``onFailure`` did."""
        flow = self.root.flow
        return frozenset(
            reachable([self.root.entry] if self.root.entry else [], lambda n: (*flow.successors(n), *flow.handlers(n)))
        )

    def components(self, found: StepList) -> list[tuple[str, ...]]:
        """Return the strongly connected components of a list, each in definition order (rule T6)."""
        nodes = [step.step_id for step in found.steps]
        if found.owner is None and self.definition.on_failure is not None:
            nodes.append(ON_FAILURE)
        rank = {node: index for index, node in enumerate(nodes)}
        found_components = strongly_connected(nodes, lambda node: self.successors(found, node))
        return sorted((tuple(sorted(c, key=rank.__getitem__)) for c in found_components), key=lambda c: rank[c[0]])

    def loops(self, found: StepList) -> list[tuple[str, ...]]:
        """Return the components of a list that hold a cycle."""
        return [c for c in self.components(found) if len(c) > 1 or c[0] in self.successors(found, c[0])]


def child_path(prefix: str, step: Step, branch_id: str | None) -> str:
    """Return the path of a branch's list, or of a forEach's list where ``branch_id`` is None."""
    head = f"{prefix}/" if prefix else ""
    return f"{head}{step.step_id}[]" if branch_id is None else f"{head}{step.step_id}/{branch_id}"


def _lists(
    path: str,
    steps: tuple[Step, ...],
    owner: Step | None,
    names: frozenset[str],
    *,
    named_before: tuple[str, ...] = (),
) -> Iterator[StepList]:
    yield StepList(path, steps, Flow.of(steps, named_before=named_before), owner, names)
    for step in steps:
        for inner in inner_lists(step):
            yield from _lists(child_path(path, step, inner.branch_id), inner.steps, step, names | inner.names)


def reachable(starts: Iterable[str], follow: Successors) -> set[str]:
    """Return the nodes that can be reached from some, those included."""
    seen: set[str] = set()
    todo = list(starts)
    while todo:
        node = todo.pop()
        if node not in seen:
            seen.add(node)
            todo.extend(follow(node))
    return seen


def strongly_connected(nodes: Iterable[str], follow: Successors) -> list[list[str]]:
    """Return the strongly connected components, each behind those that it leads to (Tarjan, without recursion)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    components: list[list[str]] = []
    for start in nodes:
        work = [] if start in index else [(start, iter(follow(start)))]
        while work:
            node, followers = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
                on_stack.add(node)
            for follower in followers:
                if follower not in index:
                    work.append((follower, iter(follow(follower))))
                    break
                if follower in on_stack:
                    low[node] = min(low[node], index[follower])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component: list[str] = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack.discard(component[-1])
                    components.append(component)
    return components
