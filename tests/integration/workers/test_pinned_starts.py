"""Rule P5: DAG runs of pinned versions, made as they would have been when that version was the newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, update

from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.run_requests import RunRequests
from airflow_workflow_provider.store.tables import workflow_run_requests
from tests.support.api import Api
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

NUMBERED = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
OLD = workflow(step("a"), step("b"), workflowId="pinned", inputSchema=NUMBERED)
NEW = workflow(step("c"), workflowId="pinned", version="2.0.0")


@pytest.fixture
def requests(api: Api) -> RunRequests:
    return RunRequests(api.database)


def starter(api: Api, **more: Any) -> Any:
    from airflow_workflow_provider.workers.pinned_starts import PinnedStarter

    return PinnedStarter(api.database, load_settings(), lambda value: value, **more)


def work(api: Api, by: Any = None) -> None:
    with api.database.begin() as connection:
        connection.execute(update(workflow_run_requests).values(due_at=func.now()))
    (by or starter(api)).work()


def run_of(run_id: str) -> Any:
    """Return state, bundle version, user and tasks of a run, with the numbers of their versions and of the newest."""
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        run = session.scalar(select(DagRun).where(DagRun.dag_id == "pinned", DagRun.run_id == run_id))
        if run is None:
            return None
        tasks = run.get_task_instances(session=session)
        version = session.get(DagVersion, run.created_dag_version_id)
        newest = DagVersion.get_latest_version("pinned", session=session)
        return {
            "state": run.state,
            "bundle": run.bundle_version,
            "user": run.triggering_user_name,
            "tasks": {task.task_id for task in tasks},
            "ofThatVersion": {task.dag_version_id for task in tasks} == {version.id},
            "newest": newest.bundle_version,
            "older": version.version_number < newest.version_number,
        }


@pytest.fixture
def revisions(api: Api) -> tuple[int, int]:
    """Revisions of two versions, of which Airflow has only ever seen the second."""
    from airflow_workflow_provider.model.validate import validate_document

    old = Definitions(api.database).publish(validate_document(OLD).accepted(), OLD).revision
    return old, api.publish(NEW)


def test_p5_a_run_of_a_version_that_airflow_never_saw(
    api: Api, requests: RunRequests, revisions: tuple[int, int]
) -> None:
    old, new = revisions
    for run_id in ("first", "second"):
        requests.add("pinned", run_id, old, {"n": 1}, "ann")
    work(api)

    for run_id in ("first", "second"):
        assert run_of(run_id) == {
            "state": "queued",
            "bundle": str(old),
            "user": "ann",
            "tasks": {"a", "b", "end"},
            "ofThatVersion": True,
            "newest": str(new),
            "older": True,
        }
    assert requests.next_due() is None


def test_p5_the_newest_version_stays_the_newest_for_who_does_not_pin(
    api: Api, requests: RunRequests, revisions: tuple[int, int]
) -> None:
    old, new = revisions
    requests.add("pinned", "first", old, {"n": 1})
    work(api)
    api.publish(NEW)

    run_id = api.as_role("user").post("definitions/pinned/instances", json={}).json()["runId"]

    assert (run_of(run_id)["bundle"], run_of(run_id)["tasks"]) == (str(new), {"c", "end"})


def test_p5_a_run_is_made_once(api: Api, requests: RunRequests, revisions: tuple[int, int]) -> None:
    for conf in ({"n": 1}, {"n": 2}):
        requests.add("pinned", "first", revisions[0], conf)
        work(api)

    assert run_of("first")["state"] == "queued"
    assert requests.next_due() is None


def test_p5_what_airflow_has_not_loaded_is_tried_again_and_then_fails(api: Api, requests: RunRequests) -> None:
    from airflow_workflow_provider.model.validate import validate_document

    revision = Definitions(api.database).publish(validate_document(OLD).accepted(), OLD).revision
    requests.add("pinned", "first", revision, {"n": 1})
    work(api)
    assert run_of("first") is None
    assert requests.next_due() is not None

    # Asked for before an outage: nobody could try in all that time.
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    with api.database.begin() as connection:
        connection.execute(update(workflow_run_requests).values(created_at=long_ago))
    hasty = starter(api, patience=timedelta(seconds=0))
    work(api, hasty)
    assert requests.next_due() is not None
    work(api, hasty)

    found = Instances(api.database).get(instance_id("pinned", "first"))
    assert (found.status, found.version, found.error["type"]) == ("failed", "1.0.0", "TaskNotFound")
    assert requests.next_due() is None


def test_i6_a_sub_workflow_without_a_version_waits_until_what_its_step_saw_is_loaded(
    api: Api, requests: RunRequests
) -> None:
    from tests.support.api import load_dag

    api.publish(OLD)
    revision = publish(api, NEW)
    requests.add("pinned", "first", revision, {"n": 1}, "ann", at_least=True)
    work(api)
    assert run_of("first") is None
    load_dag(NEW, revision)
    work(api)
    found = run_of("first")
    assert (found["bundle"], found["tasks"], found["user"], found["ofThatVersion"]) == (
        str(revision),
        {"c", "end"},
        "ann",
        True,
    )
    assert requests.next_due() is None


@pytest.mark.parametrize("bundle_version", ["versions", None])
def test_i6_it_runs_a_newer_version_that_is_loaded_by_then(
    api: Api, requests: RunRequests, bundle_version: str | None
) -> None:
    from tests.support.api import load_dag

    old = publish(api, OLD)
    revision = publish(api, NEW)
    load_dag(NEW, revision, bundle_version=bundle_version and str(revision))
    requests.add("pinned", "first", old, {"n": 1}, at_least=True)
    work(api)
    assert run_of("first")["tasks"] == {"c", "end"}


def test_i6_its_run_is_made_though_its_dag_is_paused_and_waits_like_any_other(api: Api, requests: RunRequests) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    revision = api.publish(OLD)
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == "pinned").values(is_paused=True))
    requests.add("pinned", "first", revision, {"n": 1}, at_least=True)
    work(api)
    assert run_of("first")["state"] == "queued"


def publish(api: Api, document: dict[str, Any]) -> int:
    """Publish without Airflow's knowing of it; return the revision."""
    from airflow_workflow_provider.model.validate import validate_document

    return Definitions(api.database).publish(validate_document(document).accepted(), document).revision


def test_p5_what_airflow_itself_refuses_fails_at_once(
    api: Api, requests: RunRequests, revisions: tuple[int, int]
) -> None:
    requests.add("pinned", "..", revisions[0], {"n": 1})
    work(api)

    found = Instances(api.database).get(instance_id("pinned", ".."))
    assert (found.status, found.error["type"], found.error["code"]) == ("failed", "TaskNotFound", "run-refused")
