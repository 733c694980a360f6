"""Rule D4 on a real database: what publishing keeps, refuses and leaves alone."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from airflow_workflow_provider.errors import Conflict, InvalidDefinition, NotFound
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tables import workflow_definition_versions, workflow_definitions
from tests.support.store import document, publish

if TYPE_CHECKING:
    from airflow_workflow_provider.store.publications import Published

pytestmark = pytest.mark.postgres

FULL: dict[str, Any] = {
    "description": "Ünïcode \U0001f600",
    "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}},
    "triggers": [{"eventPattern": "order.created"}],
    "uiComponents": [{"componentId": "progress", "priority": 1.5}],
    "executionLog": {"level": "debug"},
    "settings": {"maxIterations": 5},
    "onFailure": {"action": "stop", "compensate": True},
    "output": {"type": "jmespath", "expression": "output"},
}


def test_d4_what_is_published_comes_back(database: Database) -> None:
    given = document(**FULL)
    published = publish(database, given, actor="ann")
    stored = Definitions(database).get("order")
    assert (published.outcome, published.revision) == ("created", stored.revision)
    assert stored.document == given
    assert (stored.version, stored.created_by) == ("1.0.0", "ann")
    assert stored.created_at.utcoffset() is not None


def test_d4_every_top_level_field_is_a_column_of_the_head(database: Database) -> None:
    given = document(**FULL)
    publish(database, given)
    with database.begin() as connection:
        head = connection.execute(select(workflow_definitions)).mappings().one()
    columns = {
        "workflow_id": "workflowId", "input_schema": "inputSchema", "ui_components": "uiComponents",
        "execution_log": "executionLog", "on_failure": "onFailure",
    }  # fmt: skip
    for column in ("name", "description", "version", "triggers", "steps", "settings", "output", *columns):
        assert head[column] == given[columns.get(column, column)], column
    assert head["active"] is True


def test_d4_the_same_version_with_the_same_content_is_a_no_op(database: Database) -> None:
    first = publish(database, document(description="x"))
    again = publish(database, {**dict(reversed(document(description="x").items())), "$schema": "./schema.json"})
    assert again.outcome == "unchanged"
    assert again.revision == first.revision
    assert len(Definitions(database).versions("order")) == 1


@pytest.mark.parametrize("force", [False, True])
def test_d4_the_same_version_with_other_content_is_refused(database: Database, force: bool) -> None:
    publish(database, document())
    with pytest.raises(Conflict, match=r"Version 1\.0\.0 of workflow 'order' was published with other content"):
        publish(database, document(description="other"), force=force)
    assert Definitions(database).get("order").document == document()


def test_d4_a_lower_version_only_by_force_and_the_rollback_is_a_new_revision(database: Database) -> None:
    definitions = Definitions(database)
    publish(database, document("1.0.0"))
    publish(database, document("1.10.0"))
    before = definitions.list()[0]
    with pytest.raises(Conflict, match="lower than the current"):
        publish(database, document("1.9.0"))
    with pytest.raises(Conflict, match="lower than the current"):
        publish(database, document("1.0.0"))

    back = publish(database, document("1.0.0"), force=True)

    after = definitions.list()[0]
    assert back.outcome == "updated"
    assert (after.id, after.version, after.revision) == (before.id, "1.0.0", back.revision)
    assert after.created_at == before.created_at
    assert after.updated_at > before.updated_at
    assert [row.version for row in definitions.versions("order")] == ["1.0.0", "1.10.0", "1.0.0"]
    assert definitions.get("order").revision == back.revision
    assert publish(database, document("1.10.0")).outcome == "updated"  # and forward again


def test_d4_versions_and_revisions_can_be_read(database: Database) -> None:
    definitions = Definitions(database)
    assert definitions.highest_revision() == 0
    one = publish(database, document("1.0.0")).revision
    other = publish(database, document("1.0.0", "invoice")).revision
    two = publish(database, document("2.0.0")).revision

    assert one < other < two == definitions.highest_revision()
    assert definitions.get("order", "1.0.0").revision == one
    assert definitions.get("order", revision=one).version == "1.0.0"
    assert [(row.workflow_id, row.revision) for row in definitions.changed_since(one)] == [
        ("invoice", other),
        ("order", two),
    ]
    assert definitions.changed_since(two) == ()
    assert [(row.workflow_id, row.version) for row in definitions.at_revision(other)] == [
        ("invoice", "1.0.0"),
        ("order", "1.0.0"),
    ]
    assert [row.revision for row in definitions.at_revision(two, "order")] == [two]
    assert [head.workflow_id for head in definitions.list()] == ["invoice", "order"]


def test_what_does_not_exist_is_named(database: Database) -> None:
    definitions = Definitions(database)
    with pytest.raises(NotFound, match="no workflow 'order'"):
        definitions.get("order")
    with pytest.raises(NotFound, match="no workflow 'order'"):
        definitions.versions("order")
    publish(database, document("1.0.0-rc.1"))
    publish(database, document("1.0.0"))
    with pytest.raises(NotFound, match=r"no version '3\.0\.0'") as caught:
        definitions.get("order", "3.0.0")
    assert caught.value.suggestion == "its versions are 1.0.0-rc.1, 1.0.0"


def test_text_that_postgresql_cannot_store_is_refused_with_its_place(database: Database) -> None:
    with pytest.raises(InvalidDefinition) as caught:
        publish(database, document(description="a\x00b"))
    assert [(found.code, found.pointer) for found in caught.value.diagnostics] == [("WF105", "/description")]
    assert Definitions(database).list() == ()


def test_d4_a_race_of_publishers_breaks_no_rule(database_url: str) -> None:
    """Eight publishers of one version with different content, and of eight versions: one history that obeys D4."""
    barrier = Barrier(8)

    def race(number: int) -> tuple[Published | Conflict, Published | Conflict]:
        with Database(database_url) as database:
            results: list[Any] = []
            for given in (document("1.0.0", description=f"by {number}"), document(f"1.{number + 1}.0")):
                barrier.wait(timeout=120)
                try:
                    results.append(publish(database, copy.deepcopy(given)))
                except Conflict as error:
                    results.append(error)
            return results[0], results[1]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(race, range(8)))

    created = [first for first, _ in results if not isinstance(first, Conflict)]
    assert [published.outcome for published in created] == ["created"]
    assert {first.code for first, _ in results if isinstance(first, Conflict)} == {"version-reused"}
    with Database(database_url) as database, database.begin() as connection:
        query = select(workflow_definition_versions).order_by(workflow_definition_versions.c.revision)
        rows = connection.execute(query).mappings().all()
        head = connection.execute(select(workflow_definitions)).mappings().one()
    history = [int(row["version"].split(".")[1]) for row in rows]
    assert history == sorted(set(history))  # each version once, none after a higher one
    assert history[-1] == 8  # the highest always gets through
    assert (head["version"], head["revision"]) == (rows[-1]["version"], rows[-1]["revision"])
    assert len(rows) == 1 + sum(not isinstance(second, Conflict) for _, second in results)


def test_d4_a_publisher_can_insist_on_the_revision_that_was_seen(database: Database) -> None:
    first = publish(database, document(), expected=0).revision
    for wrong in (0, first + 7):
        with pytest.raises(Conflict) as caught:
            publish(database, document("1.1.0"), expected=wrong)
        assert caught.value.code == "revision-changed"
    assert publish(database, document("1.1.0"), expected=first).outcome == "updated"


def test_a_workflow_is_switched_off_and_on(database: Database) -> None:
    publish(database, document())
    definitions = Definitions(database)
    assert definitions.set_active("order", active=False).active is False
    changed = definitions.head("order").updated_at
    assert definitions.set_active("order", active=False).updated_at == changed
    publish(database, document("1.1.0"))
    assert definitions.head("order").active is False
    assert definitions.set_active("order", active=True).active is True
    with pytest.raises(NotFound):
        definitions.set_active("nothing", active=True)
