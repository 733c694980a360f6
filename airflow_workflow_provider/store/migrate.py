"""Makes, checks and removes the tables, through the migrations that are shipped with the package."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util.exc import CommandError
from sqlalchemy import URL, Connection, inspect, text

import airflow_workflow_provider
from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store import roles
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.schema_version import SCHEMA, note_compatibility
from airflow_workflow_provider.store.tables import VERSION_TABLE, metadata, revision_sequence
from airflow_workflow_provider.vocabulary import ProblemCode

# Any number that no other advisory lock in this database uses.
LOCK_KEY: Final = 7_206_041_120_331_904_001
LOCK_TIMEOUT: Final = "60s"


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Airflow's tables may be in the same database."""
    return kind != "table" or name in metadata.tables


COMPARISON: Final[dict[str, Any]] = {"compare_type": True, "include_name": _is_ours}
"""How migrations and the check compare the database with the tables of this version."""


@dataclass(frozen=True)
class MigrationState:
    """What a database has, against what this version of the package expects.

    :param current: its revision; null for none
    :param head: the newest revision of this package
    :param pending: revisions still to be applied, oldest first
    :param drift: differences from the expected tables, in words; looked for only when nothing is pending
    """

    current: str | None
    head: str
    pending: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Nothing is to be done."""
        return self.current == self.head and not self.drift

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.pending:
            return f"migrations pending: {', '.join(self.pending)} (now at {self.current or 'nothing'})"
        if self.drift:
            return f"at {self.current}, but the tables differ: {'; '.join(self.drift)}"
        return f"up to date at {self.current}"


def upgrade(url: str | URL, revision: str = "head") -> MigrationState:
    """Bring a database to a revision, by default the newest; a second process waits for the first.

    Everything happens in one transaction: a failure leaves the database as it was.

    :raises StoreUnavailable: the database is not reached, or another migration holds it for more than a minute
    :raises Misuse: there is no such revision, or the database is at one that this version does not know
    """

    def bring_up(config: Config) -> None:
        command.upgrade(config, revision)
        current = _current(config.attributes["connection"])
        note_compatibility(config.attributes["connection"], current)
        # The rights are those of the newest tables; no component works with older ones.
        if current == SCHEMA:
            roles.grant(config.attributes["connection"], load_settings().role_prefix)

    return _migrate(url, bring_up)


def downgrade(url: str | URL, revision: str = "base") -> MigrationState:
    """Take migrations back to a revision; to ``base`` everything of ours is deleted.

    :raises StoreUnavailable: as for :func:`upgrade`
    :raises Misuse: as for :func:`upgrade`
    """

    def take_back(config: Config) -> None:
        connection: Connection = config.attributes["connection"]
        roles.revoke(connection, load_settings().role_prefix)
        command.downgrade(config, revision)
        note_compatibility(connection, _current(connection))
        if _current(connection) is None:
            connection.execute(text(f"DROP TABLE IF EXISTS {VERSION_TABLE}"))

    return _migrate(url, take_back)


def give_roles(url: str | URL) -> roles.Roles:
    """Make the roles of the components and give them their rights; safe to do again.

    :raises StoreUnavailable: the database is not reached or not migrated, or the account may not make roles
    """
    prefix = load_settings().role_prefix
    with Database(url, retry_for=0, pooled=False).begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        roles.create(connection, prefix)
        return roles.grant(connection, prefix)


def check(url: str | URL) -> MigrationState:
    """Compare a database with what this version expects; changes nothing.

    :raises StoreUnavailable: the database is not reached
    :raises Misuse: the database is at a revision that this version does not know
    """
    with Database(url, retry_for=0, pooled=False).begin() as connection, _clear_errors():
        return _state(connection)


def revisions(database: Database) -> tuple[str | None, str]:
    """Return the revision of a database and the newest one of this package; quicker than :func:`check`.

    :raises StoreUnavailable: the database is not reached
    """
    return database.run(_current), _head()


@cache
def _head() -> str:
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _migrate(url: str | URL, work: Callable[[Config], None]) -> MigrationState:
    # Migrating a big table may take longer than any statement of a step.
    database = Database(url, statement_timeout=0, retry_for=0, pooled=False)
    try:
        with database.begin() as connection, _clear_errors():
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
            config = _config()
            config.attributes["connection"] = connection
            work(config)
            return _state(connection)
    except StoreUnavailable as error:
        if error.code == ProblemCode.STORE_TIMEOUT:
            message = f"The tables in {database.name} were in use for more than {LOCK_TIMEOUT}"
            raise StoreUnavailable(message, code=error.code, suggestion="end other migrations and try again") from None
        raise


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    return config


def migrations_folder() -> Path:
    """Where the migrations are: in the installed package, or at the top of a source checkout."""
    package = Path(airflow_workflow_provider.__file__).parent
    for folder in (package / "migrations", package.parent / "migrations"):
        if (folder / "env.py").exists():
            return folder
    message = f"The migrations are missing from {package}"
    raise Misuse(message, code=ProblemCode.NO_MIGRATIONS, suggestion="install the package again")


@contextmanager
def _clear_errors() -> Iterator[None]:
    try:
        yield
    except (CommandError, RevisionError) as error:
        message = f"The database cannot be migrated: {error}"
        hint = "was it migrated by a newer version of this package?"
        raise Misuse(message, code=ProblemCode.UNKNOWN_REVISION, suggestion=hint) from None


def _current(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()


def _state(connection: Connection) -> MigrationState:
    scripts = ScriptDirectory.from_config(_config())
    head = scripts.get_current_head() or ""
    current = _current(connection)
    pending = [script.revision for script in scripts.iterate_revisions(head, current or "base")]
    drift = () if pending else tuple(_drift(connection))
    return MigrationState(current, head, tuple(reversed(pending)), drift)


def _drift(connection: Connection) -> Iterator[str]:
    context = MigrationContext.configure(connection, opts=COMPARISON)
    for difference in compare_metadata(context, metadata):
        # A changed column comes as a list of its changes.
        changes = difference if isinstance(difference, list) else [difference]
        yield from (_in_words(change) for change in changes)
    if revision_sequence.name not in inspect(connection).get_sequence_names():
        yield f"sequence {revision_sequence.name} is missing"


def _in_words(change: tuple[Any, ...]) -> str:
    kind, *subject = change
    verb = {"add": "missing", "remove": "unexpected"}.get(kind.split("_")[0], "different")
    if kind.startswith("modify_"):
        _, table, column, *_ = subject
        return f"{kind.removeprefix('modify_')} of {table}.{column} is different"
    names = [getattr(part, "name", part) for part in subject if part is not None]
    owner = getattr(getattr(subject[0], "table", None), "name", None)
    return f"{kind.split('_', 1)[1]} {'.'.join(str(name) for name in (owner, *names) if name)} is {verb}"
