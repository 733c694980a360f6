from __future__ import annotations

import pickle
import time
from typing import Any

import pytest

from airflow_workflow_provider.model.expressions import (
    CompiledTransform,
    ExpressionFailure,
    ExpressionSyntaxError,
    compile_transform,
    usable_name,
)
from airflow_workflow_provider.model.fields import Transform

BINDINGS: dict[str, Any] = {
    "data": {
        "amount": 5,
        "rate": 2.0,
        "none": None,
        "rows": [{"id": 1, "ok": True}, {"id": 2, "ok": False}],
        "id": 2**70,
    },
    "steps": {"a-b": {"output": {"x": 1}}},
}


def _evaluate(source: str, bindings: Any = None) -> Any:
    return CompiledTransform("jmespath", source).evaluate(BINDINGS if bindings is None else bindings)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("data.amount", 5),
        ("data.rate", 2.0),
        ("data.id", 2**70),
        ("data.missing.further", None),
        ("data.rows[?ok].id", [1]),
        ("data.rows[*].id | [0]", 1),
        ("data.{a: amount, b: missing}", {"a": 5, "b": None}),
        ('steps."a-b".output.x', 1),
        ("length(data.rows)", 2),
        ("join(', ', ['a', 'b'])", "a, b"),
        ("sort_by(data.rows, &to_string(id))[-1].id", 2),
        ("to_string(data.rows[0])", '{"id":1,"ok":true}'),
        ("@", BINDINGS),
        ("`[1, null]`", [1, None]),
    ],
)
def test_x3_transforms_are_jmespath(source: str, value: Any) -> None:
    assert _evaluate(source) == value


def test_x3_a_result_is_a_fresh_copy() -> None:
    result = _evaluate("data.rows")
    result[0]["id"] = 99

    assert BINDINGS["data"]["rows"][0]["id"] == 1


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("", "empty"),
        (" ", "empty"),
        ("data.", "syntax"),
        ("data[", "syntax"),
        ("data rows", "syntax"),
        ("'", "syntax"),
        ("#", "syntax"),
        ("nosuch(@)", "name"),
        ("data.rows[?nosuch(id)]", "name"),
        ("length()", "type"),
        ("length(a, b)", "type"),
        ("x" * 10_001, "size"),
        ("x" * 5_000_000, "size"),
    ],
)
def test_x3_what_cannot_work_is_found_before_a_run(source: str, kind: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as error:
        CompiledTransform("jmespath", source)
    assert error.value.kind == kind
    assert len(error.value.message) < 500


@pytest.mark.parametrize(
    "source", ["length(data.amount)", "sum(data.rows)", "data.rows[0:1:0]", "to_number(@).x || abs(@)"]
)
def test_x3_a_failing_transform_is_an_expression_failure(source: str) -> None:
    with pytest.raises(ExpressionFailure):
        _evaluate(source)


@pytest.mark.parametrize(
    "source",
    [
        "[@,@]|" * 40 + "@",
        "[@,@]|" * 40 + "to_string(@)",
        "[@,@][]|" * 40 + "@",
        "{a:@,b:@}|" * 40 + "@",
        "join('" + "x" * 9000 + "', data.many[].to_string(@))",
        "(" * 3000 + "a" + ")" * 3000,
        "!" * 9000 + "a",
        "a" + "[0]" * 3000,
        "a" + ".b" * 4000,
        "`" + "[" * 4000 + "`",
    ],
)
def test_x3_an_expression_that_explodes_ends_in_bounded_time(source: str) -> None:
    started = time.process_time()

    try:
        _evaluate(source, {"data": {"many": list(range(10_000))}})
    except (ExpressionSyntaxError, ExpressionFailure) as error:
        assert len(str(error)) < 500  # noqa: PT017 - it may as well succeed
    assert time.process_time() - started < 10


def test_x3_values_that_are_not_json_are_an_error() -> None:
    for value in (object(), {1, 2}, float("nan"), float("inf"), 10**400):
        with pytest.raises(ExpressionFailure):
            _evaluate("data", {"data": value})


def test_x3_deep_data_is_an_error_and_never_a_traceback() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(ExpressionFailure):
        _evaluate("data", {"data": deep})


def test_compiling_twice_gives_the_same_object() -> None:
    assert compile_transform(Transform(type="jmespath", expression="a")) is compile_transform(
        Transform(type="jmespath", expression="a")
    )


def test_the_errors_survive_pickling() -> None:
    syntax = ExpressionSyntaxError("no", 5, kind="name", name="x", suggestion="y")
    copied = pickle.loads(pickle.dumps(syntax))  # noqa: S301 - our own

    assert (copied.message, copied.position, copied.kind, copied.name, copied.suggestion) == ("no", 5, "name", "x", "y")
    assert pickle.loads(pickle.dumps(ExpressionFailure("no"))).message == "no"  # noqa: S301 - our own


def test_p4_names_of_items_are_tried_out() -> None:
    assert usable_name("order_1")
    assert not usable_name("in")
    assert not usable_name("")
