"""What rows of Airflow's audit log are understood to say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_workflow_provider.airflow_db.audit_rows import AuditRow, asked_in

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def row(event: str, extra: Any, *, dag_id: str | None = "order", run_id: str | None = "r-1", **more: Any) -> AuditRow:
    text = extra if isinstance(extra, str) or extra is None else json.dumps(extra)
    values = {"task_id": None, "owner": "ada", "owner_display_name": "Ada", **more}
    return AuditRow(7, AT, event, dag_id, run_id, extra=text, **values)


def said(event: str, extra: Any, **more: Any) -> list[tuple[str, str, str, dict[str, Any], str | None]]:
    return [
        (each.event, each.dag_id, each.run_id, each.data, each.note) for each in asked_in(row(event, extra, **more))
    ]


@pytest.mark.parametrize("state", ["success", "failed", "skipped"])
def test_l1_a_task_is_marked(state: str) -> None:
    extra = {"new_state": state.upper(), "include_downstream": True, "note": "why", "method": "PATCH"}
    assert said("patch_task_instance", extra, task_id="a") == [
        (f"airflow.marked-{state}", "order", "r-1", {"task": "a", "includeDownstream": True}, "why")
    ]


def test_l1_a_group_is_marked() -> None:
    assert said("patch_task_group_instances", {"group_id": "p.x", "new_state": "failed"}) == [
        ("airflow.marked-failed", "order", "r-1", {"group": "p.x"}, None)
    ]


def test_l1_tasks_and_runs_are_cleared() -> None:
    extra = {"task_ids": ["a", ["b", 1], "a"], "only_failed": False, "dry_run": False, "note": ""}
    assert said("post_clear_task_instances", extra) == [
        ("airflow.cleared", "order", "r-1", {"tasks": ["a", "b"], "onlyFailed": False}, None)
    ]
    assert said("clear_dag_run", {"only_new": True, "run_on_latest_version": None}) == [
        ("airflow.cleared", "order", "r-1", {"onlyNew": True}, None)
    ]
    many = {"dag_runs": [{"dag_run_id": "r-1"}, {"dag_run_id": "r-2", "dag_id": "other"}], "dry_run": False}
    assert [each[:3] for each in said("clear_dag_runs", many, run_id=None)] == [
        ("airflow.cleared", "order", "r-1"),
        ("airflow.cleared", "order", "r-2"),
    ]
    assert [each[1:3] for each in said("clear_dag_runs", many, dag_id="~", run_id=None)] == [("other", "r-2")]


def test_what_only_asks_what_would_be_done_is_passed_over() -> None:
    assert said("clear_dag_runs", {"dag_runs": [{"dag_run_id": "r-1"}], "dry_run": True}) == []
    assert said("clear_dag_runs", {"dag_runs": [{"dag_run_id": "r-1"}]}) == []


def test_l1_runs_are_marked_and_deleted() -> None:
    assert said("patch_dag_run", {"state": "failed", "note": "why"}) == [
        ("airflow.run-marked", "order", "r-1", {"newState": "failed"}, "why")
    ]
    assert said("delete_dag_run", {}) == [("airflow.run-deleted", "order", "r-1", {}, None)]
    actions = [
        {"action": "update", "entities": [{"dag_run_id": "r-1", "state": "success"}]},
        {"action": "update", "update_mask": ["note"], "entities": [{"dag_run_id": "r-2", "state": "success"}]},
        {"action": "delete", "entities": ["r-3", {"dag_run_id": "r-4"}]},
    ]
    assert [each[:3] for each in said("bulk_dag_runs", {"actions": actions}, run_id=None)] == [
        ("airflow.run-marked", "order", "r-1"),
        ("airflow.run-deleted", "order", "r-3"),
        ("airflow.run-deleted", "order", "r-4"),
    ]


def test_notes_alone_and_other_events_are_passed_over() -> None:
    assert said("patch_task_instance", {"note": "hello"}, task_id="a") == []
    assert said("patch_dag_run", {"note": "hello"}) == []
    for event in ("workflow.cancel", "trigger_dag_run", "running", "cli_task_clear", "patch_dag"):
        assert said(event, {"new_state": "failed", "state": "failed"}) == []


def test_a_request_without_a_run_says_nothing_of_an_instance() -> None:
    assert said("post_clear_task_instances", {"task_ids": ["a"]}, run_id=None) == []
    assert said("patch_dag_run", {"state": "failed"}, dag_id="~") == []


@pytest.mark.parametrize(
    "extra",
    [
        None,
        "",
        "no json",
        "[]",
        "7",
        "[" * 100_000,
        {"task_ids": 7, "dag_runs": 7, "actions": 7, "new_state": 7, "state": 7, "note": 7, "dry_run": False},
        {
            "actions": [7, {"action": "update", "entities": 7}, {"entities": [7, {"state": []}], "update_mask": 7}],
            "group_id": {},
        },
        {"dag_runs": [7, {}, {"dag_run_id": "\x00"}, {"dag_run_id": "\ud800"}], "dry_run": False},
        {"new_state": "up_for_retry", "state": "running", "update_mask": 7},
    ],
)
def test_whatever_somebody_sends_is_read_without_an_error(extra: Any) -> None:
    for event in ("patch_task_instance", "patch_task_group_instances", "patch_dag_run", "bulk_dag_runs"):
        assert said(event, extra) == []
    assert said("clear_dag_runs", extra) == []
    for event in ("post_clear_task_instances", "clear_dag_run", "delete_dag_run"):
        assert all(each[3] == {} and each[4] is None for each in said(event, extra))


def test_names_that_no_table_can_hold_are_left_out() -> None:
    (asked,) = asked_in(row("post_clear_task_instances", {"task_ids": ["a\x00", "\ud800", "b" * 300, "", "c"]}))
    assert asked.tasks == ("c",)
    (group,) = asked_in(row("patch_task_group_instances", {"group_id": "\x00", "new_state": "failed"}))
    assert group.data == {}


def test_names_and_notes_are_bounded() -> None:
    extra = {"task_ids": [f"t{n}" for n in range(1000)], "note": "x" * 5000}
    (asked,) = asked_in(row("post_clear_task_instances", extra))
    assert (len(asked.tasks), len(asked.note or "")) == (100, 1000)
