"""A definition as a picture (Mermaid source) and as an outline for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from airflow_workflow_provider.model.definition import END, FAIL, ErrorCondition, OnFailure, Step, WorkflowDefinition
from airflow_workflow_provider.model.flow import Flow, handler_targets
from airflow_workflow_provider.model.plain import one_line

# Of what Mermaid reads in a quoted text: entities, HTML, Markdown (a backtick), directives (%%{), formulas ($$).
_ENTITIES = {ord(char): f"#{ord(char)};" for char in "#%$`\\"} | str.maketrans(
    {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;"}
)
ITEMS = "each item"


class Edge(NamedTuple):
    """Where a step leads to; ``label`` says when."""

    target: str
    label: str
    on_failure: bool = False


class Inner(NamedTuple):
    """A step list inside a step: a branch, or the steps for each item."""

    name: str
    steps: tuple[Step, ...]


def inner_lists(step: Step) -> tuple[Inner, ...]:
    """Return the step lists that a step holds."""
    if step.for_each is not None:
        return (Inner(ITEMS, step.for_each.steps),)
    return tuple(Inner(branch.branch_id, branch.steps) for branch in step.parallel_branches or ())


def edges(step: Step, flow: Flow) -> Iterator[Edge]:
    """Yield where a step leads to, in the order in which it is decided."""
    if step.next is None:
        yield Edge(flow.default_next(step.step_id) or END, "")
    elif not step.next:
        yield Edge(END, "")
    else:
        otherwise = "otherwise" if len(step.next) > 1 else ""
        for transition in step.next:
            yield Edge(transition.next_step_id, transition.condition or otherwise)
    yield from failure_edges(step.on_failure)


def failure_edges(on_failure: OnFailure | None, *, always: bool = False) -> Iterator[Edge]:
    """Yield where an ``onFailure`` leads to, in order.

    :param always: whatever the action, as for a workflow's
    """
    if on_failure is None:
        return
    for condition in on_failure.conditions:
        yield Edge(condition.next_step_id, _matched(condition), on_failure=True)
    if on_failure.next_step_id is not None and (always or on_failure.action == "continue"):
        yield Edge(on_failure.next_step_id, "any error", on_failure=True)


def _matched(condition: ErrorCondition) -> str:
    parts = [condition.error_type, f"code {condition.error_code}" if condition.error_code is not None else None]
    return ", ".join(part for part in parts if part)


def outline(definition: WorkflowDefinition) -> str:
    """Return the definition as indented text."""
    lines = [f"{definition.workflow_id} {definition.version}: {one_line(definition.name)}"]
    named = handler_targets(definition.on_failure)
    lines += _outlined(definition.steps, "  ", named)
    lines += [
        f"  workflow !> {edge.target}  {edge.label}" for edge in failure_edges(definition.on_failure, always=True)
    ]
    return "\n".join(lines)


def _outlined(steps: tuple[Step, ...], indent: str, named: tuple[str, ...] = ()) -> Iterator[str]:
    flow = Flow.of(steps, named_before=named)
    for step in steps:
        name = f"  {one_line(step.name)}" if step.name else ""
        yield f"{indent}{step.step_id} ({step.task_id}){name}"
        for inner in inner_lists(step):
            yield f"{indent}  [{inner.name}]"
            yield from _outlined(inner.steps, f"{indent}    ")
        for edge in edges(step, flow):
            arrow = "!>" if edge.on_failure else "->"
            label = f"  {one_line(edge.label)}" if edge.label else ""
            yield f"{indent}  {arrow} {edge.target}{label}"


def mermaid(definition: WorkflowDefinition) -> str:
    """Return the definition as the source of a Mermaid flowchart; the same definition always gives the same text."""
    return "\n".join(_Chart(definition).lines())


@dataclass(frozen=True)
class _Place:
    """Where a step list stands: the nodes that its path ends lead to, and the indentation."""

    end: str
    fail: str
    indent: str


class _Chart:
    def __init__(self, definition: WorkflowDefinition) -> None:
        self.definition = definition
        # stepIds may be words of Mermaid's own, so nodes have numbers
        self.nodes: dict[str, str] = {}
        self._number(definition.steps)

    def _number(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.nodes[step.step_id] = f"s{len(self.nodes) + 1}"
            for inner in inner_lists(step):
                self._number(inner.steps)

    def lines(self) -> Iterator[str]:
        steps = self.definition.steps
        named = handler_targets(self.definition.on_failure)
        body = list(self._list(steps, Flow.of(steps, named_before=named), _Place("done", "failed", "  ")))
        body += [
            f"  onFailure -. {_quoted(edge.label)} .-> {self._target(edge.target, _Place('done', 'failed', ''))}"
            for edge in failure_edges(self.definition.on_failure, always=True)
        ]
        yield "flowchart TD"
        yield f"  start([start]) --> {self.nodes[steps[0].step_id]}"
        yield from body
        if any("onFailure -." in line for line in body):
            yield '  onFailure{{"workflow failed"}}'
        if any(line.endswith(" failed") for line in body):
            yield "  failed([fail])"
        if any(line.endswith(" done") for line in body):
            yield "  done([end])"

    def _list(self, steps: tuple[Step, ...], flow: Flow, place: _Place) -> Iterator[str]:
        for step in steps:
            yield from self._step(step, flow, place)

    def _step(self, step: Step, flow: Flow, place: _Place) -> Iterator[str]:
        node, indent = self.nodes[step.step_id], place.indent
        yield f'{indent}{node}["{_text(step.name or step.step_id)}<br/><small>{_text(step.task_id)}</small>"]'
        source = node
        lists = inner_lists(step)
        if lists:
            source = f"{node}_join"
            for position, inner in enumerate(lists, 1):
                yield from self._branch(node, f"{node}_b{position}", inner, place)
            yield f'{indent}{source}(("join"))'
        for edge in edges(step, flow):
            target = self._target(edge.target, place)
            if edge.on_failure:
                yield f"{indent}{source} -. {_quoted(edge.label)} .-> {target}"
            else:
                yield f"{indent}{source} -->{f'|{_quoted(edge.label)}|' if edge.label else ''} {target}"

    def _branch(self, owner: str, name: str, inner: Inner, place: _Place) -> Iterator[str]:
        indent, join = place.indent, f"{owner}_join"
        if not inner.steps:
            yield f"{indent}{owner} -->|{_quoted(inner.name)}| {join}"
            return
        yield f"{indent}subgraph {name}[{_quoted(inner.name)}]"
        inside: list[str] = []
        leaving: list[str] = []
        for line in self._list(inner.steps, Flow.of(inner.steps), _Place(join, join, f"{indent}  ")):
            # an edge drawn inside a subgraph would pull the join into it
            (leaving if line.endswith(f" {join}") else inside).append(line)
        yield from inside
        yield f"{indent}end"
        yield from (f"{indent}{line.strip()}" for line in leaving)
        yield f"{indent}{owner} --> {self.nodes[inner.steps[0].step_id]}"

    def _target(self, target: str, place: _Place) -> str:
        if target == END:
            return place.end
        return place.fail if target == FAIL else self.nodes[target]


def _text(text: str) -> str:
    return one_line(text).translate(_ENTITIES)


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'
