"""What an assistant can do: tools, each of which is a request to the REST API as the user of the token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from uuid import uuid4

from pydantic import ValidationError

from airflow_workflow_provider.cli import assistant_arguments as arguments
from airflow_workflow_provider.cli.assistant_answers import part_of
from airflow_workflow_provider.errors import Forbidden, Misuse, NotFound, WorkflowsError
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.json_text import value_findings
from airflow_workflow_provider.model.words import did_you_mean, shown
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.local.client import AirflowClient

Given = dict[str, Any]
"""Arguments as JSON, without those that are null."""
Call = Callable[["AirflowClient", Given], Any]

ERRORS: Final = 20
"""Errors of the log of an instance that are shown beside its page."""


@dataclass(frozen=True)
class Tool:
    """Something that an assistant can do.

    :param name: what the assistant calls
    :param description: what it does and when to use it
    :param arguments: the model of its arguments
    :param call: asks the API
    :param writes: whether it changes something
    :param ends: whether what it changes cannot be undone
    """

    name: str
    description: str
    arguments: type[arguments.Arguments]
    call: Call
    writes: bool = False
    ends: bool = False

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the arguments."""
        schema = self.arguments.model_json_schema()
        return {key: value for key, value in schema.items() if key not in ("title", "description")}


def offered(*, allow_writes: bool) -> tuple[Tool, ...]:
    """Return the tools that an assistant may use."""
    return tuple(tool for tool in TOOLS if allow_writes or not tool.writes)


def use(client: AirflowClient, name: str, given: Mapping[str, Any], *, allow_writes: bool) -> Any:
    """Use a tool and return what the API answers, or the part of it that was asked for.

    :param client: asks as the user
    :param given: the arguments, as they came
    :raises Forbidden: the tool writes, and that is not allowed
    :raises NotFound: there is no such tool
    :raises Misuse: the arguments do not fit
    :raises WorkflowsError: what the API answers
    """
    tool = _BY_NAME.get(name)
    if tool is None:
        message = f"There is no tool {shown(name)}"
        suggestion = did_you_mean(name, (each.name for each in offered(allow_writes=allow_writes)))
        raise NotFound(message, code=ProblemCode.BAD_ARGUMENTS, suggestion=suggestion)
    if tool.writes and not allow_writes:
        message = f"{name} changes something, and this server only reads"
        suggestion = "the user can start the server with 'airflow-workflows mcp --allow-writes'"
        raise Forbidden(message, code=ProblemCode.FORBIDDEN, suggestion=suggestion)
    _refuse(tool, value_findings(dict(given), max_size=None))
    wanted = _checked(tool, given).model_dump(mode="json", by_alias=True, exclude_none=True)
    pointer = wanted.pop("pointer", "")
    return part_of(tool.call(client, wanted), pointer)


