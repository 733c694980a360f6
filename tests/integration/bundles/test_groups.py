"""Many workflows: several in one DAG file, and what is wrong with one of them concerns that one only."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.configuration import conf
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.utils.file import list_py_file_paths
from sqlalchemy import Engine, event, text

from airflow_workflow_provider.bundles import workflow as bundles
from airflow_workflow_provider.bundles.workflow import WorkflowDagBundle
from airflow_workflow_provider.dag import grouped
from airflow_workflow_provider.dag.grouped import entry_path, group_file
from airflow_workflow_provider.dag.source import file_name
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.store.database import Database
from tests.support.airflow import CONNECTION
from tests.support.store import document, publish

pytestmark = pytest.mark.postgres

NAMES = ("alpha", "beta", "gamma")
ONE_GROUP = "000"


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for bundles, where every workflow is in the same group."""
    monkeypatch.setenv(CONNECTION, connection_json(database_url))
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path))
    monkeypatch.setattr(bundles, "OWN_FILES", 0)
    monkeypatch.setattr(grouped, "GROUPS", 1)
    return tmp_path


@pytest.fixture
def stored(database: Database) -> Database:
    for name in NAMES:
        publish(database, document(workflow_id=name))
    return database


def bundle(version: str | None = None) -> WorkflowDagBundle:
    made = WorkflowDagBundle(name="workflows", version=version)
    made.initialize()
    return made


def read(made: WorkflowDagBundle, name: str) -> BundleDagBag:
    """Read a DAG file as Airflow does."""
    return BundleDagBag(
        dag_folder=str(made.path / name), bundle_path=made.path, bundle_name="workflows", safe_mode=False
    )


def listed(made: WorkflowDagBundle) -> list[str]:
    """Return the names of the files that Airflow reads."""
    names = (Path(path).relative_to(made.path) for path in list_py_file_paths(made.path))
    return sorted(str(name) for name in names if name.name != "workflow_maintenance.py")


def version(made: WorkflowDagBundle) -> str:
    return made.get_current_version().version


def break_stored(database: Database, workflow_id: str) -> None:
    """Change what is stored by hand, so that it is no definition."""
    statement = "update workflow_definition_versions set document = '{\"steps\": 7}' where workflow_id = :name"
    with database.begin() as connection:
        connection.execute(text(statement), {"name": workflow_id})


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("syntax", ["glob", "regexp"])
def test_airflow_reads_one_file_of_a_group_and_no_definition(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__DAG_IGNORE_FILE_SYNTAX", syntax)
    made = bundle()
    assert listed(made) == ["workflows-000.py"]
    assert sorted(read(made, "workflows-000.py").dags) == list(NAMES)
    # Airflow shows the file to whoever may see one of them.
    assert not any(name in (made.path / "workflows-000.py").read_text() for name in NAMES)


@pytest.mark.usefixtures("stored")
def test_a_task_builds_its_own_workflow_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle()
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "beta")
    assert list(read(made, "workflows-000.py").dags) == ["beta"]
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "unknown")
    found = read(made, "workflows-000.py")
    assert (found.dags, found.import_errors) == ({}, {})


def test_a_changed_workflow_has_its_group_read_even_while_it_is_being_read(stored: Database) -> None:
    made = bundle()
    before = version(made)
    began = time.time()
    publish(stored, document("1.1.0", workflow_id="beta"))
    made.refresh()
    assert int(version(made)) == int(before) + 1
    assert (made.path / "workflows-000.py").stat().st_mtime > began + 0.9
    assert "version 1.1.0" in read(made, "workflows-000.py").dags["beta"].tags
    assert "version 1.0.0" in read(made, "workflows-000.py").dags["alpha"].tags


def test_the_oldest_have_a_file_each_and_keep_it(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "OWN_FILES", 2)
    made = bundle()
    for name in NAMES:
        publish(database, document(workflow_id=name))
        made.refresh()
    expected = ["workflow-alpha.py", "workflow-beta.py", "workflows-000.py"]
    assert listed(made) == expected
    publish(database, document("1.1.0", workflow_id="gamma"))
    publish(database, document("1.1.0", workflow_id="alpha"))
    made.refresh()
    assert (listed(made), listed(bundle())) == (expected, expected)
    tags = [sorted(dag.tags)[0] for name in expected for dag in read(made, name).dags.values()]
    assert tags == ["version 1.1.0", "version 1.0.0", "version 1.1.0"]


def test_a_workflow_that_cannot_be_built_fails_alone_under_its_own_name(stored: Database) -> None:
    break_stored(stored, "beta")
    made = bundle()
    before = version(made)
    found = read(made, "workflows-000.py")
    assert (sorted(found.dags), found.import_errors) == (["alpha", "gamma"], {})

    made.refresh()
    # Airflow looks for new files where the version is another text; everybody else reads the number.
    assert version(made) != before
    assert int(version(made)) == int(before)
    assert listed(made) == ["workflow-beta.py", "workflows-000.py"]
    assert list(read(made, "workflow-beta.py").import_errors) == ["workflow-beta.py"]
    again = version(made)
    made.refresh()
    assert version(made) == again

    # It stays alone when the dag-processor starts again, until it is published anew.
    assert listed(bundle()) == ["workflow-beta.py", "workflows-000.py"]
    publish(stored, document("1.1.0", workflow_id="beta"))
    made.refresh()
    assert version(made) == str(int(before) + 1)
    assert listed(made) == ["workflows-000.py"]
    assert sorted(read(made, "workflows-000.py").dags) == list(NAMES)


