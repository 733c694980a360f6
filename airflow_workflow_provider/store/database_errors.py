"""What errors of PostgreSQL mean: which are temporary, and what is said about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from sqlalchemy import URL

# Connection exceptions; insufficient resources: disk full, out of memory, too many connections.
_PASSING_CLASSES: Final = frozenset({"08", "53"})
_BUSY_CLASSES: Final = frozenset({"40", "53", "58"})
"""Of errors with which a server answers although it is there."""

READ_ONLY_STATE: Final = "25006"
_PASSING_STATES: Final = frozenset(
    {
        "25006",  # read-only transaction: a standby, or a primary that was made read-only for a failover
        "25P03",  # idle in a transaction for too long
        "25P04",  # a transaction for too long
        "40001",  # serialization failure
        "40003",  # it is unknown whether the statement was executed
        "40P01",  # deadlock
        "57P01",  # shut down by an administrator
        "57P02",  # shut down after a crash
        "57P03",  # still starting
        "57P05",  # idle for too long
        "58000",  # system error
        "58030",  # I/O error
    }
)
# The server reports these while a connection is made, and psycopg has no SQLSTATE for them.
_STARTUP_PARAMETER: Final = "unsupported startup parameter"
_LASTING_WORDS: Final = (
    _STARTUP_PARAMETER,
    "authentication failed",
    "does not exist",
    "pg_hba.conf",
    "SSL",
    "certificate",
)
_LOCKED_STATE: Final = "55P03"
_TIMEOUT_STATES: Final = frozenset({"57014", _LOCKED_STATE})
_REFUSED_STATE: Final = "42501"
_MISSING_STATES: Final = frozenset({"42P01", "42703", "3F000"})


def unavailable(error: DBAPIError, url: URL, name: str, statement_timeout: float) -> StoreUnavailable | None:
    """Return what an error of the database means for its users; null for an error of the statement.

    :param url: of the database; its password is in no message
    :param name: the database, for messages
    :param statement_timeout: seconds
    """
    state, words = state_of(error), words_of(error, url)
    if state in _MISSING_STATES:
        return StoreUnavailable(
            f"The database at {name} does not have the tables of this version",
            code=ProblemCode.STORE_NOT_MIGRATED,
            suggestion="airflow-workflows db migrate",
        )
    if state == _REFUSED_STATE:
        return StoreUnavailable(
            f"The role {url.username!r} may not do this in the database at {name}: {words}",
            code=ProblemCode.STORE_NOT_PERMITTED,
            suggestion="connect by the role of this component; airflow-workflows db roles gives the rights",
        )
    if state in _TIMEOUT_STATES:
        message = f"PostgreSQL at {name} did not answer within {statement_timeout:g} s"
        return StoreUnavailable(message, code=ProblemCode.STORE_TIMEOUT, suggestion="see [workflows] statement_timeout")
    if _STARTUP_PARAMETER in str(error.orig):
        return StoreUnavailable(
            f"A connection pooler answers for PostgreSQL at {name}: {words}",
            code=ProblemCode.STORE_BEHIND_POOLER,
            suggestion="set [workflows] listen_conn_id to a connection that goes to PostgreSQL directly",
        )
    if state == READ_ONLY_STATE:
        return StoreUnavailable(
            f"PostgreSQL at {name} does not accept writes: {words}",
            code=ProblemCode.STORE_READ_ONLY,
            suggestion="check that the Airflow connection of [workflows] conn_id leads to the primary",
        )
    if is_passing(error) or (state is None and isinstance(error, (OperationalError, InterfaceError))):
        return StoreUnavailable(
            f"PostgreSQL at {name} {_trouble(state)}: {words}",
            suggestion="check that it runs and the Airflow connection of [workflows] conn_id",
        )
    return None


def words_of(error: BaseException | None, url: URL) -> str:
    """Return the reason in one line, free of credentials."""
    reason = str(error.orig if isinstance(error, DBAPIError) else error)
    words = " ".join(reason.split())
    return words.replace(str(url.password), "***") if url.password else words


def is_passing(error: BaseException) -> bool:
    """Return whether an error of a database may be temporary, so that the same work is worth another try.

    These are errors of the server rather than of the statement: it is unavailable, starting, read-only, out of disk,
    memory or connections, or another transaction was in the way. The error may be of any driver.
    """
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = state_of(error)
    if state is not None:
        return state in _PASSING_STATES or state == _LOCKED_STATE or state[:2] in _PASSING_CLASSES
    if not isinstance(error, (OperationalError, InterfaceError)):
        return error.connection_invalidated
    return not any(words in str(error.orig) for words in _LASTING_WORDS)


def state_of(error: DBAPIError) -> str | None:
    """Return the SQLSTATE, as psycopg, psycopg2 or asyncpg keeps it."""
    for name in ("sqlstate", "pgcode"):
        found = getattr(error.orig, name, None)
        if isinstance(found, str):
            return found
    return None


def _trouble(state: str | None) -> str:
    """Return in words what keeps a server from working."""
    return "failed for the moment" if state is not None and state[:2] in _BUSY_CLASSES else "could not be reached"
