"""What PostgreSQL itself refuses the roles of the components, and that it lets them do their work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import ProgrammingError

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.instances.session import InstanceSession, Run
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.model.events import CloudEvent
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store import migrate, roles
from airflow_workflow_provider.store.cursors import Cursors
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.event_retention import EventRetention
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.questions import Questions
from airflow_workflow_provider.store.retention import Retention
from airflow_workflow_provider.store.run_requests import RunRequests
from airflow_workflow_provider.store.tables import metadata
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.store.waits import NewWait, Waits
from tests.support.documents import step, workflow
from tests.support.people import ask_all, start
from tests.support.roles import AsRole, as_component

pytestmark = pytest.mark.postgres

ASKING = workflow(step("a", "approval", arguments={"subject": "May I?"}))

TAKING_OVER = (
    "CREATE TABLE mine (n int)",
    "ALTER TABLE workflow_questions DISABLE ROW LEVEL SECURITY",
    "DROP POLICY workflow_worker_ends ON workflow_questions",
    "TRUNCATE workflow_execution_logs",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "CREATE ROLE another",
    "SET ROLE postgres",
)
REWRITING = (
    "UPDATE workflow_definition_versions SET document = '{}'",
    "UPDATE task_definition_versions SET document = '{}'",
    "UPDATE workflow_execution_logs SET message = 'nothing happened'",
    "DELETE FROM workflow_definition_versions",
    "DELETE FROM task_definition_versions",
    "DELETE FROM workflow_execution_logs",
)
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "worker": (
        *TAKING_OVER,
        *REWRITING,
        *(
            f"{verb} {table}{rest}"
            for table in ("workflow_definitions", "task_definitions")
            for verb, rest in (("UPDATE", " SET name = 'mine'"), ("DELETE FROM", ""))
        ),
        "INSERT INTO workflow_definition_versions (workflow_id, version, revision, document, digest) "
        "VALUES ('w', '9.0.0', 99, '{}', 'x')",
        "INSERT INTO task_definitions (task_id, name, operator, revision) VALUES ('t', 't', 'noop', 99)",
        "SELECT nextval('workflow_revision_seq')",
        """UPDATE workflow_questions SET votes = '[{"decision": "approve"}]'""",
        "UPDATE workflow_questions SET keys = '{anyone}'",
        "UPDATE workflow_questions SET min_approvals = 0",
        "UPDATE workflow_questions SET excluded = '[]'",
        "UPDATE workflow_questions SET claimed_by = '{}'",
        """UPDATE workflow_questions SET status = 'answered', answer = '{"decision": "approve"}'""",
        """UPDATE workflow_questions SET answer = '{"decision": "approve"}'""",
        "UPDATE workflow_questions SET status = 'expired'",
        "INSERT INTO workflow_questions (id, status) VALUES (gen_random_uuid(), 'answered')",
        "INSERT INTO workflow_questions (id, votes) VALUES (gen_random_uuid(), '[]')",
        "DELETE FROM workflow_questions",
        "DELETE FROM workflow_instances",
        "UPDATE workflow_instances SET run_id = 'mine'",
        "UPDATE workflow_instances SET parent_instance_id = null",
        "SELECT * FROM workflow_execution_logs",
        "UPDATE workflow_events SET data = '{}'",
        "DELETE FROM workflow_events",
        "UPDATE workflow_event_deliveries SET status = 'started'",
        "UPDATE workflow_notifications SET notifier = 'mine'",
        "DELETE FROM workflow_wakeups",
        "SELECT * FROM workflow_run_requests",
        "UPDATE workflow_run_requests SET dag_id = 'mine'",
        "DELETE FROM workflow_run_requests",
    ),
    "api": (
        *TAKING_OVER,
        *REWRITING,
        "DELETE FROM workflow_definitions",
        "DELETE FROM workflow_instances",
        "DELETE FROM workflow_questions",
        "UPDATE workflow_events SET data = '{}'",
        "DELETE FROM workflow_events",
    ),
    "maintenance": (
        *TAKING_OVER,
        "UPDATE workflow_execution_logs SET message = 'nothing happened'",
        "UPDATE workflow_instances SET status = 'completed'",
        "DELETE FROM workflow_definitions",
        "INSERT INTO workflow_execution_logs (instance_id, level, event) VALUES (gen_random_uuid(), 'info', 'x')",
    ),
    "reader": (
        *TAKING_OVER,
        *REWRITING,
        *(str(delete(table)) for table in metadata.sorted_tables),
        "UPDATE workflow_instances SET status = 'completed'",
        "INSERT INTO workflow_wakeups (dag_id, run_id, task_id) VALUES ('d', 'r', 't')",
        "SELECT nextval('workflow_revision_seq')",
    ),
}


@pytest.fixture
def question(database: Database) -> UUID:
    (asked,) = ask_all(database, start(database, ASKING)).values()
    return asked.id


@pytest.mark.parametrize(
    ("role", "statement"), [(role, statement) for role, found in FORBIDDEN.items() for statement in found]
)
def test_postgres_refuses(as_role: AsRole, question: UUID, role: str, statement: str) -> None:  # noqa: ARG001
    with pytest.raises((StoreUnavailable, ProgrammingError)) as refused, as_role(role).begin() as connection:
        connection.execute(text(statement.replace(":", "\\:")))
    assert getattr(refused.value, "code", None) == "store-not-permitted", refused.value


@pytest.mark.parametrize("status", ["answered", "expired", "withdrawn"])
def test_a_worker_does_not_open_again_what_is_closed(
    as_role: AsRole, database: Database, question: UUID, status: str
) -> None:
    values = {"status": status, "question": question}
    with database.begin() as connection:
        connection.execute(text("UPDATE workflow_questions SET status = :status WHERE id = :question"), values)
    with as_role("worker").begin() as connection:
        done = connection.execute(text("UPDATE workflow_questions SET status = 'expired', answer = '{}'"))
    assert done.rowcount == 0


def test_the_refusal_says_who_and_what_to_do(as_role: AsRole) -> None:
    with pytest.raises(StoreUnavailable) as refused:
        Definitions(as_role("worker")).publish(parse_definition(ASKING), ASKING)
    assert "'workflows_worker' may not" in refused.value.message
    assert "db roles" in str(refused.value.suggestion)
    assert "made-up" not in refused.value.message


def test_a_worker_does_its_work(as_role: AsRole, database: Database) -> None:
    worker = as_role("worker")
    waiting = workflow(step("w"), step("b"), workflowId="waits")
    revision = Definitions(database).publish(parse_definition(waiting), waiting).revision
    assert Definitions(worker).highest_revision() == revision
    assert Definitions(worker).at_revision(revision)
    assert Tasks(worker).at_revision(revision) == ()
    ledger = InstanceSession(
        Graph.of(parse_definition(waiting)), revision, Run("waits", "r"), instances=Instances(worker)
    )
    ledger.change(lambda machine: machine.begin("", "w", "me", ledger.clock()))
    new = NewWait(ledger.instance_id, "w", "", 1, 1, "order.paid", {})
    assert Waits(worker).begin(new, timedelta(minutes=5)) is None
    Events(worker).accept([CloudEvent(specversion="1.0", id="1", source="/s", type="order.paid", data={})])
    assert Waits(worker).look([new.id]) == {new.id}
    assert Waits(worker).end(new.id) is not None
    Cursors(worker).alone("watch", 1, lambda _, position: position + 1)
    ledger.change(lambda machine: cancel(machine, "enough", ledger.clock()))
    assert Instances(worker).get(ledger.instance_id).status == "failed"


def test_a_worker_asks_withdraws_and_ends_what_is_over(as_role: AsRole, database: Database) -> None:
    worker = as_role("worker")
    instance = start(database, ASKING)
    (asked,) = ask_all(worker, instance).values()
    past = datetime.now(UTC) - timedelta(seconds=1)
    with database.begin() as connection:
        connection.execute(text("UPDATE workflow_questions SET due_at = :past"), {"past": past})
    answer: dict[str, Any] = {
        "decision": "no",
        "by": None,
        "at": "2027-01-01T00:00:00.000000Z",
        "comment": None,
        "form": {},
    }
    ended = Questions(worker).change(asked.id, lambda _, found: found.set(status="expired", answer=answer))
    assert ended is None
    assert Questions(database).get(asked.id).status == "expired"
    other = start(database, ASKING, run_id="other")
    ask_all(worker, other)
    ledger = InstanceSession(
        Graph.of(parse_definition(ASKING)), 1, Run("example", "other"), instances=Instances(worker)
    )
    ledger.change(lambda machine: cancel(machine, "enough", ledger.clock()))
    assert [each.status for each in Questions(database).of_task(other, "a")] == ["withdrawn"]


def test_a_worker_asks_for_the_run_of_a_pinned_version_and_the_api_makes_it(as_role: AsRole) -> None:
    for revision in (1, 2):
        RunRequests(as_role("worker")).add("w", "r", revision, {"n": 1}, "ann")
    requests = RunRequests(as_role("api"))

    (found,) = requests.claim()
    requests.later(found.id, timedelta())
    requests.done(found.id)

    assert (found.revision, found.conf) == (1, {"n": 1})
    assert requests.next_due() is None


def test_maintenance_removes_what_is_old(as_role: AsRole, database: Database) -> None:
    start(database, ASKING)
    Events(database).accept([CloudEvent(specversion="1.0", id="1", source="/s", type="t", data={})])
    later = datetime.now(UTC) + timedelta(days=400)
    maintenance = as_role("maintenance")
    assert sum(each.rows for each in Retention(maintenance, "P1D").purge(later)) > 0
    assert EventRetention(maintenance, "P1D").purge(later) == 1


def test_a_reader_reads(as_role: AsRole, database: Database, question: UUID) -> None:
    reader = as_role("reader")
    assert Questions(reader).get(question) == Questions(database).get(question)
    assert InstanceList(reader).page(InstanceFilter()).items
    with reader.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(select(func.count()).select_from(table))


# Making them


def test_rights_are_given_again_after_a_migration_and_taken_before_going_back(
    empty_database_url: str, postgres_server: PostgresServer
) -> None:
    del postgres_server
    migrate.upgrade(empty_database_url)
    before = rights(empty_database_url)
    assert {role for role, *_ in before} == set(roles.role_names("workflows").values())
    migrate.upgrade(empty_database_url)
    migrate.give_roles(empty_database_url)
    assert rights(empty_database_url) == before
    migrate.downgrade(empty_database_url, "0005")
    assert rights(empty_database_url) == set()
    migrate.upgrade(empty_database_url)
    assert rights(empty_database_url) == before
    migrate.downgrade(empty_database_url)


@pytest.fixture
def other_prefix(monkeypatch: pytest.MonkeyPatch, postgres_server: PostgresServer) -> Iterator[str]:
    prefix = f"t_{uuid4().hex[:8]}"
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ROLE_PREFIX", prefix)
    yield prefix
    with psycopg.connect(plain(postgres_server.url()), autocommit=True) as connection:
        for name in roles.role_names(prefix).values():
            connection.execute(f'DROP ROLE IF EXISTS "{name}"'.encode())


def test_roles_are_made_with_a_prefix_and_cannot_log_in(other_prefix: str, empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    assert rights(empty_database_url) == set()
    made = migrate.give_roles(empty_database_url)
    assert made.missing == ()
    assert {role for role, *_ in rights(empty_database_url)} == set(made.names.values())
    with psycopg.connect(plain(empty_database_url)) as connection:
        query = "SELECT bool_or(rolcanlogin OR rolsuper OR rolcreaterole) FROM pg_roles WHERE rolname LIKE %s"
        assert connection.execute(query, [f"{other_prefix}%"]).fetchone() == (False,)
    migrate.downgrade(empty_database_url)


def test_who_may_not_make_roles_gets_a_finding(other_prefix: str, database_url: str) -> None:
    assert other_prefix
    with pytest.raises(StoreUnavailable) as refused:
        migrate.give_roles(as_component(database_url, "api"))
    assert refused.value.code == "store-not-permitted"


def test_an_administrator_can_run_what_is_printed(other_prefix: str, empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    script = roles.script(other_prefix)
    with psycopg.connect(plain(empty_database_url), autocommit=True) as connection:
        for statement in (*script, *script):
            connection.execute(statement.encode())
    printed = rights(empty_database_url)
    migrate.give_roles(empty_database_url)
    assert rights(empty_database_url) == printed != set()
    migrate.downgrade(empty_database_url)


def test_every_table_says_who_may_use_it() -> None:
    assert set(roles.RIGHTS) == set(metadata.tables)


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def rights(url: str) -> set[tuple[Any, ...]]:
    """Return who has what on which table or column."""
    query = """
        SELECT grantee, table_name, '', privilege_type FROM information_schema.table_privileges
        WHERE table_schema = 'public' AND grantee NOT IN ('postgres', 'PUBLIC')
        UNION SELECT grantee, table_name, column_name, privilege_type FROM information_schema.column_privileges
        WHERE table_schema = 'public' AND grantee NOT IN ('postgres', 'PUBLIC')
    """
    with psycopg.connect(plain(url)) as connection:
        return set(connection.execute(query).fetchall())
