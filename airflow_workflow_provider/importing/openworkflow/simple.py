"""The tasks without tasks inside, as steps."""

from __future__ import annotations

from typing import Any, Final

from airflow_workflow_provider.importing.draft import Json, file_identifier, targets
from airflow_workflow_provider.importing.jsonata import Script, built, literal
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.openworkflow.task import STANDARD_ERRORS, STATE, Task, duration
from airflow_workflow_provider.model.words import shown
from airflow_workflow_provider.vocabulary import ErrorType

PROTOCOLS: Final = frozenset({"http", "grpc", "openapi", "asyncapi", "a2a", "mcp"})

_STANDARD: Final[dict[str, str]] = {
    "timeout": ErrorType.TIMEOUT_ERROR,
    "validation": ErrorType.VALIDATION_ERROR,
    "expression": ErrorType.EXPRESSION_ERROR,
}


_URIS: Final = {ours: f"{STANDARD_ERRORS}{name}" for name, ours in _STANDARD.items()}

CAUGHT_ERROR: Final = (
    # The failure of a region has the failure of its task as a cause.
    "($root := function($e) { ($causes := [$e.details.causes.*]; $count($causes) > 0 ? $root($causes[0]) : $e) }; "
    f"$cause := $root(error); $code := $cause.code; $uris := {literal(_URIS)}; "
    + built(
        {
            "type": "$lookup($uris, $cause.type) ? $lookup($uris, $cause.type) : $cause.type",
            "status": "$code = null ? null : $contains($code, /^[0-9]{1,9}$/) ? $number($code) : $code",
            "title": "$cause.message",
            "details": "$cause.details",
        }
    )
    + ")"
)
"""The error that a handler sees, as Open Workflow has it: with the URI of a standard error, and a number as status."""


def error_type(uri: str) -> str:
    """Return our type of an error: the engine's own of the standard errors that the engine raises."""
    name = uri.removeprefix(STANDARD_ERRORS) if uri.startswith(STANDARD_ERRORS) else ""
    return str(_STANDARD.get(name, uri))


def set_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of a Set task."""
    task.note("set", "a step that only keeps new data", at=("output",))

    def kept() -> Json:
        script = Script()
        given = task.with_variables(input=task.received(script))
        return task.kept(given.template(task.value["set"], script, task.received(script)), script)

    return [{**task.heading, "taskId": "noop", **task.attempt(kept, "output", "set"), "next": targets(after)}]


def wait_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of a Wait task."""
    found = duration(task.value["wait"])
    if found is None:
        task.todo("wait", f"a duration as ISO 8601 without years and months, not {shown(task.value['wait'])}", "wait")
    task.note("wait", "the task wait, which holds no worker", at=("arguments",))
    given = {"arguments": {"duration": found or "PT0S"}}
    return [{**task.heading, "taskId": "wait", **given, **_unchanged(task), "next": targets(after)}]


def _unchanged(task: Task) -> Json:
    """Return the output of a step whose task gives its input back."""
    return task.attempt(lambda: task.kept(task.received(Script())), "output", "output") if task.changes_data else {}


def emit_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of an Emit task."""
    given = ((task.value["emit"] or {}).get("event") or {}).get("with") or {}
    names = {"type", "source", "subject", "id", "time", "data"}

    def arguments() -> Json:
        found: Json = {}
        for name in given.keys() & names:
            script = Script()
            code = task.template(given[name], script)
            found[name] = script.transform(code) if "${" in str(given[name]) or name == "data" else given[name]
        return {"arguments": found}

    for name in sorted(given.keys() - names - {"datacontenttype", "dataschema"}):
        task.todo("emit", "write it as an extension of the event", "emit", "event", "with", name)
    task.note("emit", "the task event", at=("arguments",))
    fields = {"taskId": "event", **task.attempt(arguments, "arguments", "emit")}
    return [
        {**task.heading, **fields, **task.attempt(lambda: task.kept(STATE), "output", "output"), "next": targets(after)}
    ]


def raise_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of a Raise task."""
    del after
    error: Any = (task.value["raise"] or {}).get("error")
    if isinstance(error, str):
        error = task.document.reusable("errors", error) or {"type": error}

    def arguments() -> Json:
        found: Json = {"type": _text(task, error_type(str(error.get("type", ErrorType.WORKFLOW_FAILED))))}
        ours = {str(each) for each in ErrorType} - {str(ErrorType.WORKFLOW_FAILED)}
        if found["type"] in ours:
            found = {"type": str(ErrorType.WORKFLOW_FAILED), "details": {"type": error["type"]}}
            task.note("raise", "an error of the engine's own cannot be raised", "raise", exact=False, at=("arguments",))
        if "status" in error:
            found["code"] = _text(task, str(error["status"]))
        message = error.get("detail") or error.get("title")
        return {"arguments": found if message is None else {**found, "message": _text(task, str(message))}}

    task.note("raise", "the task fail; the status is the error's code", at=("arguments",))
    fields = task.attempt(arguments, "arguments", "raise")
    return [{**task.heading, "taskId": "fail", **fields, "next": []}]


def _text(task: Task, text: str) -> Any:
    if "${" not in text:
        return text
    script = Script()
    return script.transform(task.template(text, script))


