"""A definition as nodes, groups and edges, for drawing: how it is meant, not how Airflow runs it.

Ids of nodes are stepIds; those of other nodes have a dot, which no stepId has: ``.start``, ``.end``, ``.fail``,
``.onFailure``, ``<step>.join`` behind branches or items, and ``<step>.compensation``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from airflow_workflow_provider.engine.graph import child_path
from airflow_workflow_provider.model.definition import END, FAIL
from airflow_workflow_provider.model.ways import ON_FAILURE, Way, WayKind, inner_lists, ways_of_workflow

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph, StepList
    from airflow_workflow_provider.model.definition import Step

NodeKind = Literal["start", "end", "fail", "step", "parallel", "forEach", "join", "onFailure", "compensation"]
EdgeKind = Literal["next", "error", "compensation", "fork"]
GroupKind = Literal["branch", "items"]

START_NODE: Final = ".start"
END_NODE: Final = ".end"
FAIL_NODE: Final = ".fail"
ON_FAILURE_NODE: Final = ".onFailure"
_GROUPS: Final[Mapping[WayKind, GroupKind]] = {WayKind.BRANCH: "branch", WayKind.ITEMS: "items"}
_NODES: Final = {END: END_NODE, FAIL: FAIL_NODE, ON_FAILURE: ON_FAILURE_NODE}


@dataclass(frozen=True)
class DrawnNode:
    """One node.

    :param step_id: the step it is, or belongs to
    :param task_id: the catalogue's task that it runs
    :param airflow_task_id: the task of the DAG in which it runs
    :param group: id of the group around it
    :param loop: whether it is part of a cycle
    :param asks_people: whether it is a step whose task asks people and waits for their answer
    """

    id: str
    kind: NodeKind
    name: str
    step_id: str | None = None
    task_id: str | None = None
    airflow_task_id: str | None = None
    group: str | None = None
    description: str | None = None
    loop: bool = False
    asks_people: bool = False


@dataclass(frozen=True)
class DrawnGroup:
    """A branch, or the steps that run for every item.

    :param step_id: the step whose branch or items it is
    :param parent: id of the group around it
    """

    id: str
    kind: GroupKind
    name: str
    step_id: str
    parent: str | None = None


@dataclass(frozen=True)
class DrawnEdge:
    """One way from a node to another.

    :param id: the way's id in :mod:`model.ways`, by which the path of an instance names it; of the first edge
        ``.start``
    :param kind: ``next`` after success, ``error`` after a failure, ``compensation`` to what undoes a step, ``fork``
        into a branch
    :param label: the condition, or which errors; empty where there is nothing to say
    :param default: whether it is taken where no condition holds
    :param back: whether it goes back in a loop
    :param step_id: the step whose decision takes it
    :param decision: that decision, as ``next`` of the step has it
    """

    id: str
    source: str
    target: str
    kind: EdgeKind
    label: str = ""
    default: bool = False
    back: bool = False
    step_id: str | None = None
    decision: str | None = None


@dataclass
class Drawing:
    """A definition, ready to be drawn; the same definition always gives the same one."""

    nodes: list[DrawnNode] = field(default_factory=list)
    groups: list[DrawnGroup] = field(default_factory=list)
    edges: list[DrawnEdge] = field(default_factory=list)


def drawing_of(
    graph: Graph, task_of: Mapping[str, str] | None = None, asks_people: Callable[[str], bool] = lambda _: False
) -> Drawing:
    """Return the drawing of a definition.

    :param task_of: the task of the DAG in which a step runs, by stepId
    :param asks_people: returns of the operator of a task definition whether it asks people
    """
    return _Artist(graph, task_of or {}, asks_people).drawing()


class _Artist:
    def __init__(self, graph: Graph, task_of: Mapping[str, str], asks_people: Callable[[str], bool]) -> None:
        self._graph = graph
        self._asks_people = asks_people
        self._task_of = task_of
        self._drawing = Drawing()

    def drawing(self) -> Drawing:
        drawing, graph = self._drawing, self._graph
        drawing.nodes.append(DrawnNode(START_NODE, "start", "Start"))
        if graph.root.entry is not None:
            drawing.edges.append(DrawnEdge(START_NODE, START_NODE, graph.root.entry, "next"))
        self._list(graph.root, None, END_NODE, None)
        handler = graph.definition.on_failure
        if handler is not None:
            drawing.nodes.append(DrawnNode(ON_FAILURE_NODE, "onFailure", "When no step handles a failure"))
            for way in ways_of_workflow(graph.definition):
                self._edge(ON_FAILURE_NODE, way, END_NODE, None)
        drawn = {edge.target for edge in drawing.edges}
        drawing.nodes.append(DrawnNode(END_NODE, "end", "End"))
        if FAIL_NODE in drawn:
            drawing.nodes.append(DrawnNode(FAIL_NODE, "fail", "Fail"))
        return drawing

    def _list(self, found: StepList, group: str | None, end: str, task: str | None) -> None:
        """Draw a step list.

        :param end: the node that stands for its end: that of the workflow, or the join behind a branch
        :param task: the task of the DAG in which the list runs as a whole, if it does
        """
        loops = [set(loop) for loop in self._graph.loops(found)]
        rank = {step.step_id: number for number, step in enumerate(found.steps)}
        for step in found.steps:
            looped = any(step.step_id in loop for loop in loops)
            exit_node = self._step(found, step, group, self._task_of.get(step.step_id, task), looped=looped)
            for way in found.flow.ways(step.step_id, WayKind.NEXT, WayKind.FAILURE):
                cyclic = any({step.step_id, way.target} <= loop for loop in loops)
                back = cyclic and rank[way.target] <= rank[step.step_id]
                self._edge(exit_node, way, end, step, back=back)

    def _step(self, found: StepList, step: Step, group: str | None, task: str | None, *, looped: bool) -> str:
        """Draw a step and what is inside it; return the node that its ways leave from."""
        kind: NodeKind = "step"
        if step.for_each is not None:
            kind = "forEach"
        elif step.parallel_branches:
            kind = "parallel"

        def node(node_id: str, node_kind: NodeKind, name: str, task_id: str | None = None) -> None:
            own = node_id == step.step_id
            self._drawing.nodes.append(
                DrawnNode(
                    node_id,
                    node_kind,
                    name,
                    step.step_id,
                    task_id,
                    task,
                    group,
                    step.description if own else None,
                    loop=looped,
                    asks_people=own and self._asks(step),
                )
            )

        node(step.step_id, kind, step.name or step.step_id, step.task_name)
        for way in found.flow.ways(step.step_id, WayKind.COMPENSATION):
            if step.compensation is not None:
                node(way.target, "compensation", step.compensation.task_id, step.compensation.task_id)
            self._drawing.edges.append(DrawnEdge(way.id, step.step_id, way.target, "compensation", way.label))
        if kind == "step":
            return step.step_id
        join = f"{step.step_id}.join"
        for inner in inner_lists(step):
            name, inner_kind = inner.way.label, _GROUPS[inner.way.kind]
            steps = self._graph.lists[child_path(found.path, step, inner.branch_id)]
            box = DrawnGroup(f"{step.step_id}/{name}", inner_kind, name, step.step_id, group)
            self._drawing.groups.append(box)
            self._drawing.edges.append(DrawnEdge(inner.way.id, step.step_id, steps.entry or join, "fork", name))
            self._list(steps, box.id, join, task)
        node(join, "join", "All done")
        return join

    def _asks(self, step: Step) -> bool:
        found = (self._graph.tasks.get(task_id) for task_id in step.task_ids)
        return any(task is not None and self._asks_people(task.operator) for task in found)

    def _edge(self, source: str, way: Way, end: str, step: Step | None, *, back: bool = False) -> None:
        """Draw one way; inside a branch its end and its failure both lead to the join."""
        target = _NODES.get(way.target, way.target)
        if target in (END_NODE, FAIL_NODE) and end != END_NODE:
            target = end
        edge = DrawnEdge(
            way.id,
            source,
            target,
            "error" if way.kind is WayKind.FAILURE else "next",
            way.label,
            default=way.is_otherwise,
            back=back,
            step_id=step.step_id if step is not None else None,
            decision=way.target,
        )
        if all(replace(edge, id=drawn.id) != drawn for drawn in self._drawing.edges):
            self._drawing.edges.append(edge)
