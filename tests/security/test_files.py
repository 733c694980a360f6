"""What the tasks ``read`` and ``write`` may reach, in documents and in runs (rule K6)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.io import store
from fsspec.implementations.memory import MemoryFileSystem

from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.operators.builtin import STEP_CONTEXT
from airflow_workflow_provider.operators.files import ReadOperator, WriteOperator
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.registry import StepContext

POLICY = Policy(
    folders=(("read", ("s3://partner@orders/", "file:///data/in/")), ("write", ("file:///data/out/",))),
    reserved=frozenset({"airflow_db", "workflows_default"}),
)
CONTEXT: dict[str, Any] = {
    STEP_CONTEXT: StepContext(instance_id="i", step_id="save", idempotency_key="i/save/3"),
}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "in").mkdir()
    allowed = {"read": [f"file://{tmp_path}/in/"], "write": [f"file://{tmp_path}/out/"]}
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS", json.dumps(allowed))
    (tmp_path / "secret.jsonl").write_text('"secret"\n')
    return tmp_path


def read(address: str, **more: Any) -> Any:
    return ReadOperator(task_id="r", arguments={"file": address, **more}).execute({})


def write(folder: str, items: list[Any]) -> Any:
    return WriteOperator(task_id="w", arguments={"folder": folder, "items": items}).execute(CONTEXT)


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "file:///data/in/../../etc/passwd",
        "file:///data/in/./a.csv",
        "file:///data/in//etc/passwd",
        "file:///data/in",
        "file:///data/in/",
        "file:///data/inside/a.csv",
        "file://data/in/a.csv",
        "FILE:///data/in/a.csv",
        "/data/in/a.csv",
        "file:///data/in/%2e%2e/a.csv",
        "file:///data/in/*.csv",
        "file:///data/in/a?.csv",
        "file:///data/in/a.csv#x",
        "file:///data/in/a\\..\\b.csv",
        "file:///data/in/a\n.csv",
        "file:///data/in/a::file:///etc/passwd",
        "zip://a::file:///data/in/a.zip",
        "s3://orders/a.csv",
        "s3://other@orders/a.csv",
        "s3://partner@orders.evil/a.csv",
        "file:///data/out/a.csv",
        "file:///data/in/" + "a" * 1_000,
        "",
    ],
)
def test_k6_a_file_outside_the_allowed_folders_is_refused(address: str) -> None:
    problem = POLICY.file_problem("read", address)

    assert problem is not None
    assert problem.code == "WF416"


def test_k6_files_in_the_folders_are_allowed_each_for_its_task() -> None:
    for address in ("s3://partner@orders/2026/a.csv", "file:///data/in/a b.jsonl"):
        assert POLICY.file_problem("read", address) is None
        assert POLICY.file_problem("write", address) is not None
    assert Policy().file_problem("read", "file:///data/in/a.csv") is not None
    assert Policy.from_json(json.loads(json.dumps(POLICY.to_json()))) == POLICY


def test_k6_no_folder_makes_a_reserved_connection_usable() -> None:
    careless = Policy(folders=(("read", ("s3://airflow_db@x/", "s3://AIRFLOW_DB@x/")),))

    for address in ("s3://airflow_db@x/a.csv", "s3://AIRFLOW_DB@x/a.csv", "s3://x@airflow_db@x/a.csv"):
        problem = careless.file_problem("read", address)
        assert problem is not None
        assert problem.code == "WF410"


@pytest.mark.parametrize(
    "text",
    [
        '{"read": ["s3://bucket"]}',
        '{"read": ["file://data/"]}',
        '{"read": ["/data/"]}',
        '{"reads": ["s3://bucket/"]}',
        '{"read": "s3://bucket/"}',
        '{"read": ["s3:///"]}',
    ],
)
def test_k6_a_folder_that_would_allow_more_than_it_says_is_no_setting(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS", text)

    with pytest.raises(Misuse) as caught:
        load_settings()

    assert caught.value.code == "bad-configuration"


def test_k6_a_run_asks_the_same_rules(folders: Path) -> None:
    for address in (f"file://{folders}/secret.jsonl", f"file://{folders}/in/../secret.jsonl"):
        with pytest.raises(StepFailure) as caught:
            read(address)
        assert (caught.value.error_type, caught.value.error_code) == ("ValidationError", "not-allowed")
    with pytest.raises(StepFailure) as caught:
        write(f"file://{folders}/in", [1])
    assert caught.value.error_code == "not-allowed"


def test_k6_a_symbolic_link_does_not_lead_out_of_its_folder(folders: Path) -> None:
    (folders / "in" / "a.jsonl").symlink_to(folders / "secret.jsonl")
    (folders / "in" / "up").symlink_to(folders)
    (folders / "in" / "b.jsonl").write_text("1\n")
    (folders / "in" / "c.jsonl").symlink_to(folders / "in" / "b.jsonl")
    (folders / "elsewhere").mkdir()
    (folders / "out").mkdir()
    (folders / "out" / "i").symlink_to(folders / "elsewhere")

    for name in ("a.jsonl", "up/secret.jsonl"):
        with pytest.raises(StepFailure, match="symbolic link"):
            read(f"file://{folders}/in/{name}")
    with pytest.raises(StepFailure, match="symbolic link"):
        write(f"file://{folders}/out/", [1])

    assert read(f"file://{folders}/in/c.jsonl")["items"] == [1]
    assert not list((folders / "elsewhere").iterdir())


def test_k6_what_is_no_file_is_not_opened(folders: Path) -> None:
    os.mkfifo(folders / "in" / "pipe.jsonl")
    (folders / "in" / "folder.jsonl").mkdir()

    for name in ("pipe.jsonl", "folder.jsonl"):
        with pytest.raises(StepFailure, match="is not a file"):
            read(f"file://{folders}/in/{name}")


def test_k6_a_file_that_has_changed_between_two_batches_is_refused(folders: Path) -> None:
    file = folders / "in" / "a.jsonl"
    file.write_text("1\n2\n3\n")
    address = f"file://{file}"
    first = read(address, batch=1)
    assert read(address, batch=1, after=first["next"])["items"] == [2]

    replacement = folders / "b"
    replacement.write_text("7\n8\n9\n")
    os.utime(replacement, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    replacement.replace(file)

    with pytest.raises(StepFailure) as caught:
        read(address, batch=1, after=first["next"])
    assert (caught.value.error_type, caught.value.error_code) == ("ValidationError", "file-changed")


@pytest.mark.parametrize("offset", [7, 2**63 - 1, 10**30])
def test_k6_a_place_beyond_the_end_of_a_file_is_refused(folders: Path, offset: int) -> None:
    file = folders / "in" / "a.jsonl"
    file.write_text("1\n2\n3\n")
    place = read(f"file://{file}", batch=1)["next"]

    with pytest.raises(StepFailure, match="no place in") as caught:
        read(f"file://{file}", after={**place, "offset": offset})
    assert caught.value.error_type == "ValidationError"


def test_k6_each_visit_writes_its_own_file_and_another_attempt_replaces_it(folders: Path) -> None:
    folder = f"file://{folders}/out"

    first = write(folder, [{"a": "ä"}, None])
    second = write(f"{folder}/", [1])

    assert first == {"file": f"{folder}/i/save/00000003.jsonl", "count": 2}
    assert second == {**first, "count": 1}
    assert [file.name for file in (folders / "out/i/save").iterdir()] == ["00000003.jsonl"]
    assert (folders / "out/i/save/00000003.jsonl").read_text() == "1\n"


def test_k6_a_bucket_is_read_and_written_through_the_file_system_of_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_FOLDERS", '{"read": ["memory://b/"], "write": ["memory://b/"]}')
    monkeypatch.setattr(store, "_STORE_CACHE", {})
    store.attach("memory", fs=MemoryFileSystem())

    written = write("memory://b/results", [{"n": 1}, {"n": 2}])

    assert read(written["file"], batch=1) | {"next": None} == {"items": [{"n": 1}], "broken": [], "next": None}
