"""The plan of a DAG: which tasks there are, what follows what, and how a decision becomes a branch.

Plain values, no Airflow: the builder turns them into operators. Exactly one activation is live in a step list
(rule T5), so almost every task starts on ``one_success``. Two things of Airflow's shape the plan:

* When a task chooses among the tasks behind it, Airflow skips the others, except those that can still be reached from
  the chosen one. Such a task would start at once, so an empty task is put on that edge.
* A DAG has no cycle. The steps of a cycle are one task, which runs them one after the other.

A step that fails for good skips the ways that were not chosen before it fails, so what handles the failure starts right
behind it. The plans of older revisions have a task ``catch`` for that (:data:`DAG_SHAPE_OF_CATCHES`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from airflow_workflow_provider.engine.graph import DAG_SHAPE_OF_CATCHES, Graph, StepList, child_path, reachable
from airflow_workflow_provider.model.definition import END, FAIL, Step
from airflow_workflow_provider.model.ways import ANY_ERROR, ON_FAILURE
from airflow_workflow_provider.plan.decisions import (
    Choice,
    Target,
    after_failure,
    after_on_failure,
    after_success,
    routes_failure,
)
from airflow_workflow_provider.plan.nodes import WHOLE, Edge, Group, Kind, Node, Plan, Rule, join_of

MAX_LABEL: Final = 80
MAX_GROUP_ID: Final = 180


def plan_of(graph: Graph) -> Plan:
    """Return the plan of a definition, in the shape of its revision."""
    return _whole(graph) if graph.runs_inline else _Planner(graph).plan()


def _whole(graph: Graph) -> Plan:
    """Return the plan of a workflow whose steps run in one task, compensations included."""
    nodes = (*(step.step_id for step in graph.root.steps), ON_FAILURE)
    node = Node(WHOLE, "whole", step_id=graph.root.entry, nodes=nodes)
    return Plan((node,), (), (), dict.fromkeys(nodes, WHOLE), graph.dag_shape)


@dataclass
class _Unit:
    """What is one task to those before it, and one to those behind it."""

    node: Node
    exit: str
    steps: tuple[str, ...]


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._has_catches = graph.dag_shape == DAG_SHAPE_OF_CATCHES
        self._failures: dict[str, list[Choice]] = {}
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
        self._draw_failures()
        nodes = tuple(self._nodes.values())
        edges = tuple(Edge(source, target, label) for (source, target), label in self._edges.items())
        return Plan(nodes, edges, tuple(self._groups), dict(self._task_of), self._graph.dag_shape)

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
        return _Unit(node, join_of(step_id) if self._graph.is_region(step) else step_id, (step_id,))

    def _branches(self, found: StepList, step: Step, group: str | None) -> None:
        """Plan the branches of a step: a box each, a sink at its end, and the join behind all of them."""
        join = Node(join_of(step.step_id), "join", found.path, step.step_id, rule="none_skipped")
        self._edge(step.step_id, join.task_id)
        starts = []
        for branch in step.parallel_branches or ():
            child = self._graph.lists[child_path(found.path, step, branch.branch_id)]
            box = Group(self._group_id(step.step_id, branch.branch_id), branch.branch_id, child.path, group)
            self._groups.append(box)
            sink = f"{step.step_id}.{branch.branch_id}.end"
            self._list(child, box.group_id, sink)
            if not self._ends_in(join.task_id, sink):
                self._add(Node(sink, "sink", child.path, step.step_id))
                self._edge(sink, join.task_id)
            starts.append(self._task_of[child.entry] if child.entry is not None else sink)
            self._edge(step.step_id, starts[-1], branch.branch_id)
        self._nodes[step.step_id] = replace(self._nodes[step.step_id], starts=tuple(starts))
        self._add(join)

    def _ends_in(self, join: str, sink: str) -> bool:
        """Let the only task that can end a branch lead to the join itself; return whether there is one.

        Every path through the branch passes that task, so it is never skipped while the branch runs.
        """
        sources = [source for source, target in self._edges if target == sink]
        if self._has_catches or len(sources) != 1:
            return False
        node, label = self._nodes[sources[0]], self._edges.pop((sources[0], sink))
        self._edge(node.task_id, join, label)
        routes = {way: join if task == sink else task for way, task in node.routes.items()}
        self._nodes[node.task_id] = replace(node, routes=routes)
        return True

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
            # After the workflow's handler every other way is the region's own.
            succeeded += [*after_on_failure(self._graph), *(each for each in failed if each.target is not None)]
        self._choose(task_id, _outside(succeeded, inside), sink)
        if self._has_catches:
            self._catch(found, unit, failed, sink)
            return
        if mixed:
            # Where its task is lost, the workflow's handler may lead out of it.
            failed += after_on_failure(self._graph)
        # A list that fails needs no way: what is behind the failed task does not start.
        ends = (None, FAIL) if found.owner is None else (None, FAIL, END)
        self._failures[task_id] = [each for each in _outside(failed, inside) if each.target not in ends]

    def _catch(self, found: StepList, unit: _Unit, failed: list[Choice], sink: str) -> None:
        """Put a task behind a node that follows its failure (:data:`DAG_SHAPE_OF_CATCHES`)."""
        steps = [found.by_id[step_id] for step_id in unit.steps if step_id != ON_FAILURE]
        routed = [
            each for each in _outside(failed, set(unit.steps)) if each.target is not None or found.owner is not None
        ]
        if routed and any(routes_failure(self._graph, found, step) for step in steps):
            name = f"{unit.node.task_id}.catch"
            self._add(Node(name, "catch", found.path, unit.node.step_id, unit.node.nodes, "one_done"))
            self._edge(unit.exit, name, "failed")
            self._choose(name, routed, sink)

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

    # Failures

    def _draw_failures(self) -> None:
        """Draw an edge from each node to what handles its failures.

        A task that only failures lead to starts on a failed task before it. Where a success leads to it too, an empty
        task stands for the failures; also where another handler of the same failure may lead to it later.
        """
        reach = self._descendants()
        direct: dict[str, dict[str, str]] = {}
        for source, choices in self._failures.items():
            labels: dict[str, dict[str, None]] = {}
            for choice in choices:
                labels.setdefault(self._target(choice.target, END), {})[choice.label] = None
            between: dict[str, str] = {}
            for task, found in labels.items():
                label = ": ".join(
                    ["failed", *filter(None, [" | ".join(each for each in found if each not in ("", ANY_ERROR))])]
                )
                if any(task in reach[sibling] for sibling in labels if sibling != task):
                    between[task] = self._put_failure(f"{source}.failed.{self._name_of(task)}", (source,), task, label)
                else:
                    direct.setdefault(task, {})[source] = label
            failing = {choice.target: self._target(choice.target, END) for choice in choices}
            failing = {way: between.get(task, task) for way, task in failing.items()}
            self._nodes[source] = replace(self._nodes[source], failing=failing)
        for task, sources in direct.items():
            self._lead_from_failures(task, sources)

    def _lead_from_failures(self, task: str, sources: Mapping[str, str]) -> None:
        """Lead from failures of some nodes to a task.

        :param sources: the nodes, with the label of the edge of each
        """
        if not any(target == task for _, target in self._edges):
            for source, label in sources.items():
                self._edge(source, task, label)
            # The workflow's handler may have to be started by an operation, see `airflow_db.clearing`.
            rule: Rule = "one_failed" if task == ON_FAILURE else _on_failure_of(len(sources))
            self._nodes[task] = replace(self._nodes[task], rule=rule)
            return
        only = next(iter(sources)) if len(sources) == 1 else None
        name = f"{only}.failed.{self._name_of(task)}" if only is not None else f"{self._name_of(task)}.on.failure"
        between = self._put_failure(name, tuple(sources), task, next(iter(sources.values())) if only else "failed")
        for source in sources:
            node = self._nodes[source]
            failing = {way: between if each == task else each for way, each in node.failing.items()}
            self._nodes[source] = replace(node, failing=failing)

    def _put_failure(self, name: str, sources: Sequence[str], task: str, label: str) -> str:
        """Put a task between failures and what handles them: an empty one, if that is something which can look."""
        kind: Kind = "handled" if task == END else "edge"
        routes: dict[Target, str] = {END: END} if task == END else {}
        self._add(Node(name, kind, self._nodes[task].path, routes=routes, rule=_on_failure_of(len(sources))))
        for source in sources:
            self._edge(source, name, label)
        self._edge(name, task)
        return name

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
        for source, choices in self._failures.items():
            after[source] += [self._target(choice.target, END) for choice in choices]
        return {start: reachable(following, after.__getitem__) for start, following in after.items()}

    def _add(self, node: Node) -> None:
        if node.task_id in self._nodes:
            message = f"Two tasks have the id {node.task_id!r}"
            raise AssertionError(message)
        self._nodes[node.task_id] = node

    def _edge(self, source: str, target: str, label: str = "") -> None:
        self._edges[source, target] = label if len(label) <= MAX_LABEL else f"{label[: MAX_LABEL - 1]}…"


def _on_failure_of(sources: int) -> Rule:
    """Return the rule of a task that starts where one of some tasks has failed.

    With one task before it, it needs no process where that one never ran.
    """
    return "one_done" if sources == 1 else "one_failed"


def _outside(choices: Iterable[Choice], inside: set[str]) -> list[Choice]:
    return [choice for choice in choices if choice.target not in inside]
