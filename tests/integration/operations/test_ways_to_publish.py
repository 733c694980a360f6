"""Whoever publishes, by the API or by files, obeys the same rules: each rule, through each way (rules D2, D4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airflow_workflow_provider.cli.airflow_side import AirflowSide, airflow_is_configured
from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.store.definitions import Definitions
from tests.integration.cli.test_database_commands import connection, write
from tests.support.api import Api, load_dag
from tests.support.documents import step, workflow

if TYPE_CHECKING:
    from airflow_workflow_provider.store.database import Database

pytestmark = [pytest.mark.airflow, pytest.mark.postgres, pytest.mark.xdist_group("airflow_metadata")]

Found = tuple[str, set[str]]
"""What became of a publication (``created``, ``rejected``, …), and the codes of all findings."""

Publish = Callable[[dict[str, Any]], Found]


@pytest.fixture(params=["API", "files"])
def publish(
    request: pytest.FixtureRequest,
    api: Api,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Publish:
    def by_the_api(document: dict[str, Any]) -> Found:
        answer = api.as_role("admin").put(f"definitions/{document['workflowId']}", json=document)
        body = answer.json()
        codes = {each["code"] for each in body.get("diagnostics", [body])}
        return body.get("outcome", "rejected"), codes

    def by_files(document: dict[str, Any]) -> Found:
        capsys.readouterr()
        main(["apply", write(tmp_path, "document.json", document), "--output", "json"])
        (result,) = json.loads(capsys.readouterr().out)
        return result["outcome"], {each["code"] for each in result["diagnostics"]}

    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection(database_url))
    # As on a machine of Airflow's; the database is that of this process already.
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "as-it-is")
    return by_the_api if request.param == "API" else by_files


def audited() -> list[tuple[str, str | None, str | None, dict[str, Any]]]:
    from airflow.models.log import Log
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        rows = session.scalars(select(Log).where(Log.event.like("workflow.publish%")).order_by(Log.id)).all()
        return [(row.event, row.dag_id, row.owner, json.loads(row.extra or "null")) for row in rows]


def test_d2_what_is_wrong_is_refused(publish: Publish, database: Database) -> None:
    outcome, codes = publish(workflow(step("a"), colour="red"))
    assert outcome == "rejected"
    assert {"WF110"} <= codes
    assert Definitions(database).list() == ()


def test_people_who_are_not_there_are_named(publish: Publish) -> None:
    arguments = {"subject": "S", "assignees": {"roles": ["no-such-role"]}}
    outcome, codes = publish(workflow(step("a", "approval", arguments=arguments)))
    assert outcome == "created"
    assert "WF407" in codes


def test_the_id_of_another_dag_is_taken(publish: Publish, database: Database) -> None:
    load_dag(workflow(workflowId="foreign"), 1)
    assert publish(workflow(workflowId="foreign")) == ("rejected", {"dag-id-taken"})
    assert Definitions(database).list() == ()


def test_a_publication_is_in_airflows_audit_log(publish: Publish) -> None:
    before = len(audited())
    publish(workflow(step("a")))
    ((event, dag_id, owner, extra),) = audited()[before:]
    assert (event, dag_id, extra["version"]) == ("workflow.publish", "example", "1.0.0")
    assert owner


def test_the_version_keeps_who_published_it_and_what_its_steps_may(publish: Publish, database: Database) -> None:
    publish(workflow(step("a", "workflow:child"), step("b", "event", arguments={"type": "x"})))
    stored = Definitions(database).get("example")
    assert stored.grants == {"children": ["child"], "events": True}
    (published,) = Definitions(database).versions("example")
    assert published.created_by


def test_d4_a_version_is_published_once(publish: Publish) -> None:
    assert publish(workflow(step("a")))[0] == "created"
    assert publish(workflow(step("a")))[0] == "unchanged"
    assert publish(workflow(step("b"))) == ("rejected", {"version-reused"})


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("", False),
        ("[database]\nsql_alchemy_conn = sqlite:////x.db\n", False),
        ("[database]\nsql_alchemy_conn = postgresql://x/y%20z\n", True),
        ("[database]\nsql_alchemy_conn_cmd = echo x\n", True),
        ("[core]\nparallelism = 1\n", False),
        ("no configuration at all", False),
    ],
)
def test_a_machine_without_airflows_database_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, there: bool
) -> None:
    (tmp_path / "airflow.cfg").write_text(text)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONFIG", raising=False)
    monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", raising=False)
    assert airflow_is_configured() is there


def test_a_database_that_is_away_does_not_keep_a_definition_from_being_published(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sqlalchemy.exc import OperationalError

    from airflow_workflow_provider.airflow_db import lookups

    def away(_: str) -> bool:
        statement = "SELECT"
        raise OperationalError(statement, {}, Exception("secret words"))

    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "away")
    monkeypatch.setattr(lookups, "dag_exists", away)
    side = AirflowSide("ann")
    assert side.dag_exists("x") is False
    side.record("workflow.publish", workflow_id="x")
    err = capsys.readouterr().err
    assert "audit log gets no row" in err
    assert "secret words" not in err
