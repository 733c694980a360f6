"""From an Airflow connection to the URL of the database, without importing Airflow where the environment has it."""

from __future__ import annotations

import importlib
import os
import sys
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from psycopg.pq import Conninfo
from sqlalchemy.engine import URL

from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.json_text import loads_data
from airflow_workflow_provider.settings import CONNECTION_TYPE, DEFAULT_CONNECTION_ID
from airflow_workflow_provider.vocabulary import ProblemCode

DRIVER: Final = "postgresql+psycopg"
# Given by the URL itself; every other libpq parameter may be in the connection's extra.
_IN_URL: Final = frozenset({"host", "port", "user", "password", "dbname"})

UNDECIPHERABLE: Final = ("InvalidToken", "InvalidFernetToken")
"""Errors of a Fernet key that is not the one of the data."""


@dataclass(frozen=True)
class ConnectionFields:
    """The fields of an Airflow connection."""

    conn_type: str
    host: str | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    port: int | None = None
    extra: dict[str, Any] = field(default_factory=dict, repr=False)


def environment_name(conn_id: str) -> str:
    """The environment variable in which Airflow looks for a connection."""
    return f"AIRFLOW_CONN_{conn_id.upper()}"


def database_url(conn_id: str = DEFAULT_CONNECTION_ID) -> URL:
    """The URL of the database behind an Airflow connection.

    :raises Misuse: the connection is not defined, cannot be read or is not PostgreSQL
    """
    return to_url(connection_fields(conn_id), conn_id)


def connection_fields(conn_id: str) -> ConnectionFields:
    """Return the fields of an Airflow connection: from the environment, else from Airflow.

    :raises Misuse: the connection is not defined or cannot be read
    """
    text = os.environ.get(environment_name(conn_id))
    return parse_connection(text, conn_id) if text else _from_airflow(conn_id)


def parse_connection(text: str, conn_id: str) -> ConnectionFields:
    """Read Airflow's JSON or URI form of a connection.

    :raises Misuse: it is neither; the text itself is not shown, because it has a password
    """
    try:
        return _from_json(text) if text.lstrip().startswith("{") else _from_uri(text)
    except (ValueError, TypeError, OverflowError):
        raise _refused(conn_id, "cannot be read", "expected Airflow's URI or JSON form of a connection") from None


def to_url(fields: ConnectionFields, conn_id: str) -> URL:
    """The SQLAlchemy URL, always for psycopg 3.

    :raises Misuse: the connection is not PostgreSQL
    """
    if fields.conn_type != CONNECTION_TYPE and not fields.conn_type.startswith("postgres"):
        raise _refused(conn_id, f"has the type {fields.conn_type!r}", f"expected {CONNECTION_TYPE!r} or 'postgres'")
    _mask(fields.password)
    known = {option.keyword.decode() for option in Conninfo.get_defaults()} - _IN_URL
    query = {key: str(value) for key, value in fields.extra.items() if key in known and value not in (None, "")}
    return URL.create(
        DRIVER,
        username=fields.login or None,
        password=fields.password or None,
        host=fields.host or None,
        port=fields.port,
        database=fields.schema or None,
        query=query,
    )


def _from_json(text: str) -> ConnectionFields:
    document = _object(text)
    port = document.get("port")
    return ConnectionFields(
        conn_type=_text(document, "conn_type") or "",
        host=_text(document, "host"),
        login=_text(document, "login"),
        password=_text(document, "password"),
        schema=_text(document, "schema"),
        port=int(port) if port not in (None, "") else None,
        extra=_object(document.get("extra") or {}),
    )


def _object(given: Any) -> dict[str, Any]:
    """An object, or the JSON text of one; PostgreSQL's driver takes no text that has a NUL.

    :raises ValueError: it is neither
    """
    try:
        found = loads_data(given) if isinstance(given, str) else given
    except InvalidDefinition as error:
        raise ValueError from error
    if not isinstance(found, dict):
        raise TypeError
    return found


def _text(document: dict[str, Any], name: str) -> str | None:
    found = document.get(name)
    if found is None or isinstance(found, str):
        return found
    if not isinstance(found, int) or isinstance(found, bool):
        raise TypeError
    return str(found)


def _from_uri(text: str) -> ConnectionFields:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError
    # The authority is split here: urlsplit lower-cases the host and fails on a "[" in a password.
    account, _, place = parts.netloc.rpartition("@")
    login, _, password = account.partition(":")
    host, _, port = place.rpartition(":") if ":" in place and not place.endswith("]") else (place, "", "")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra = _object(query["__extra__"]) if "__extra__" in query else query
    return ConnectionFields(
        conn_type=parts.scheme.replace("-", "_"),
        host=unquote(host).strip("[]") or None,
        login=unquote(login) or None,
        password=unquote(password) or None,
        schema=unquote(parts.path.removeprefix("/")) or None,
        port=int(port) if port else None,
        extra=extra,
    )


def _from_airflow(conn_id: str) -> ConnectionFields:
    try:
        # The fields are decrypted when they are read.
        found = _fields(_airflow_connection(conn_id))
    except ImportError:
        found = None
    except Exception as error:  # each secrets backend has errors of its own
        kind = type(error).__name__
        if kind in UNDECIPHERABLE:
            expected = "give every component the [core] fernet_key that it was stored with, or store it again"
            raise _refused(conn_id, "was encrypted with another Fernet key", expected) from None
        if kind not in ("AirflowNotFoundException", "AirflowRuntimeError"):
            raise _refused(conn_id, f"could not be looked up ({kind})", "see Airflow's own log") from error
        found = None
    if found is None:
        # In a task, Airflow says the same of one that its secrets backends cannot read.
        fix = f"define it in Airflow, or set {environment_name(conn_id)} to its URI; doctor says if it is unreadable"
        raise _refused(conn_id, "is not defined", fix)
    return found


def _fields(found: Any) -> ConnectionFields:
    return ConnectionFields(
        conn_type=found.conn_type or "",
        host=found.host,
        login=found.login,
        password=found.password,
        schema=found.schema,
        port=found.port,
        extra=found.extra_dejson,
    )


def _airflow_connection(conn_id: str) -> Any:
    runner = sys.modules.get("airflow.sdk.execution_time.task_runner")
    if getattr(runner, "SUPERVISOR_COMMS", None) is not None:
        # A worker or a DAG parser, which has no database session and asks its supervisor.
        return importlib.import_module("airflow.sdk").Connection.get(conn_id)
    connection = importlib.import_module("airflow.models.connection").Connection
    return connection.get_connection_from_secrets(conn_id)


def _mask(password: str | None) -> None:
    """Register it with Airflow's secrets masker, where there is one in this process."""
    logs = sys.modules.get("airflow.sdk.log")
    if password and logs is not None:
        logs.mask_secret(password)


def _refused(conn_id: str, reason: str, expected: str) -> Misuse:
    return Misuse(
        f"The connection {conn_id!r} {reason}", code=ProblemCode.BAD_CONNECTION, pointer=conn_id, suggestion=expected
    )
