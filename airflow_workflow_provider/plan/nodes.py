"""The tasks of a DAG as plain values: what follows what, and what is skipped when a task has ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from airflow_workflow_provider.engine.graph import DAG_SHAPE, reachable

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.plan.decisions import Target

Kind = Literal[
    "whole", "step", "inline", "loop", "catch", "join", "handled", "edge", "sink", "on_failure", "fail", "end"
]
Rule = Literal["one_success", "one_done", "one_failed", "none_skipped"]
ON_FAILED: Final[frozenset[Rule]] = frozenset({"one_done", "one_failed"})
"""The rules of tasks that start behind a failed one."""

EMPTY: Final[frozenset[Kind]] = frozenset({"edge", "sink", "end"})
"""The kinds of tasks that need no process."""

BETWEEN: Final[frozenset[Kind]] = frozenset({"edge", "sink", "catch", "handled"})
"""The kinds of tasks that stand between the one that decides and the one that it chooses."""

WHOLE: Final = "workflow.steps"
"""The only task of an inline workflow."""


@dataclass(frozen=True)
class Node:
    """One Airflow task.

    :param task_id: its id; a step's task has the step's id
    :param kind: ``whole``, all steps of an inline workflow; ``step``; ``inline``, a step with branches or items that
        runs as a whole; ``loop``, the steps of a cycle; ``catch``, which follows a failure; ``join``, which ends
        branches; ``handled``, which ends a run well after a failure; ``edge`` and ``sink``, which are empty;
        ``on_failure``, the workflow's; ``fail`` and ``end``
    :param path: the step list it stands in
    :param step_id: the step it stands for; of a loop the first
    :param nodes: the steps, and :data:`ON_FAILURE`, that run inside it
    :param rule: Airflow's trigger rule
    :param routes: the task to choose for each decision; decisions with one task share it
    :param failing: the task to start for each decision about a failure, where the task itself fails
    :param starts: the tasks that a step with branches starts
    """

    task_id: str
    kind: Kind
    path: str = ""
    step_id: str | None = None
    nodes: tuple[str, ...] = ()
    rule: Rule = "one_success"
    routes: Mapping[Target, str] = field(default_factory=dict)
    failing: Mapping[Target, str] = field(default_factory=dict)
    starts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edge:
    """One task after another; ``label`` says when."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True)
class Group:
    """A branch, drawn as a box.

    :param group_id: its id
    :param name: the branch's id
    :param path: the step list that it is
    :param parent: id of the box around it
    """

    group_id: str
    name: str
    path: str
    parent: str | None


