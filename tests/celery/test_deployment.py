"""The deployment of docker-compose.yml with Celery workers: what runs on it, and what it lives through.

Two schedulers and two workers, each service on a host of its own, installed from the wheel, served below a path.
``make test-celery`` runs this; a plain ``pytest`` does not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest

from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.local.client import AirflowClient, poll
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.instances import Instance, instance_id
from tests.celery import hosts, workload
from tests.celery.compose import ROOT
from tests.celery.installation import installed
from tests.celery.topology import OPERATOR, PATH, Topology, running
from tests.celery.workload import answer_question, ends, path_of, start
from tests.support.airflow import serving_examples
from tests.support.examples import CASES, EXAMPLES, NAMES, answer_all, assert_as_expected, read_input

SECONDS = 400
OUTAGE = 60.0
WORKERS = ("worker-1", "worker-2")

pytestmark = [pytest.mark.celery, pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Topology]:
    """A running deployment with the examples and our own workflows."""
    if reason := hosts.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("celery")
    programs = installed()
    with serving_examples("0.0.0.0") as port:  # noqa: S104 - the hosts reach it over their own network only
        extra = {"AIRFLOW_CONN_EXAMPLE_HTTP": f"http://GATEWAY:{port}"}
        with running(folder, programs, extra) as found:
            found.add_users()
            _publish(found)
            yield found


def _publish(deployment: Topology) -> None:
    patterns = [str(ROOT / "examples" / "patterns" / f"{name}.json") for name in workload.PATTERNS.values()]
    own = workload.write(deployment.folder / "own", (workload.SLEEP, *workload.OWN))
    deployment.command("apply", str(EXAMPLES), str(own), *patterns)
    with psycopg.connect(deployment.url("postgres").replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE shop")
    with psycopg.connect(deployment.url("shop").replace("+psycopg", "")) as connection:
        connection.execute((EXAMPLES / "orders.sql").read_bytes())
    fields = json.loads(connection_json(deployment.url("shop")))
    wanted = {
        *NAMES,
        *(each["workflowId"] for each in workload.OWN),
        *(workload.pattern(k)[0] for k in workload.PATTERNS),
    }
    with deployment.client() as client:
        client.request("POST", "/connections", json={"connection_id": "example_sql", **fields})
        poll(lambda: wanted <= client.dag_ids() or None, seconds=SECONDS, what="the DAGs", interval=1)


def _workers_of(client: AirflowClient, instances: list[Instance]) -> dict[str, set[str]]:
    """Return the hosts on which tasks of instances ran, by instance."""
    found: dict[str, set[str]] = {}
    for each in instances:
        tasks = client.task_instances(each.workflow_id, each.run_id)
        found[str(each.id)] = {task["hostname"] for task in tasks if task["hostname"]}
    return found


def _running_on(deployment: Topology, worker: str, ids: list[UUID]) -> set[UUID]:
    """Return which instances have a step that has begun on a worker.

    Airflow calls a task running some seconds earlier; one that is lost then has not begun, and is simply done again.
    """
    running = (
        "SELECT dag_id, run_id FROM task_instance WHERE state = 'running' AND hostname = %s AND task_id LIKE 'work%%'"
    )
    begun = "SELECT instance_id FROM workflow_execution_logs WHERE event = 'step.started' AND step_id = 'work'"
    with psycopg.connect(deployment.url("airflow").replace("+psycopg", "")) as connection:
        rows = connection.execute(running, (worker,)).fetchall()
    with psycopg.connect(deployment.url().replace("+psycopg", "")) as connection:
        started = {row[0] for row in connection.execute(begun).fetchall()}
    return {instance_id(dag_id, run_id) for dag_id, run_id in rows} & started & set(ids)


def _start_sleeping(client: AirflowClient, workflow_id: str, number: int, seconds: int) -> list[UUID]:
    return [start(client, workflow_id, {"seconds": seconds}) for _ in range(number)]


def _wait_for_both_workers(deployment: Topology, ids: list[UUID]) -> dict[str, set[UUID]]:
    def look() -> dict[str, set[UUID]] | None:
        found = {worker: _running_on(deployment, worker, ids) for worker in WORKERS}
        return found if sum(map(len, found.values())) == len(ids) else None

    return poll(look, seconds=SECONDS, what="tasks on both workers", interval=0.5)


def _assert_unharmed(instances: list[Instance], path: list[str]) -> None:
    assert [(each.status, each.error) for each in instances] == [("completed", None)] * len(instances)
    assert [path_of(each) for each in instances] == [path] * len(instances)


def test_every_kind_of_step_runs_on_both_workers(deployment: Topology) -> None:
    """Every example, a loop, forEach, a sub-workflow and an approval, all beside each other."""
    url = deployment.url()
    with deployment.client() as client:
        runs = {case: client.trigger(case.partition(".")[0], read_input(case))["dag_run_id"] for case in CASES}
        own = {kind: start(client, *workload.pattern(kind)) for kind in workload.PATTERNS}
        own |= {kind: start(client, f"celery.{kind}", {}) for kind in ("parent", "approved")}
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(_approve, deployment, own["approved"])
            for case, run_id in runs.items():
                answer_all(deployment.client, case.partition(".")[0], run_id, seconds=SECONDS)
            asked.result()
        examples = ends(url, [instance_id(case.partition(".")[0], run) for case, run in runs.items()], seconds=SECONDS)
        ended = dict(zip(own, ends(url, own.values(), seconds=SECONDS), strict=True))
        used = set().union(*_workers_of(client, examples).values())

    for case, instance in zip(CASES, examples, strict=True):
        assert_as_expected(case, instance)
    assert {kind: (each.status, each.error) for kind, each in ended.items()} == dict.fromkeys(own, ("completed", None))
    assert ended["loop"].output == {"drafts": 2, "reviews": 3, "shortened": True}
    assert ended["items"].output == {"shipped": 3}
    assert used >= set(WORKERS)


def _approve(deployment: Topology, instance: UUID) -> None:
    with deployment.client(OPERATOR) as client:
        answer_question(client, instance, SECONDS)


def test_an_instance_keeps_its_version_with_nothing_shared_on_disk(deployment: Topology) -> None:
    with deployment.client() as client:
        old = start(client, "celery.pinned", {"key": "old"})
        _wait_for_event(deployment, old)
        deployment.command("apply", str(workload.write(deployment.folder / "second", [workload.pinned(2)])))
        new = poll(lambda: _started(client, "celery.pinned", {"key": "new"}), seconds=SECONDS, what="a start")
        _wait_for_event(deployment, new)
        for key in ("old", "new"):
            event = {"specversion": "1.0", "id": key, "source": "/celery", "type": "celery.go", "data": {"key": key}}
            client.workflows("POST", "/events", json=event)
    first, second = ends(deployment.url(), [old, new], seconds=SECONDS)
    assert (path_of(first), path_of(second)) == (["first", "wait", "last1"], ["first", "wait", "last2"])


def _started(client: AirflowClient, workflow_id: str, given: dict[str, Any]) -> UUID | None:
    try:
        return start(client, workflow_id, given)
    except Conflict:
        # Published, and not loaded by Airflow yet: the answer says when to ask again.
        return None


def _wait_for_event(deployment: Topology, instance: UUID) -> None:
    query = "SELECT 1 FROM workflow_event_waits WHERE instance_id = %s AND status = 'waiting'"
    with psycopg.connect(deployment.url().replace("+psycopg", ""), autocommit=True) as connection:
        poll(
            lambda: connection.execute(query, (instance,)).fetchone(),
            seconds=SECONDS,
            what="the instance to wait for its event",
            interval=0.5,
        )


def test_logs_come_from_the_worker_that_ran_the_task(deployment: Topology) -> None:
    with deployment.client() as client:
        (ended,) = ends(deployment.url(), _start_sleeping(client, "celery.once", 1, 0), seconds=SECONDS)
        tasks = client.task_instances(ended.workflow_id, ended.run_id)
        work = next(each for each in tasks if each["task_id"].startswith("work"))
        text = client.task_log(ended.workflow_id, ended.run_id, work["task_id"])
    assert work["hostname"] in WORKERS
    assert "sleep 0" in text


def test_a_worker_that_is_asked_to_stop_finishes_its_steps(deployment: Topology) -> None:
    with deployment.client() as client:
        ids = _start_sleeping(client, "celery.once", 2, 15)
        placed = _wait_for_both_workers(deployment, ids)
        worker = max(placed, key=lambda name: len(placed[name]))
        deployment.stop(worker)
        deployment.start(worker)
    _assert_unharmed(ends(deployment.url(), ids, seconds=SECONDS), ["work", "after"])


def test_what_a_worker_did_when_its_power_failed_is_done_again_or_lost_as_the_policy_says(deployment: Topology) -> None:
    with deployment.client() as client:
        retried = _start_sleeping(client, "celery.retried", 2, 20)
        once = _start_sleeping(client, "celery.once", 2, 20)
        placed = _wait_for_both_workers(deployment, [*retried, *once])
        worker = max(placed, key=lambda name: len(placed[name]))
        deployment.power_off(worker)
        ended = {each.id: each for each in ends(deployment.url(), [*retried, *once], seconds=SECONDS)}
        deployment.power_on(worker)

    for each in retried:
        assert (ended[each].status, ended[each].error) == ("completed", None)
        assert ended[each].state.steps["work"].attempt == (2 if each in placed[worker] else 1)
    for each in once:
        if each in placed[worker]:
            assert ended[each].status == "failed"
            assert ended[each].error is not None
            assert ended[each].error["type"] == "WorkerLost"
        else:
            assert (ended[each].status, ended[each].error) == ("completed", None)


@pytest.mark.parametrize("server", ["api-server", "scheduler-1"])
def test_steps_live_through_a_restart_of(server: str, deployment: Topology) -> None:
    with deployment.client() as client:
        ids = _start_sleeping(client, "celery.once", 2, 10)
        _wait_for_both_workers(deployment, ids)
    deployment.power_off(server)
    if server == "api-server":
        # The tasks end meanwhile, and cannot tell.
        time.sleep(15)
        deployment.power_on(server)
    _assert_unharmed(ends(deployment.url(), ids, seconds=SECONDS), ["work", "after"])
    if server != "api-server":
        deployment.power_on(server)
    deployment.wait_until_well()


@pytest.mark.parametrize("server", ["redis", "postgres"])
def test_steps_live_through_a_minute_without(server: str, deployment: Topology) -> None:
    """Steps that run when it goes away, and steps that become due meanwhile, are done as if nothing had happened."""
    with deployment.client() as client:
        ids = _start_sleeping(client, "celery.once", 2, 10)
        _wait_for_both_workers(deployment, ids)
        deployment.stop(server)
        began = time.monotonic()
        if server == "redis":
            ids += _start_sleeping(client, "celery.once", 1, 1)
        time.sleep(max(0.0, began + OUTAGE - time.monotonic()))
        deployment.start(server)
    _assert_unharmed(ends(deployment.url(), ids, seconds=SECONDS), ["work", "after"])
    deployment.wait_until_well()


def test_tasks_reach_airflow_below_its_path_and_nowhere_else(deployment: Topology) -> None:
    address = f"http://{deployment.hosts['api-server'].address}:8080"
    assert httpx.get(f"{address}{PATH}/execution/health", timeout=60).status_code == 200
    assert httpx.get(f"{address}/execution/health", timeout=60).status_code == 404
    assert httpx.get(f"{address}{PATH}/workflows/health", timeout=60).status_code == 200
