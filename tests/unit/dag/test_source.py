"""The text of DAG files."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.dag.source import dag_of, dag_source, file_name, write_if_changed
from airflow_workflow_provider.engine.graph import DAG_SHAPE, DAG_SHAPE_OF_CATCHES
from airflow_workflow_provider.instances.graphs import named_tasks

NASTY = [
    "'''",
    '"""',
    "\\",
    "\\'",
    "{revision}",
    "{0}",
    "');import os;os.system('x');('",
    "\n)\nimport os\nos.system('x')\n(",
    "\u2028\u2029\x0b\x0c\x1c\x85",
    "naïve 🙂",
    "\r\n",
]


def arguments(text: str) -> dict[str, Any]:
    """Return the literals in a file; it holds nothing else."""
    module = ast.parse(text)
    kinds = [type(statement).__name__ for statement in module.body]
    assert kinds == ["ImportFrom", "Assign"]
    call = module.body[1].value  # type: ignore[attr-defined]
    assert isinstance(call, ast.Call)
    return {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}


@pytest.mark.parametrize("text", NASTY)
def test_nothing_of_a_document_is_ever_code(text: str) -> None:
    document = {"workflowId": text, text: {"description": text}}
    task = {"taskId": text}

    found = arguments(dag_source(document, [task], 7))

    assert found["revision"] == 7
    assert json.loads(found["definition"]) == document
    assert json.loads(found["tasks"]) == [task]


def test_a_file_names_the_shape_of_its_dag_unless_older_releases_wrote_it_so() -> None:
    assert arguments(dag_source({}, [], 7))["dag_shape"] == DAG_SHAPE
    # What an older release wrote stays as it is, so that Airflow does not read it again.
    assert "dag_shape" not in arguments(dag_source({}, [], 7, dag_shape=DAG_SHAPE_OF_CATCHES))


def test_a_file_of_an_older_release_becomes_the_dag_that_its_runs_began_with() -> None:
    handler = {"action": "continue", "nextStepId": "b"}
    steps = [{"stepId": "a", "taskId": "noop", "onFailure": handler, "next": []}, {"stepId": "b", "taskId": "noop"}]
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": steps}
    older = dag_of(revision=1, definition=json.dumps(document), tasks="[]")
    assert set(older.task_ids) == {"a", "a.catch", "b", "end"}
    newer = dag_of(revision=1, definition=json.dumps(document), tasks="[]", dag_shape=DAG_SHAPE)
    assert set(newer.task_ids) == {"a", "b", "end"}


def test_a_file_has_the_words_that_airflow_looks_for() -> None:
    text = dag_source({}, [], 1).lower()
    assert "dag" in text
    assert "airflow" in text


@pytest.mark.parametrize(
    ("workflow_id", "name"),
    [
        ("order-approval", "workflow-order-approval.py"),
        ("../../etc", "workflow-..%2F..%2Fetc.py"),
        ("a b", "workflow-a%20b.py"),
    ],
)
def test_a_file_stays_in_its_folder(workflow_id: str, name: str) -> None:
    assert file_name(workflow_id) == name


def test_a_file_is_written_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    assert write_if_changed(path, "one")
    before = path.stat().st_mtime_ns
    assert not write_if_changed(path, "one")
    assert path.stat().st_mtime_ns == before
    assert write_if_changed(path, "two")
    assert [found.name for found in tmp_path.iterdir()] == ["a.py"]


def test_tasks_are_found_wherever_they_are_named() -> None:
    document = {"steps": [{"taskId": "a", "compensation": {"taskId": "b"}, "forEach": {"steps": [{"taskId": "c"}, 1]}}]}
    assert named_tasks(document) == {"a", "b", "c"}
    assert named_tasks({"steps": "nonsense"}) == set()
    assert named_tasks({"taskId": {"oneOf": ["a", 1, "b"], "select": {"taskId": "c"}}}) == {"a", "b", "c"}
    assert named_tasks({"taskId": {"oneOf": "a"}}) == set()