@pytest.mark.usefixtures("stored")
def test_what_airflow_refuses_after_reading_the_file_fails_alone() -> None:
    from airflow.exceptions import AirflowClusterPolicyViolation
    from airflow.policies import hookimpl
    from airflow.settings import get_policy_plugin_manager

    class Policy:
        @hookimpl
        def dag_policy(self, dag: Any) -> None:
            if dag.dag_id == "gamma":
                message = "no gamma here"
                raise AirflowClusterPolicyViolation(message)

    policy, manager = Policy(), get_policy_plugin_manager()
    manager.register(policy)
    try:
        made = bundle()
        found = read(made, "workflows-000.py")
        assert (sorted(found.dags), found.import_errors) == (["alpha", "beta"], {})
        made.refresh()
        assert "no gamma here" in read(made, "workflow-gamma.py").import_errors["workflow-gamma.py"]
    finally:
        manager.unregister(policy)


@pytest.mark.usefixtures("stored")
def test_a_workflow_at_which_a_process_dies_gets_a_file_of_its_own() -> None:
    made = bundle()
    program = (
        "import os, sys; from airflow_workflow_provider.dag import grouped; grouped.GROUPS = 1\n"
        "real = grouped._checked\n"
        "grouped._checked = lambda text, more: os._exit(9) if '\"beta\"' in text else real(text, more)\n"
        "grouped.dags_in(sys.argv[1])"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(made.path / "workflows-000.py")], check=False)
    assert ended.returncode == 9
    assert sorted(read(made, "workflows-000.py").dags) == ["alpha", "gamma"]
    made.refresh()
    assert listed(made) == ["workflow-beta.py", "workflows-000.py"]
    assert list(read(made, "workflow-beta.py").dags) == ["beta"]


def test_what_is_published_while_it_fails_stays_in_the_group(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle()
    checked = grouped._checked

    def publish_meanwhile(given: str, settings: Any) -> Any:
        if '"beta"' in given and '"1.0.0"' in given:
            publish(stored, document("1.1.0", workflow_id="beta"))
            made.refresh()
            message = "the old one is broken"
            raise ValueError(message)
        return checked(given, settings)

    monkeypatch.setattr(grouped, "_checked", publish_meanwhile)
    assert sorted(read(made, "workflows-000.py").dags) == ["alpha", "gamma"]
    assert listed(made) == ["workflows-000.py"]
    assert "version 1.1.0" in read(made, "workflows-000.py").dags["beta"].tags


def test_a_version_answers_to_both_names_of_a_file(stored: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow asks for the file by the name that it has now, whatever the name was when the run began."""
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "beta")
    old = bundle("3")
    publish(stored, document("1.1.0", workflow_id="beta"))
    for made in (old, bundle("3"), bundle("03")):
        for name in (file_name("beta"), group_file("beta")):
            found = read(made, name).dags
            assert list(found) == ["beta"]
            assert "version 1.0.0" in found["beta"].tags

    # What an earlier release has written on this worker has the one name only.
    group_stub, entry = old.path / group_file("beta"), entry_path(old.path, "beta")
    group_stub.unlink()
    entry.unlink()
    assert list(read(bundle("3"), group_file("beta")).dags) == ["beta"]


@pytest.mark.usefixtures("stored")
def test_many_files_of_an_earlier_release_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(bundles, "OWN_FILES", 99)
        earlier_release = bundle()
        assert listed(earlier_release) == [file_name(name) for name in NAMES]
    assert not (earlier_release.path / grouped.ENTRIES).exists()
    monkeypatch.setattr(bundles, "OWN_FILES", 1)
    made = bundle()
    assert listed(made) == ["workflow-alpha.py", "workflows-000.py"]
    assert sorted(read(made, "workflows-000.py").dags) == ["beta", "gamma"]
    assert listed(bundle()) == listed(made)


@pytest.mark.usefixtures("stored")
def test_a_look_without_changes_asks_one_thing() -> None:
    made = bundle()
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        made.refresh()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len([statement for statement in asked if "workflow_" in statement]) == 1, asked


def test_the_words_that_airflow_looks_for_are_there() -> None:
    assert conf.getboolean("core", "dag_discovery_safe_mode")
    assert "dag" in grouped.GROUP_SOURCE.lower()
    assert "airflow" in grouped.GROUP_SOURCE.lower()


@pytest.mark.usefixtures("stored")
def test_a_folder_that_cannot_be_written_keeps_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bundle()

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    checked = grouped._checked

    def broken(given: str, settings: Any) -> Any:
        if '"beta"' in given:
            message = "broken"
            raise ValueError(message)
        return checked(given, settings)

    monkeypatch.setattr(grouped, "_checked", broken)
    monkeypatch.setattr(grouped, "write_if_changed", full)
    found = read(made, "workflows-000.py")
    assert (sorted(found.dags), found.import_errors) == (["alpha", "gamma"], {})
