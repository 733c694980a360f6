"""The commands that need the workflow database, on a real PostgreSQL."""

from __future__ import annotations

import json
import resource
import select
import socket
import subprocess
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.engine.step_records import Records, StepRecord
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.inserting import NewInstance
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import LogEntry
from tests.support.store import state

EXAMPLES = Path(__file__).parents[3] / "examples"

pytestmark = pytest.mark.postgres


class Cli:
    """Runs commands in this process and reads what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.err = ""

    def __call__(self, *arguments: str, code: int = 0) -> str:
        ended = main(list(arguments))
        captured = self._capsys.readouterr()
        self.err = captured.err
        assert ended == code, captured.err + captured.out
        return captured.out

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self(*arguments, "--output", "json", code=code))


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], database_url: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection(database_url))
    return Cli(capsys)


def connection(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgres://")


def definition(version: str = "1.0.0", **more: Any) -> dict[str, Any]:
    steps = [{"stepId": "one", "taskId": "noop"}]
    return {"workflowId": "demo", "name": "Demo", "version": version, "steps": steps, **more}


def write(folder: Path, name: str, document: Any) -> str:
    file = folder / name
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(file)


def open_instance(url: str, run_id: str, **more: Any) -> Any:
    values = {
        "dag_id": "demo",
        "workflow_id": "demo",
        "version": "1.0.0",
        "revision": 1,
        "input": {"a": 1},
        "state": state(steps=Records({"one": StepRecord(visit=1)})),
        "log": [LogEntry("instance.started", message="started")],
    }
    with Database(url) as database:
        return Instances(database).open(NewInstance(run_id=run_id, **{**values, **more}))


def test_apply_stores_a_folder_and_the_second_time_changes_nothing(cli: Cli) -> None:
    first = cli.json("apply", str(EXAMPLES))
    second = cli.json("apply", str(EXAMPLES))

    assert {each["outcome"] for each in first} == {"created"}
    assert {each["outcome"] for each in second} == {"unchanged"}
    kinds = [each["kind"] for each in first]
    assert kinds == sorted(kinds)  # tasks stand first
    assert {each["workflowId"] for each in cli.json("list")} == {
        each["id"] for each in first if each["kind"] == "workflow"
    }


def test_apply_stores_the_good_and_reports_the_bad(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, "good.json", definition())
    write(tmp_path, "broken.json", '{"workflowId": ')
    write(
        tmp_path,
        "dangling.json",
        {**definition(), "workflowId": "dangling", "steps": [{"stepId": "a", "taskId": "nop"}]},
    )
    write(tmp_path, "neither.json", {"a": 1})

    results = {Path(each["file"]).stem: each for each in cli.json("apply", str(tmp_path), code=1)}

    assert {name: each["outcome"] for name, each in results.items()} == {
        "good": "created",
        "broken": "rejected",
        "dangling": "rejected",
        "neither": "rejected",
    }
    assert results["broken"]["diagnostics"][0]["code"] == "WF100"
    assert [each["code"] for each in results["dangling"]["diagnostics"]] == ["WF401"]
    assert [each["workflowId"] for each in cli.json("list")] == ["demo"]


def test_apply_prints_a_summary_for_people_and_the_findings_on_standard_error(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, "good.json", definition())
    write(tmp_path, "bad.json", {**definition(), "workflowId": "bad", "steps": [{"stepId": "a", "taskId": "nop"}]})

    out = cli("apply", str(tmp_path), code=1)

    assert "rejected" in out
    assert "new" in out
    assert "WF401" in cli.err
    assert "/steps/0/taskId" in cli.err


def test_a_workflow_may_use_a_task_that_was_applied_before(cli: Cli, tmp_path: Path) -> None:
    cli("apply", write(tmp_path, "task.json", {"taskId": "mine", "name": "Mine", "operator": "noop"}))

    document = definition(steps=[{"stepId": "one", "taskId": "mine"}])

    assert cli.json("apply", write(tmp_path, "flow.json", document))[0]["outcome"] == "created"


def test_d4_the_same_version_with_other_content_is_refused(cli: Cli, tmp_path: Path) -> None:
    cli("apply", write(tmp_path, "a.json", definition()))

    (result,) = cli.json("apply", write(tmp_path, "b.json", definition(description="other")), code=1)

    assert result["diagnostics"][0]["code"] == "version-reused"
    assert result["diagnostics"][0]["pointer"] == "/version"


def test_d4_a_lower_version_needs_force(cli: Cli, tmp_path: Path) -> None:
    cli("apply", write(tmp_path, "a.json", definition("2.0.0")))
    lower = write(tmp_path, "b.json", definition("1.0.0"))

    assert cli.json("apply", lower, code=1)[0]["diagnostics"][0]["code"] == "version-lower"
    assert cli.json("apply", lower, "--force")[0]["outcome"] == "updated"


def test_versions_of_one_folder_are_stored_in_their_order(cli: Cli, tmp_path: Path) -> None:
    for version in ("1.0.0", "1.10.0", "1.9.0"):
        write(tmp_path, f"{version}.json", definition(version))

    cli("apply", str(tmp_path))

    assert [each["version"] for each in cli.json("versions", "demo")] == ["1.10.0", "1.9.0", "1.0.0"]


def test_the_same_document_in_two_files_is_refused_once(cli: Cli, tmp_path: Path) -> None:
    write(tmp_path, "a.json", definition())
    write(tmp_path, "b.json", definition(description="other"))

    results = cli.json("apply", str(tmp_path), code=1)

    assert {each["outcome"] for each in results} == {"created", "rejected"}
    assert [found["code"] for each in results for found in each["diagnostics"]] == ["duplicate-document"]


def test_show_and_diff_of_versions(cli: Cli, tmp_path: Path) -> None:
    cli("apply", write(tmp_path, "a.json", definition()))
    newer = definition("1.1.0", steps=[{"stepId": "one", "taskId": "set"}, {"stepId": "two", "taskId": "noop"}])
    cli("apply", write(tmp_path, "b.json", newer))

    assert cli.json("show", "demo")["version"] == "1.1.0"
    assert cli.json("show", "demo", "--version", "1.0.0") == definition()
    assert "one (set)" in cli("show", "demo")
    assert {(each["pointer"], each["change"]) for each in cli.json("diff", "demo", "1.0.0", "1.1.0")} == {
        ("/steps/one/taskId", "changed"),
        ("/steps/two", "added"),
        ("/version", "changed"),
    }
    assert '+  "version": "1.1.0",' in cli("diff", "demo", "1.0.0", "1.1.0")
    assert cli.json("diff", "demo", "1.1.0", "1.1.0") == []


def test_what_does_not_exist_is_named_and_exits_1(cli: Cli, tmp_path: Path) -> None:
    cli("apply", write(tmp_path, "a.json", definition()))

    for arguments in (["show", "other"], ["versions", "other"], ["show", "demo", "--version", "9.9.9"]):
        assert cli(*arguments, code=1) == ""
        assert cli.err.startswith("error not-found")
    assert cli("instances", "show", "not-a-uuid", code=2) == ""
    assert cli("instances", "show", "00000000-0000-0000-0000-000000000000", code=1) == ""


def test_instances_are_listed_by_filter_and_shown(cli: Cli, tmp_path: Path, database_url: str) -> None:
    cli("apply", write(tmp_path, "a.json", definition()))
    first = open_instance(database_url, "r1", correlation_id="order-1")
    open_instance(database_url, "r2", status="failed")

    assert len(cli.json("instances", "list")) == 2
    assert len(cli.json("instances", "list", "--limit", "1")) == 1
    assert [each["runId"] for each in cli.json("instances", "list", "--status", "failed")] == ["r2"]
    assert [each["runId"] for each in cli.json("instances", "list", "--correlation-id", "order-1")] == ["r1"]
    assert cli.json("instances", "list", "--workflow", "other") == []
    shown = cli.json("instances", "show", str(first.id))
    assert shown["state"]["steps"]["one"]["status"] == "running"
    assert "scopes" not in shown["state"]
    assert "order-1" in cli("instances", "show", str(first.id))


def test_logs_are_printed_in_order(cli: Cli, tmp_path: Path, database_url: str) -> None:
    cli("apply", write(tmp_path, "a.json", definition()))
    instance = open_instance(database_url, "r1")

    (line,) = cli("logs", str(instance.id), "--output", "jsonl").splitlines()

    assert json.loads(line)["event"] == "instance.started"
    assert "started" in cli("logs", str(instance.id))


def test_l3_purge_counts_and_removes_what_is_past_its_retention(cli: Cli, tmp_path: Path, database_url: str) -> None:
    cli("apply", write(tmp_path, "a.json", definition(executionLog={"retention": "P30D"})))
    old = LogEntry("step.started", at=datetime.now(UTC) - timedelta(days=31))
    instance = open_instance(database_url, "r1", log=[old, LogEntry("step.completed")])

    assert cli.json("purge", "--dry-run")["rows"] == 1
    cli("apply", write(tmp_path, "other.json", {**definition(), "workflowId": "other"}))
    assert [each["workflowId"] for each in cli.json("purge", "--dry-run")["workflows"]] == ["demo"]
    assert cli.json("purge")["rows"] == 1
    assert [row["event"] for row in cli.json("logs", str(instance.id))] == ["step.completed"]
    assert "0 rows removed." in cli("purge")


def test_db_migrate_check_and_downgrade(
    capsys: pytest.CaptureFixture[str], empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection(empty_database_url))
    cli = Cli(capsys)

    assert cli.json("db", "check", code=1)["ok"] is False
    assert cli("list", code=1) == ""
    assert "store-not-migrated" in cli.err
    assert cli.json("db", "migrate")["ok"] is True
    assert cli.json("db", "check")["ok"] is True
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: SIM115, PTH123
    assert cli("db", "downgrade", "base", code=2) == ""
    assert cli.json("db", "downgrade", "base", "--yes")["current"] is None


@pytest.mark.parametrize(
    "arguments", [["list"], ["apply", str(EXAMPLES)], ["db", "check"], ["db", "migrate"], ["instances", "list"]]
)
def test_a_database_that_is_down_is_said_at_once_in_one_line_and_without_the_password(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", "postgres://me:hush-hush@127.0.0.1:1/nowhere")
    program = [sys.executable, "-m", "airflow_workflow_provider.cli.main", *arguments]

    computed = _processor_time_of_commands()
    ended = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    computed = _processor_time_of_commands() - computed

    assert computed < 5
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("error store-unavailable: ")
    assert ended.stderr.count("\n") == 1
    assert "hush-hush" not in ended.stderr


def test_a_command_tries_a_database_that_is_down_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"postgres://me:hush-hush@127.0.0.1:{server.getsockname()[1]}/nowhere"
        monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", url)
        program = [sys.executable, "-m", "airflow_workflow_provider.cli.main", "list"]
        ended = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        tries = 0
        server.settimeout(0.1)
        # A server that is there, and lets nobody in.
        while ended.poll() is None or _waits(server):
            with suppress(TimeoutError):
                server.accept()[0].close()
                tries += 1
        assert "store-unavailable" in ended.communicate()[1]
    # With and without encryption.
    assert 1 <= tries <= 2


def _waits(server: socket.socket) -> bool:
    return bool(select.select([server], [], [], 0)[0])


def _processor_time_of_commands() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
