"""Rule I6: what was published before a start is what runs, or the start is refused; never an older version silently."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from airflow_workflow_provider.operations import loading
from tests.support.api import Api, load_dag, problem, runs
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

SCHEMA = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
OLD = workflow(step("check"), workflowId="order", inputSchema=SCHEMA)
NEW = workflow(step("check"), step("ship"), workflowId="order", version="2.0.0", inputSchema=SCHEMA)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts do not wait, but for the tests that say so."""
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__START_WAIT", "PT0S")


def start(
    client: Any, workflow_id: str = "order", key: str | None = None, version: str | None = None, **body: Any
) -> Any:
    headers = {"Idempotency-Key": key, "If-Version": version}
    given = {name: value for name, value in headers.items() if value is not None}
    return client.post(f"definitions/{workflow_id}/instances", json={"input": {"amount": 1}, **body}, headers=given)


def publish(client: Any, document: dict[str, Any]) -> int:
    """Publish without Airflow's knowing of it; return the revision."""
    answer = client.put(f"definitions/{document['workflowId']}", json=document)
    assert answer.status_code in (200, 201), answer.text
    return int(answer.json()["revision"])


def import_fails(file: str | None, at: datetime, bundle_version: str | None) -> None:
    """Let Airflow have failed to load a file, as its dag-processor would record it."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session

    from tests.support.airflow import BUNDLE

    with create_session() as session:
        session.add(ParseImportError(bundle_name=BUNDLE, filename=file, timestamp=at, stacktrace="NameError"))
        session.execute(update(DagBundleModel).where(DagBundleModel.name == BUNDLE).values(version=bundle_version))
        broken = update(DagModel).where(DagModel.relative_fileloc == file)
        session.execute(broken.values(has_import_errors=True, is_stale=True))


@pytest.fixture
def import_errors() -> Iterator[None]:
    """Forget the import errors of a test."""
    yield
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(ParseImportError))


def test_i6_an_older_version_is_never_run_silently(api: Api) -> None:
    api.publish(OLD)
    client = api.as_role("user")
    publish(client, NEW)
    refused = start(client)
    assert "version 2.0.0" in problem(refused, 409, "workflow-not-loaded")["detail"]
    assert refused.headers["Retry-After"] == "5"
    assert runs("order") == []


def test_i6_a_start_waits_until_the_version_is_loaded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__START_WAIT", "PT60S")
    api.publish(OLD)
    client = api.as_role("user")
    revision = publish(client, NEW)
    looked = threading.Event()

    def load_now(_: float) -> None:
        looked.set()
        load_dag(NEW, revision)

    monkeypatch.setattr("airflow_workflow_provider.operations.loading.time.sleep", load_now)
    body = start(client).json()
    assert looked.is_set()
    assert (body["version"], body["revision"]) == ("2.0.0", revision)
    assert [run.bundle_version for run in runs("order")] == [str(revision)]


def test_i6_a_new_workflow_is_waited_for_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__START_WAIT", "PT60S")
    client = api.as_role("user")
    revision = publish(client, {**NEW, "workflowId": "fresh"})
    fresh = {**NEW, "workflowId": "fresh"}
    monkeypatch.setattr("airflow_workflow_provider.operations.loading.time.sleep", lambda _: load_dag(fresh, revision))
    assert start(client, "fresh").json()["version"] == "2.0.0"


def test_i6_a_run_is_of_the_version_that_was_serialized_not_of_the_one_that_was_parsed(api: Api) -> None:
    """Airflow notes a new bundle version at once and may write the DAG itself half a minute later."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    old = api.publish(OLD)
    client = api.as_role("user")
    revision = publish(client, NEW)
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "order").values(bundle_version=str(revision)))
    problem(start(client), 409, "workflow-not-loaded")
    body = start(client, minRevision=0).json()
    assert (body["version"], body["revision"]) == ("1.0.0", old)
    (run,) = runs("order")
    assert run.bundle_version == str(old)


def test_i6_a_task_that_was_published_before_the_start_is_run(api: Api) -> None:
    client = api.as_role("user")
    task = {"taskId": "greet", "name": "Greet", "operator": "set"}
    client.put("tasks/greet", json=task)
    document = workflow(step("a", "greet"), workflowId="greeting")
    load_dag(document, publish(client, document), task)
    assert start(client, "greeting").status_code == 201
    changed = {**task, "arguments": {"text": "hello"}}
    revision = client.put("tasks/greet", json=changed).json()["revision"]
    problem(start(client, "greeting"), 409, "workflow-not-loaded")
    load_dag(document, revision, changed)
    assert start(client, "greeting").json()["revision"] == revision


def test_i6_what_others_publish_is_not_waited_for(api: Api) -> None:
    api.publish(OLD)
    client = api.as_role("user")
    publish(client, {**NEW, "workflowId": "other"})
    assert start(client).status_code == 201


def test_i6_less_and_more_can_be_asked_for(api: Api) -> None:
    client = api.as_role("user")
    old = api.publish(OLD)
    new = publish(client, NEW)
    for enough in (0, old, new - 1):
        assert start(client, minRevision=enough).json()["version"] == "1.0.0"
    problem(start(client, minRevision=new), 409, "workflow-not-loaded")
    problem(start(client, minRevision=new + 1), 412, "revision-not-published")
    problem(start(client, minRevision=-1), 422, "bad-request")
    load_dag(NEW, new)
    assert start(client, minRevision=old).json()["version"] == "2.0.0"


