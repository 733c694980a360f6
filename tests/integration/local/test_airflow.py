"""A whole local Airflow: started, used over its REST API, broken, stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from airflow_workflow_provider.errors import Conflict, NotFound
from airflow_workflow_provider.local.airflow import EnvironmentFailure, LocalEnvironment
from airflow_workflow_provider.local.client import AirflowClient, RequestRefused, poll
from tests.support.airflow import RunningAirflow

pytestmark = [pytest.mark.daemons, pytest.mark.xdist_group("airflow-3"), pytest.mark.slow]

DAG = """
from airflow.sdk import dag, task

@dag(schedule=None)
def plain():
    @task
    def greet(**context):
        print("hello", context["dag_run"].conf["name"])
    greet()

plain()
"""


def test_everything_runs_and_listens_on_loopback_only(running_airflow: RunningAirflow) -> None:
    status = running_airflow.environment.status()

    assert status.running
    assert [daemon.name for daemon in status.daemons] == [
        "postgres",
        "api-server",
        "scheduler",
        "dag-processor",
        "triggerer",
    ]
    for daemon in status.daemons:
        assert daemon.pid is not None
        parent = psutil.Process(daemon.pid)
        for process in [parent, *parent.children(recursive=True)]:
            assert _listens_on(process) <= {"127.0.0.1"}, daemon.name


def test_a_second_start_finds_it_running(running_airflow: RunningAirflow) -> None:
    before = running_airflow.environment.status()
    again = LocalEnvironment(running_airflow.environment.layout.folder)

    access = again.up()

    assert access.address == before.address
    assert again.status() == before
    assert access.password not in repr(access)


def test_a_dag_is_found_triggered_and_its_log_read(running_airflow: RunningAirflow) -> None:
    (running_airflow.dags_folder / "plain.py").write_text(DAG)
    client = running_airflow.client
    client.wait_for_dag("plain")

    run = client.trigger("plain", {"name": "Ada"}, run_id="first")
    ended = client.wait_for_run("plain", run["dag_run_id"])

    assert ended["state"] == "success"
    assert [task["state"] for task in client.task_instances("plain", "first")] == ["success"]
    assert "hello Ada" in client.task_log("plain", "first", "greet")
    with pytest.raises(Conflict):
        client.trigger("plain", {"name": "Ada"}, run_id="first")


def test_what_is_not_there_is_not_found(running_airflow: RunningAirflow) -> None:
    with pytest.raises(NotFound):
        running_airflow.client.dag("nobody-wrote-this")


def test_a_wrong_password_is_refused_and_not_repeated(running_airflow: RunningAirflow) -> None:
    address = running_airflow.client.address
    with AirflowClient(address, "admin", "not-the-password") as client, pytest.raises(RequestRefused) as refused:
        client.dag("plain")
    assert "401" in refused.value.message
    assert "not-the-password" not in refused.value.message


def test_a_viewer_may_look_and_not_start(running_airflow: RunningAirflow) -> None:
    with running_airflow.environment.client("viewer") as client:
        # Other tests publish what cannot be loaded.
        assert [each for each in client.import_errors() if each["bundle_name"] != "workflows"] == []
        with pytest.raises(RequestRefused) as refused:
            client.trigger("plain", {})
    assert refused.value.code == "airflow-403"


def test_no_secret_is_in_a_log(running_airflow: RunningAirflow) -> None:
    environment = running_airflow.environment
    passwords = [environment.access().password, environment.workflows_url().split(":")[2].split("@")[0]]
    for file in environment.layout.folder.rglob("*.log"):
        text = file.read_text(errors="replace")
        assert not [password for password in passwords if password in text], file


def test_a_part_that_dies_at_the_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    environment = LocalEnvironment(
        tmp_path / "broken",
        variables={"AIRFLOW__CORE__EXECUTOR": "no.such.Executor"},
        durable=False,
        seconds=300,
    )
    try:
        with pytest.raises(EnvironmentFailure) as failure:
            environment.up()
        assert "no.such" in failure.value.details
        assert environment.status().stopped
    finally:
        environment.remove()


def test_another_program_stops_it_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "short"
    program = (
        "import sys\n"
        "from airflow_workflow_provider.local.airflow import LocalEnvironment\n"
        "environment = LocalEnvironment(sys.argv[1], durable=False)\n"
        "environment.postgres.start()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(folder)], check=True)
    environment = LocalEnvironment(folder, durable=False)
    try:
        assert not environment.status().stopped
        environment.down()
        poll(lambda: environment.status().stopped or None, seconds=300, what="everything to be stopped")
    finally:
        environment.remove()


def test_l3_retention_runs_without_anybody_having_copied_a_file(running_airflow: RunningAirflow) -> None:
    """With the rights that each component has: workers cannot delete by their own connection."""

    def succeeded() -> bool | None:
        found = running_airflow.client.request("GET", "/dags/workflow_maintenance/dagRuns")["dag_runs"]
        assert all(run["state"] != "failed" for run in found), found
        return any(run["state"] == "success" for run in found) or None

    assert poll(succeeded, seconds=240, what="the first run of workflow_maintenance")


def _listens_on(process: psutil.Process) -> set[str]:
    """Return the addresses; none of a process that has ended since, as those do that parse a file."""
    try:
        return {each.laddr.ip for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
    except psutil.NoSuchProcess:
        return set()
