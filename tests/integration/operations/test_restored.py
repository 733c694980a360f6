"""A database that was restored from an older backup, either one, with copies that PostgreSQL makes (rules I1, I2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from psycopg import sql

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.suspension import RESTORED_BY
from airflow_workflow_provider.listeners.settling import settle_configured
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.operations.ended_run import EndedRun
from airflow_workflow_provider.plan.positions import POSITION
from airflow_workflow_provider.store.comparing import Comparisons
from airflow_workflow_provider.store.instances import Instance, Instances
from tests.integration.operations.test_reconcile import aged, asked, found, reconciled, reconciler, step_done
from tests.support.api import Api, end_run, moved, runs, start_of
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

PLAIN = workflow(step("a"), step("b"), step("c"), workflowId="plain")
ORDER = workflow(
    step("reserve"),
    step("decide", "approval", arguments={"assignees": {"users": ["user"]}, "subject": "Pay?"}),
    step("ship"),
    workflowId="order",
)
RESTORED = ("database-restored", "rewind", "fixed", None)


@dataclass
class Backups:
    """Copies of databases."""

    server: PostgresServer
    workflows: str

    def take(self, name: str) -> str:
        """Copy a database; return the name of the copy."""
        copy = f"backup_{uuid4().hex}"
        self._copy(name, copy)
        return copy

    def restore(self, name: str, copy: str) -> None:
        """Put a copy in the place of a database."""
        self._disconnect(name)
        self.server.drop_database(name)
        self._copy(copy, name)

    def _copy(self, source: str, target: str) -> None:
        self._disconnect(source)
        self.server.create_database(target, template=source)

    def _disconnect(self, name: str) -> None:
        query = sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}")
        self.server.administer(query.format(sql.Literal(name)))


@pytest.fixture
def backups(postgres_server: PostgresServer, database_url: str) -> Iterator[Backups]:
    found = Backups(postgres_server, urlsplit(database_url).path.lstrip("/"))
    yield found
    from airflow.settings import dispose_orm, reconfigure_orm

    # Connections of the pool that the server has ended are of no use to the next test.
    dispose_orm(do_log=False)
    reconfigure_orm()


METADATA = "airflow_metadata"


def task_ran(api: Api, wanted: str, step_id: str) -> None:
    """Let the task of a step run to its end, as a worker does: store, leave the position, end in Airflow."""
    moved(api, wanted, step_done(step_id))
    left(instance(api, wanted), step_id)


def answer_used(api: Api, wanted: str, step_id: str) -> None:
    """Let the task of a step that waited for an answer run to its end."""

    def succeed(machine: Machine) -> None:
        now = datetime.now(UTC)
        machine.begin("", step_id, "old", now, generation=3)
        machine.succeed("", step_id, "old", {"decision": "approve"}, now)

    moved(api, wanted, succeed)
    left(instance(api, wanted), step_id)


def left(stored: Instance, step_id: str) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select, update

    with create_session() as session:
        where = (TaskInstance.run_id == stored.run_id, TaskInstance.task_id == step_id)
        session.execute(update(TaskInstance).where(*where).values(state="success", try_number=1))
        number = session.scalar(select(DagRun.id).where(DagRun.run_id == stored.run_id))
        place = {"dag_run_id": number, "dag_id": stored.dag_id, "run_id": stored.run_id, "task_id": step_id}
        position = stored.state.sequence
        session.merge(XComModel(**place, map_index=-1, key=POSITION, value=position, timestamp=datetime.now(UTC)))


def wait_in_airflow(wanted: Instance, task_id: str, ago: timedelta = timedelta(minutes=2)) -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        where = (TaskInstance.run_id == wanted.run_id, TaskInstance.task_id == task_id)
        values = {"state": "awaiting_input", "updated_at": datetime.now(UTC) - ago, "next_method": "answered"}
        session.execute(update(TaskInstance).where(*where).values(**values))


def tasks(wanted: Instance) -> dict[str, str | None]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.execute(
            select(TaskInstance.task_id, TaskInstance.state).where(TaskInstance.run_id == wanted.run_id)
        )
        return {row.task_id: row.state for row in rows}


def instance(api: Api, wanted: str) -> Instance:
    return Instances(api.database).get(UUID(wanted))


def begun(api: Api, wanted: str, step_id: str, *, generation: int = 9) -> str:
    """Return what the task of a step is to do that starts again, by default after it was cleared."""
    actions: list[str] = []
    moved(
        api,
        wanted,
        lambda machine: actions.append(
            machine.begin("", step_id, "new", datetime.now(UTC), generation=generation).action
        ),
    )
    return actions[0]


# The workflow database is older


def test_nothing_is_found_while_instances_are_as_new_as_their_tasks(api: Api) -> None:
    wanted = start_of(api, PLAIN)
    task_ran(api, wanted, "a")
    before = instance(api, wanted)
    assert found(reconciler(api)) == []
    assert instance(api, wanted) == before


def test_an_instance_that_is_older_than_its_run_is_suspended_and_its_run_starts_again(
    api: Api, backups: Backups
) -> None:
    wanted = start_of(api, PLAIN)
    task_ran(api, wanted, "a")
    backup = backups.take(backups.workflows)
    task_ran(api, wanted, "b")
    backups.restore(backups.workflows, backup)

    assert found(reconciler(api), dry_run=True) == [("database-restored", "rewind", "would", None)]
    assert found(reconciler(api)) == [RESTORED]
    restored = instance(api, wanted)
    assert restored.status == "suspended"
    assert restored.state.suspension is not None
    assert restored.state.suspension.by == RESTORED_BY
    assert Comparisons(api.database).restored() == 1
    assert reconciled(api, wanted) == [{"found": "database-restored", "did": "instance-suspended"}]
    assert set(tasks(restored).values()) == {None}
    # The step whose result is stored is not repeated; the one that is not known waits for a decision.
    assert (begun(api, wanted, "a"), begun(api, wanted, "b")) == ("decided", "hold")
    assert found(reconciler(api)) == []
    resumed = api.as_role("op").post(f"instances/{wanted}/resume", json={})
    assert resumed.status_code == 200, resumed.text
    assert begun(api, wanted, "b") == "run"
    # An operator who clears a step whose result is stored has it run again.
    assert instance(api, wanted).state.steps["a"].generation == 9


class Died(BaseException):
    """Stands for the death of a process: nobody handles it."""


@pytest.mark.parametrize("place", ["restored.suspended", "restored.cleared"])
def test_a_process_that_dies_in_between_leaves_what_the_next_one_completes(
    api: Api, backups: Backups, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    wanted = start_of(api, PLAIN)
    task_ran(api, wanted, "a")
    backup = backups.take(backups.workflows)
    task_ran(api, wanted, "b")
    backups.restore(backups.workflows, backup)

    def die(name: str) -> None:
        if name == place:
            raise Died

    with monkeypatch.context() as patched:
        patched.setattr("airflow_workflow_provider.operations.rewinding.failpoint", die)
        with pytest.raises(Died):
            reconciler(api).look()
    restored = instance(api, wanted)
    assert restored.status == "suspended"
    assert tasks(restored)["b"] == ("success" if place == "restored.suspended" else None)

    assert found(reconciler(api)) == [RESTORED]
    assert set(tasks(restored).values()) == {None}
    assert reconciled(api, wanted) == [{"found": "database-restored", "did": "instance-suspended"}]
    assert (begun(api, wanted, "a"), begun(api, wanted, "b")) == ("decided", "hold")
    assert found(reconciler(api)) == []


@pytest.mark.parametrize("state", ["success", "failed"])
def test_the_end_of_a_run_is_not_that_of_an_instance_that_has_forgotten_what_led_there(
    api: Api, backups: Backups, state: str
) -> None:
    wanted = start_of(api, PLAIN)
    task_ran(api, wanted, "a")
    backup = backups.take(backups.workflows)
    for each in ("b", "c"):
        task_ran(api, wanted, each)
    assert instance(api, wanted).status == "completed"
    end_run("plain", state)
    backups.restore(backups.workflows, backup)

    assert found(reconciler(api)) == [RESTORED]
    assert (instance(api, wanted).status, instance(api, wanted).output) == ("suspended", None)
    assert [run.state for run in runs("plain")] == ["queued"]
    assert found(reconciler(api)) == []


def test_the_listener_makes_up_no_result_either(api: Api, backups: Backups) -> None:
    wanted = start_of(api, PLAIN)
    backup = backups.take(backups.workflows)
    for each in ("a", "b", "c"):
        task_ran(api, wanted, each)
    backups.restore(backups.workflows, backup)
    (run,) = runs("plain")
    end_run("plain", "success")
    assert settle_configured(EndedRun("plain", run.run_id, run.conf, succeeded=True, reason="success"))
    assert instance(api, wanted).status == "suspended"
    assert found(reconciler(api)) == [RESTORED]


def test_what_a_person_marked_as_success_is_no_restore(api: Api) -> None:
    wanted = start_of(api, PLAIN)
    task_ran(api, wanted, "a")
    end_run("plain", "success")
    assert found(reconciler(api)) == [("run-ended", "settle", "fixed", None)]
    assert instance(api, wanted).status == "completed"


def test_an_instance_that_the_backup_does_not_have_is_made_again(api: Api, backups: Backups) -> None:
    api.publish(PLAIN), api.publish(ORDER)
    backup = backups.take(backups.workflows)
    active, ended = (start_of(api, PLAIN, input={"n": number}) for number in (1, 2))
    for each in (active, ended):
        task_ran(api, each, "a")
    asking = start_of(api, ORDER)
    task_ran(api, asking, "reserve")
    run = instance(api, ended)
    _end(run.run_id)
    reconciler(api).look()
    backups.restore(backups.workflows, backup)
    # The backup has the last look, and so the moment from which instances may be missing.
    Comparisons(api.database).note_look(0)

    assert {(each.found, each.outcome) for each in reconciler(api).look().findings} == {("database-restored", "fixed")}
    for each, given in ((active, {"n": 1}), (ended, {"n": 2}), (asking, {})):
        made = instance(api, each)
        assert (made.status, made.input) == ("suspended", given)
        assert reconciled(api, each) == [{"found": "database-restored", "did": "instance-suspended"}]
    assert found(reconciler(api)) == []


def _end(run_id: str) -> None:
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.run_id == run_id).values(state="success"))


def test_an_open_question_stays_open_where_its_answer_was_lost(api: Api, backups: Backups) -> None:
    wanted = start_of(api, ORDER)
    question = asked(api, wanted)
    backup = backups.take(backups.workflows)
    answer = api.as_role("user").post(f"questions/{question}/answer", json={"decision": "approve"})
    assert answer.status_code == 200, answer.text
    answer_used(api, wanted, "decide")
    backups.restore(backups.workflows, backup)

    assert found(reconciler(api)) == [RESTORED]
    open_again = api.as_role("user").get(f"questions/{question}").json()
    assert (open_again["status"], instance(api, wanted).status) == ("open", "suspended")
    assert begun(api, wanted, "decide") == "resume"


def test_an_instance_that_had_ended_states_what_was_lost(api: Api, backups: Backups) -> None:
    from airflow_workflow_provider.engine.manual_override import cancel

    wanted = start_of(api, PLAIN)
    task_ran(api, wanted, "a")
    moved(api, wanted, lambda machine: cancel(machine, "not wanted", datetime.now(UTC)))
    backup = backups.take(backups.workflows)
    assert api.as_role("op").post(f"instances/{wanted}/retry", json={}).status_code == 200
    task_ran(api, wanted, "b")
    backups.restore(backups.workflows, backup)
    assert found(reconciler(api)) == [RESTORED]
    assert instance(api, wanted).status == "failed"
    assert reconciled(api, wanted) == [{"found": "database-restored", "did": "instance-left"}]
    assert found(reconciler(api)) == []


# Airflow's database is older


def test_an_older_airflow_has_missing_runs_made_and_the_others_follow_what_is_stored(
    api: Api, backups: Backups
) -> None:
    early = start_of(api, PLAIN)
    backup = backups.take(METADATA)
    late = start_of(api, PLAIN)
    for each in (early, late):
        task_ran(api, each, "a")
    backups.restore(METADATA, backup)
    aged(api)
    assert found(reconciler(api)) == [("run-missing", "recreate", "fixed", None)]
    assert len(runs("plain")) == 2
    assert begun(api, early, "a", generation=0) == "decided"
    # A clearing in the older Airflow has the step run again, although a newer one had counted more of them.
    assert begun(api, early, "a", generation=1) == "run"


def test_a_task_of_an_older_airflow_that_waits_for_an_answer_that_was_given_is_woken(
    api: Api, backups: Backups
) -> None:
    wanted = start_of(api, ORDER)
    question = asked(api, wanted)
    wait_in_airflow(instance(api, wanted), "decide")
    backup = backups.take(METADATA)
    aged(api)
    assert found(reconciler(api)) == []
    assert api.as_role("user").post(f"questions/{question}/answer", json={"decision": "approve"}).status_code == 200
    answer_used(api, wanted, "decide")
    with api.database.begin() as connection:
        connection.exec_driver_sql("DELETE FROM workflow_wakeups")
    backups.restore(METADATA, backup)
    aged(api)
    assert found(reconciler(api), dry_run=True) == [("task-waiting", "wake", "would", None)]
    assert found(reconciler(api)) == [("task-waiting", "wake", "fixed", None)]
    assert reconciled(api, wanted) == [{"found": "task-waiting", "did": "task-woken", "tasks": ["decide"]}]
    with api.database.begin() as connection:
        (row,) = connection.exec_driver_sql("SELECT task_id, question_id FROM workflow_wakeups").all()
    assert (row.task_id, str(row.question_id)) == ("decide", question)


# Both are older


def test_both_older_by_different_amounts_is_as_if_one_were(api: Api, backups: Backups) -> None:
    wanted = start_of(api, PLAIN)
    of_workflows = backups.take(backups.workflows)
    task_ran(api, wanted, "a")
    of_airflow = backups.take(METADATA)
    task_ran(api, wanted, "b")
    backups.restore(backups.workflows, of_workflows)
    backups.restore(METADATA, of_airflow)
    assert found(reconciler(api)) == [RESTORED]
    assert begun(api, wanted, "a") == "hold"
    assert found(reconciler(api)) == []
