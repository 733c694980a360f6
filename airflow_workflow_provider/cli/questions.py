"""``questions …``: the questions to the current user, and their answers, through the REST API (rule K3)."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow_workflow_provider.cli.console import print_json, print_line, print_rows
from airflow_workflow_provider.cli.counts import from_one
from airflow_workflow_provider.cli.documents import read_json_argument
from airflow_workflow_provider.cli.instances import parse_instance_id
from airflow_workflow_provider.cli.main import FINE
from airflow_workflow_provider.cli.running import api_client
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.local.client import AirflowClient

PAGE: Final = 1000
COLUMNS: Final = {
    "id": "id",
    "workflowId": "workflow",
    "stepId": "step",
    "subject": "subject",
    "status": "status",
    "claimedByName": "claimed by",
    "askedAt": "asked",
    "dueAt": "due",
}
DETAILS: Final = ("instanceId", "runId", "assignees", "minApprovals", "commentRequired", "mayAnswer")
DOCUMENTS: Final = ("schema", "defaults", "votes", "answer")


def list_questions(options: Namespace) -> int:
    """List the questions that ask the signed-in user, or all that they may read."""
    from_one(options.limit, "--limit")
    query: dict[str, Any] = {
        "mine": "false" if options.all else "true",
        "workflowId": options.workflow,
        "instanceId": str(parse_instance_id(options.instance)) if options.instance else None,
        "status": options.status,
    }
    query = {name: value for name, value in query.items() if value is not None}
    found: list[dict[str, Any]] = []
    with api_client() as client:
        while len(found) < options.limit:
            query["limit"] = min(PAGE, options.limit - len(found))
            page = client.workflows("GET", "/questions", params=query)
            found += page["items"]
            if page["next"] is None:
                break
            query["after"] = page["next"]
    rows = found if options.output == "json" else [_row(each) for each in found]
    print_rows(options.output, COLUMNS, rows)
    return FINE


def show(options: Namespace) -> int:
    """Show one question."""
    wanted = parse_question_id(options.question_id)
    with api_client() as client:
        _print(client.workflows("GET", f"/questions/{wanted}"), options.output)
    return FINE


def answer(options: Namespace) -> int:
    """Answer a question."""
    given = {"decision": options.decision, "comment": options.comment, "form": _form(options.form)}
    return _send(options, "answer", {name: value for name, value in given.items() if value is not None})


def claim(options: Namespace) -> int:
    """Reserve a question."""
    return _send(options, "claim")


def release(options: Namespace) -> int:
    """Release a question, so that all assignees can answer it."""
    return _send(options, "release")


def delegate(options: Namespace) -> int:
    """Hand a question to another user."""
    body = {"to": options.to}
    return _send(options, "delegate", body if options.reason is None else {**body, "reason": options.reason})


def parse_question_id(text: str) -> UUID:
    """Read a question's id.

    :raises Misuse: it is no UUID
    """
    try:
        return UUID(text)
    except ValueError as error:
        message = f"{text!r} is not a question id; expected a UUID"
        raise Misuse(message, code=ProblemCode.BAD_QUESTION_ID) from error


def _form(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    form = read_json_argument("@-" if text == "-" else text, what="--form")
    if not isinstance(form, dict):
        message = f"A form is a JSON object, not {type(form).__name__}"
        raise Misuse(message, code=ProblemCode.BAD_FORM, pointer="--form")
    return form


def _send(options: Namespace, action: str, body: dict[str, Any] | None = None) -> int:
    wanted = parse_question_id(options.question_id)
    with api_client() as client:
        changed = _post(client, f"/questions/{wanted}/{action}", body)
    if options.output == "json":
        print_json(changed)
    else:
        print_line(_said(changed))
    return FINE


def _post(client: AirflowClient, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    return dict(client.workflows("POST", path, **({} if body is None else {"json": body})))


def _said(question: dict[str, Any]) -> str:
    """Return one line that says how a question stands."""
    if question["answer"] is not None:
        return f"{question['status']}: {question['answer']['decision']}"
    said = str(question["status"])
    if question["minApprovals"] > 1:
        said += f", {len(question['votes'])} of {question['minApprovals']} votes"
    if question["claimedBy"] is not None:
        said += f", claimed by {question['claimedBy']['name']}"
    return said


def _row(question: dict[str, Any]) -> dict[str, Any]:
    claimed = question["claimedBy"]
    return {**question, "claimedByName": claimed["name"] if claimed else None}


def _print(question: dict[str, Any], output: str) -> None:
    if output == "json":
        print_json(question)
        return
    row = _row(question)
    for key in (*COLUMNS, *DETAILS):
        value = row[key]
        if value not in (None, [], {}):
            print_line(f"{COLUMNS.get(key, _words(key)):17} {_flat(value)}")
    print_line(f"{'options':17} {', '.join(question['options'])}")
    if question["body"]:
        print_line(f"\n{question['body']}\n")
    for key in DOCUMENTS:
        if question[key]:
            print_line(f"{key}:")
            print_json(question[key])


def _words(key: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in key)


def _flat(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return "; ".join(f"{kind} {', '.join(names)}" for kind, names in value.items() if names)
    return ", ".join(value) if isinstance(value, list) else str(value)
