from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.tasks.documents import expand, load, load_tasks


def write(folder: Path, name: str, document: Any) -> str:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(file)


def test_folders_are_searched_and_inputs_and_mocks_left_out(tmp_path: Path) -> None:
    files = [write(tmp_path, name, {}) for name in ("a.json", "deep/er/b.json")]
    for name in ("a.input.json", "a.other.input.json", "a.mocks.json", "a.md"):
        write(tmp_path, name, {})

    assert list(expand([str(tmp_path), files[0]])) == files
    with pytest.raises(Misuse, match="absent"):
        list(expand([str(tmp_path / "absent")]))


@pytest.mark.parametrize(
    ("document", "is_task", "name"),
    [
        ({"taskId": "t"}, True, "t"),
        ({"workflowId": "w"}, False, "w"),
        ({"workflowId": "w", "taskId": "t"}, False, "w"),
        ({}, False, None),
        ([], False, None),
        ({"taskId": 1}, True, None),
    ],
)
def test_a_document_is_recognized_by_its_key(document: Any, is_task: bool, name: str | None, tmp_path: Path) -> None:
    found = load(write(tmp_path, "a.json", document))

    assert (found.is_task, found.name) == (is_task, name)


def test_k1_tasks_are_loaded_from_files_and_folders_and_bad_ones_reported(tmp_path: Path) -> None:
    write(tmp_path, "good.json", {"taskId": "good", "name": "Good", "operator": "noop"})
    write(tmp_path, "flow.json", {"workflowId": "not-a-task"})
    broken = {write(tmp_path, "broken.json", "{"), write(tmp_path, "bad.json", {"taskId": "bad", "name": "Bad"})}

    catalogue, invalid = load_tasks([str(tmp_path)])

    assert catalogue.get("good") is not None
    assert catalogue.get("bad") is None
    assert {each.file for each in invalid} == broken
