"""A stored definition that nobody can compute breaks its own DAG file: in time, in memory, and no other file."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import MIB, Limits, memory_of
from airflow_workflow_provider.dag import source
from airflow_workflow_provider.errors import InvalidDefinition
from tests.support.bombs import EXPRESSIONS, SCHEMAS, TEMPLATES, deep, definition, transform

Json = dict[str, Any]

LIMITS = Limits(seconds=2.0, memory=256 * MIB)
SLACK = 20.0
"""Seconds that a busy machine may add, as building the DAG does, which is bounded by the size of the definition."""


def stored() -> Iterator[tuple[str, Json, list[Json]]]:
    """What may be stored: by an older version, or past the API."""
    for name, (schema, _) in SCHEMAS.items():
        yield f"schema: {name}", definition(inputSchema=schema), []
    for name in EXPRESSIONS:
        yield name, definition(steps=[{"stepId": "s", "taskId": "set", "arguments": {"x": transform(name)}}]), []
    for name, template in TEMPLATES.items():
        task = {"taskId": "t", "name": "T", "operator": "set", "arguments": {"a": template}}
        yield f"template: {name}", definition(steps=[{"stepId": "s", "taskId": "t"}]), [task]
    yield "a deep document", definition(inputSchema={"examples": deep(390, lambda inner: [inner])}), []
    yield "many values", definition(metadata=[[]] * 400_000), []
    yield "a long name", definition(description="b" * 4_000_000), []
    yield "many paths", definition(executionLog={"redact": [f"a{n}.**.b" for n in range(20_000)]}), []


FILES = {name: (document, tasks) for name, document, tasks in stored()}


@pytest.mark.parametrize("name", FILES)
def test_a_file_fails_alone_and_within_its_limits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "Inside", lambda _: Inside(LIMITS))
    document, tasks = FILES[name]
    given = {"definition": json.dumps(document), "tasks": json.dumps(tasks)}
    before = memory_of("VmData") or 0
    began = time.process_time()
    try:
        dag = source.dag_of(revision=1, **given)
    except InvalidDefinition as error:
        found = [each.code for each in error.diagnostics]
    else:
        found = [dag.dag_id]
    assert found
    assert time.process_time() - began < LIMITS.seconds + SLACK
    assert (memory_of("VmData") or 0) - before < LIMITS.memory
    # The same process reads the next file.
    assert source.dag_of(revision=1, definition=json.dumps(definition()), tasks="[]").dag_id == "w"
