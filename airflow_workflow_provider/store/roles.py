"""Database privileges: the roles of the components, and their rights on each table.

A role is named after a configured prefix and its component. The owner of the tables migrates them and grants the
rights; the roles themselves belong to the whole PostgreSQL server, so an administrator may have to create them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from psycopg import sql
from sqlalchemy import bindparam, inspect, text

from airflow_workflow_provider.store.tables import VERSION_TABLE, metadata, revision_sequence, workflow_questions

if TYPE_CHECKING:
    from sqlalchemy import Connection

API: Final = "api"
WORKER: Final = "worker"
MAINTENANCE: Final = "maintenance"
READER: Final = "reader"
COMPONENTS: Final = (API, WORKER, MAINTENANCE, READER)
"""Api-server; scheduler, triggerer, dag-processor and workers; ``purge``; people and programs that only look."""

POLICY: Final = "workflow_all"
ENDED_POLICY: Final = "workflow_worker_ends"

_ASKED: Final = (
    "id, instance_id, task_id, step_id, scope, visit, attempt, kind, subject, body, options, option_labels, schema, "
    "defaults, comment_required, min_approvals, assignees, keys, excluded, plan, notifiers, asked_at, due_at, next_at"
)
_MOVED: Final = (
    "status, current_step_id, input, state, error, updated_at, completed_at, correlation_id, version, revision, "
    "output, deadline_at, compensations_owed, alert_at"
)

_APPEND: Final = "SELECT, INSERT"
_CHANGE: Final = "SELECT, INSERT, UPDATE"

RIGHTS: Final[Mapping[str, Mapping[str, str]]] = {
    "workflow_definitions": {API: _CHANGE, WORKER: "SELECT"},
    "workflow_definition_versions": {API: _APPEND, WORKER: "SELECT"},
    "task_definitions": {API: _CHANGE, WORKER: "SELECT"},
    "task_definition_versions": {API: _APPEND, WORKER: "SELECT"},
    "workflow_events": {API: _APPEND, WORKER: _APPEND, MAINTENANCE: "SELECT, DELETE, UPDATE (received_at)"},
    "workflow_instances": {API: _CHANGE, WORKER: f"SELECT, INSERT, UPDATE ({_MOVED})"},
    "workflow_places": {
        API: f"{_CHANGE}, DELETE",
        WORKER: "SELECT, INSERT, DELETE, UPDATE (replaced_by)",
    },
    "workflow_hosts": {API: f"{_CHANGE}, DELETE", WORKER: f"{_CHANGE}, DELETE"},
    "workflow_execution_logs": {API: _APPEND, WORKER: "INSERT", MAINTENANCE: "SELECT, DELETE, UPDATE (at)"},
    "workflow_event_deliveries": {API: _CHANGE, WORKER: _APPEND},
    "workflow_event_interests": {API: _APPEND, WORKER: _APPEND},
    "workflow_event_waits": {API: _CHANGE, WORKER: _CHANGE},
    "workflow_event_cursors": {API: _CHANGE, WORKER: _CHANGE},
    "workflow_questions": {
        API: _CHANGE,
        WORKER: f"SELECT, INSERT ({_ASKED}), UPDATE (status, answer, next_at, closed_at)",
    },
    "workflow_notifications": {API: _CHANGE, WORKER: "INSERT"},
    "workflow_starts": {API: _CHANGE, WORKER: "SELECT, INSERT, UPDATE (about)"},
    "workflow_wakeups": {API: f"{_CHANGE}, DELETE", WORKER: "INSERT"},
    "workflow_run_requests": {API: f"{_CHANGE}, DELETE", WORKER: "INSERT"},
}
"""What the components need. Every one of them but workers may read everything; nobody but the owner may do more.

A right to update one column is what PostgreSQL asks of those who lock rows.
"""


@dataclass(frozen=True)
class Roles:
    """The roles of a database, by component.

    :param names: of all of them
    :param present: the components whose role the server has
    """

    names: Mapping[str, str]
    present: frozenset[str]

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of those that nobody has made."""
        return tuple(name for component, name in self.names.items() if component not in self.present)


def role_names(prefix: str) -> dict[str, str]:
    """The names of the roles by component."""
    return {component: f"{prefix}_{component}" for component in COMPONENTS}


def look(connection: Connection, prefix: str) -> Roles:
    """The roles, as the server has them."""
    names = role_names(prefix)
    query = text("SELECT rolname FROM pg_roles WHERE rolname IN :names")
    query = query.bindparams(bindparam("names", expanding=True))
    found = set(connection.execute(query, {"names": list(names.values())}).scalars())
    return Roles(names, frozenset(component for component, name in names.items() if name in found))


