"""What users do in Airflow's own API, as user actions in the execution log (rule L1)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.airflow_db import table_follower
from airflow_workflow_provider.airflow_db.audit_log import CURSOR, AuditForwarder
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.cursors import Cursors
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.logs import LogRow, Logs
from tests.support.api import Api
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

SECRET = "correct-horse-battery"
ORDER = workflow(
    step("pay"),
    step("p", parallelBranches=[{"branchId": "x", "steps": [step("send")]}]),
    workflowId="order",
    inputSchema={
        "type": "object",
        "properties": {"password": {"type": "string", "writeOnly": True}, "customer": {"type": "string"}},
    },
    executionLog={"metadata": ["customer"]},
)


def forwarder(database: Database, grace: timedelta = timedelta(0)) -> AuditForwarder:
    return AuditForwarder(database, Services(database, load_settings()).definition, grace=grace)


class Audited:
    """An instance, and Airflow's own API to act on its run."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.forwarder = forwarder(api.database)
        self.forwarder.forward()  # a new reader begins behind what is there
        self.instance, self.run = self.start()

    def start(self) -> tuple[UUID, str]:
        given = {"input": {"password": SECRET, "customer": "ada"}}
        started = self._api.as_role("admin").post("definitions/order/instances", json=given).json()
        return UUID(started["id"]), started["runId"]

    def send(self, role: str, method: str, path: str, body: Any = None, *, status: int = 200) -> None:
        answer = self._api.as_role(role).request(method, f"http://testserver/api/v2/dags/{path}", json=body)
        assert answer.status_code == status, answer.text

    def mark(self, role: str, task: str, state: str, *, status: int = 200, **more: Any) -> None:
        path = f"order/dagRuns/{self.run}/taskInstances/{task}"
        self.send(role, "PATCH", path, {"new_state": state, **more}, status=status)

    def clear(self, role: str, **body: Any) -> None:
        given = {"dry_run": False, "only_failed": False, "dag_run_id": self.run, **body}
        self.send(role, "POST", "order/clearTaskInstances", given)

    def actions(self, instance: UUID | None = None) -> list[LogRow]:
        self.forwarder.forward()
        rows = Logs(self._api.database).read(instance or self.instance)
        return [each for each in rows if each.event.startswith("airflow.")]

    def data(self) -> list[tuple[str, dict[str, Any]]]:
        return [(each.event, {k: v for k, v in (each.data or {}).items() if k != "audit"}) for each in self.actions()]


@pytest.fixture
def audited(api: Api) -> Audited:
    api.publish(ORDER)
    return Audited(api)


def states(run_id: str) -> dict[str, Any]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        query = select(TaskInstance.task_id, TaskInstance.state).where(TaskInstance.run_id == run_id)
        return dict(session.execute(query).all())