@dataclass(frozen=True)
class Plan:
    """The tasks of a definition's DAG, in a fixed order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    groups: tuple[Group, ...]
    task_of: Mapping[str, str]
    """The task in which a step, or :data:`ON_FAILURE`, runs."""
    shape: int = DAG_SHAPE

    def node(self, task_id: str) -> Node:
        """Return a node by its id."""
        return next(node for node in self.nodes if node.task_id == task_id)

    def exit_of(self, step_id: str) -> Node:
        """Return the node that ends a step, or :data:`ON_FAILURE`: for one with branches the join."""
        home = self.node(self.task_of[step_id])
        return self.node(join_of(home.task_id)) if home.starts else home

    def label_into(self, task_id: str) -> str:
        """Return the label of the edges that lead to a task."""
        labels = dict.fromkeys(edge.label for edge in self.edges if edge.target == task_id and edge.label)
        return " | ".join(labels)

    def after(self, task_id: str) -> frozenset[str]:
        """Return the tasks behind a task, near and far."""
        targets: dict[str, list[str]] = {}
        for edge in self.edges:
            targets.setdefault(edge.source, []).append(edge.target)
        return frozenset(reachable(targets.get(task_id, ()), lambda each: targets.get(each, ())))

    def skipped(self, task_id: str, chosen: Collection[str], *, failed: bool = False) -> tuple[str, ...]:
        """Return the tasks to skip when a task has ended: no decision can lead to them any more.

        Behind a failed task Airflow starts nothing but what follows failures; only such tasks are skipped. The others
        are left to it: skipped tasks let a run succeed, and do not start when a person marks the failed one as success.

        :param chosen: the tasks behind it that it has chosen; none where its step list fails
        :param failed: whether the task itself fails
        """
        kept: set[str] = set()
        for each in chosen:
            kept |= {each, *self.after(each)}
        behind, found = self.after(task_id) - kept, self.node(task_id)
        # What Airflow counts as failed for their sake would start a handler that may be needed later.
        later = {node.task_id for node in self.nodes if node.rule == "one_failed" and node.task_id in kept} - {*chosen}
        if not failed or any(edge.source in behind and edge.target in later for edge in self.edges):
            return tuple(node.task_id for node in self.nodes if node.task_id in behind)
        return tuple(
            node.task_id
            for node in self.nodes
            if node.task_id in behind
            and (
                (node.rule in ON_FAILED and (kept or _is_within(node, found))) or (kept and node.rule == "none_skipped")
            )
        )

    def deciders(self, task_id: str) -> tuple[Node, ...]:
        """Return the nodes whose decision may have led to a task, empty tasks and catches passed over."""
        sources, nodes = self._sources(), {node.task_id: node for node in self.nodes}
        found: dict[str, Node] = {}
        seen: set[str] = set()
        todo = [task_id]
        while todo:
            for source in sources.get(todo.pop(), ()):
                if source in seen:
                    continue
                seen.add(source)
                if nodes[source].kind in BETWEEN:
                    todo.append(source)
                else:
                    found[source] = nodes[source]
        return tuple(found.values())

    def between(self, sources: Collection[str], task_id: str) -> frozenset[str]:
        """Return the empty tasks and catches on the ways from some tasks to a task, without any other in between."""
        before, kinds = self._sources(), {node.task_id: node.kind for node in self.nodes}

        def upstream(each: str) -> list[str]:
            return [source for source in before.get(each, ()) if kinds[source] in BETWEEN]

        found = reachable(upstream(task_id), upstream)
        behind = {source: self.after(source) for source in sources}
        return frozenset(each for each in found if any(each in after for after in behind.values()))

    def ends_of(self, join: str, path: str) -> frozenset[str]:
        """Return the tasks that end a branch for a join.

        :param path: of the branch's step list
        """
        nodes = {node.task_id: node for node in self.nodes}
        found = {edge.source for edge in self.edges if edge.target == join}
        return frozenset(each for each in found if f"{nodes[each].path}/".startswith(f"{path}/"))

    def steps_before(self, task_id: str) -> frozenset[str]:
        """Return the steps whose tasks are upstream of a task, directly or not."""
        sources = self._sources()
        seen: set[str] = set()
        todo = [task_id]
        while todo:
            fresh = [source for source in sources.get(todo.pop(), ()) if source not in seen]
            seen.update(fresh)
            todo += fresh
        return frozenset(step_id for step_id, home in self.task_of.items() if home in seen)

    def _sources(self) -> dict[str, list[str]]:
        sources: dict[str, list[str]] = {}
        for edge in self.edges:
            sources.setdefault(edge.target, []).append(edge.source)
        return sources


def join_of(task_id: str) -> str:
    """Return the id of the join behind the branches of a step."""
    return f"{task_id}.join"


def _is_within(node: Node, around: Node) -> bool:
    """Return whether a node stands in the step list of another, or in the branches of a step that starts some."""
    prefix = around.path
    if around.starts:
        prefix = f"{prefix}/{around.task_id}" if prefix else around.task_id
    elif node.path == prefix:
        return True
    return not prefix or node.path.startswith(f"{prefix}/")


def task_in(graph: Graph, plan: Plan, step_id: str) -> str:
    """Return the task in which a step runs, also where that is the task of a step around it."""
    while step_id not in plan.task_of:
        owner = graph.home(step_id).owner
        if owner is None:
            message = f"Step {step_id!r} of the top level is in no task"
            raise AssertionError(message)
        step_id = owner.step_id
    return plan.task_of[step_id]
