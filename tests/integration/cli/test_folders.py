"""A folder is the truth: plan, apply --prune, drift and export, on a real PostgreSQL."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.engine.phases import StepStatus
from airflow_workflow_provider.engine.step_records import Records, StepRecord
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances
from tests.integration.cli.test_database_commands import Cli, cli
from tests.support.store import new_instance, state

__all__ = ["cli"]

pytestmark = pytest.mark.postgres


def define(folder: Path, workflow_id: str, version: str = "1.0.0", file: str | None = None, **more: Any) -> Path:
    steps = [{"stepId": "one", "taskId": "noop"}]
    document = {"workflowId": workflow_id, "name": workflow_id, "version": version, "steps": steps, **more}
    place = folder / (file or f"{workflow_id}.json")
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps(document), encoding="utf-8")
    return place


def task(folder: Path, task_id: str, **more: Any) -> None:
    (folder / "tasks").mkdir(exist_ok=True)
    document = {"taskId": task_id, "name": task_id, "operator": "noop", **more}
    (folder / "tasks" / f"{task_id}.json").write_text(json.dumps(document), encoding="utf-8")


def actions(plan: Any) -> dict[str, str]:
    return {item["id"]: item["action"] for item in plan["items"]}


def test_a_plan_states_what_would_change_and_changes_nothing(cli: Cli, tmp_path: Path, database_url: str) -> None:
    define(tmp_path, "a")
    define(tmp_path, "b")
    task(tmp_path, "t")
    folder = str(tmp_path)

    assert actions(cli.json("plan", folder, code=3)) == {"a": "create", "b": "create", "t": "create"}
    with Database(database_url) as database:
        assert Definitions(database).names() == frozenset()

    cli("apply", folder)
    assert cli.json("plan", folder)["summary"]["unchanged"] == 3
    assert cli.json("drift", folder)["differences"] == []

    define(tmp_path, "a", "1.1.0", description="new")
    define(tmp_path, "c")
    (tmp_path / "b.json").unlink()
    task(tmp_path, "t", description="new")
    plan = cli.json("plan", folder, code=3)

    assert actions(plan) == {"a": "update", "b": "remove", "c": "create", "t": "update"}
    assert {item["id"]: item["storedVersion"] for item in plan["items"]} == {
        "a": "1.0.0",
        "b": "1.0.0",
        "c": None,
        "t": None,
    }
    assert "1 to create, 2 to change, 0 unchanged, 0 rejected; with --prune 1 to remove" in cli("plan", folder, code=3)


def test_a_plan_has_the_findings_and_the_conflicts_of_versions(cli: Cli, tmp_path: Path) -> None:
    define(tmp_path, "reused")
    define(tmp_path, "lower", "2.0.0")
    cli("apply", str(tmp_path))
    define(tmp_path, "reused", description="other")
    define(tmp_path, "lower", "1.0.0")
    define(tmp_path, "broken", onFailure={"action": "continue", "nextStepId": "nowhere"})
    (tmp_path / "text.json").write_text("{", encoding="utf-8")

    plan = cli.json("plan", str(tmp_path), code=1)

    codes = {item["id"]: [each["code"] for each in item["diagnostics"]] for item in plan["items"]}
    assert codes == {"reused": ["version-reused"], "lower": ["version-lower"], "broken": ["WF201"], None: ["WF100"]}
    assert {item["action"] for item in plan["items"]} == {"reject"}
    assert actions(cli.json("plan", str(tmp_path), "--force", code=1))["lower"] == "update"
    assert {row["id"] for row in cli.json("drift", str(tmp_path), code=3)["differences"]} == set(codes)


def test_several_versions_of_a_workflow_in_a_folder_are_published_once_each(cli: Cli, tmp_path: Path) -> None:
    define(tmp_path, "a", "1.10.0", "new.json")
    define(tmp_path, "a", "1.9.0", "old.json")
    folder = str(tmp_path)

    first = cli.json("apply", folder)
    second = cli.json("apply", folder)

    assert [(each["version"], each["outcome"]) for each in first] == [("1.9.0", "created"), ("1.10.0", "updated")]
    assert [each["outcome"] for each in second] == ["unchanged", "unchanged"]
    assert cli.json("drift", folder)["differences"] == []


def test_pruning_deactivates_what_is_not_in_the_folder_and_activates_what_is_again(
    cli: Cli, tmp_path: Path, database_url: str
) -> None:
    define(tmp_path, "a")
    define(tmp_path, "b")
    define(tmp_path, "c")
    folder = str(tmp_path)
    cli("apply", folder)
    (tmp_path / "b.json").unlink()
    (tmp_path / "c.json").unlink()

    cli("apply", folder)
    pruned = cli.json("apply", folder, "--prune")

    assert {each["id"]: each["outcome"] for each in pruned} == {"a": "unchanged", "b": "removed", "c": "removed"}
    cli("plan", folder)
    define(tmp_path, "b")
    define(tmp_path, "c", "2.0.0")
    assert actions(cli.json("plan", folder, code=3)) == {"a": "unchanged", "b": "activate", "c": "update"}
    cli("apply", folder, "--prune")
    with Database(database_url) as database:
        assert all(head.active for head in Definitions(database).list())
    cli("drift", folder)


def test_a_workflow_with_live_instances_is_removed_only_when_that_is_said(
    cli: Cli, tmp_path: Path, database_url: str
) -> None:
    define(tmp_path, "keep")
    define(tmp_path, "order")
    folder = str(tmp_path)
    cli("apply", folder)
    with Database(database_url) as database:
        Instances(database).open(new_instance())
    (tmp_path / "order.json").unlink()
    define(tmp_path, "late")

    (removal,) = [item for item in cli.json("plan", folder, code=3)["items"] if item["action"] == "remove"]
    assert removal["liveInstances"] == {"1.0.0": 1}
    cli("apply", folder, "--prune", code=1)

    assert "error live-instances" in cli.err
    with Database(database_url) as database:
        assert Definitions(database).head("order").active
        assert "late" not in Definitions(database).names(), "nothing is published before it is clear"
    cli("apply", folder, "--prune", "--allow-live")
    with Database(database_url) as database:
        assert not Definitions(database).head("order").active


def test_an_instance_that_starts_after_the_plan_stops_the_removal(
    cli: Cli, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_workflow_provider.cli import applying

    define(tmp_path, "keep")
    define(tmp_path, "order")
    cli("apply", str(tmp_path))
    (tmp_path / "order.json").unlink()
    made = applying.make_plan

    def then_start(*arguments: Any, **options: Any) -> Any:
        plan = made(*arguments, **options)
        with Database(database_url) as database:
            Instances(database).open(new_instance())
        return plan

    monkeypatch.setattr(applying, "make_plan", then_start)
    cli("apply", str(tmp_path), "--prune", code=1)

    assert "live-instances" in cli.err
    with Database(database_url) as database:
        assert Definitions(database).head("order").active


def test_nothing_is_removed_where_a_document_is_rejected_or_no_workflow_is_there(
    cli: Cli, tmp_path: Path, database_url: str
) -> None:
    define(tmp_path / "one", "a")
    cli("apply", str(tmp_path / "one"))
    define(tmp_path / "two", "b", steps=[])
    task(tmp_path / "two", "t")
    (tmp_path / "empty").mkdir()
    task(tmp_path / "empty", "t")

    cli("apply", str(tmp_path / "two"), "--prune", code=1)
    cli("apply", str(tmp_path / "empty"), "--prune", code=2)

    with Database(database_url) as database:
        assert Definitions(database).head("a").active


@pytest.mark.usefixtures("cli")
def test_of_two_who_apply_at_once_one_wins_and_the_other_is_refused(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_workflow_provider.cli import applying

    define(tmp_path / "first", "a", description="first")
    define(tmp_path / "second", "a", "1.1.0", description="second")
    both, made = threading.Barrier(2, timeout=60), applying.make_plan
    codes: dict[str, int] = {}

    def together(*arguments: Any, **options: Any) -> Any:
        plan = made(*arguments, **options)
        both.wait()
        return plan

    def apply(name: str) -> None:
        codes[name] = main(["apply", str(tmp_path / name), "--output", "json"])

    monkeypatch.setattr(applying, "make_plan", together)
    threads = [threading.Thread(target=apply, args=(name,)) for name in ("first", "second")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)

    assert sorted(codes.values()) == [0, 1]
    winner = next(name for name, code in codes.items() if code == 0)
    with Database(database_url) as database:
        assert [each.version for each in Definitions(database).versions("a")] == [
            {"first": "1.0.0", "second": "1.1.0"}[winner]
        ]


def test_a_plan_that_is_out_of_date_is_not_applied(cli: Cli, tmp_path: Path) -> None:
    define(tmp_path / "mine", "a")
    define(tmp_path / "theirs", "b")
    revision = str(cli.json("plan", str(tmp_path / "mine"), code=3)["revision"])
    cli("apply", str(tmp_path / "theirs"))

    cli("apply", str(tmp_path / "mine"), "--plan-revision", revision, code=1)

    assert "error revision-changed" in cli.err
    revision = str(cli.json("plan", str(tmp_path / "mine"), code=3)["revision"])
    cli("apply", str(tmp_path / "mine"), "--plan-revision", revision)


def test_a_pattern_leaves_other_workflows_alone(cli: Cli, tmp_path: Path, database_url: str) -> None:
    define(tmp_path, "sales.a")
    define(tmp_path, "billing.a")
    cli("apply", str(tmp_path))
    define(tmp_path / "new", "sales.b")

    cli("apply", str(tmp_path / "new"), "--prune", "--only", "sales.*")

    with Database(database_url) as database:
        assert {head.workflow_id: head.active for head in Definitions(database).list()} == {
            "billing.a": True,
            "sales.a": False,
            "sales.b": True,
        }


def test_an_export_has_the_text_as_it_was_published_and_no_drift(cli: Cli, tmp_path: Path) -> None:
    source = define(tmp_path / "in", "a")
    text = source.read_text(encoding="utf-8").replace('"name": "a"', '\n\n  "name":    "a"') + "\n"
    source.write_text(text, encoding="utf-8")
    task(tmp_path / "in", "t")
    cli("apply", str(tmp_path / "in"))
    out = str(tmp_path / "out")

    cli("export", out)

    assert (tmp_path / "out/a.json").read_text(encoding="utf-8") == text
    assert json.loads((tmp_path / "out/tasks/t.json").read_text(encoding="utf-8"))["taskId"] == "t"
    cli("drift", out)
    assert {row["result"] for row in cli.json("export", out)} == {"unchanged"}
    (tmp_path / "out/a.json").write_text("{}", encoding="utf-8")
    cli("export", out, code=2)
    assert "error file-exists" in cli.err
    cli("export", out, "--force")
    cli("drift", out)


def test_a_scenario_is_made_of_an_instance_that_has_ended(cli: Cli, tmp_path: Path, database_url: str) -> None:
    define(tmp_path, "order", inputSchema={"type": "object", "properties": {"n": {"writeOnly": True}}})
    cli("apply", str(tmp_path))
    with Database(database_url) as database:
        instances = Instances(database)
        revision = Definitions(database).head("order").revision
        made = state(input={"n": 12345678}, steps=Records({"one": StepRecord(StepStatus.COMPLETED, 1, 1)}))
        opened = instances.open(new_instance(revision=revision, input={"n": 12345678}, state=made))
        cli("instances", "scenario", str(opened.id), code=1)
        assert "error not-ended" in cli.err
        with instances.locked(opened.id) as record:
            record.status, record.output, record.completed_at = "completed", {}, datetime.now(UTC)
            record.save()

    document = json.loads(cli("instances", "scenario", str(opened.id), "--name", "real"))

    (scenario,) = document["scenarios"]
    assert (document["workflow"], scenario["name"]) == ("order@1.0.0", "real")
    assert scenario["input"] == {"n": "***"}
    assert "warning" not in cli.err
    (tmp_path / "order.scenario.json").write_text(json.dumps(document), encoding="utf-8")
    cli("test", str(tmp_path))


def test_a_folder_is_published_with_the_values_of_each_environment(cli: Cli, tmp_path: Path, database_url: str) -> None:
    arguments = {"url": "${env:URL}/orders"}
    steps = [
        {"stepId": "one", "taskId": "set", "retryPolicy": {"maxAttempts": "${env:ATTEMPTS}"}, "arguments": arguments}
    ]
    define(tmp_path, "a", steps=steps)
    staging, production = tmp_path / "staging.env.json", tmp_path / "production.env.json"
    staging.write_text('{"URL": "https://staging.example", "ATTEMPTS": 3}')
    production.write_text('{"URL": "https://example.com", "ATTEMPTS": 7}')
    folder = str(tmp_path)

    (item,) = cli.json("plan", folder, code=1)["items"]
    assert {each["code"] for each in item["diagnostics"]} == {"WF128"}
    assert actions(cli.json("plan", folder, "--env", str(staging), code=3)) == {"a": "create"}
    cli("apply", folder, "--env", str(staging))
    assert cli.json("drift", folder, "--env", str(staging))["differences"] == []
    (difference,) = cli.json("drift", folder, "--env", str(production), code=3)["differences"]
    assert difference["id"] == "a"
    with Database(database_url) as database:
        stored = Definitions(database).get("a")
        source = Definitions(database).source(stored)
    (one,) = stored.document["steps"]
    assert (one["retryPolicy"]["maxAttempts"], one["arguments"]) == (3, {"url": "https://staging.example/orders"})
    assert source is not None
    assert "${env:" not in source[0]


def test_values_that_cannot_be_read_publish_nothing(cli: Cli, tmp_path: Path) -> None:
    define(tmp_path, "a")
    values = tmp_path / "values.env.json"
    for text, code in (("[]", "bad-environment"), ('{"DB_PASSWORD": "hunter2"}', "bad-environment"), ("{", "not-json")):
        values.write_text(text)
        said = cli("apply", str(tmp_path), "--env", str(values), code=2) + cli.err
        assert code in said
        assert "hunter2" not in said
    assert actions(cli.json("plan", str(tmp_path), code=3)) == {"a": "create"}
