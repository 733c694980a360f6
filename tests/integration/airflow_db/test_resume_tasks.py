"""Rule I3: which task instances are told to go on, and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.wakeups import Wakeup, Wakeups, add
from tests.support.api import Api
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

LATER = timedelta(minutes=1)


@pytest.fixture
def run_id(api: Api) -> str:
    """A run whose task ``a`` waits."""
    items = {"items": {"type": "jmespath", "expression": "`[1]`"}, "as": "n", "steps": [step("one")]}
    api.publish(workflow(step("a"), step("each", forEach=items), workflowId="waking"))
    return str(api.as_role("user").post("definitions/waking/instances", json={}).json()["runId"])


def put(run_id: str, state: str | None, method: str | None = None, task_id: str = "a") -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(
            update(TaskInstance)
            .where(TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
            .values(state=state, next_method=method, next_kwargs={})
        )


def state_of(run_id: str, task_id: str = "a") -> Any:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    query = select(TaskInstance).where(TaskInstance.run_id == run_id, TaskInstance.task_id == task_id)
    with create_session() as session:
        found = session.scalar(query)
        assert found is not None
        return found.state, found.next_kwargs


def wakeup(run_id: str, task_id: str = "a", **more: Any) -> Wakeup:
    return Wakeup(1, "waking", run_id, task_id, more.get("question_id"), datetime.now(UTC), 1)


def shown_rows(found: Wakeup, event: Any = None) -> str:
    from airflow_workflow_provider.airflow_db.resume_tasks import resume_task

    return resume_task(found, event, lambda: datetime.now(UTC) + LATER).value


def test_a_held_task_continues(run_id: str) -> None:
    put(run_id, "awaiting_input", "held")
    assert shown_rows(wakeup(run_id)) == "woken"
    state, kwargs = state_of(run_id)
    assert (state, "go on" in str(kwargs)) == ("scheduled", True)
    assert shown_rows(wakeup(run_id)) == "not yet"


@pytest.mark.parametrize("state", ["running", "queued", "scheduled", "up_for_retry", "restarting"])
def test_a_task_that_may_be_about_to_wait_is_looked_at_again(run_id: str, state: str) -> None:
    put(run_id, state)
    assert shown_rows(wakeup(run_id)) == "not yet"
    assert state_of(run_id)[0] == state


@pytest.mark.parametrize("state", ["success", "failed", "skipped", "deferred", None])
def test_what_waits_for_nothing_or_for_a_trigger_is_left_alone(run_id: str, state: str | None) -> None:
    put(run_id, state)
    assert shown_rows(wakeup(run_id)) == "gone"
    assert state_of(run_id)[0] == state


def test_a_task_that_waits_for_an_answer_is_not_notified_that_a_suspension_ended(run_id: str) -> None:
    put(run_id, "awaiting_input", "answered")
    assert shown_rows(wakeup(run_id)) == "gone"
    assert shown_rows(wakeup(run_id, question_id=uuid4()), lambda *_: {"mine": 1}) == "woken"
    assert "mine" in str(state_of(run_id)[1])


def test_what_runs_several_steps_is_notified_while_it_waits_for_a_trigger(run_id: str) -> None:
    put(run_id, "deferred", "resume", "each")
    assert shown_rows(wakeup(run_id, "each")) == "woken"
    assert state_of(run_id, "each")[0] == "scheduled"


def test_a_task_that_has_only_just_begun_to_wait_is_given_a_moment(run_id: str) -> None:
    from airflow_workflow_provider.airflow_db.resume_tasks import resume_task

    put(run_id, "awaiting_input", "held")
    assert resume_task(wakeup(run_id)).value == "not yet"


@pytest.mark.parametrize(
    ("waited", "reported", "state", "expected"),
    [
        (1, 0, "running", "not yet"),
        (10, 9, "running", "not yet"),
        (10, 7, "running", "woken"),
        # A scheduler that is slow is waited for, one that is gone is not, and none is waited for without end.
        (50, 49, "running", "not yet"),
        (50, 49, "success", "woken"),
        (3, None, "running", "woken"),
        (61, 60.5, "running", "woken"),
    ],
)
def test_a_task_is_notified_when_its_scheduler_knows_that_its_process_has_ended(
    run_id: str, waited: float, reported: float | None, state: str, expected: str
) -> None:
    from airflow.jobs.job import Job
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    from airflow_workflow_provider.airflow_db.resume_tasks import resume_task

    put(run_id, "awaiting_input", "held")
    now = datetime.now(UTC)
    with create_session() as session:
        number = None
        if reported is not None:
            # Airflow says by the real clock what is alive: so it reports now, and the rest lies before and after.
            job = Job(job_type="SchedulerJob", state=state, latest_heartbeat=now)
            session.add(job)
            session.flush()
            number = job.id
        since = now - timedelta(seconds=waited - (reported or 0))
        where = (TaskInstance.run_id == run_id, TaskInstance.task_id == "a")
        session.execute(update(TaskInstance).where(*where).values(queued_by_job_id=number, updated_at=since))
    later = now + timedelta(seconds=reported or 0)
    assert resume_task(wakeup(run_id), None, lambda: later).value == expected


def test_the_waker_forgets_what_is_done_and_comes_back_for_the_rest(
    run_id: str, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_workflow_provider.airflow_db import resume_tasks

    monkeypatch.setattr(resume_tasks, "SETTLED", timedelta())
    put(run_id, "running")
    database: Database = api.database
    with database.begin() as connection:
        add(connection, "waking", run_id, ["a"])
        add(connection, "waking", "gone", ["a"])
    waker = resume_tasks.Waker(database)
    assert waker.work() == 2
    due = Wakeups(database).next_due()
    assert due is not None
    assert timedelta() < due <= timedelta(seconds=1)
    put(run_id, "awaiting_input", "held")
    (left,) = Wakeups(database).claim(lease=timedelta(seconds=-1)) or waiting_for(database)
    assert left.run_id == run_id
    assert waker.work() == 1
    assert Wakeups(database).next_due() is None
    assert state_of(run_id)[0] == "scheduled"


def waiting_for(database: Database) -> tuple[Wakeup, ...]:
    """Make what is due later due now."""
    from sqlalchemy import func, update

    from airflow_workflow_provider.store.tables import workflow_wakeups

    with database.begin() as connection:
        connection.execute(update(workflow_wakeups).values(due_at=func.now()))
    return Wakeups(database).claim(lease=timedelta(seconds=-1))


def test_a_task_is_looked_at_less_and_less_often_and_not_forever() -> None:
    from airflow_workflow_provider.airflow_db.resume_tasks import BACKOFF

    delays = [BACKOFF.delay(n) for n in (1, 5, 6, 7, 9, 10, 11, 99, 100)]
    assert [each and each.total_seconds() for each in delays] == [1, 1, 2, 4, 16, 30, 30, 30, None]


def test_the_operator_of_regions_is_known_by_its_name() -> None:
    from airflow_workflow_provider.airflow_db.resume_tasks import REGION_OPERATOR
    from airflow_workflow_provider.operators.region import RegionOperator

    assert RegionOperator.__name__ == REGION_OPERATOR
