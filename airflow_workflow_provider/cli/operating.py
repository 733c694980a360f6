"""``instances suspend|resume|cancel|retry|restart|skip|compensate|migrate``, through the API (rules I5, I8)."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.cli.console import confirmed, print_rows, progress
from airflow_workflow_provider.cli.documents import read_json_argument
from airflow_workflow_provider.cli.instances import parse_instance_id
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.running import api_client
from airflow_workflow_provider.errors import Conflict, Misuse, NotFound
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_workflow_provider.local.client import AirflowClient

Json = dict[str, Any]

COLUMNS: Final = {
    "instanceId": "id",
    "workflowId": "workflow",
    "outcome": "outcome",
    "code": "code",
    "detail": "detail",
}
PAGE: Final = 20
"""Instances a request: so many are done before the bar moves on."""

LOOK: Final = 200


def suspend(options: Namespace) -> int:
    """Suspend instances."""
    return _operate(options, "suspend", {})


def resume(options: Namespace) -> int:
    """Resume instances."""
    return _operate(options, "resume", {})


def cancel(options: Namespace) -> int:
    """Cancel instances."""
    return _operate(options, "cancel", {"compensate": options.compensate})


def retry(options: Namespace) -> int:
    """Run again what failed."""
    return _operate(options, "retry", _version(options))


def restart(options: Namespace) -> int:
    """Run instances again."""
    more = {} if options.from_step is None else {"fromStepId": options.from_step}
    if options.input is not None:
        if not options.instance_ids:
            message = "A new input needs instance ids; it cannot be combined with filters"
            raise Misuse(message, code=ProblemCode.BAD_OPTION, pointer="--input")
        more["input"] = _object(options.input, "--input")
    return _operate(options, "restart", {**more, **_version(options)})


def skip(options: Namespace) -> int:
    """Let an output stand for a failed step."""
    more = {} if options.failed_step is None else {"stepId": options.failed_step}
    return _operate(options, "skip", {**more, "output": _object(options.result, "--result")})


def compensate(options: Namespace) -> int:
    """Run the compensations that instances owe."""
    return _operate(options, "compensate", {})


def migrate(options: Namespace) -> int:
    """Let live instances continue in another version."""
    return _operate(options, "migrate", {} if options.to is None else {"toVersion": options.to})


def _version(options: Namespace) -> Json:
    return {"version": "newest"} if options.newest else {}


def _object(text: str, option: str) -> Json:
    found = read_json_argument(text, what=option)
    if not isinstance(found, dict):
        message = f"{option} is a JSON object, not {type(found).__name__}"
        raise Misuse(message, code=ProblemCode.BAD_INPUT, pointer=option)
    return found


def _operate(options: Namespace, operation: str, arguments: Json) -> int:
    only = {
        "workflowId": options.workflow,
        "status": options.status or None,
        "correlationId": options.correlation_id,
        "currentStepId": options.step,
        "compensationOwed": options.compensation_owed or None,
    }
    only = {name: value for name, value in only.items() if value is not None}
    if bool(options.instance_ids) == bool(only):
        message = "Give instance ids or filters, not both" if only else "Give instance ids or filters"
        raise Misuse(message, code=ProblemCode.BAD_OPTION)
    if options.reason is not None:
        arguments = {**arguments, "reason": options.reason}
    with api_client() as client:
        if only:
            rows = _filtered(client, options, {"operation": operation, "filter": only, **arguments})
        else:
            rows = [_one(client, options, operation, each, arguments) for each in options.instance_ids]
    print_rows(options.output, COLUMNS, rows)
    return FAILED if any(row["outcome"] == "refused" for row in rows) else FINE


def _one(client: AirflowClient, options: Namespace, operation: str, given: str, arguments: Json) -> Json:
    wanted = str(parse_instance_id(given))
    row: Json = {"instanceId": wanted, "workflowId": None, "outcome": "refused", "code": None, "detail": None}
    try:
        if options.dry_run and operation == "migrate":
            return _looked_at(client, wanted, {"operation": operation, **arguments})
        if options.dry_run:
            found = client.workflows("GET", f"/instances/{wanted}")
            outcome = "would" if operation in found["operations"] else "would not"
        else:
            found = client.workflows("POST", f"/instances/{wanted}/{operation}", json=arguments)
            outcome = "done"
    except (Conflict, NotFound) as error:
        return {**row, "code": error.code, "detail": error.message}
    return {**row, "workflowId": found["workflowId"], "outcome": outcome}


def _looked_at(client: AirflowClient, wanted: str, body: Json) -> Json:
    """Return what an operation would do with one instance; for what its list of operations does not show."""
    for row in _pages(client, {**body, "filter": {"ids": [wanted]}, "dryRun": True}):
        return row
    message = f"There is no instance {wanted}, or you have no permission to operate it"
    raise NotFound(message, pointer=wanted)


def _filtered(client: AirflowClient, options: Namespace, body: Json) -> list[Json]:
    looked_at = list(_pages(client, {**body, "dryRun": True, "limit": LOOK}))
    to_do = [row for row in looked_at if row["outcome"] == "would"]
    if options.dry_run or not to_do:
        return looked_at
    if not options.yes and not confirmed(f"This will {body['operation']} {len(to_do)} instances."):
        message = "Nothing was changed"
        raise Misuse(message, code=ProblemCode.NOT_CONFIRMED, suggestion="Add --yes to continue without confirmation")
    with progress(str(body["operation"]), len(looked_at)) as advance:
        rows = []
        for row in _pages(client, {**body, "limit": PAGE}):
            rows.append(row)
            advance()
    return rows


def _pages(client: AirflowClient, body: Json) -> Iterator[Json]:
    after: Json = {}
    while True:
        page = client.workflows("POST", "/instances/bulk", json={**body, **after})
        yield from page["items"]
        if page["next"] is None:
            return
        after = {"after": page["next"]}
