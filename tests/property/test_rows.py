"""However a file is divided into batches, they have its rows, each once and in order (rule K6)."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.tasks.rows import Format, Position, Reading, read_batch
from tests.property.test_formatting import TEXTS, VALUES

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
TABLES = st.integers(1, 4).flatmap(
    lambda width: st.tuples(
        st.lists(TEXTS.filter(bool), min_size=width, max_size=width, unique=True),
        st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=8),
    )
)


def batches(content: bytes, kind: Format, rows: int, max_bytes: int) -> list[list[Any]]:
    found, start = [], Position()
    while True:
        batch = read_batch(io.BytesIO(content), start, Reading(kind, rows, max_bytes))
        assert not batch.broken
        found.append(batch.items)
        if batch.end is None:
            return found
        assert batch.items
        assert batch.end.offset > start.offset
        start = batch.end


@given(st.lists(VALUES, max_size=8), st.integers(1, 10), st.integers(0, 500), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_k6_json_lines(values: list[Any], rows: int, more: int, newline: str) -> None:
    content = newline.join(json.dumps(value, ensure_ascii=False) for value in values).encode()
    largest = max((len(json.dumps(value).encode()) for value in values), default=0)

    found = batches(content, "jsonl", rows, largest + 3 + more)

    assert [row for batch in found for row in batch] == values
    assert all(len(batch) <= rows for batch in found)


@given(TABLES, st.integers(1, 10))
def test_k6_csv(table: tuple[list[str], list[list[str]]], rows: int) -> None:
    columns, values = table
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([columns, *values])

    found = batches(stream.getvalue().encode(), "csv", rows, 10_000)

    assert [row for batch in found for row in batch] == [dict(zip(columns, row, strict=True)) for row in values]
