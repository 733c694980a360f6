"""A definition as a picture (Mermaid source) and as an outline for the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from airflow_workflow_provider.model.definition import END, FAIL, Step, WorkflowDefinition
from airflow_workflow_provider.model.flow import Flow, workflow_targets
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.model.ways import InnerList, Way, WayKind, inner_lists, ways_of_workflow

# Of what Mermaid reads in a quoted text: entities, HTML, Markdown (a backtick), directives (%%{), formulas ($$).
_ENTITIES = {ord(char): f"#{ord(char)};" for char in "#%$`\\"} | str.maketrans(
    {'"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;"}
)
ITEMS = "each item"
TIMES = "\N{MULTIPLICATION SIGN}"
_MISSED = "stroke:#c00,color:#c00"
_EDGE = re.compile(r"\s*\w+(\(\[start\]\))? (-->|-\.)")


def _name_of(inner: InnerList) -> str:
    return inner.branch_id or ITEMS


def _exits(flow: Flow, step: Step) -> tuple[Way, ...]:
    return flow.ways(step.step_id, WayKind.NEXT, WayKind.FAILURE)


@dataclass(frozen=True)
class Counts:
    """How often the parts of a definition were run, to be drawn with it.

    :param steps: by stepId
    :param ways: by the way's id
    """

    steps: Mapping[str, int]
    ways: Mapping[str, int]

    def of_step(self, step_id: str) -> str:
        """Return the mark of a step."""
        return f"{TIMES}{self.steps.get(step_id, 0)}"

    def of_way(self, way: Way) -> str:
        """Return the mark of a way."""
        return f"{TIMES}{self.ways.get(way.id, 0)}"


def _label(way: Way, counts: Counts | None) -> str:
    return " ".join(part for part in (one_line(way.label), counts.of_way(way) if counts is not None else "") if part)


def outline(definition: WorkflowDefinition, counts: Counts | None = None) -> str:
    """Return the definition as indented text.

    :param counts: how often its parts were run, if that is to be shown
    """
    lines = [f"{definition.workflow_id} {definition.version}: {one_line(definition.name)}"]
    lines += _outlined(definition.steps, "  ", counts, workflow_targets(definition))
    lines += [f"  workflow !> {way.target}  {_label(way, counts)}" for way in ways_of_workflow(definition)]
    return "\n".join(lines)


def _outlined(
    steps: tuple[Step, ...], indent: str, counts: Counts | None, named: tuple[str, ...] = ()
) -> Iterator[str]:
    flow = Flow.of(steps, named_before=named)
    for step in steps:
        name = f"  {one_line(step.name)}" if step.name else ""
        times = f"  {counts.of_step(step.step_id)}" if counts is not None else ""
        yield f"{indent}{step.step_id} ({step.task_name}){name}{times}"
        for inner in inner_lists(step):
            times = f" {counts.of_way(inner.way)}" if counts is not None else ""
            yield f"{indent}  [{_name_of(inner)}]{times}"
            yield from _outlined(inner.steps, f"{indent}    ", counts)
        for way in _exits(flow, step):
            arrow = "!>" if way.kind is WayKind.FAILURE else "->"
            label = _label(way, counts)
            yield f"{indent}  {arrow} {way.target}{f'  {label}' if label else ''}"


def mermaid(definition: WorkflowDefinition, counts: Counts | None = None) -> str:
    """Return the definition as the source of a Mermaid flowchart; the same definition always gives the same text.

    :param counts: how often its parts were run: each has its number, and what never ran is drawn in red
    """
    return "\n".join(_Chart(definition, counts).lines())


@dataclass(frozen=True)
class _Place:
    """Where a step list stands: the nodes that its path ends lead to, and the indentation."""

    end: str
    fail: str
    indent: str


class _Chart:
    def __init__(self, definition: WorkflowDefinition, counts: Counts | None) -> None:
        self.definition = definition
        self.counts = counts
        self.missed: set[str] = set()
        # stepIds may be words of Mermaid's own, so nodes have numbers
        self.nodes: dict[str, str] = {}
        self._number(definition.steps)

    def _number(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.nodes[step.step_id] = f"s{len(self.nodes) + 1}"
            for inner in inner_lists(step):
                self._number(inner.steps)

    def lines(self) -> Iterator[str]:
        """Yield the lines of the chart."""
        drawn = list(self._drawn())
        yield from drawn
        if self.counts is None:
            return
        edges = [line.strip() for line in drawn if _EDGE.match(line)]
        for number, edge in enumerate(edges):
            if edge in self.missed:
                yield f"  linkStyle {number} {_MISSED}"
        for step_id, node in self.nodes.items():
            if not self.counts.steps.get(step_id):
                yield f"  style {node} {_MISSED}"

    def _edge(self, line: str, way: Way) -> str:
        """Return the line of a way, noted where it was never taken."""
        if self.counts is not None and not self.counts.ways.get(way.id):
            self.missed.add(line.strip())
        return line

    def _drawn(self) -> Iterator[str]:
        steps = self.definition.steps
        named = workflow_targets(self.definition)
        body = list(self._list(steps, Flow.of(steps, named_before=named), _Place("done", "failed", "  ")))
        body += [
            self._edge(
                f"  onFailure -. {_quoted(_label(way, self.counts))} .-> "
                f"{self._target(way.target, _Place('done', 'failed', ''))}",
                way,
            )
            for way in ways_of_workflow(self.definition)
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
        times = f" {self.counts.of_step(step.step_id)}" if self.counts is not None else ""
        yield f'{indent}{node}["{_text(step.name or step.step_id)}{times}<br/><small>{_text(step.task_name)}</small>"]'
        source = node
        lists = inner_lists(step)
        if lists:
            source = f"{node}_join"
            for position, inner in enumerate(lists, 1):
                yield from self._branch(node, f"{node}_b{position}", inner, place)
            yield f'{indent}{source}(("join"))'
        for way in _exits(flow, step):
            target = self._target(way.target, place)
            label = _label(way, self.counts)
            if way.kind is WayKind.FAILURE:
                yield self._edge(f"{indent}{source} -. {_quoted(label)} .-> {target}", way)
            else:
                yield self._edge(f"{indent}{source} -->{f'|{_quoted(label)}|' if label else ''} {target}", way)

    def _branch(self, owner: str, name: str, inner: InnerList, place: _Place) -> Iterator[str]:
        indent, join = place.indent, f"{owner}_join"
        if not inner.steps:
            yield self._edge(f"{indent}{owner} -->|{_quoted(_name_of(inner))}| {join}", inner.way)
            return
        yield f"{indent}subgraph {name}[{_quoted(_name_of(inner))}]"
        inside: list[str] = []
        leaving: list[str] = []
        for line in self._list(inner.steps, Flow.of(inner.steps), _Place(join, join, f"{indent}  ")):
            # an edge drawn inside a subgraph would pull the join into it
            (leaving if line.endswith(f" {join}") else inside).append(line)
        yield from inside
        yield f"{indent}end"
        yield from (f"{indent}{line.strip()}" for line in leaving)
        yield self._edge(f"{indent}{owner} --> {self.nodes[inner.steps[0].step_id]}", inner.way)

    def _target(self, target: str, place: _Place) -> str:
        if target == END:
            return place.end
        return place.fail if target == FAIL else self.nodes[target]


def _text(text: str) -> str:
    return one_line(text).translate(_ENTITIES)


def _quoted(text: str) -> str:
    return f'"{_text(text)}"'
