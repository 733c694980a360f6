"""Rows of files, batch by batch (rule K6)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.tasks.rows import Batch, Position, Reading, format_of, read_batch


def read(content: bytes | str, start: Position | None = None, **more: Any) -> Batch:
    given: dict[str, Any] = {"format": "jsonl", "rows": 100, "max_bytes": 1_000, **more}
    data = content.encode() if isinstance(content, str) else content
    return read_batch(io.BytesIO(data), start or Position(), Reading(**given))


def every_batch(content: str, **more: Any) -> list[list[Any]]:
    found, start = [], Position()
    while True:
        batch = read(content, start, **more)
        found.append(batch.items)
        if batch.end is None:
            return found
        start = batch.end


def test_k6_each_batch_begins_where_the_one_before_ended() -> None:
    rows = [{"n": n, "name": "ä" * n} for n in range(7)]
    content = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)

    assert every_batch(content, rows=3) == [rows[:3], rows[3:6], rows[6:]]
    assert every_batch(content.rstrip(), rows=7) == [rows]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_k6_a_csv_row_may_have_several_lines_and_every_batch_knows_the_columns(newline: str) -> None:
    content = newline.join(["id,text", '1,"two', 'lines"', '2,"a ""word"""', "", "3,é"])

    batches = every_batch(content, format="csv", rows=1)

    assert batches == [
        [{"id": "1", "text": f"two{newline}lines"}],
        [{"id": "2", "text": 'a "word"'}],
        [{"id": "3", "text": "é"}],
    ]


def test_k6_a_batch_ends_before_it_is_too_large() -> None:
    content = "".join(f'"{n}{"x" * 38}"\n' for n in range(10))

    batches = every_batch(content, max_bytes=100)

    assert [len(batch) for batch in batches] == [2] * 5


def test_k6_a_byte_order_mark_and_empty_lines_are_no_rows() -> None:
    assert read(b"\xef\xbb\xbf1\n\n  \n2\n").items == [1, 2]
    assert read("").items == []
    assert read("a,b\n", format="csv").items == []
    assert read("a;b\n1;2\n", format="csv", delimiter=";").items == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "line", "format"),
    [
        ("1\n\n{]\n", 3, "jsonl"),
        ('1\n{"a": 1, "a": 2}\n', 2, "jsonl"),
        ("NaN\n", 1, "jsonl"),
        ('"\\u0000"\n', 1, "jsonl"),
        ("[" * 250 + "]" * 250, 1, "jsonl"),
        (b"1\n\xff\n", 2, "jsonl"),
        ("a,b\n1,2\n3\n", 3, "csv"),
        ('a,b\n1,"2"x\n', 2, "csv"),
        ('a,b\n1,"2\n', 2, "csv"),
        ("a,a\n1,2\n", 1, "csv"),
        (b"a\n\xff\n", 2, "csv"),
    ],
)
def test_k6_a_broken_row_fails_and_is_named(content: bytes | str, line: int, format: str) -> None:
    with pytest.raises(StepFailure) as caught:
        read(content, format=format)

    assert (caught.value.error_type, caught.value.error_code) == ("ValidationError", "broken-row")
    assert caught.value.details == {"line": line}
    assert f"line {line}" in str(caught.value)


def test_k6_broken_rows_can_be_reported_beside_the_others() -> None:
    batch = read("1\n{]\n2\n", report=True, rows=2)

    assert batch.items == [1]
    assert [each["line"] for each in batch.broken] == [2]
    assert batch.end == Position(5, 2)


def test_k6_a_broken_row_behind_a_batch_does_not_fail_it() -> None:
    assert read("1\n2\n{]\n", rows=2) == Batch([1, 2], end=Position(4, 2))


@pytest.mark.parametrize(
    ("content", "format"),
    [('1\n"' + "x" * 2_000 + '"\n', "jsonl"), ('a\n"' + "x\n" * 2_000, "csv"), ('1\n"' + "\\n" * 400 + '"\n', "jsonl")],
)
def test_k6_a_row_that_no_batch_can_hold_is_refused_before_all_of_it_is_read(content: str, format: str) -> None:
    stream = io.BytesIO(content.encode())

    with pytest.raises(StepFailure) as caught:
        read_batch(stream, Position(2, 1), Reading(format, 100, 600))

    assert caught.value.error_type == "OutputTooLarge"
    assert caught.value.details == {"line": 2, "maxBytes": 600}
    assert len(content) - len(stream.read()) <= 610


def test_k6_the_name_shows_the_format() -> None:
    assert [format_of(name) for name in ("a.jsonl", "s3://b/A.CSV", "x.ndjson")] == ["jsonl", "csv", "jsonl"]
    with pytest.raises(StepFailure, match="set format"):
        format_of("file:///a.parquet")