def create(connection: Connection, prefix: str) -> None:
    """Make the roles that are missing; none of them can log in before it is given a password."""
    _run(connection, creating(look(connection, prefix).missing))


def grant(connection: Connection, prefix: str) -> Roles:
    """Give each role that there is exactly the rights it needs, whatever it had before; safe to do again."""
    roles = look(connection, prefix)
    if roles.present:
        _run(connection, granting(roles, inspect(connection).get_table_names()))
    return roles


def revoke(connection: Connection, prefix: str) -> Roles:
    """Take all rights from the roles that there are, before tables of an older form are made of these."""
    roles = look(connection, prefix)
    if roles.present:
        _run(connection, revoking(roles, inspect(connection).get_table_names()))
    return roles


def creating(names: Iterable[str]) -> list[sql.Composed]:
    """The statements that make roles, as an administrator may run them; one that another made meanwhile is fine."""
    made = sql.SQL("DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$")
    return [made.format(sql.Identifier(name)) for name in names]


def script(prefix: str) -> list[str]:
    """Everything that :func:`create` and :func:`grant` do, for an administrator to read and run."""
    roles = Roles(role_names(prefix), frozenset(COMPONENTS))
    statements = [*creating(roles.names.values()), *granting(roles, [*metadata.tables, VERSION_TABLE])]
    return [statement.as_string() for statement in statements]


def granting(roles: Roles, tables: Iterable[str]) -> list[sql.Composed]:
    """The statements that give the rights.

    :param tables: those that there are
    """
    there = set(tables)
    statements = revoking(roles, there)
    for component in sorted(roles.present):
        role = sql.Identifier(roles.names[component])
        for table in sorted(there & {*RIGHTS, VERSION_TABLE}):
            rights = RIGHTS.get(table, {}).get(component, "" if component == WORKER else "SELECT")
            if table == VERSION_TABLE:
                rights = "SELECT"
            if rights:
                given = sql.SQL("GRANT {} ON {} TO {}")
                statements.append(given.format(sql.SQL(rights), sql.Identifier(table), role))
    if API in roles.present:
        using = sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}")
        statements.append(using.format(sql.Identifier(revision_sequence.name), sql.Identifier(roles.names[API])))
    if WORKER in roles.present and workflow_questions.name in there:
        statements += _only_ending(roles.names[WORKER])
    return statements


def revoking(roles: Roles, tables: Iterable[str]) -> list[sql.Composed]:
    """The statements that take all rights away again."""
    there = set(tables)
    statements = []
    for component in sorted(roles.present):
        role = sql.Identifier(roles.names[component])
        ours = sorted(there & {*metadata.tables, VERSION_TABLE})
        statements += [sql.SQL("REVOKE ALL ON {} FROM {}").format(sql.Identifier(table), role) for table in ours]
        if "workflow_definitions" in there:
            taken = sql.SQL("REVOKE ALL ON SEQUENCE {} FROM {}")
            statements.append(taken.format(sql.Identifier(revision_sequence.name), role))
    if workflow_questions.name in there:
        table = sql.Identifier(workflow_questions.name)
        statements.append(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(table))
        drop = sql.SQL("DROP POLICY IF EXISTS {} ON {}")
        statements += [drop.format(sql.Identifier(name), table) for name in (POLICY, ENDED_POLICY)]
    return statements


def _only_ending(worker: str) -> list[sql.Composed]:
    """Let a worker end what is open, never answer it or open it again; everybody else is left as they are."""
    table = sql.Identifier(workflow_questions.name)
    everybody = sql.SQL("CREATE POLICY {} ON {} FOR ALL TO PUBLIC USING (true) WITH CHECK (true)")
    ending = sql.SQL(
        "CREATE POLICY {} ON {} AS RESTRICTIVE FOR UPDATE TO {} USING (status = 'open') "
        "WITH CHECK (status = 'withdrawn' AND answer IS NULL OR status = 'expired' AND "
        "due_at <= statement_timestamp() + interval '1 minute')"
    )
    return [
        everybody.format(sql.Identifier(POLICY), table),
        ending.format(sql.Identifier(ENDED_POLICY), table, sql.Identifier(worker)),
        sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table),
    ]


def _run(connection: Connection, statements: Iterable[sql.Composed]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement.as_string().replace("%", "%%"))
