"""A connection pooler in transaction mode: nothing may be left in a session, and nobody can listen through it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import func, select, text

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.notices import Notices
from airflow_workflow_provider.store.run_requests import CHANNEL, RunRequests
from tests.support.store import document, publish

pytestmark = pytest.mark.postgres


@pytest.fixture
def through_pooler(pooled_url: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The configuration for a pooler; the address of the database through it."""
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__LISTEN_CONN_ID", "workflows_direct")
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DIRECT", connection_json(database_url))
    return pooled_url


def test_without_the_setting_the_error_names_it(pooled_url: str) -> None:
    with Database(pooled_url, retry_for=20) as database, pytest.raises(StoreUnavailable) as refused:
        Definitions(database).highest_revision()
    assert refused.value.code == "store-behind-pooler"
    assert "listen_conn_id" in str(refused.value.suggestion)


@pytest.mark.parametrize("pooled", [True, False])
def test_many_clients_share_few_sessions(through_pooler: str, pooled: bool) -> None:
    with Database(through_pooler, pooled=pooled) as database:
        publish(database, document(workflow_id="first"))

        def read(_: int) -> int:
            # Often enough for a driver to prepare its statements.
            return len([InstanceList(database).page() for _ in range(10)]) + Definitions(database).highest_revision()

        with ThreadPoolExecutor(6) as threads:
            assert set(threads.map(read, range(12))) == {11}


def test_each_transaction_has_its_limits_and_leaves_none(through_pooler: str) -> None:
    shown = ("statement_timeout", "timezone", "idle_in_transaction_session_timeout")
    with Database(through_pooler, statement_timeout=7) as database, database.begin() as connection:
        found = [connection.execute(text(f"SHOW {name}")).scalar_one() for name in shown]
    assert found == ["7s", "UTC", "1min"]
    with psycopg.connect(through_pooler) as other:
        assert other.execute("SHOW statement_timeout").fetchone() == ("0",)


def test_a_statement_that_takes_too_long_is_ended(through_pooler: str) -> None:
    with (
        Database(through_pooler, statement_timeout=0.2, retry_for=0) as database,
        pytest.raises(StoreUnavailable) as refused,
    ):
        database.run(lambda connection: connection.execute(select(func.pg_sleep(20))))
    assert refused.value.code == "store-timeout"


def test_notices_come_by_the_direct_way(through_pooler: str) -> None:
    with Database(through_pooler) as database, Notices(database.listen_url, CHANNEL) as notices:
        assert notices.listen()
        RunRequests(database).add("a", "b", 1, {})
        assert notices.wait(20)
