"""Rule D2 for any input: checking ends in diagnostics, never in an exception."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.diagnostics import CODES, Diagnostic
from airflow_workflow_provider.model.validate import ValidationResult, loads_document, validate_document, validate_task
from tests.support.documents import POLICY, SmallCatalogue
from tests.unit.model.test_definition import EVERYTHING

TASK = {
    "taskId": "own",
    "name": "Own",
    "operator": "wait",
    "arguments": {"duration": "PT5M"},
    "inputSchema": {"type": "object"},
    "outputSchema": {},
    "retryPolicy": {"maxAttempts": 2},
    "timeout": "PT5M",
}


def _words(text: str) -> list[str]:
    return text.split()


WORDS = st.sampled_from(
    [
        *_words("""
    end fail check both * P1M PT5M data.x a[ $sum( jsonata jmespath cel workflow: noop approval é # .. null
    1.0.0 object #/$defs/a http://localhost/x (a+)+$ data.x>1
"""),
        "",
        " ",
        "\0",
        "\ud800",
        "x" * 300,
        "{{ x }}",
    ]
)
KEYS = st.sampled_from(
    [
        *_words("""
    stepId taskId next nextStepId condition steps parallelBranches branchId forEach items as type expression
    retryPolicy retryOn onFailure errorHandler conditions errorType arguments assign input output timeout
    name $ref properties zz a/b ~
"""),
        "",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.text(max_size=20)
    | WORDS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=5),
    max_leaves=12,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    if isinstance(value, dict):
        for key, part in value.items():
            found += _places(part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            found += _places(part, (*path, index))
    return found


def _changed(document: Any, path: tuple[Any, ...], change: str, value: Any, key: str) -> Any:
    """The document with one place replaced, removed, renamed, or with something added beside it."""
    if not path:
        return value if change == "replace" else document
    changed = copy.deepcopy(document)
    parent = changed
    for part in path[:-1]:
        parent = parent[part]
    last = path[-1]
    if change == "replace":
        parent[last] = value
    elif change == "remove":
        del parent[last]
    elif isinstance(parent, list):
        parent.append(copy.deepcopy(parent[last]))
    else:
        parent[key] = value if change == "add" else parent.pop(last)
    return changed


CHANGES = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(["replace", "remove", "rename", "add"]), VALUES, KEYS),
    min_size=1,
    max_size=4,
)


def _hold(result: ValidationResult[Any]) -> None:
    for each in result.diagnostics:
        _sound(each)
    assert result.valid == (not result.errors)
    assert (result.definition is None) == bool(result.errors)


def _sound(each: Diagnostic) -> None:
    assert each.code in CODES
    assert each.severity in {"error", "warning"}
    assert each.pointer == "" or each.pointer.startswith("/")
    assert each.message
    assert len(each.message) < 1500, each.message
    json.dumps(each.as_json())


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(CHANGES)
def test_d2_a_damaged_workflow_ends_in_diagnostics(changes: list[tuple[int, str, Any, str]]) -> None:
    document: Any = EVERYTHING
    for where, change, value, key in changes:
        places = _places(document)
        document = _changed(document, places[where % len(places)], change, value, key)

    _hold(validate_document(document, SmallCatalogue(), policy=POLICY))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(CHANGES)
def test_d2_a_damaged_task_ends_in_diagnostics(changes: list[tuple[int, str, Any, str]]) -> None:
    document: Any = TASK
    for where, change, value, key in changes:
        places = _places(document)
        document = _changed(document, places[where % len(places)], change, value, key)

    _hold(validate_task(document, policy=POLICY, catalogue=SmallCatalogue()))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(VALUES)
def test_d2_any_value_ends_in_diagnostics(value: Any) -> None:
    _hold(validate_document(value, SmallCatalogue()))
    _hold(validate_task(value))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.text(max_size=60) | st.binary(max_size=60) | VALUES.map(json.dumps))
def test_d2_any_text_is_json_or_refused(text: str | bytes) -> None:
    refused: InvalidDefinition | None = None
    try:
        value = loads_document(text)
    except InvalidDefinition as error:
        refused = error
    if refused is None:
        _hold(validate_document(value, SmallCatalogue()))
        return
    assert refused.diagnostics
    for each in refused.diagnostics:
        _sound(each)
