"""The ``sql`` task: one statement over a connection, bounded in kind, time and size (rule K3)."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowTaskTimeout

from airflow_workflow_provider.airflow_internals.task_process import time_limit
from airflow_workflow_provider.bounded.inside import memory_limited
from airflow_workflow_provider.bounded.limits import MIB
from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.instances.configured import configured_database
from airflow_workflow_provider.model.sql_text import RefusedStatement, other_statement, postgres_statement
from airflow_workflow_provider.operators.builtin import BuiltInOperator
from airflow_workflow_provider.operators.reach import NOT_ALLOWED, require_connection
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.foreign import OwnDatabase, RowTooLarge, TookTooLong, run_statement
from airflow_workflow_provider.strict_json import MAX_DIGITS
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.store.connection import ConnectionFields


DEFAULT_MAX_ROWS: Final = 1000

_COPIES: Final = 8
"""How often a row is in memory: what the driver reads and hands over, Python's values, their JSON text."""

_BESIDES: Final = 64 * MIB
"""Bytes for everything else: the connection, the driver, what is imported meanwhile."""


class SqlTaskOperator(BuiltInOperator):
    """Runs one statement through an Airflow SQL connection.

    PostgreSQL is spoken to with its extended protocol, in which the server itself takes one statement only, and in a
    read-only transaction unless the task writes. Of other databases the hook is used, and the text is looked at more
    narrowly.
    """

    name = "sql"

    def run(self, context: Context) -> Any:  # noqa: ARG002
        """Run the statement and return its rows."""
        conn_id = self.arguments["connection"]
        fields = require_connection("sql", conn_id, older=self.older)
        # A version from before there was ``write`` says nothing about it.
        write = self.arguments.get("write", self.older)
        max_bytes = load_settings().sql_max_bytes
        try:
            # A driver takes a whole row before anything can look at its size.
            with memory_limited(_BESIDES + _COPIES * max_bytes):
                if fields.conn_type.startswith("postgres") and not fields.extra.get("iam"):
                    return self._on_postgres(fields, conn_id, write=write)
                return self._on_another(conn_id, write=write)
        except RefusedStatement as error:
            message = f"The statement cannot be sent: {error}"
            details = {"diagnostic": "WF413", "suggestion": 'one that changes data needs "write": true'}
            raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED, details=details) from error
        except (TookTooLong, AirflowTaskTimeout) as error:
            message = f"The statement took more than {load_settings().sql_timeout} s ([workflows] sql_timeout)"
            raise StepFailure(message, type=ErrorType.TIMEOUT_ERROR, code=ProblemCode.SQL_TIMEOUT) from error
        except (RowTooLarge, MemoryError) as error:
            raise _too_large(max_bytes) from error

    def _on_postgres(self, fields: ConnectionFields, conn_id: str, *, write: bool) -> dict[str, Any]:
        given = self.arguments.get("parameters")
        statement = postgres_statement(self.arguments["sql"], write=write, parameters=given)
        settings = load_settings()
        try:
            own = configured_database(settings)
        except Misuse:
            # Without a workflow database there is none to be kept.
            own = None
        try:
            with run_statement(
                fields,
                conn_id,
                statement,
                given,
                write=write,
                seconds=settings.sql_timeout,
                own=own,
            ) as result:
                return self._output(result.columns, result.rows, result.count)
        except OwnDatabase as error:
            message = f"The connection {conn_id!r} leads to a database that is reserved for the workflow service"
            details = {"diagnostic": "WF410", "suggestion": "use a database of its own"}
            raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED, details=details) from error

    def _on_another(self, conn_id: str, *, write: bool) -> Any:
        given = self.arguments
        statement = other_statement(given["sql"], write=write)
        hook = BaseHook.get_hook(conn_id)
        if not hasattr(hook, "run") or not hasattr(hook, "get_records"):
            message = f"Connection {conn_id!r} is not an SQL connection but {type(hook).__name__}"
            raise StepFailure(message, type=ErrorType.VALIDATION_ERROR)
        answers: list[dict[str, Any]] = []
        with time_limit(load_settings().sql_timeout):
            hook.run(
                statement.text,
                parameters=given.get("parameters"),
                handler=lambda cursor: answers.append(self._read(cursor)),
                split_statements=False,
            )
        return answers[-1]

    def _read(self, cursor: Any) -> dict[str, Any]:
        if cursor.description is None:
            return self._output(None, (), max(cursor.rowcount, 0))
        columns = [column[0] for column in cursor.description]
        return self._output(columns, iter(cursor.fetchone, None), max(cursor.rowcount, 0))

    def _output(self, columns: Sequence[str] | None, rows: Iterable[Sequence[Any]], count: int) -> dict[str, Any]:
        """Return the rows as they are asked for, or the count of those that were changed."""
        fetch, limit = self.arguments.get("fetch", "all"), self.arguments.get("maxRows", DEFAULT_MAX_ROWS)
        if columns is None:
            return {"rows": [], "rowCount": count}
        if fetch != "none":
            _check_names(columns)
        max_bytes, size = load_settings().sql_max_bytes, 0
        found: list[dict[str, Any]] = []
        seen = 0
        for row in rows:
            seen += 1
            if fetch == "none":
                continue
            if fetch == "all" and seen > limit:
                message = f"The statement gave more than {limit:,} rows (maxRows)"
                raise StepFailure(message, type=ErrorType.OUTPUT_TOO_LARGE, details={"maxRows": limit})
            found.append(dict(zip(columns, map(_json_value, row), strict=True)))
            size += len(json.dumps(found[-1], default=str))
            if size > max_bytes:
                raise _too_large(max_bytes)
            if fetch == "one":
                break
        return {"rows": found, "rowCount": len(found) if fetch != "none" else seen}


def _check_names(columns: Sequence[str]) -> None:
    """Refuse a result of which an object would keep one of two columns only.

    :raises StepFailure: two columns have one name
    """
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        message = (
            f"The statement gives more than one column named {', '.join(map(repr, twice))}; name them apart with AS"
        )
        raise StepFailure(message, type=ErrorType.OUTPUT_ERROR, details={"columns": twice})


def _too_large(max_bytes: int) -> StepFailure:
    message = f"The rows are larger than {max_bytes:,} bytes ([workflows] sql_max_bytes)"
    return StepFailure(message, type=ErrorType.OUTPUT_TOO_LARGE, details={"maxBytes": max_bytes})


def _json_value(value: Any) -> Any:
    """Return a database value as JSON: numbers, texts, and what is made of them."""
    if isinstance(value, Decimal | float):
        return _number(value)
    if isinstance(value, datetime | date | time_of_day):
        return value.isoformat()
    if isinstance(value, UUID | timedelta):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_json_value(item) for item in value]
    return value


def _number(value: Decimal | float) -> int | float | str:
    """Return a number as JSON; as text where JSON has none such (infinite, not a number, too many digits)."""
    if not math.isfinite(value) or (isinstance(value, Decimal) and abs(value.adjusted()) >= MAX_DIGITS):
        return str(Decimal(value))
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return float(value)
