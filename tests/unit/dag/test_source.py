"""Generated DAG files: nothing in a definition can become code, and the same content is the same text."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.dag.source import dag_source, file_name, write_if_changed

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def values(text: str) -> dict[str, Any]:
    """Return what a generated file hands on, read without running it."""
    assignment = ast.parse(text).body[-1]
    assert isinstance(assignment, ast.Assign)
    assert isinstance(assignment.value, ast.Call)
    found: dict[str, Any] = {}
    for keyword in assignment.value.keywords:
        assert keyword.arg is not None
        assert isinstance(keyword.value, ast.Constant)
        found[keyword.arg] = keyword.value.value
    return {"definition": json.loads(found["definition"]), "tasks": json.loads(found["tasks"])}


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_a_definition_stays_data_whatever_is_in_it(document: dict[str, Any]) -> None:
    text = dag_source(document, [], 3)
    assert values(text) == {"definition": document, "tasks": []}
    assert [type(node).__name__ for node in ast.parse(text).body] == ["ImportFrom", "Assign"]


def test_hostile_strings_stay_inside_their_quotes() -> None:
    document = {"name": "'''\"\"\"\n)\nimport os\nos.system('x')\n(\\", "x": "{0}{definition}", "y": "\u2028\r\x85"}
    assert values(dag_source(document, [], 3))["definition"] == document


def test_the_text_depends_on_the_content_alone() -> None:
    tasks = [{"taskId": "y"}, {"taskId": "x"}]
    assert dag_source({"b": 1}, tasks, 3) == dag_source({"b": 1}, list(reversed(tasks)), 3)


def test_airflow_takes_the_file_for_a_dag_file() -> None:
    text = dag_source({}, [], 3).lower()
    assert "airflow" in text
    assert "dag" in text


def test_every_workflow_id_is_a_plain_file_name() -> None:
    for workflow_id in ("order", "..", ".airflowignore", "-", "a" * 200):
        assert re.fullmatch(r"workflow-[A-Za-z0-9_.-]+\.py", file_name(workflow_id))


@pytest.mark.parametrize("workflow_id", ["../x", "a/b", "..\\x", 'a"""', "a\n", "ä"])
def test_an_id_that_only_tampering_can_have_made_names_no_other_place(workflow_id: str) -> None:
    assert Path(file_name(workflow_id)).name == file_name(workflow_id)
    assert re.fullmatch(r"workflow-[A-Za-z0-9_.%-]+\.py", file_name(workflow_id))


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.py"
    assert write_if_changed(path, "a = 'ü'\n")
    before = path.stat().st_mtime_ns
    assert not write_if_changed(path, "a = 'ü'\n")
    assert path.stat().st_mtime_ns == before
    assert write_if_changed(path, "a = 2\n")
    assert [found.name for found in path.parent.iterdir()] == ["file.py"]
