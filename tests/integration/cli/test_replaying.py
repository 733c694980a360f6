"""``simulate --like``: an instance in the database is played again in another version."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.inserting import NewInstance
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.tasks.mocks import Simulator
from tests.support.store import state

pytestmark = pytest.mark.postgres

STARTED = datetime(2026, 5, 3, 9, tzinfo=UTC)
PIN = "471147"
TASK = {
    "taskId": "price",
    "name": "Price",
    "operator": "http",
    "arguments": {"connection": "example_http", "path": "prices"},
}


def definition(version: str, limit: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "workflowId": "order",
        "name": "Order",
        "version": version,
        "inputSchema": {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}},
        "steps": [
            {"stepId": "price", "taskId": "price", "arguments": {"path": "prices/1"}, "next": [
                {"nextStepId": "big", "condition": f"output.amount > {limit}"}, {"nextStepId": "small"}]},
            {"stepId": "big", "taskId": "set", "arguments": {"size": "L", "note": {
                "type": "jmespath", "expression": "input.pin"}}, "next": [{"nextStepId": "end"}]},
            {"stepId": "small", "taskId": "set", "arguments": {"size": "S"}},
        ],
        **more,
    }  # fmt: skip


@pytest.fixture
def instance(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return the id of an instance of version 1.0.0 that has ended; version 2.0.0 is the newest."""
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", database_url.replace("postgresql+psycopg://", "postgres://"))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "price.json").write_text(json.dumps(TASK), encoding="utf-8")
    for version, limit in (("1.0.0", 100), ("2.0.0", 200)):
        (tmp_path / "order.json").write_text(json.dumps(definition(version, limit)), encoding="utf-8")
        assert main(["apply", str(tmp_path)]) == 0
    with Database(database_url) as database:
        instances = Instances(database)
        opened = instances.open(_new(database))
        with instances.locked(opened.id) as record:
            run = Simulator().run(
                parse_definition(definition("1.0.0")),
                {"pin": PIN},
                {"price": [{"output": {"amount": 150}}]},
                now=STARTED,
            )
            assert run.final is not None
            record.state, record.status, record.output = run.final, run.status, run.output
            record.completed_at = STARTED + timedelta(minutes=1)
            record.save()
        return str(opened.id)


def _new(database: Database) -> NewInstance:
    revision = Definitions(database).get("order", version="1.0.0").revision
    assert Tasks(database).get("price").revision < revision
    log = [
        LogEntry("step.started", at=STARTED, step_id="price", visit=1, attempt=1),
        LogEntry("step.completed", at=STARTED, step_id="price", visit=1, attempt=1, data={"output": {"amount": 150}}),
    ]
    return NewInstance(
        "order", "run", "order", "1.0.0", revision, {"pin": PIN}, state(), started_at=STARTED, log=log
    )  # fmt: skip


def played(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> tuple[str, str]:
    capsys.readouterr()
    ended = main(["simulate", "--like", *arguments])
    captured = capsys.readouterr()
    assert ended == code, captured.err + captured.out
    assert PIN not in captured.out + captured.err
    return captured.out, captured.err


def test_l4_the_newest_version_is_compared_and_secrets_are_masked(
    instance: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = played(capsys, instance, "--output", "json", code=1)

    found = json.loads(out)
    assert (found["instanceId"], found["workflowId"], found["version"]) == (instance, "order", "1.0.0")
    assert found["against"] == {"version": "2.0.0", "file": None}
    assert (found["outcome"], found["unlike"], found["stopped"], found["notes"]) == ("different", [], None, [])
    assert [each["change"] for each in found["path"]] == ["same", "changed"]
    assert {each["pointer"]: (each["change"], each.get("old")) for each in found["output"]} == {
        "/size": ("changed", "L"),
        "/note": ("removed", "***"),
    }
    assert err == ""


def test_its_own_version_leads_to_the_same(instance: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = played(capsys, instance, "--version", "1.0.0", "--output", "table", code=0)

    assert out.splitlines() == [
        "order 1.0.0 -> 1.0.0", "  price#1.1:completed", "  big#1.1:completed", "same",
    ]  # fmt: skip


def test_a_file_is_compared_with_its_tasks_and_those_that_are_stored(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft = tmp_path / "elsewhere" / "draft.json"
    draft.parent.mkdir()
    draft.write_text(json.dumps(definition("3.0.0")), encoding="utf-8")
    same, _ = played(capsys, instance, str(draft), "--output", "table", code=0)
    changed = definition("3.0.0")
    changed["steps"][0]["stepId"] = "ask"
    draft.write_text(json.dumps({**changed, "workflowId": "other"}), encoding="utf-8")

    out, err = played(capsys, instance, str(draft), "--output", "table", code=1)

    assert same.endswith("\nsame\n")
    assert out.splitlines()[1:] == [
        "? price#1.1:completed",
        "? big#1.1:completed",
        "+ ask#1.1:running",
        "stopped at ask#1.1: the instance has no result of this call; --mocks can give it",
        "different",
    ]
    assert f"warning: {draft} is workflow 'other'; the instance is one of 'order'" in err
    (tmp_path / "mocks.json").write_text('{"ask": [{"output": {"amount": 150}}]}', encoding="utf-8")
    out, _ = played(capsys, instance, str(draft), "--mocks", str(tmp_path / "mocks.json"), "--output", "table", code=1)
    assert "stopped" not in out


@pytest.mark.parametrize("document", ["{", json.dumps(definition("1")), json.dumps(TASK)])
def test_a_file_with_errors_prints_its_findings(
    instance: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], document: str
) -> None:
    (tmp_path / "bad.json").write_text(document, encoding="utf-8")

    out, _ = played(capsys, instance, str(tmp_path / "bad.json"), "--output", "json", code=1)

    assert json.loads(out)["valid"] is False


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (("nonsense",), 2, "bad-instance-id"),
        (("00000000-0000-5000-8000-000000000001",), 1, "not-found"),
        (("{}", "--version", "7.0.0"), 1, "not-found"),
        (("{}", "file.json", "--version", "1.0.0"), 2, "bad-arguments"),
        (("{}", "--input", "{}"), 2, "bad-arguments"),
        (("{}", "--batch", "-"), 2, "bad-arguments"),
        (("{}", "missing.json"), 2, "cannot-read"),
    ],
)
def test_what_cannot_be_played_is_said(
    instance: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, problem: str
) -> None:
    out, err = played(capsys, *(each.format(instance) if each == "{}" else each for each in arguments[:1]),
                      *arguments[1:], code=code)  # fmt: skip

    assert out == ""
    assert err.startswith(f"error {problem}")


def test_an_instance_that_runs_is_refused(instance: str, database_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Database(database_url) as database, Instances(database).locked(UUID(instance)) as record:
        record.status, record.completed_at = "running", None
        record.save()

    _, err = played(capsys, instance, code=1)

    assert err.startswith("error not-ended")


def test_version_needs_like(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--version", "1.0.0"]) == 2
    assert capsys.readouterr().err.startswith("error bad-arguments")
