"""What is down is said so, with a time to come back, and nothing is half done."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.local.ports import free_port
from tests.fixtures.api import Api, problem, runs
from tests.fixtures.documents import workflow

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
    unavailable(answer, "store-unavailable")
    again = client.post("definitions/example/instances", json={}, headers={"Idempotency-Key": "k"})
    assert again.status_code == 200
    assert len(runs("example")) == 1
