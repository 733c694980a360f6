"""The plan of a DAG: which tasks there are, what follows what, and how a decision becomes a branch.

Plain values, no Airflow: the builder turns them into operators. Exactly one activation is live in a step list
(rule T5), so almost every task starts on ``one_success``. Two things of Airflow's shape the plan:

* When a task chooses among the tasks behind it, Airflow skips the others, except those that can still be reached from
  the chosen one. Such a task would start at once, so an empty task is put on that edge.
* A DAG has no cycle. The steps of a cycle are one task, which runs them one after the other.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from airflow_workflow_provider.engine.graph import Graph, StepList, child_path, reachable
from airflow_workflow_provider.model.definition import END, FAIL, Step
from airflow_workflow_provider.model.ways import ON_FAILURE
from airflow_workflow_provider.plan.decisions import (
    Choice,
    Target,
    after_failure,
    after_on_failure,
    after_success,
    routes_failure,
)

Kind = Literal["whole", "step", "inline", "loop", "catch", "join", "edge", "sink", "on_failure", "fail", "end"]
Rule = Literal["one_success", "one_done", "none_skipped"]

WHOLE: Final = "workflow.steps"
"""The only task of an inline workflow."""

MAX_LABEL: Final = 80
MAX_GROUP_ID: Final = 180


@dataclass(frozen=True)
class Node:
    """One Airflow task.

    :param task_id: its id; a step's task has the step's id
    :param kind: ``whole``, all steps of an inline workflow; ``step``; ``inline``, a step with branches or items that
        runs as a whole; ``loop``, the steps of a cycle; ``catch``, which follows a failure; ``join``, which ends
        branches; ``edge`` and ``sink``, which are empty; ``on_failure``, the workflow's; ``fail`` and ``end``
    :param path: the step list it stands in
    :param step_id: the step it stands for; of a loop the first
    :param nodes: the steps, and :data:`ON_FAILURE`, that run inside it
    :param rule: Airflow's trigger rule
    :param routes: the task to choose for each decision; decisions with one task share it
    :param starts: the tasks that a step with branches starts
    """

    task_id: str
    kind: Kind
    path: str = ""
    step_id: str | None = None
    nodes: tuple[str, ...] = ()
    rule: Rule = "one_success"
    routes: Mapping[Target, str] = field(default_factory=dict)
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

    def node(self, task_id: str) -> Node:
        """Return a node by its id."""
        return next(node for node in self.nodes if node.task_id == task_id)

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
                if nodes[source].kind in ("edge", "sink", "catch"):
                    todo.append(source)
                else:
                    found[source] = nodes[source]
        return tuple(found.values())

    def steps_before(self, task_id: str) -> frozenset[str]:
        """Return the steps whose tasks lie before a task, near and far."""
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


def task_in(graph: Graph, plan: Plan, step_id: str) -> str:
    """Return the task in which a step runs, also where that is the task of a step around it."""
    while step_id not in plan.task_of:
        owner = graph.home(step_id).owner
        if owner is None:
            message = f"Step {step_id!r} of the top level is in no task"
            raise AssertionError(message)
        step_id = owner.step_id
    return plan.task_of[step_id]


def plan_of(graph: Graph) -> Plan:
    """Return the plan of a definition."""
    return _whole(graph) if graph.runs_inline else _Planner(graph).plan()


def _whole(graph: Graph) -> Plan:
    """Return the plan of a workflow whose steps run in one task, compensations included."""
    nodes = (*(step.step_id for step in graph.root.steps), ON_FAILURE)
    node = Node(WHOLE, "whole", step_id=graph.root.entry, nodes=nodes)
    return Plan((node,), (), (), dict.fromkeys(nodes, WHOLE))


@dataclass
class _Unit:
    """What is one task to those before it, and one to those behind it."""

    node: Node
    exit: str
    steps: tuple[str, ...]


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str], str] = {}
        self._groups: list[Group] = []
        self._task_of: dict[str, str] = {}
        self._group_ids: set[str] = set()
        self._step_ids = {step.step_id for found in graph.lists.values() for step in found.steps} | {END, FAIL}

    def plan(self) -> Plan:
        self._add(Node(END, "end"))
        self._list(self._graph.root, None, END)
        if any(edge[1] == FAIL for edge in self._edges):
            self._add(Node(FAIL, "fail"))
            self._edge(FAIL, END)
        self._part_siblings()
        nodes = tuple(self._nodes.values())
        edges = tuple(Edge(source, target, label) for (source, target), label in self._edges.items())
        return Plan(nodes, edges, tuple(self._groups), dict(self._task_of))

    # One step list

    def _list(self, found: StepList, group: str | None, sink: str) -> None:
        """Plan a step list; ``sink`` is the task that stands for its end."""
        units = self._units(found)
        for unit in units:
            self._add(unit.node)
            for step_id in unit.steps:
                self._task_of[step_id] = unit.node.task_id
        for unit in units:
            step = None if unit.node.kind in ("loop", "on_failure") else found.by_id[unit.steps[0]]
            if step is not None and unit.node.kind == "step" and self._graph.is_region(step):
                self._branches(found, step, group)
            self._ways_out(found, unit, sink)

    def _units(self, found: StepList) -> list[_Unit]:
        loops = {node: loop for loop in self._graph.loops(found) for node in loop}
        units: dict[str, _Unit] = {}
        for step in found.steps:
            unit = self._unit(found, step, loops.get(step.step_id, ()))
            units.setdefault(unit.node.task_id, unit)
        if found.owner is None and self._graph.definition.on_failure is not None and ON_FAILURE not in loops:
            node = Node(ON_FAILURE, "on_failure", nodes=(ON_FAILURE,))
            units[ON_FAILURE] = _Unit(node, ON_FAILURE, (ON_FAILURE,))
        return list(units.values())

    def _unit(self, found: StepList, step: Step, loop: tuple[str, ...]) -> _Unit:
        if loop:
            task_id = f"{loop[0]}.loop"
            return _Unit(Node(task_id, "loop", found.path, loop[0], loop), task_id, loop)
        step_id = step.step_id
        if self._graph.must_run_inline(step):
            return _Unit(Node(step_id, "inline", found.path, step_id, (step_id,)), step_id, (step_id,))
        node = Node(step_id, "step", found.path, step_id)
        return _Unit(node, f"{step_id}.join" if self._graph.is_region(step) else step_id, (step_id,))

    def _branches(self, found: StepList, step: Step, group: str | None) -> None:
        """Plan the branches of a step: a box each, a sink at its end, and the join behind all of them."""
        join = Node(f"{step.step_id}.join", "join", found.path, step.step_id, rule="none_skipped")
        self._edge(step.step_id, join.task_id)
        starts = []
        for branch in step.parallel_branches or ():
            child = self._graph.lists[child_path(found.path, step, branch.branch_id)]
            box = Group(self._group_id(step.step_id, branch.branch_id), branch.branch_id, child.path, group)
            self._groups.append(box)
            sink = f"{step.step_id}.{branch.branch_id}.end"
            self._list(child, box.group_id, sink)
            self._add(Node(sink, "sink", child.path, step.step_id))
            self._edge(sink, join.task_id)
            starts.append(self._task_of[child.entry] if child.entry is not None else sink)
            self._edge(step.step_id, starts[-1], branch.branch_id)
        self._nodes[step.step_id] = replace(self._nodes[step.step_id], starts=tuple(starts))
        self._add(join)

    def _group_id(self, step_id: str, branch_id: str) -> str:
        """Return the id of a branch's box: Airflow takes no dots there, and no id that a task has."""
        name = f"{step_id}__{branch_id}"
        if len(name) > MAX_GROUP_ID:
            name = f"{name[: MAX_GROUP_ID - 9]}_{zlib.crc32(name.encode()):08x}"
        while name in self._group_ids or name in self._step_ids:
            name += "_"
        self._group_ids.add(name)
        return name

    # Ways out of a node

    def _ways_out(self, found: StepList, unit: _Unit, sink: str) -> None:
        task_id, inside = unit.exit, set(unit.steps)
        if unit.node.kind == "on_failure":
            self._choose(task_id, after_on_failure(self._graph), sink)
            return
        steps = [found.by_id[step_id] for step_id in unit.steps if step_id != ON_FAILURE]
        mixed = ON_FAILURE in inside
        succeeded = [each for step in steps for each in after_success(self._graph, found, step, mixed=mixed)]
        failed = [each for step in steps for each in after_failure(self._graph, found, step, mixed=mixed)]
        if mixed:
            # After the workflow's handler every way out is the region's own.
            succeeded += [*after_on_failure(self._graph), *(each for each in failed if each.target is not None)]
        self._choose(task_id, _outside(succeeded, inside), sink)
        routed = [each for each in _outside(failed, inside) if each.target is not None or found.owner is not None]
        if routed and any(routes_failure(self._graph, found, step) for step in steps):
            catch = Node(f"{task_id}.catch", "catch", found.path, unit.node.step_id, unit.node.nodes, "one_done")
            if unit.exit != unit.node.task_id:
                catch = replace(catch, task_id=f"{unit.node.task_id}.catch")
            self._add(catch)
            self._edge(task_id, catch.task_id, "failed")
            self._choose(catch.task_id, routed, sink)

    def _choose(self, task_id: str, choices: Sequence[Choice], sink: str) -> None:
        """Draw the edges of a node that chooses one of them."""
        routes: dict[Target, str] = {}
        labels: dict[str, dict[str, None]] = {}
        for choice in choices:
            routes[choice.target] = target = self._target(choice.target, sink)
            labels.setdefault(target, {})[choice.label] = None
        if not routes:
            # Nothing is chosen here, but every task leads to the end.
            labels[sink] = {}
        self._nodes[task_id] = replace(self._nodes[task_id], routes=routes)
        for target, found in labels.items():
            self._edge(task_id, target, " | ".join(label for label in found if label))

    def _target(self, target: Target, sink: str) -> str:
        if target is None or target == END or (target == FAIL and sink != END):
            return sink
        return FAIL if target == FAIL else self._task_of[target]

    # Edge nodes

    def _part_siblings(self) -> None:
        """Put an empty task on each edge whose target can also be reached from a sibling."""
        reach = self._descendants()
        for node in list(self._nodes.values()):
            chosen = tuple(dict.fromkeys(node.routes.values()))
            for target in chosen:
                if any(target in reach[sibling] for sibling in chosen if sibling != target):
                    self._put_between(node.task_id, target)

    def _put_between(self, source: str, target: str) -> None:
        node = self._nodes[source]
        named = next(way for way, task in node.routes.items() if task == target)
        name = END if self._nodes[target].kind == "sink" or named is None else self._name_of(target)
        between = Node(f"{source}.to.{name}", "edge", node.path, node.step_id)
        self._add(between)
        label = self._edges.pop((source, target))
        self._edge(source, between.task_id, label)
        self._edge(between.task_id, target)
        routes = {way: between.task_id if task == target else task for way, task in node.routes.items()}
        self._nodes[source] = replace(node, routes=routes)

    def _name_of(self, target: str) -> str:
        return target.removesuffix(".loop")

    def _descendants(self) -> dict[str, set[str]]:
        after: dict[str, list[str]] = {task_id: [] for task_id in self._nodes}
        for source, target in self._edges:
            after[source].append(target)
        return {start: reachable(following, after.__getitem__) for start, following in after.items()}

    def _add(self, node: Node) -> None:
        if node.task_id in self._nodes:
            message = f"Two tasks have the id {node.task_id!r}"
            raise AssertionError(message)
        self._nodes[node.task_id] = node

    def _edge(self, source: str, target: str, label: str = "") -> None:
        self._edges[source, target] = label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}…"


def _outside(choices: Iterable[Choice], inside: set[str]) -> list[Choice]:
    return [choice for choice in choices if choice.target not in inside]
