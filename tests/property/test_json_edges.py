"""Every door through which text becomes data refuses the same, with the place; what comes out is strict JSON."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.cli.documents import read_json_argument, read_json_file
from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.engine.calls import Options
from airflow_workflow_provider.engine.values import json_object
from airflow_workflow_provider.errors import InvalidDefinition, Misuse, StepFailure
from airflow_workflow_provider.model.events import InvalidEvent, parse_request
from airflow_workflow_provider.model.expressions import ExpressionFailure, compile_transform
from airflow_workflow_provider.model.fields import Transform
from airflow_workflow_provider.model.json_text import DATA_DEPTH, dumps, loads_data
from airflow_workflow_provider.testing import WorkflowSimulator
from tests.support.documents import workflow
from tests.support.json_edges import EDGES

FINE: Final = {
    "a mark of UTF-8": (b'\xef\xbb\xbf{"a": "\xc3\xa4"}', {"a": "ä"}),
    "UTF-16": ('{"a": "ä"}'.encode("utf-16"), {"a": "ä"}),
    "UTF-16, big end first": ("\ufeff".encode("utf-16-be") + '{"a": "ä"}'.encode("utf-16-be"), {"a": "ä"}),
    "minus zero": (b'{"a": [-0, -0.0]}', {"a": [0, 0.0]}),
    "long integers": (b'{"a": 123456789012345678901234567890}', {"a": 123456789012345678901234567890}),
    "tiny numbers": (b'{"a": 1e-400}', {"a": 0.0}),
    "an emoji in two escapes": (rb'{"a": "\ud83d\ude00"}', {"a": "\U0001f600"}),
    "line separators": ('{"a": "\u2028\u0085"}'.encode(), {"a": "\u2028\u0085"}),
    "an empty key": (b'{"": {"": 1}}', {"": {"": 1}}),
    "huge text": (b'{"a": "' + b"x" * 200_000 + b'"}', {"a": "x" * 200_000}),
}

COPY: Final = workflow(
    {"stepId": "copy", "taskId": "set", "arguments": {"kept": {"type": "jmespath", "expression": "input"}}}
)
EVENT: Final = {"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "t"}


class Refused(Exception):
    """A door did not take a text."""


def _exit(arguments: list[str]) -> Any:
    """Run the command line; what it prints is strict JSON, and a refusal says a code and a place."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        code = main(arguments)
    finally:
        sys.stdout, sys.stderr = before
    printed = [json.loads(line, parse_constant=pytest.fail) for line in out.getvalue().split("\n") if line]
    if code == 0:
        return printed[0]
    assert "Traceback" not in err.getvalue()
    assert "error not-json at " in err.getvalue() or printed[0]["diagnostics"]
    raise Refused(err.getvalue() + out.getvalue())


def _at_the_parser(text: bytes, _: Path) -> Any:
    return loads_data(text)


def _in_a_file(text: bytes, folder: Path) -> Any:
    (folder / "x.json").write_bytes(text)
    return read_json_file(str(folder / "x.json"))


def _on_standard_input(text: bytes, _: Path) -> Any:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(text))
    try:
        return read_json_argument("@-", what="--input")
    finally:
        sys.stdin = before


def _as_an_option(text: bytes, _: Path) -> Any:
    """As the system hands it over: what is no UTF-8 as halves of surrogate pairs."""
    return read_json_argument(text.decode("utf-8", "surrogateescape"), what="--input")


def _in_a_batch(text: bytes, folder: Path) -> Any:
    line = b'{"definition": ' + json.dumps(COPY).encode() + b', "input": ' + text.replace(b"\n", b" ") + b"}"
    (folder / "batch.jsonl").write_bytes(line)
    return _exit(["simulate", "--batch", str(folder / "batch.jsonl")])["output"]["kept"]


def _as_data_of_a_binary_event(text: bytes, _: Path) -> Any:
    [event] = parse_request({**EVENT, "content-type": "application/json"}, text)
    if not text:
        raise Refused
    return event.data


def _in_a_structured_event(text: bytes, _: Path) -> Any:
    head = b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":'
    [event] = parse_request({"content-type": "application/cloudevents+json"}, head + text + b"}")
    return event.data


