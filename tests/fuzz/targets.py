"""What is fuzzed in memory: each target makes up one case, and raises what nobody may see."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.inputs import accepted_input
from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.model.events import parse_batch, parse_event, parse_request
from airflow_workflow_provider.model.expressions import (
    X1_NAMES,
    CompiledTransform,
    ExpressionFailure,
    ExpressionSyntaxError,
    compile_condition,
)
from airflow_workflow_provider.model.templates import TemplateSyntax, evaluate, problems_of
from airflow_workflow_provider.model.validate import loads_document, validate_document, validate_task
from airflow_workflow_provider.plan.plan import plan_of
from tests.fuzz.mutations import mutated, mutated_text, rearranged

Json = dict[str, Any]
Case = tuple[Any, Callable[[], None]]
"""What is tried, and the try."""

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
SECONDS: Final = 1.0
"""Of processor time, after which an evaluation is stopped."""

REFUSALS: Final = (WorkflowsError, ExpressionSyntaxError, ExpressionFailure, TemplateSyntax)
BINDINGS: Final[Json] = {
    **dict.fromkeys(X1_NAMES),
    "data": {"a": 1, "b": [1, 2.5, None, "x"], "c": {"d": True}, "t": "text"},
    "input": {"amount": 3, "items": [{"n": 1}, {"n": 2}]},
    "steps": {"s": {"output": {}}},
}
TEMPLATES: Final = (
    "{{ data.a + 1 }}",
    "Order {{ input.amount | round(2) }} of {{ data.t | upper }}",
    "{% for each in input['items'] %}{{ each.n }}{% if not loop.last %}, {% endif %}{% endfor %}",
    "{{ data.b | map('string') | join('-') }}",
    "{% set x = data.c.d %}{{ 'yes' if x else 'no' }}",
    "{{ input['items'] | selectattr('n', 'gt', 1) | list | length }}",
    "{{ data.t.replace('t', 'T') ~ data.t[1:3] }}",
)
EVENT: Final[Json] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/shop",
    "type": "order.placed",
    "time": "2026-03-01T10:00:00Z",
    "datacontenttype": "application/json",
    "subject": "x",
    "ownextension": "y",
    "data": {"id": 7, "lines": [{"sku": "a", "n": 2}]},
}


@cache
def documents() -> tuple[Json, ...]:
    """Return the definitions of the examples."""
    files = [*sorted(EXAMPLES.glob("*.json")), *sorted(EXAMPLES.glob("patterns/*.json"))]
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    return tuple(each for each in found if isinstance(each, dict) and "workflowId" in each and "steps" in each)


@cache
def expressions() -> tuple[tuple[str, str], ...]:
    """Return the expressions of the examples, and some templates, with their language."""
    templates = {("template", text) for text in TEMPLATES}
    return tuple(sorted({found for document in documents() for found in _expressions(document)} | templates))


def _expressions(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("expression"), str) and isinstance(value.get("type"), str):
            yield value["type"], value["expression"]
        if isinstance(value.get("condition"), str):
            yield "condition", value["condition"]
        for each in value.values():
            yield from _expressions(each)
    elif isinstance(value, list):
        for each in value:
            yield from _expressions(each)
    elif isinstance(value, str) and "{{" in value:
        yield "template", value


def _within(work: Callable[[], Any]) -> Callable[[], None]:
    """Do some work within the limits that requests have, where refusing it is an answer."""

    def run() -> None:
        try:
            Inside(Limits(seconds=SECONDS, memory=256 * MIB)).within(work)
        except REFUSALS:
            return

    return run


def definition(dice: random.Random) -> Case:
    """Check a definition; of one that is accepted the DAG is planned."""
    text = json.dumps(mutated(dice.choice(documents()), dice))
    if dice.random() < 0.1:
        text = mutated_text(text, dice)

    def work() -> None:
        result = validate_document(loads_document(text))
        if result.definition is not None:
            plan_of(Graph.of(result.definition))

    return text, _within(work)


def task(dice: random.Random) -> Case:
    """Check a task definition."""
    document = {
        "taskId": "own",
        "name": "Own",
        "operator": "http",
        "arguments": {"url": "{{ arguments.x }}", "method": "POST"},
        "inputSchema": {"type": "object", "properties": {"x": {"type": "string", "pattern": "^a+$"}}},
        "retryPolicy": {"maxAttempts": 2},
        "timeout": "PT5M",
    }
    found = mutated(document, dice)
    return found, _within(lambda: validate_task(found))


def given_input(dice: random.Random) -> Case:
    """Check an input against a schema, one of which is changed or both."""
    schemas = [each["inputSchema"] for each in documents() if "inputSchema" in each]
    schema, value = dice.choice(schemas), {"orders": ["a"], "amount": 12, "name": "x", "lines": [{"sku": 1}]}
    given = mutated(value, dice)
    if dice.random() < 0.3:
        document = {**documents()[0], "inputSchema": mutated(schema, dice)}
        found = validate_document(document).definition
        schema = schema if found is None else found.input_schema
    return [schema, given], _within(lambda: accepted_input(schema, given))


def event(dice: random.Random) -> Case:
    """Read an event, a batch, or a request with one."""
    found = mutated(EVENT, dice)
    kind = dice.random()
    if kind < 0.5:
        return found, _within(lambda: parse_event(found))
    if kind < 0.7:
        return [found], _within(lambda: parse_batch([found, mutated(EVENT, dice)]))
    body = mutated_text(json.dumps(found), dice).encode(errors="surrogatepass")
    types = ("application/cloudevents+json", "application/cloudevents-batch+json", "application/json", "text/plain")
    headers = {"content-type": mutated_text(dice.choice(types), dice) if dice.random() < 0.3 else dice.choice(types)}
    if dice.random() < 0.5:
        headers |= {f"ce-{name}": mutated_text(str(EVENT[name]), dice) for name in ("id", "source", "type", "time")}
        headers["ce-specversion"] = "1.0"
    return [headers, body], _within(lambda: parse_request(headers, body))


def expression(dice: random.Random) -> Case:
    """Compile and evaluate a condition, a transform or a template."""
    kind, source = dice.choice(expressions())
    others = [text for language, text in expressions() if language == kind]
    changed = mutated_text(source, dice) if dice.random() < 0.3 else rearranged(source, others, dice)

    def work() -> None:
        if kind == "condition":
            compile_condition(changed).holds(BINDINGS)
        elif kind == "template":
            problems_of(changed)
            evaluate(changed, BINDINGS, strict=dice.random() < 0.5)
        elif kind in ("jmespath", "jsonata", "cel"):
            CompiledTransform(kind, changed).evaluate(BINDINGS)

    return [kind, changed], _within(work)


TARGETS: Final[MappingProxyType[str, Callable[[random.Random], Case]]] = MappingProxyType(
    {"definition": definition, "task": task, "input": given_input, "event": event, "expression": expression}
)