def set_state(run_id: str, task: str, state: str) -> None:
    """What the scheduler and a worker would do."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        statement = update(TaskInstance).where(TaskInstance.run_id == run_id, TaskInstance.task_id == task)
        session.execute(statement.values(state=state))


def test_l1_who_marked_a_task_when_and_why(audited: Audited) -> None:
    before = datetime.now(UTC)
    audited.mark("op", "pay", "failed", note=f"the bank said no to {SECRET}")
    (row,) = audited.actions()

    assert (row.event, row.level, row.step_id) == ("airflow.marked-failed", "info", "pay")
    assert row.actor == {"id": "op", "name": "op"}
    assert before <= row.at <= datetime.now(UTC)
    assert row.message == "the bank said no to ***"
    assert row.metadata == {"customer": "ada"}
    assert audited.data() == [("airflow.marked-failed", {"via": "airflow", "task": "pay"})]
    audited.mark("admin", "pay", "success")
    audited.mark("user", "send", "skipped", include_downstream=True)
    assert [(each.event, each.actor) for each in audited.actions()[1:]] == [
        ("airflow.marked-success", {"id": "admin", "name": "admin"}),
        ("airflow.marked-skipped", {"id": "user", "name": "user"}),
    ]


def test_l1_groups_are_marked(audited: Audited) -> None:
    audited.send("op", "PATCH", f"order/dagRuns/{audited.run}/taskGroupInstances/p__x", {"new_state": "success"})
    assert audited.data() == [("airflow.marked-success", {"via": "airflow", "group": "p__x"})]
    assert audited.actions()[0].step_id is None


def test_l1_tasks_and_runs_are_cleared(audited: Audited) -> None:
    audited.mark("op", "pay", "failed")
    audited.clear("user", task_ids=["pay", "send"], include_downstream=True, note="again")
    audited.send("op", "POST", f"order/dagRuns/{audited.run}/clear", {"dry_run": False, "only_failed": False})
    many = {"dry_run": False, "dag_runs": [{"dag_run_id": audited.run}]}
    audited.send("admin", "POST", "order/clearDagRuns", many)

    assert audited.data()[1:] == [
        (
            "airflow.cleared",
            {"via": "airflow", "tasks": ["pay", "send"], "onlyFailed": False, "includeDownstream": True},
        ),
        ("airflow.cleared", {"via": "airflow", "onlyFailed": False}),
        ("airflow.cleared", {"via": "airflow"}),
    ]
    cleared = audited.actions()[1:]
    assert [each.actor and each.actor["name"] for each in cleared] == ["user", "op", "admin"]
    assert cleared[0].message == "again"


def test_l1_runs_are_marked_and_deleted(audited: Audited) -> None:
    other, other_run = audited.start()
    audited.send("op", "PATCH", f"order/dagRuns/{audited.run}", {"state": "failed", "note": "enough"})
    actions = [{"action": "update", "entities": [{"dag_run_id": other_run, "state": "success"}]}]
    audited.send("op", "PATCH", "order/dagRuns", {"actions": actions})
    (row,) = audited.actions(other)
    assert (row.event, row.data and row.data["newState"]) == ("airflow.run-marked", "success")
    audited.send("admin", "DELETE", f"order/dagRuns/{other_run}", status=204)

    assert [each.event for each in audited.actions(other)] == ["airflow.run-marked", "airflow.run-deleted"]
    assert audited.data() == [("airflow.run-marked", {"via": "airflow", "newState": "failed"})]
    assert audited.actions()[0].message == "enough"


def newest() -> int:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        return int(session.scalar(select(func.max(Log.id))) or 0)


def test_l1_what_airflow_refused_is_not_written_down(audited: Audited) -> None:
    audited.mark("viewer", "pay", "failed", status=403)
    clear = {"dry_run": False, "only_failed": False, "dag_run_id": audited.run}
    audited.send("viewer", "POST", "order/clearTaskInstances", clear, status=403)
    audited.send("viewer", "DELETE", f"order/dagRuns/{audited.run}", status=403)
    audited.mark("op", "nothing", "failed", status=404)
    audited.mark("op", "pay", "nonsense", status=422)
    # What happens to the task later is nobody's doing who was refused.
    audited.mark("admin", "pay", "failed")
    audited.clear("op", task_ids=["pay"])

    assert [(each.event, each.actor and each.actor["name"]) for each in audited.actions()] == [
        ("airflow.marked-failed", "admin"),
        ("airflow.cleared", "op"),
    ]
    assert Cursors(audited._api.database).position(CURSOR) == newest()


def test_the_audit_log_states_what_was_refused_of_workflows_only(audited: Audited) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    before = newest()
    audited.mark("viewer", "pay", "failed", status=403)
    audited.send("op", "PATCH", "no-workflow/dagRuns/r/taskInstances/t", {"new_state": "failed"}, status=404)
    with create_session() as session:
        query = select(Log).where(Log.event == "workflow.refused", Log.id > before)
        (row,) = session.scalars(query).all()
        reported = (row.owner, row.dag_id, row.run_id, json.loads(row.extra or ""))
    assert reported == ("viewer", "order", audited.run, {"audit": before + 1, "status": 403})


def test_l1_what_changed_nothing_is_passed_over_in_time(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    audited.mark("op", "pay", "failed")
    assert len(audited.actions()) == 1
    audited.clear("op", task_ids=["send"], only_failed=True)
    cursors = Cursors(audited._api.database)
    assert len(audited.actions()) == 1
    # While it is fresh it may still take effect.
    assert cursors.position(CURSOR) == newest() - 1
    monkeypatch.setattr(table_follower, "SETTLED", timedelta(0))
    assert len(audited.actions()) == 1
    assert cursors.position(CURSOR) == newest()


def test_l1_a_request_is_looked_at_when_its_refusal_would_be_known(audited: Audited) -> None:
    audited.mark("op", "pay", "failed")
    forwarder(audited._api.database, timedelta(hours=1)).forward()
    assert not [each for each in Logs(audited._api.database).read(audited.instance) if each.event.startswith("air")]
    assert len(audited.actions()) == 1


def test_l1_a_request_that_takes_effect_late_is_written_down(audited: Audited) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    with create_session() as session:
        extra = '{"new_state": "success", "method": "PATCH"}'
        names: dict[str, Any] = {"dag_id": "order", "run_id": audited.run, "task_id": "pay"}
        session.add(Log(event="patch_task_instance", owner="ada", owner_display_name="Ada", extra=extra, **names))
    assert audited.actions() == []
    set_state(audited.run, "pay", "success")
    (row,) = audited.actions()
    assert row.actor == {"id": "ada", "name": "Ada"}


def test_l1_each_action_is_written_once_however_often_it_is_read(audited: Audited, database_url: str) -> None:
    for state in ("failed", "success", "failed"):
        audited.mark("op", "pay", state)
    audited.clear("op", task_ids=["pay"])
    audited.mark("op", "pay", "success")

    def work(_: int) -> None:
        with Database(database_url, retry_for=10) as own:
            forwarder(own).forward()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    first = audited.actions()
    assert len(first) == 5
    _back(audited, 5)
    assert audited.actions() == first


def _back(audited: Audited, rows: int) -> None:
    """Put the reader back, as if it had died before its place was kept."""
    cursors = Cursors(audited._api.database)
    position = cursors.position(CURSOR)
    cursors.alone(CURSOR, 0, lambda _, there: there - rows)
    assert cursors.position(CURSOR) == position - rows


def test_l1_our_own_operations_have_their_own_rows_only(audited: Audited, api: Api) -> None:
    assert api.as_role("op").post(f"instances/{audited.instance}/cancel", json={"reason": "no"}).is_success
    assert audited.actions() == []
    rows = Logs(api.database).read(audited.instance)
    assert [each.actor and each.actor["name"] for each in rows if each.event == "instance.cancelled"] == ["op"]


def test_l1_the_start_names_who(audited: Audited, api: Api) -> None:
    (row,) = [each for each in Logs(api.database).read(audited.instance) if each.event == "instance.started"]
    assert row.actor == {"id": "admin", "name": "admin"}
    assert row.data is not None
    assert row.data["via"] == "api"


def test_rows_about_other_dags_hold_nothing_up(audited: Audited) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    with create_session() as session:
        for n in range(1200):
            names: dict[str, Any] = {"dag_id": "foreign", "run_id": f"r{n}", "task_id": "t"}
            session.add(Log(event="patch_task_instance", owner="x", extra='{"new_state": "failed"}', **names))
        for extra in ("[" * 5000, '{"task_ids": ["\\u0000"]}', '{"dag_runs": [{"dag_run_id": "\\ud800"}]}'):
            for event in ("post_clear_task_instances", "clear_dag_runs", "bulk_dag_runs"):
                session.add(Log(event=event, owner="x", extra=extra, dag_id="order", run_id="r"))
    audited.mark("op", "pay", "failed")
    assert [each.event for each in audited.actions()] == ["airflow.marked-failed"]
