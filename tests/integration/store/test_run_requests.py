"""Rule P5: DAG runs that are to be made of a pinned version, each by one process, until they were made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.instances.graphs import resolve_version
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.notices import Notices
from airflow_workflow_provider.store.run_requests import CHANNEL, RunRequests
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.store import document, publish

pytestmark = pytest.mark.postgres


def test_a_run_is_asked_for_once_and_claimed_by_one(database: Database) -> None:
    requests = RunRequests(database)
    requests.add("w", "r1", 7, {"n": "a\x00b"}, "ann")
    requests.add("w", "r1", 8, {"n": 2})
    requests.add("w", "r2", 8, {})

    claimed = requests.claim()
    assert [(each.run_id, each.revision, each.conf, each.user_name, each.attempts) for each in claimed] == [
        ("r1", 7, {"n": "a\N{REPLACEMENT CHARACTER}b"}, "ann", 1), ("r2", 8, {}, None, 1),
    ]  # fmt: skip
    assert requests.claim() == ()
    requests.later(claimed[0].id, timedelta(seconds=-1))
    assert [(each.run_id, each.attempts) for each in requests.claim()] == [("r1", 2)]


def test_what_was_made_or_is_not_waited_for_is_forgotten(database: Database) -> None:
    requests = RunRequests(database)
    requests.add("w", "r1", 7, {})
    due = requests.next_due()
    assert due is not None
    assert due <= timedelta()

    (found,) = requests.claim()
    requests.done(found.id)

    assert requests.next_due() is None
    assert requests.claim() == ()


def test_who_listens_is_notified(database: Database) -> None:
    with Notices(database.url, CHANNEL) as notices:
        assert notices.listen()
        RunRequests(database).add("w", "r1", 7, {})
        assert notices.wait(5)


def greet(text: str) -> dict[str, object]:
    return {"taskId": "greet", "name": "Greet", "operator": "set", "arguments": {"text": text}}


def test_p5_a_version_has_the_tasks_that_it_had_when_it_last_was_the_newest(database: Database) -> None:
    tasks, definitions = Tasks(database), Definitions(database)
    steps = [{"stepId": "a", "taskId": "greet"}]
    for version in ("1.0.0", "1.1.0"):
        for text in (f"with {version}", f"mended for {version}"):
            tasks.publish(parse_task(greet(text)), greet(text))
            # The first one publishes, the second finds it published.
            publish(database, document(version=version, steps=steps))

    found = [resolve_version(definitions, tasks, "order", version) for version in ("1.0.0", "1.1.0")]

    assert [each.document["version"] for each in found] == ["1.0.0", "1.1.0"]
    assert [each.tasks[0]["arguments"]["text"] for each in found] == [
        "with 1.1.0", "mended for 1.1.0",
    ]  # fmt: skip
    assert [definitions.at_revision(each.revision, "order")[0].version for each in found] == ["1.0.0", "1.1.0"]


def test_p5_a_version_that_was_rolled_back_to_is_found_by_its_last_publication(database: Database) -> None:
    for version in ("1.0.0", "2.0.0"):
        publish(database, document(version=version))
    publish(database, document(version="1.0.0"), force=True)
    publish(database, document(version="3.0.0"))

    revision = Definitions(database).last_revision("order", "1.0.0")

    assert [each.version for each in Definitions(database).at_revision(revision, "order")] == ["1.0.0"]


def test_p5_a_version_that_is_not_there_is_named_with_those_that_are(database: Database) -> None:
    publish(database, document(version="1.0.0"))
    with pytest.raises(NotFound) as caught:
        resolve_version(Definitions(database), Tasks(database), "order", "7.0.0")

    assert "7.0.0" in caught.value.message
    assert caught.value.suggestion == "its versions are 1.0.0"
    assert Definitions(database).version_names("nobody") == frozenset()