def call_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of a Call task: a protocol, a function of the document, or one of a catalog."""
    name = str(task.value["call"])
    given = task.value.get("with") or {}
    function = task.document.reusable("functions", name)
    wanted = f"{name}.{task.name}" if name in PROTOCOLS else name
    if function is not None:
        task.note("call", "the function itself is the task's work", "call", exact=False, at=("taskId",))
    return _outside(task, after, wanted, f"Open Workflow call of {name}.", given)


def _outside(task: Task, after: str | None, wanted: str, origin: str, given: Any) -> list[Json]:
    work = task.draft.task(wanted, task.name, origin)
    task.note("call" if "call" in task.value else "run", f"the task {work}", at=("taskId",))

    def received() -> Json:
        script = Script()
        data = task.received(script)
        code = task.with_variables(input=data).template(given, script, data)
        # Places such as {petId} in addresses are filled in from the data.
        return {"input": script.transform(built({"with": code, "input": data}))}

    step: Json = {**task.heading, "taskId": work, **task.attempt(received, "input", "with"), **task.timeout()}
    return [{**step, **task.attempt(lambda: task.kept("output"), "output", "output"), "next": targets(after)}]


def run_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of a Run task."""
    run = task.value["run"] or {}
    if run.get("await") is False:
        task.todo("run", "a process that nobody waits for has no counterpart", "run", "await")
    child = run.get("workflow")
    if not isinstance(child, dict):
        kind = next((name for name in ("container", "script", "shell") if name in run), "process")
        return _outside(task, after, f"{kind}.{task.name}", f"Open Workflow run of a {kind}.", run.get(kind))
    name = file_identifier(f"{child.get('namespace', 'default')}.{child.get('name', '')}")
    version = child.get("version", "latest")
    pinned = "" if version == "latest" else f"@{version}"
    task.note("run", f"the workflow {name}{pinned}", "run", at=("taskId",))

    def received() -> Json:
        script = Script()
        data = task.received(script)
        code = task.with_variables(input=data).template(child.get("input", {}), script, data)
        return {"input": script.transform(code)}

    step: Json = {**task.heading, "taskId": f"workflow:{name}{pinned}", **task.attempt(received, "input", "run")}
    kept = task.attempt(lambda: task.kept("output"), "output", "output")
    return [{**step, **task.timeout(), **kept, "next": targets(after)}]


def receive(task: Task, step: str, given: Json, *further: str | int) -> Json:
    """Return a step that waits for one event.

    :raises NotTranslatable: it filters by more than the type, the source and values of the data
    """
    wanted = given.get("with") or {}
    kind = wanted.get("type")
    if not isinstance(kind, str) or "${" in kind:
        message = "an event without a type"
        raise NotTranslatable(message)
    more = sorted(wanted.keys() - {"type"})
    if more:
        message = f"a filter by {', '.join(more)}"
        raise NotTranslatable(message)
    correlation: Json = {}
    for name, each in (given.get("correlate") or {}).items():
        path = str(each.get("from", "")).strip().removeprefix("${").removesuffix("}").strip().removeprefix(".data")
        if "expect" not in each or not path.startswith("."):
            message = f"the correlation {name} without an expected value"
            raise NotTranslatable(message)
        script = Script()
        correlation[path[1:]] = script.transform(task.expression(each["expect"], script))
    task.note("listen", "a step that waits for the event", *further, at=("arguments",))
    found = {"eventPattern": kind, **({"correlation": correlation} if correlation else {})}
    return {"stepId": step, "taskId": "receive", "arguments": found}


def listen_task(task: Task, after: str | None) -> list[Json]:
    """Return the step of a Listen task."""
    listen = task.value["listen"] or {}
    to = listen.get("to") or {}
    read = listen.get("read", "data")
    result = "output" if read == "envelope" else "output.data"
    for name in ("until", "foreach"):
        if name in to or name in task.value:
            task.todo(
                "listen", f"{name}: write a loop around a receive step", *(("listen", "to") if name in to else ()), name
            )
    one = to.get("one")
    several = to.get("any") if one is None else None
    if one is None and isinstance(several, list) and len(several) == 1:
        one = several[0]
    if one is None and isinstance(to.get("all"), list):
        return _all(task, after, to["all"], result)
    try:
        step = {**receive(task, task.step, one or {}, "listen"), **task.heading}
    except NotTranslatable as error:
        task.todo("listen", f"one receive step waits for events of one type: {error}", "listen", "to")
        step = {**task.heading, "taskId": "receive", "arguments": {"eventPattern": "not.imported"}}
    kept = task.attempt(lambda: task.kept(f"[{result}]"), "output", "output")
    return [{**step, **task.timeout(), **kept, "next": targets(after)}]


def _all(task: Task, after: str | None, filters: list[Any], result: str) -> list[Json]:
    """Return a region in which each branch waits for one of the events."""
    branches = []
    results = []
    for number, each in enumerate(filters):
        step = task.draft.step_id(f"{task.step}-{number + 1}")
        try:
            waiting = receive(task, step, each, "listen", "to", "all", number)
        except NotTranslatable as error:
            task.todo(
                "listen", f"one receive step waits for events of one type: {error}", "listen", "to", "all", number
            )
            waiting = {"stepId": step, "taskId": "receive", "arguments": {"eventPattern": "not.imported"}}
        branches.append({"branchId": f"event-{number + 1}", "steps": [{**waiting, "next": []}]})
        results.append(f"output.branches.`event-{number + 1}`{result.removeprefix('output')}")
    kept = task.attempt(lambda: task.kept(f"[{', '.join(results)}]"), "output", "output")
    step_ = {**task.heading, "taskId": "noop", "parallelBranches": branches, **task.timeout(), **kept}
    return [{**step_, "next": targets(after)}]
