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

from airflow_workflow_provider.bundles.files import file_name, file_text, write_file
from airflow_workflow_provider.errors import Misuse

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def values(text: str) -> dict[str, Any]:
    """Return the constants of a generated file, read without running it."""
    found: dict[str, Any] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            target = node.targets[0]
            assert isinstance(target, ast.Name)
            found[target.id] = json.loads(str(node.value.value))
    return found


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_a_definition_stays_data_whatever_is_in_it(document: dict[str, Any]) -> None:
    text = file_text("w", 3, document, [])
    assert values(text) == {"DEFINITION": document, "TASKS": []}
    assert [type(node).__name__ for node in ast.parse(text).body] == [
        "Expr",
        "ImportFrom",
        "Assign",
        "Assign",
        "Assign",
    ]


def test_hostile_strings_stay_inside_their_quotes() -> None:
    document = {"name": "'''\"\"\"\n)\nimport os\nos.system('x')\n(\\", "x": "{0}{definition}", "y": "\u2028\r\x85"}
    assert values(file_text("w", 3, document, []))["DEFINITION"] == document


def test_the_text_depends_on_the_content_alone() -> None:
    first = file_text("w", 3, {"b": 1, "a": 2}, [{"taskId": "y"}, {"taskId": "x"}])
    assert first == file_text("w", 3, {"a": 2, "b": 1}, [{"taskId": "x"}, {"taskId": "y"}])


def test_airflow_takes_the_file_for_a_dag_file() -> None:
    text = file_text("w", 3, {}, []).lower()
    assert "airflow" in text
    assert "dag" in text


def test_every_workflow_id_is_a_plain_file_name() -> None:
    for workflow_id in ("order", "..", ".airflowignore", "-", "a" * 200):
        assert re.fullmatch(r"workflow_[A-Za-z0-9_.-]+\.py", file_name(workflow_id))


@pytest.mark.parametrize("workflow_id", ["../x", "a/b", "", 'a"""', "a\n", "ä"])
def test_an_id_that_could_name_another_place_is_refused(workflow_id: str) -> None:
    with pytest.raises(Misuse, match="no workflowId"):
        file_name(workflow_id)
    with pytest.raises(Misuse, match="no workflowId"):
        file_text(workflow_id, 1, {}, [])


def test_an_unchanged_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.py"
    assert write_file(path, "a = 'ü'\n")
    before = path.stat().st_mtime_ns
    assert not write_file(path, "a = 'ü'\n")
    assert path.stat().st_mtime_ns == before
    assert write_file(path, "a = 2\n")
    assert [found.name for found in path.parent.iterdir()] == ["file.py"]
