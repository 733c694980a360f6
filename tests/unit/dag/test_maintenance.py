"""The DAG that removes what is past its retention (rule L3)."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from airflow_workflow_provider.dag.maintenance import MAINTENANCE_SOURCE, maintenance_dag

DAGS = Path(__file__).parents[3] / "dags"


def test_l3_it_purges_the_log_and_the_events_each_day_by_default() -> None:
    dag = maintenance_dag()
    assert (dag.dag_id, str(dag.schedule), dag.catchup, dag.max_active_runs) == (
        "workflow_maintenance",
        "@daily",
        False,
        1,
    )
    assert dag.task_ids == ["purge_execution_log", "purge_events", "reconcile"]
    assert {task.queue for task in dag.tasks} == {"default"}
    assert all(task.retries for task in dag.tasks)


def test_l3_schedule_and_queue_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__MAINTENANCE_SCHEDULE", "30 3 * * *")
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__MAINTENANCE_QUEUE", "upkeep")
    dag = maintenance_dag()
    assert str(dag.schedule) == "30 3 * * *"
    assert {task.queue for task in dag.tasks} == {"upkeep"}


def test_l3_the_file_for_other_bundles_only_names_it(tmp_path: Path) -> None:
    file = DAGS / "workflow_maintenance.py"
    assert len(file.read_text().splitlines()) < 12
    assert runpy.run_path(str(file))["dag"].dag_id == "workflow_maintenance"
    (tmp_path / "generated.py").write_text(MAINTENANCE_SOURCE)
    assert runpy.run_path(str(tmp_path / "generated.py"))["dag"].dag_id == "workflow_maintenance"
