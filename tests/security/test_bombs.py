"""Bombs in every language, through every door: each is over in time, within its memory, and stops nobody else."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.bounded.pool import Pool, PoolDoor
from airflow_workflow_provider.engine.schemas import check_against, with_defaults
from airflow_workflow_provider.engine.triggering import input_of
from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.definition import UiComponent
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.tasks.evaluating import definition_checked, simulated, task_checked
from airflow_workflow_provider.tasks.questions import check_answer
from airflow_workflow_provider.views.components import page_of
from airflow_workflow_provider.workers.evaluation import WARM

Json = dict[str, Any]

LIMITS = Limits(seconds=2.0, memory=256 * MIB)
SLACK = 20.0
"""Seconds that a busy machine may add: for a process that has to be started, and for being slow."""

NO_TASKS: Json = {"tasks": {}, "ids": ["set", "noop", "approval"]}
OPTIONS: Json = {"maxOutputBytes": 262_144, "defaultRetry": {"maxAttempts": 3, "delay": "PT1S"}, "seconds": 1.6}
POLICY = Policy(operators=("*",)).to_json()
AT = "2027-01-01T00:00:00+00:00"
A = "a" * 40 + "!"


def definition(**more: Any) -> Json:
    return {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": [{"stepId": "s", "taskId": "noop"}], **more}


def deep(levels: int, make: Callable[[Any], Any]) -> Any:
    found: Any = {}
    for _ in range(levels):
        found = make(found)
    return found


def doubling(levels: int, keyword: str = "allOf") -> Json:
    levels_of: Json = {f"d{n}": {keyword: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$defs": {**levels_of, f"d{levels}": {}}, "properties": {"a": {"$ref": "#/$defs/d0"}}}


SCHEMAS: dict[str, tuple[Json, Any]] = {
    "allOf doubles": (doubling(29), {"a": 1}),
    "anyOf doubles and fails": (doubling(29, "anyOf") | {"required": ["b"]}, {"a": 1}),
    "oneOf doubles": (doubling(25, "oneOf"), {"a": {}}),
    "properties double": (
        {
            "$defs": {
                f"d{n}": {"properties": {k: {"$ref": f"#/$defs/d{n + 1}", "default": {}} for k in "ab"}}
                for n in range(28)
            },
            "properties": {"a": {"$ref": "#/$defs/d0", "default": {}}},
        },
        {},
    ),
    "pattern of nested repeats": ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": A}),
    "pattern of alternatives": ({"properties": {"a": {"pattern": "^(a|aa)+$"}}}, {"a": A * 3}),
    "pattern of many stars": ({"properties": {"a": {"pattern": "a*" * 30 + "b"}}}, {"a": "a" * 3000}),
    "pattern with a look-ahead": ({"properties": {"a": {"pattern": "^(?=(a+)+$)"}}}, {"a": A}),
    "pattern with a reference back": ({"properties": {"a": {"pattern": r"^(a*)*\1$"}}}, {"a": A}),
    "pattern of large counts": ({"properties": {"a": {"pattern": "(?:(?:a{500}){500}){500}"}}}, {"a": A}),
    "pattern of classes and counts": ({"properties": {"a": {"pattern": r"(?:\p{L}{1000}){1000}"}}}, {"a": A}),
    "patternProperties": ({"patternProperties": {"^(a+)+$": {}}}, {A: 1}),
    "propertyNames": ({"propertyNames": {"pattern": "^(a+)+$"}}, {A: 1}),
    "uniqueItems of objects": (
        {"properties": {"a": {"uniqueItems": True}}},
        {"a": [{"n": n, "s": "x" * 20} for n in range(6000)]},
    ),
    "uniqueItems of lists": ({"properties": {"a": {"uniqueItems": True}}}, {"a": [[n] for n in range(20_000)]}),
    "contains": ({"properties": {"a": {"contains": {"enum": list(range(5000))}}}}, {"a": [-1] * 20_000}),
    "enum of many for many": (
        {"properties": {"a": {"items": {"enum": [{"n": n} for n in range(4000)]}}}},
        {"a": [{}] * 9000},
    ),
    "unevaluated below many": (
        {"allOf": [{"properties": {f"p{n}": True}} for n in range(3000)], "unevaluatedProperties": False},
        {f"q{n}": 1 for n in range(3000)},
    ),
    "a schema in itself": ({"properties": {"a": {"$ref": "#/properties/a"}}}, {"a": 1}),
    "defaults in themselves": (
        {
            "$defs": {"t": {"default": {}, "properties": {"x": {"$ref": "#/$defs/t"}}}},
            "properties": {"a": {"$ref": "#/$defs/t"}},
        },
        {},
    ),
    "a recursive schema over a deep value": (
        {"$defs": {"t": {"properties": {"x": {"$ref": "#/$defs/t"}}}}, "properties": {"a": {"$ref": "#/$defs/t"}}},
        {"a": deep(390, lambda inner: {"x": inner})},
    ),
    "dynamic references": (
        {"$dynamicAnchor": "n", "properties": {"a": {"$dynamicRef": "#n"}}, "allOf": [{"$dynamicRef": "#n"}]},
        {"a": {}},
    ),
    "multipleOf of large numbers": ({"properties": {"a": {"multipleOf": 1e-300}}}, {"a": 10**308}),
}

XS = {"xs": list(range(30_000)), "s": "x" * 480_000, "t": "a" * 100_000, "o": {f"k{n}": n for n in range(20_000)}}
EXPRESSIONS: dict[str, tuple[str, str]] = {
    "cel maps a long text": ("cel", "input.xs.map(a, input.s + input.s)"),
    "cel maps in maps": ("cel", "input.xs.map(a, input.xs.map(b, a + b))"),
    "cel counts pairs": ("cel", "input.xs.filter(a, input.xs.exists(b, a == b + 99999)).size()"),
    "cel matches": ("cel", "input.t.matches('^(a+)+$')"),
    "cel matches large counts": ("cel", "input.t.matches('((a{100}){100}){100}')"),
    "cel adds up": ("cel", "input.xs.map(a, [input.s, input.s, input.s])"),
    "cel nests deep": ("cel", "(" * 200 + "1" + ")" * 200),
    "cel adds many": ("cel", "+".join(["1"] * 3000)),
    "jmespath projects on projections": ("jmespath", "input.xs[].[@, @][].[@, @][].[@, @][].[@, @][].[@, @]"),
    "jmespath sorts": ("jmespath", "sort_by(input.xs, &to_string(@))"),
    "jmespath joins": ("jmespath", "join(input.s, input.xs[].to_string(@))"),
    "jmespath nests": ("jmespath", "[" * 200 + "input" + "]" * 200),
    "jmespath repeats": ("jmespath", "[" + ",".join(["input"] * 900) + "]"),
    "jsonata calls itself": ("jsonata", "($f := function($n) { $f($n + 1) }; $f(0))"),
    "jsonata calls itself at the tail": ("jsonata", "($f := function($n) { $n < 1e12 ? $f($n + 1) : $n }; $f(0))"),
    "jsonata doubles": ("jsonata", "($d := function($x, $n) { $n = 0 ? $x : $d([$x, $x], $n - 1) }; $d(input.xs, 40))"),
    "jsonata counts": ("jsonata", "$sum([1..9999999])"),
    "jsonata pairs": ("jsonata", "input.xs.($a := $; %.xs[$ = $a])"),
    "jsonata groups": ("jsonata", "input.xs{$string($): $}"),
    "jsonata pads": ("jsonata", "$pad('x', 2000000000)"),
    "jsonata replaces": ("jsonata", "$replace(input.t, /(a+)+b/, 'x')"),
    "jsonata matches large counts": ("jsonata", r"$match(input.s, /(?:(?:\p{L}{500}){500}){500}/)"),
    "jsonata powers": ("jsonata", "$power(10, 10000000)"),
    "jsonata joins": ("jsonata", "$join(input.xs.$string(), input.s)"),
    "jsonata sorts": ("jsonata", "$sort(input.xs, function($a, $b) { $string($a) < $string($b) })"),
    "jsonata shuffles its reductions": ("jsonata", "$reduce(input.xs, function($a, $b) { $a & $string($b) })"),
    "jsonata looks everywhere": ("jsonata", "**.**.**.**"),
    "jsonata formats": ("jsonata", "$formatNumber(1e300, '" + "#" * 4000 + "0.0')"),
    "jsonata spreads": ("jsonata", "$merge($spread(input.o).$spread($))"),
}
TEMPLATES = {
    "a loop without end": "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
    "a long text": "{{ 'x' * 10000000000 }}",
    "a text of texts": "{% set a = 'x' * 100000 %}{{ [a] * 100000 }}",
    "padding": "{{ 'x'.center(9000000000) }}",
    "a power": "{{ 9 ** 9 ** 9 }}",
    "a format": "{{ '%999999999d' % 1 }}",
    "a replacement": "{{ workflow.input.s.replace('x', workflow.input.s) }}",
    "a product": "{{ workflow.input.xs | map('string') | join(workflow.input.s) }}",
}


def transform(name: str) -> Json:
    kind, expression = EXPRESSIONS[name]
    return {"type": kind, "expression": expression}


def check(document: Any) -> Any:
    return definition_checked(document, NO_TASKS, POLICY, [], {})


def simulate(document: Json, given: Any = None, tasks: Json | None = None, **about: Any) -> Any:
    known = {
        "input": given or {},
        "mocks": {},
        "event": None,
        "correlationId": None,
        "now": "2027-01-01T00:00:00+00:00",
    }
    return simulated(document, {**known, **about}, {**NO_TASKS, "tasks": tasks or {}}, {}, OPTIONS)


def page(condition: str | None, value: Json | None) -> Any:
    """A page of two hundred rows, ten columns and ten components."""
    columns = [{"label": str(n), "value": value} for n in range(10)]
    context = {"layout": "table", "rows": {"type": "jmespath", "expression": "input.xs[:200]"}, "columns": columns}
    parts = [{"componentId": f"c{n}", "condition": condition, "context": context if value else {}} for n in range(10)]
    components = [UiComponent.model_validate(each, strict=False) for each in parts]
    bindings: Json = dict.fromkeys(("steps", "variables", "output", "attempt", "error", "event", "workflow", "data"))
    return page_of(
        components,
        {**bindings, "input": XS, "status": "running", "progress": {}, "user": {"id": "ada"}},
        seconds=1.6,
    )


def arrives(pattern: str, event_type: str) -> Any:
    document = definition(triggers=[{"eventPattern": pattern}])
    return input_of(
        document, {"specversion": "1.0", "id": "1", "source": "/s", "type": event_type, "data": {}}, "i", AT
    )


def table() -> Iterator[tuple[str, Callable[[], Any]]]:
    for name, (schema, value) in SCHEMAS.items():
        yield f"validate: {name}", lambda schema=schema: check(definition(inputSchema=schema))
        yield (
            f"start: {name}",
            lambda schema=schema, value=value: check_against(schema, with_defaults(schema, value), "input"),
        )
    for name in ("pattern of nested repeats", "allOf doubles", "uniqueItems of objects", "pattern of large counts"):
        schema, value = SCHEMAS[name]
        yield f"answer: {name}", lambda schema=schema, value=value: check_answer(["ok"], [], schema, "ok", value, None)
        task = {"taskId": "t", "name": "T", "operator": "set", "arguments": {}, "outputSchema": schema}
        yield f"task: {name}", lambda task=task: task_checked(task, NO_TASKS, POLICY)
    for name in EXPRESSIONS:
        step = {"stepId": "s", "taskId": "set", "arguments": {"x": transform(name)}}
        yield f"simulate: {name}", lambda step=step: simulate(definition(steps=[step]), XS)
    for name in ("cel maps in maps", "jsonata calls itself at the tail", "jsonata groups", "jmespath joins"):
        trigger = {"eventPattern": "a", "transform": transform(name.replace("cel maps in maps", "jsonata pairs"))}
        data = {"specversion": "1.0", "id": "1", "source": "/s", "type": "a", "data": {**XS, "input": XS}}
        yield f"event: {name}", lambda t=trigger, d=data: input_of(definition(triggers=[t]), d, "i", AT)
        yield f"view: {name}", lambda name=name: page(None, transform(name))
    for name, template in TEMPLATES.items():
        tasks = {"t": {"taskId": "t", "name": "T", "operator": "set", "arguments": {"a": template}}}
        steps = [{"stepId": "s", "taskId": "t"}]
        yield f"simulate: template with {name}", lambda s=steps, t=tasks: simulate(definition(steps=s), XS, t)
        yield f"task: template with {name}", lambda t=tasks: task_checked(t["t"], NO_TASKS, POLICY)
    yield "view: a condition that counts pairs", lambda: page(EXPRESSIONS["cel counts pairs"][1] + " > 0", None)
    yield "event: a pattern of many wildcards", lambda: arrives(".".join(["**"] * 9), ".".join(["a"] * 60))
    yield (
        "event: a schema that doubles",
        lambda: input_of(
            definition(triggers=[{"eventPattern": "a"}], inputSchema=doubling(29)),
            {"specversion": "1.0", "id": "1", "source": "/s", "type": "a", "data": {"a": 1}},
            "i",
            AT,
        ),
    )
    yield "validate: a deep document", lambda: check(definition(inputSchema={"examples": deep(390, lambda x: [x])}))
    yield "validate: a deeper document", lambda: check(definition(inputSchema={"examples": deep(900, lambda x: [x])}))
    yield (
        "validate: many steps",
        lambda: check(definition(steps=[{"stepId": f"s{n}", "taskId": "noop"} for n in range(20_000)])),
    )
    yield (
        "validate: many ways",
        lambda: check(
            definition(
                steps=[
                    {
                        "stepId": f"s{n}",
                        "taskId": "noop",
                        "next": [{"nextStepId": f"s{m}", "condition": f"input.a == {m}"} for m in range(60)],
                    }
                    for n in range(60)
                ]
            )
        ),
    )
    yield "validate: many values", lambda: check(definition(description="x", metadata=[[]] * 400_000))
    yield "validate: a long name", lambda: check(definition(workflowId="a" * 1_000_000, name="b" * 1_000_000))
    yield (
        "simulate: a loop without end",
        lambda: simulate(
            definition(steps=[{"stepId": "s", "taskId": "noop", "next": [{"nextStepId": "s"}], "maxVisits": 1_000_000}])
        ),
    )
    yield (
        "simulate: items of items",
        lambda: simulate(
            definition(
                steps=[
                    {
                        "stepId": "s",
                        "taskId": "noop",
                        "forEach": {
                            "items": {"type": "jmespath", "expression": "input.xs"},
                            "steps": [{"stepId": "i", "taskId": "noop"}],
                        },
                    }
                ]
            ),
            XS,
        ),
    )


BOMBS = dict(table())


@dataclass
class Watch:
    """Watches beside a bomb: how long this process let no other thread compute, and how large the children were."""

    pool: Pool
    longest: float = 0.0
    largest: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        children: set[int] = set()
        while not self._over.is_set():
            began = time.process_time()
            self._over.wait(0.002)
            self.longest = max(self.longest, time.process_time() - began)
            children |= set(self.pool.pids)
            self.largest = max([self.largest, *map(_data_of, children)])

    def stop(self) -> None:
        self._over.set()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    found = Pool(LIMITS, WARM)
    found.start()
    poll(lambda: len(found.pids) == LIMITS.processes or None, seconds=60, what="the processes", interval=0.02)
    yield found
    found.close()


@pytest.fixture(scope="module", autouse=True)
def _collector_of_garbage() -> Iterator[None]:
    """Leave out of a collection what thousands of other tests hold: going through it takes longer than the bound."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def test_the_table_has_every_language_and_door() -> None:
    assert len(BOMBS) >= 60
    assert {name.partition(":")[0] for name in BOMBS} == {
        "validate", "simulate", "task", "start", "event", "answer", "view"
    }  # fmt: skip


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_over_in_time_and_in_its_memory(pool: Pool, name: str) -> None:
    watch = Watch(pool)
    thread = threading.Thread(target=watch.run)
    thread.start()
    began = time.monotonic()
    code = None
    try:
        with behind(PoolDoor(lambda: pool, "eve", name)):
            BOMBS[name]()
    except WorkflowsError as error:
        code = error.code
    finally:
        took = time.monotonic() - began
        watch.stop()
        thread.join()
    # Whatever it is, it is told, and is no fault of the server.
    assert code not in ("evaluation-failed", "overloaded")
    assert took < LIMITS.seconds + SLACK
    assert watch.largest <= LIMITS.memory
    # Another request is answered: nothing here keeps the interpreter's lock, as a bomb in this process would. It is
    # this process's own computing that counts, not how long a busy machine lets it wait.
    assert watch.longest < 0.2


def _data_of(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = next((line for line in lines if line.startswith("VmData:")), None)
    return int(found.split()[1]) * 1024 if found else 0
