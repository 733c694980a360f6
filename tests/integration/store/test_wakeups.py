"""Rule I3: tasks that are to be told to go on, each by one process, until they were told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.notices import Notices
from airflow_workflow_provider.store.wakeups import CHANNEL, Wakeups, add

pytestmark = pytest.mark.postgres


def added(database: Database, *task_ids: str) -> Wakeups:
    with database.begin() as connection:
        add(connection, "w", "r", task_ids)
    return Wakeups(database)


def test_what_was_added_is_claimed_once_until_its_lease_is_over(database: Database) -> None:
    wakeups = added(database, "a", "b")
    first = wakeups.claim()
    assert [(each.dag_id, each.run_id, each.task_id, each.attempts) for each in first] == [
        ("w", "r", "a", 1), ("w", "r", "b", 1),
    ]  # fmt: skip
    assert wakeups.claim() == ()
    wakeups.later(first[0].id, timedelta(seconds=-1))
    assert [(each.task_id, each.attempts) for each in wakeups.claim(lease=timedelta(seconds=-1))] == [("a", 2)]
    assert [(each.task_id, each.attempts) for each in wakeups.claim()] == [("a", 3)]


def test_what_was_sent_is_forgotten(database: Database) -> None:
    wakeups = added(database, "a")
    due = wakeups.next_due()
    assert due is not None
    assert due <= timedelta()
    (found,) = wakeups.claim()
    wakeups.done(found.id)
    assert wakeups.next_due() is None


def test_any_number_of_processes_claim_each_row_once(database: Database) -> None:
    wakeups = added(database, *(f"t{n}" for n in range(60)))
    with ThreadPoolExecutor(6) as pool:
        claims = list(pool.map(lambda _: wakeups.claim(10), range(12)))
    claimed = [each.task_id for claim in claims for each in claim]
    assert sorted(claimed) == sorted(f"t{n}" for n in range(60))


def test_who_listens_is_notified_with_the_transaction(database: Database) -> None:
    with Notices(database.url, CHANNEL) as notices:
        assert notices.listen()
        with database.begin() as connection:
            add(connection, "w", "r", ["a"])
            connection.rollback()
        assert not notices.wait(0.3)
        with database.begin() as connection:
            add(connection, "w", "r", ["a"], uuid4())
        assert notices.wait(5)
    (found,) = Wakeups(database).claim()
    assert found.question_id is not None


def test_nothing_to_send_writes_and_notifies_nothing(database: Database) -> None:
    assert added(database).next_due() is None
