"""The operators behind the built-in tasks; each reads its ``arguments`` only (rule K3)."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from uuid import UUID

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseHook, BaseOperator

from airflow_workflow_provider.engine.failure import OUTPUT_TOO_LARGE
from airflow_workflow_provider.errors import NotFound, StepFailure, TaskError
from airflow_workflow_provider.tasks.builtin import (
    DEFAULT_HTTP_CONNECTION,
    DEFAULT_MAX_ROWS,
    check_arguments,
    run_pure,
    wait_until,
)
from airflow_workflow_provider.tasks.registry import REGISTRY

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.tasks.registry import StepContext

STEP_CONTEXT: Final = "step_context"
"""Key of Airflow's context under which operators find the :class:`StepContext`."""

SHORT_WAIT: Final = 5.0
"""Seconds up to which waiting in the worker is cheaper, and safer, than handing the wait to the triggerer."""

OK: Final = range(200, 300)


class HttpError(TaskError):
    """An HTTP service answered with a status that is not expected; its code is the status."""


class BuiltInOperator(BaseOperator):
    """Base of the built-in tasks.

    :param arguments: the task's arguments, all templates and transforms evaluated when it runs
    """

    template_fields: Sequence[str] = ("arguments",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"arguments": "json"}
    ui_color = "#eef3fb"
    name: ClassVar[str]

    def __init__(self, *, arguments: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = dict(arguments or {})

    def execute(self, context: Context) -> Any:
        """Check the arguments and run the task.

        :raises StepFailure: of type ``ValidationError`` for bad arguments, else whatever the task raises
        """
        check_arguments(self.name, self.arguments)
        return self.run(context)

    def run(self, context: Context) -> Any:  # noqa: ARG002 - most built-ins need their arguments only
        """Run the task with arguments that fit its schema."""
        return run_pure(self.name, self.arguments, datetime.now(UTC))


class NoopOperator(BuiltInOperator):
    """Does nothing."""

    name = "noop"


class SetOperator(BuiltInOperator):
    """Returns its arguments."""

    name = "set"


class FailOperator(BuiltInOperator):
    """Fails with the error that its arguments describe."""

    name = "fail"
    ui_color = "#fbeeee"


class WaitOperator(BuiltInOperator):
    """Waits for a duration or until a moment; a long wait holds no worker."""

    name = "wait"

    def run(self, context: Context) -> Any:  # noqa: ARG002
        """Wait."""
        until = wait_until(self.arguments, datetime.now(UTC))
        remaining = (until - datetime.now(UTC)).total_seconds()
        if remaining > SHORT_WAIT:
            self.defer(trigger=DateTimeTrigger(moment=until), method_name="ended")
        time.sleep(max(remaining, 0))
        return {}

    def ended(self, context: Context, event: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Go on after the triggerer has waited."""
        return {}


class PythonTaskOperator(BuiltInOperator):
    """Calls a function that was registered with ``@workflow_task``."""

    name = "python"

    def run(self, context: Context) -> Any:
        """Call the function."""
        try:
            task = REGISTRY.find(self.arguments["callable"])
        except NotFound as error:
            raise StepFailure(error.message, type="TaskNotFound") from error
        step: StepContext = cast("dict[str, Any]", context)[STEP_CONTEXT]
        return task.call(self.arguments.get("input", {}), step)


class HttpTaskOperator(BuiltInOperator):
    """Sends one request through an Airflow HTTP connection."""

    name = "http"

    def run(self, context: Context) -> Any:  # noqa: ARG002
        """Send the request and return status, headers and body."""
        from airflow.providers.http.hooks.http import HttpHook
        from requests import Request

        given = self.arguments
        hook = HttpHook(given.get("method", "GET"), given.get("connection", DEFAULT_HTTP_CONNECTION))
        session = hook.get_conn(given.get("headers"))
        request = Request(
            hook.method,
            hook.url_from_endpoint(given["path"]),
            params={key: _query(value) for key, value in given.get("query", {}).items()},
            headers=given.get("headers"),
            data=given["body"].encode() if "body" in given else None,
            json=given.get("json"),
        )
        if "json" in given and given["json"] is None:
            request.data, request.headers = b"null", {"Content-Type": "application/json", **(request.headers or {})}
        extra = {**hook.merged_extra, "check_response": False}
        response = hook.run_and_check(session, session.prepare_request(request), extra)
        return self._answer(response)

    def _answer(self, response: Any) -> dict[str, Any]:
        headers = {key.lower(): value for key, value in response.headers.items()}
        body: Any = response.text
        if "json" in headers.get("content-type", "").split(";")[0] and body:
            try:
                body = response.json()
            except ValueError:
                self.log.warning("The answer says that it is JSON, but it is not; it is kept as text")
        answer = {"status": response.status_code, "headers": headers, "body": body}
        expected = self.arguments.get("expectedStatus", OK)
        if response.status_code not in ([expected] if isinstance(expected, int) else expected):
            message = f"{self.arguments.get('method', 'GET')} {self.arguments['path']} gave {response.status_code}"
            msg = f"{message} {response.reason}"
            raise HttpError(msg, code=str(response.status_code), details=answer)
        return answer


class SqlTaskOperator(BuiltInOperator):
    """Runs one statement through an Airflow SQL connection."""

    name = "sql"

    def run(self, context: Context) -> Any:  # noqa: ARG002
        """Run the statement and return its rows."""
        given = self.arguments
        hook = BaseHook.get_hook(given["connection"])
        if not hasattr(hook, "run") or not hasattr(hook, "get_records"):
            message = f"Connection {given['connection']!r} is no SQL connection but {type(hook).__name__}"
            raise StepFailure(message, type="ValidationError")
        answers: list[dict[str, Any]] = []
        hook.run(given["sql"], parameters=given.get("parameters"), handler=lambda c: answers.append(self._read(c)))
        return answers[-1]

    def _read(self, cursor: Any) -> dict[str, Any]:
        fetch, limit = self.arguments.get("fetch", "all"), self.arguments.get("maxRows", DEFAULT_MAX_ROWS)
        if fetch == "none" or cursor.description is None:
            return {"rows": [], "rowCount": max(cursor.rowcount, 0)}
        columns = [column[0] for column in cursor.description]
        found = cursor.fetchmany(1 if fetch == "one" else limit + 1)
        if fetch == "all" and len(found) > limit:
            message = f"The statement gave more than {limit:,} rows (maxRows)"
            raise StepFailure(message, type=OUTPUT_TOO_LARGE, details={"maxRows": limit})
        rows = [dict(zip(columns, map(_json_value, row), strict=True)) for row in found]
        return {"rows": rows, "rowCount": len(rows)}


def _query(value: Any) -> Any:
    """Return a query parameter as HTTP services expect it: ``true``, not Python's ``True``."""
    if isinstance(value, list):
        return [_query(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def _json_value(value: Any) -> Any:
    """Return a database value as JSON: numbers, texts, and what is made of them."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
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


BUILT_IN_OPERATORS: Final[Mapping[str, type[BuiltInOperator]]] = {
    operator.name: operator
    for operator in (
        NoopOperator,
        SetOperator,
        FailOperator,
        WaitOperator,
        PythonTaskOperator,
        HttpTaskOperator,
        SqlTaskOperator,
    )
}
