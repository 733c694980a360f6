"""What is down is said so, with a time to come back, and nothing is half done."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import sql
from sqlalchemy.exc import InternalError

from airflow_workflow_provider.api.problems import database_problem
from airflow_workflow_provider.local.ports import free_port
from airflow_workflow_provider.local.postgres import PostgresServer
from tests.support.api import Api, problem, runs
from tests.support.documents import workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def unavailable(answer: Any, code: str) -> None:
    problem(answer, 503, code)
    assert answer.headers["Retry-After"] == "5"


def test_the_workflow_database_is_down(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.api import services

    api.publish(workflow())
    client = api.as_role("admin")
    url = f"postgresql://nobody:hidden-word@127.0.0.1:{free_port()}/nothing"
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", url)
    services._configured.cache_clear()
    for answer in (
        client.get("definitions"),
        client.put("definitions/example", json=workflow(version="2.0.0")),
        client.post("definitions/example/instances", json={}),
        client.get("instances"),
    ):
        unavailable(answer, "store-unavailable")
        assert "hidden-word" not in answer.text
    assert runs("example") == []


def test_the_workflow_database_is_not_defined_or_not_migrated(
    api: Api, monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    from airflow_workflow_provider.api import services

    client = api.as_role("viewer")
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", empty_database_url.replace("postgresql+psycopg", "postgresql"))
    services._configured.cache_clear()
    unavailable(client.get("definitions"), "store-not-migrated")
    services._configured().database.close()
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", "http://elsewhere")
    services._configured.cache_clear()
    unavailable(client.get("definitions"), "bad-connection")


def test_the_workflow_database_takes_no_writes(
    api: Api, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_workflow_provider.api import services

    api.publish(workflow())
    monkeypatch.setattr(services, "PATIENCE", 0.5)
    services._configured.cache_clear()
    client, key = api.as_role("admin"), {"Idempotency-Key": "k"}
    name = sql.Identifier(str(api.database.url.database))
    postgres_server.administer(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(name))
    for answer in (
        client.put("definitions/example", json=workflow(version="2.0.0")),
        client.post("definitions/example/instances", json={}, headers=key),
        client.post("events", json={"id": "1", "source": "/s", "type": "t", "specversion": "1.0"}),
    ):
        unavailable(answer, "store-read-only")
    assert client.get("definitions").status_code == 200
    assert runs("example") == []
    postgres_server.administer(sql.SQL("ALTER DATABASE {} RESET default_transaction_read_only").format(name))
    assert client.post("definitions/example/instances", json={}, headers=key).status_code in (200, 201)
    assert len(runs("example")) == 1


@pytest.mark.parametrize("state", ["25006", "53100", "53200", "55P03"])
def test_airflows_database_has_trouble_that_passes(state: str) -> None:
    original = type("Error", (Exception,), {"sqlstate": state})("made up")
    answer = database_problem(InternalError("SELECT 1", {}, original))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"


def test_airflows_database_is_down(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow import settings
    from sqlalchemy import create_engine
    from sqlalchemy.orm import sessionmaker

    api.publish(workflow())
    client = api.as_role("admin")
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    monkeypatch.setattr(settings, "Session", sessionmaker(engine))
    monkeypatch.setattr(settings, "NonScopedSession", sessionmaker(engine), raising=False)
    unavailable(client.post("definitions/example/instances", json={}), "airflow-unavailable")
    unavailable(client.put("definitions/example", json=workflow(version="2.0.0")), "airflow-unavailable")
    monkeypatch.undo()
    assert runs("example") == []
    with api.database.begin() as connection:
        assert connection.exec_driver_sql("SELECT version FROM workflow_definitions").scalar_one() == "1.0.0"


def test_the_workflow_database_goes_while_an_instance_starts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.errors import StoreUnavailable
    from airflow_workflow_provider.instances.session import InstanceSession

    def gone(*_: Any, **__: Any) -> None:
        message = "gone"
        raise StoreUnavailable(message)

    api.publish(workflow())
    client = api.as_role("user")
    with monkeypatch.context() as patch:
        patch.setattr(InstanceSession, "change", gone)
        answer = client.post("definitions/example/instances", json={}, headers={"Idempotency-Key": "k"})
    # It is started: refused, it would be started twice by a client that has no key for it.
    assert answer.status_code == 201
    again = client.post("definitions/example/instances", json={}, headers={"Idempotency-Key": "k"})
    assert again.status_code == 200
    assert [each for each in answer.json() if answer.json()[each] != again.json()[each]] == ["startedAt", "updatedAt"]
    assert len(runs("example")) == 1