def _in_an_expression(text: bytes, _: Path) -> Any:
    transform = Transform(type="jsonata", expression="$parseJson(text)")
    return compile_transform(transform).evaluate({"text": text.decode("utf-8", "surrogateescape")})


def _in_arguments(*arguments: str) -> Callable[[bytes, Path], Any]:
    """A command whose last argument names a file; it is refused before anything is reached."""

    def door(text: bytes, folder: Path) -> Any:
        (folder / "x.json").write_bytes(text)
        return _exit([*arguments, f"@{folder / 'x.json'}"])

    door.__name__ = "_".join(each for each in arguments if each.isalpha())
    return door


def _as_a_file_of_tasks(text: bytes, folder: Path) -> Any:
    (folder / "task.json").write_bytes(text)
    return _exit(["validate", str(folder / "task.json"), "--output", "json"])


QUESTION: Final = "00000000-0000-4000-8000-000000000001"
WHOLE: Final = (_at_the_parser, _in_a_file, _on_standard_input, _as_data_of_a_binary_event)
PARTS: Final = (_as_an_option, _in_a_batch, _in_a_structured_event, _in_an_expression)
ONLY_REFUSING: Final = (
    _in_arguments("questions", "answer", QUESTION, "--decision", "approve", "--form"),
    _in_arguments("events", "send"),
    _in_arguments("run", "order", "--input"),
    _as_a_file_of_tasks,
)
"""Doors that lead to Airflow, or to what is more than JSON."""
REFUSALS: Final = (Refused, InvalidDefinition, Misuse, InvalidEvent, ExpressionFailure, StepFailure)


def _name(door: Callable[[bytes, Path], Any]) -> str:
    return door.__name__.strip("_")


REFUSED: Final = [
    pytest.param(door, text, id=f"{_name(door)}-{name}")
    for door in (*WHOLE, *PARTS, *ONLY_REFUSING)
    for name, text in EDGES.items()
    # A text in an expression has no bytes.
    if not (door is _in_an_expression and name == "no UTF-8")
]
TAKEN: Final = [
    pytest.param(door, text, value, id=f"{_name(door)}-{name}")
    for door in (*WHOLE, *PARTS)
    for name, (text, value) in FINE.items()
    # An encoding belongs to a whole text.
    if not (door in PARTS and text[:1] != b"{")
]


@pytest.mark.parametrize(("door", "text"), REFUSED)
def test_d2_every_door_refuses_the_same(door: Callable[[bytes, Path], Any], text: bytes, tmp_path: Path) -> None:
    with pytest.raises(REFUSALS):
        door(text, tmp_path)


