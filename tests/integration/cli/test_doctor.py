"""``doctor``: what it finds, and that each finding says what to do."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from airflow_workflow_provider import __version__
from airflow_workflow_provider.cli import doctor
from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.comparing import Comparisons
from airflow_workflow_provider.store.database import Database

pytestmark = pytest.mark.postgres


@pytest.fixture(autouse=True)
def _here(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    monkeypatch.setenv(doctor.BUNDLES_VARIABLE, json.dumps([{"name": "w", "classpath": doctor.BUNDLE}]))
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_TOKEN", "made-up")


def found(check: str) -> list[tuple[str, str, str]]:
    return [(each.level, each.message, each.fix) for each in doctor.examine() if each.check == check]


def test_each_finding_that_is_not_well_states_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--output", "json"]) == 1
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert not report["healthy"]
    levels = {each["check"]: each["level"] for each in report["findings"]}
    assert levels["configuration"] == levels["bundle"] == levels["database"] == levels["migrations"] == "ok"
    assert levels["clock"] == levels["events"] == levels["reconciliation"] == levels["questions"] == "ok"
    # Nothing listens there.
    assert levels["api-server"] == "error"
    assert all(each["fix"] for each in report["findings"] if each["level"] != "ok" and each["check"] != "api-server")


def test_the_database_is_looked_at(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Database(database_url) as database:
        Comparisons(database).note_look(2)
        assert found("reconciliation")[0][0] == "error"
        with database.begin() as connection:
            connection.execute(text("UPDATE workflow_alembic_version SET version_num = '0001'"))
    ((level, message, fix),) = found("migrations")
    assert (level, fix) == ("error", "airflow-workflows db migrate")
    assert "pending" in message
    monkeypatch.setenv(
        "AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url.replace("127.0.0.1", "127.0.0.2"))
    )
    ((level, _, _),) = found("database")
    assert level == "error"


def test_hosts_with_another_version_or_a_wrong_clock_are_said(database_url: str) -> None:
    add = text("INSERT INTO workflow_hosts VALUES (:host, :version, make_interval(secs => :ahead), now() - :age)")
    with Database(database_url) as database, database.begin() as connection:
        for host, version, ahead, age in (
            ("worker-1", __version__, 0.1, timedelta(minutes=2)),
            ("worker-2", "0.0.9", -300, timedelta(minutes=3)),
            ("worker-3", "0.0.1", 0, timedelta(hours=2)),
        ):
            connection.execute(add, {"host": host, "version": version, "ahead": ahead, "age": age})
    (other,) = found("versions")
    assert other[:2] == ("warning", f"Host worker-2 has version 0.0.9, this command {__version__} (seen 3 min ago)")
    here, there = found("clock")
    assert here[0] == "ok"
    assert there[:2] == ("error", "The clocks of host worker-2 and of the database differ by 300.0 s")


def test_a_configuration_that_cannot_be_read_is_the_only_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ON_MISSING_RUN", "perhaps")
    (finding,) = doctor.examine()
    assert (finding.check, finding.level) == ("configuration", "error")
    assert "recreate or fail" in finding.message
    assert finding.fix


def test_a_bundle_that_is_not_configured_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for given in ("[]", "nonsense", '{"name": "w"}', '[{"classpath": "else"}, 3]'):
        monkeypatch.setenv(doctor.BUNDLES_VARIABLE, given)
        assert [level for level, *_ in found("bundle")] == ["warning"], given


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["w", "w"], ["names 'w' more than once", "has 2 bundles"]),
        (["w", "x"], ["has 2 bundles"]),
    ],
)
def test_bundles_that_hide_or_double_each_other_are_said(
    monkeypatch: pytest.MonkeyPatch, names: list[str], words: list[str]
) -> None:
    monkeypatch.setenv(
        doctor.BUNDLES_VARIABLE, json.dumps([{"name": name, "classpath": doctor.BUNDLE} for name in names])
    )
    said = found("bundle")
    assert [level for level, *_ in said] == ["error"] * len(words)
    assert all(each in message and fix for each, (_, message, fix) in zip(words, said, strict=True))


def test_a_name_that_another_bundle_takes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"name": "w", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle"}
    monkeypatch.setenv(doctor.BUNDLES_VARIABLE, json.dumps([{"name": "w", "classpath": doctor.BUNDLE}, other]))
    ((level, message, _),) = found("bundle")
    assert (level, "more than once" in message) == ("error", True)


@pytest.mark.parametrize(
    ("variable", "option", "level"),
    [
        ("AIRFLOW__WORKFLOWS__SPOOL_FOLDER", "[workflows] spool_folder", "warning"),
        (doctor.FOLDER_VARIABLE, "[dag_processor] dag_bundle_storage_path", "error"),
    ],
)
def test_a_disk_that_cannot_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, option: str, level: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "new" / "folder"))
    assert [each for each, *_ in found("disk")] == ["ok", "ok"]
    assert list(tmp_path.iterdir()) == []
    # Root may write everywhere, but not below a file.
    (tmp_path / "new").write_text("")
    ((found_level, message, fix),) = [each for each in found("disk") if each[0] != "ok"]
    assert found_level == level
    assert str(tmp_path / "new" / "folder") in message
    assert option in fix


@pytest.mark.parametrize(("seconds", "level"), [(0.5, "ok"), (-5, "warning"), (40, "error"), (-3600, "error")])
def test_clocks_that_differ_are_said(seconds: float, level: str) -> None:
    assert doctor._clock(timedelta(seconds=seconds)).level == level