def test_i6_a_start_can_name_the_version_that_its_user_has_seen(api: Api) -> None:
    client = api.as_role("user")
    api.publish(OLD)
    assert start(client, version="1.0.0").json()["version"] == "1.0.0"
    revision = publish(client, NEW)
    before = len(runs("order"))
    assert "2.0.0" in problem(start(client, version="1.0.0"), 412, "version-changed")["detail"]
    problem(start(client, version="2.0.0"), 409, "workflow-not-loaded")
    problem(start(client, version="2.0.0", minRevision=0), 412, "version-changed")
    assert len(runs("order")) == before
    load_dag(NEW, revision)
    assert start(client, version="2.0.0").json()["version"] == "2.0.0"


def test_i6_a_version_that_comes_while_the_run_is_made_is_taken_or_refused(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_workflow_provider.airflow_db.dag_runs import start_run
    from airflow_workflow_provider.operations import start_instance

    api.publish(OLD)
    client = api.as_role("user")
    make, pending = start_run, [NEW, {**NEW, "version": "3.0.0"}]

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        if pending:
            document = pending.pop(0)
            load_dag(document, publish(client, document))
        return make(*args, **kwargs)

    monkeypatch.setattr(start_instance, "start_run", overtaken)
    body = start(client).json()
    assert body["version"] == "3.0.0"
    (run,) = runs("order")
    assert run.bundle_version == str(body["revision"])
    pending.append({**NEW, "version": "4.0.0"})
    problem(start(client, version="3.0.0"), 412, "version-changed")
    assert len(runs("order")) == 1


@pytest.mark.usefixtures("import_errors")
def test_i6_a_version_that_cannot_be_loaded_is_reported_at_once(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__START_WAIT", "PT10M")
    api.publish(OLD)
    client = api.as_role("user")
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        file = session.get(DagModel, "order").relative_fileloc
    revision = publish(client, NEW)
    later = datetime.now(UTC) + timedelta(seconds=1)
    import_fails(file, later, str(revision))
    problem(start(client), 409, "workflow-import-error")
    fresh = publish(client, {**NEW, "workflowId": "fresh"})
    import_fails("workflow-fresh.py", later, str(fresh))
    problem(start(client, "fresh"), 409, "workflow-import-error")


@pytest.mark.usefixtures("import_errors")
@pytest.mark.parametrize("stale", ["an error from before", "an error of the bundle before"])
def test_i6_an_import_error_of_an_older_version_is_not_that_of_the_new_one(api: Api, stale: str) -> None:
    client = api.as_role("user")
    revision = publish(client, {**NEW, "workflowId": "fresh"})
    at = datetime.now(UTC) + timedelta(hours=-1 if stale == "an error from before" else 1)
    import_fails("workflow-fresh.py", at, str(revision if stale == "an error from before" else revision - 1))
    problem(start(client, "fresh"), 409, "workflow-not-loaded")


def test_i6_input_that_is_wrong_is_refused_without_waiting(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__START_WAIT", "PT10M")
    client = api.as_role("user")
    publish(client, NEW)
    problem(start(client, input={"amount": "x"}), 422, "invalid-input")


def test_i6_a_refused_start_does_not_use_up_its_key(api: Api) -> None:
    api.publish(OLD)
    client = api.as_role("user")
    revision = publish(client, NEW)
    problem(start(client, key="k"), 409, "workflow-not-loaded")
    load_dag(NEW, revision)
    first = start(client, key="k")
    assert (first.status_code, first.json()["version"]) == (201, "2.0.0")
    publish(client, {**NEW, "version": "3.0.0"})
    again = start(client, key="k", version="3.0.0")
    assert (again.status_code, again.json()["id"], again.json()["version"]) == (200, first.json()["id"], "2.0.0")


def test_i6_few_starts_wait_at_a_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__START_WAIT", "PT10M")
    monkeypatch.setattr(loading, "_waiting", threading.BoundedSemaphore(1))
    client = api.as_role("user")
    revision = publish(client, NEW)
    second: list[Any] = []

    def load(_: float) -> None:
        second.append(start(api.as_role("op")))
        load_dag(NEW, revision)

    monkeypatch.setattr("airflow_workflow_provider.operations.loading.time.sleep", load)
    assert start(client).json()["version"] == "2.0.0"
    problem(second[0], 409, "workflow-not-loaded")


def test_i6_without_bundle_versions_the_dag_says_which_version_it_is(api: Api) -> None:
    client = api.as_role("user")
    load_dag(OLD, publish(client, OLD), bundle_version=None)
    assert start(client).json()["version"] == "1.0.0"
    revision = publish(client, NEW)
    problem(start(client), 409, "workflow-not-loaded")
    assert start(client, minRevision=0).json()["version"] == "1.0.0"
    load_dag(NEW, revision, bundle_version=None)
    assert start(client).json()["version"] == "2.0.0"