@pytest.mark.parametrize(("door", "text", "value"), TAKEN)
def test_d2_every_door_takes_the_same(
    door: Callable[[bytes, Path], Any], text: bytes, value: Any, tmp_path: Path
) -> None:
    assert door(text, tmp_path) == value


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        (EDGES["a half emoji"], "WF105", "/a/0"),
        (EDGES["NUL"], "WF105", "/a"),
        (EDGES["NaN"], "WF102", "/a"),
        (EDGES["an integer of 5,000 digits"], "WF102", "/a"),
        (EDGES["a key twice, once escaped"], "WF101", "/b/a"),
        (EDGES["deep arrays"], "WF103", ""),
        (b'{"a":' + b"[" * 201 + b"]" * 201 + b"}", "WF103", "/a/0/0/0"),
        (EDGES["broken"], "WF100", ""),
    ],
)
def test_d2_a_refusal_says_code_and_place(text: bytes, code: str, place: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        loads_data(text)

    assert [(each.code, each.pointer) for each in refused.value.diagnostics] == [(code, place)]


@pytest.mark.parametrize("door", ["--input", "--mocks"])
@pytest.mark.parametrize("name", EDGES)
def test_d2_the_command_line_runs_nothing_then(door: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "w.json").write_text(json.dumps(COPY))
    (tmp_path / "x.json").write_bytes(EDGES[name])

    with pytest.raises(Refused, match=r"error not-json at .*x\.json"):
        _exit(["simulate", str(tmp_path / "w.json"), door, str(tmp_path / "x.json"), "--output", "json"])


def test_d2_a_bad_line_of_a_batch_is_a_finding_of_that_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = json.dumps({"definition": COPY, "input": {"n": 1}}).encode()
    bad = [text.replace(b"\n", b" ") for text in EDGES.values() if text.strip()]
    file = tmp_path / "batch.jsonl"
    file.write_bytes(b"\n".join([good, *(line for each in bad for line in (each, good))]))

    assert main(["simulate", "--batch", str(file)]) == 2

    printed = [json.loads(line, parse_constant=pytest.fail) for line in capsys.readouterr().out.splitlines()]
    assert [each["status"] for each in printed[::2]] == ["completed"] * (len(bad) + 1)
    for number, each in enumerate(printed[1::2]):
        assert (each["file"], each["valid"]) == (f"{file}:{2 * number + 2}", False)
        assert each["diagnostics"]
        assert each["diagnostics"][0]["code"].startswith("WF") or each["diagnostics"][0]["code"] == "bad-case"


def test_d2_a_batch_may_be_utf_16(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = json.dumps({"definition": COPY, "input": {"n": "ä\u010a"}}, ensure_ascii=False)
    (tmp_path / "b.jsonl").write_bytes(f"{line}\r\n{line}\r\n".encode("utf-16"))

    assert main(["simulate", "--batch", str(tmp_path / "b.jsonl")]) == 0

    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["output"] for each in printed] == [{"kept": {"n": "ä\u010a"}}] * 2


def _deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return {"a": value}


UNUSABLE: Final[dict[str, Any]] = {
    "half a pair": {"a": "\ud83d"},
    "half a pair in a key": {"\udc00": 1},
    "NUL": {"a": ["\0"]},
    "not a number": {"a": math.nan},
    "infinite": {"a": [math.inf]},
    "huge": {"a": 10**5000},
    "bytes": {"a": b"x"},
    "a key that is not a text": {"a": {1: 2}},
    "a decimal": {"a": Decimal("1.10")},
    "a decimal that is no number": {"a": Decimal("NaN")},
    "a time": {"a": datetime(2027, 1, 1, tzinfo=UTC)},
    "a date": {"a": [date(2027, 1, 1)]},
    "a set": {"a": {1, 2}},
    "a complex number": {"a": 1j},
    "a range": {"a": range(3)},
    "an object of Python": {"a": object()},
    "a null key": {None: 1},
    "deep": _deep(10_000),
}


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_x5_what_is_no_json_value_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(StepFailure) as refused:
        json_object(value, max_bytes=Options().max_output_bytes)

    assert refused.value.error_type == "OutputError"
    assert refused.value.details["errors"][0]["message"]
    dumps(refused.value.details)


@pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)
def test_x6_an_input_that_is_no_json_value_fails_the_instance(value: Any) -> None:
    run = WorkflowSimulator()(COPY, value)

    assert (run.status, run.error["type"]) == ("failed", "ValidationError")
    assert run.error["details"]["errors"]
    loads_data(dumps(run.simulation.to_json()))


TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 10**300, 10**300 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
    | st.sampled_from(
        [0, -0.0, 5e-324, 1.7976931348623157e308, 2**53 + 1, "\u2028", "\ufeff", "\U0010ffff", "\\u0000"]
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=30,
)


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)


@given(VALUES, st.booleans(), st.booleans(), st.sampled_from([None, 2]))
def test_what_was_printed_is_read_back(value: Any, compact: bool, ensure_ascii: bool, indent: int | None) -> None:
    text = dumps(value, compact=compact, ensure_ascii=ensure_ascii, indent=indent)

    assert _same(loads_data(text), value)
    assert _same(loads_data(text.encode()), value)
    assert text.isascii() or not ensure_ascii


def test_what_is_as_deep_as_can_be_is_read_back() -> None:
    value: Any = "x"
    for level in range(DATA_DEPTH):
        value = [value] if level % 2 else {"k": value}

    assert loads_data(dumps(value)) == value


@given(st.text(st.characters(codec=None) | st.sampled_from("\ud83d\udca9\0")))
def test_whatever_is_printed_is_utf_8_and_strict(text: str) -> None:
    printed = dumps({text: text})

    assert json.loads(printed.encode()) is not None


@pytest.mark.parametrize("value", [math.nan, [math.inf], {"a": -math.inf}])
def test_what_json_does_not_have_is_not_printed(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dumps(value)