def _checked(tool: Tool, given: Mapping[str, Any]) -> arguments.Arguments:
    try:
        return tool.arguments.model_validate(dict(given))
    except ValidationError as error:
        found = [
            Diagnostic(ProblemCode.BAD_ARGUMENTS, "error", pointer_of(each["loc"]), each["msg"])
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise _refusal(tool, found) from error


def _refuse(tool: Tool, found: Sequence[Diagnostic]) -> None:
    """Refuse values that JSON does not have, such as NaN, which the protocol's reader lets through."""
    if found:
        raise _refusal(tool, found)


def _refusal(tool: Tool, found: Sequence[Diagnostic]) -> Misuse:
    refused = Misuse(f"The arguments do not fit the tool {tool.name}", code=ProblemCode.BAD_ARGUMENTS)
    refused.findings = found
    return refused


def _get(path: str) -> Call:
    """Ask for what is at a path; arguments that the path does not name are filters."""

    def call(client: AirflowClient, given: Given) -> Any:
        return client.workflows("GET", _filled(path, given), params=given)

    return call


def _post(path: str) -> Call:
    """Send what the path does not name as the body of a request."""

    def call(client: AirflowClient, given: Given) -> Any:
        return client.workflows("POST", _filled(path, given), json=given)

    return call


def _filled(path: str, given: Given) -> str:
    """Return a path with its arguments, which are taken out of what was given."""
    parts = path.split("/")
    return "/".join(quote(str(given.pop(part[1:-1])), safe="") if part.startswith("{") else part for part in parts)


def _validate(client: AirflowClient, given: Given) -> Any:
    return client.workflows("POST", "/definitions/validate", json=given["definition"])


def _show_instance(client: AirflowClient, given: Given) -> Any:
    """Return an instance, its first errors and a page of its log; the log may be what the user must not read."""
    path = _filled("/instances/{instanceId}", given)
    instance = client.workflows("GET", path)
    return {
        "instance": instance,
        "errors": _or_refusal(client, f"{path}/log", {"level": "error", "limit": ERRORS}),
        "log": _or_refusal(client, f"{path}/log", given),
    }


def _or_refusal(client: AirflowClient, path: str, query: Given) -> Any:
    try:
        return client.workflows("GET", path, params=query)
    except WorkflowsError as error:
        return {"error": {"code": error.code, "message": error.message}}


def _start(client: AirflowClient, given: Given) -> Any:
    path = _filled("/definitions/{workflowId}/instances", given)
    headers = {"Idempotency-Key": given.pop("idempotencyKey", None) or uuid4().hex}
    version = given.pop("ifVersion", None)
    if version is not None:
        headers["If-Version"] = version
    return client.workflows("POST", path, json=given, headers=headers)


def _operation(name: str, description: str, model: type[arguments.Arguments], *, ends: bool = False) -> Tool:
    call = _post(f"/instances/{{instanceId}}/{name}")
    return Tool(f"{name}_instance", description, model, call, writes=True, ends=ends)


TOOLS: Final[Sequence[Tool]] = (
    Tool(
        "find_workflows",
        "List the workflows that the user can read, or find them by words.",
        arguments.FindWorkflows,
        _get("/definitions"),
    ),
    Tool(
        "show_definition",
        "Return the definition of a workflow: its steps, transitions, input schema and settings.",
        arguments.ShowDefinition,
        _get("/definitions/{workflowId}"),
    ),
    Tool("list_tasks", "List the tasks that steps can call.", arguments.ListTasks, _get("/tasks")),
    Tool(
        "show_task",
        "Return the definition of a task, with its arguments.",
        arguments.ShowTask,
        _get("/tasks/{taskId}"),
    ),
    Tool(
        "validate_definition",
        "Check a definition without storing it. Every finding has a code, a JSON pointer and a suggestion.",
        arguments.Validate,
        _validate,
    ),
    Tool(
        "simulate",
        "Run a definition in memory with mocked tasks and virtual time; nothing is stored and no task runs. "
        "Returns status, output, error and the path.",
        arguments.Simulate,
        _post("/simulate"),
    ),
    Tool(
        "find_instances",
        "List instances (runs of workflows), newest first; filter by status, time, step or error.",
        arguments.FindInstances,
        _get("/instances"),
    ),
    Tool(
        "show_instance",
        "Return an instance with its input, output and error, the errors of its execution log, and a page of the log. "
        "Use this first to find out why an instance failed or what it waits for.",
        arguments.ShowInstance,
        _show_instance,
    ),
    Tool(
        "show_step",
        "Return a step of an instance: its visits and attempts with arguments, results and errors.",
        arguments.ShowStep,
        _get("/instances/{instanceId}/steps/{stepId}"),
    ),
    Tool(
        "list_questions",
        "List the open questions to the user: approvals and forms that instances wait for.",
        arguments.ListQuestions,
        _get("/questions"),
    ),
    Tool(
        "show_question",
        "Return a question with its options, the schema of its form and the votes so far.",
        arguments.ShowQuestion,
        _get("/questions/{questionId}"),
    ),
    Tool("start_instance", "Start an instance of a workflow.", arguments.Start, _start, writes=True),
    _operation("suspend", "Suspend an instance: no new step starts.", arguments.Operate),
    _operation("resume", "Resume a suspended instance.", arguments.Operate),
    _operation("retry", "Run the failed and stopped steps of an instance again.", arguments.Retry),
    _operation("cancel", "Cancel an instance and stop its running tasks.", arguments.Cancel, ends=True),
    Tool(
        "answer_question",
        "Answer a question as the user. Only with the decision that the user made, never on your own.",
        arguments.Answer,
        _post("/questions/{questionId}/answer"),
        writes=True,
        ends=True,
    ),
)
"""All tools, in the order in which they are listed."""

_BY_NAME: Final = {tool.name: tool for tool in TOOLS}
