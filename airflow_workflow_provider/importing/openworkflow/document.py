"""A whole document as a definition."""

from __future__ import annotations

import re
from typing import Any, Final

from semver import Version

from airflow_workflow_provider.importing.draft import Draft, Json, file_identifier, short_name, targets, transform
from airflow_workflow_provider.importing.jsonata import Script, built, failing
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.openworkflow.regions import Around, in_list
from airflow_workflow_provider.importing.openworkflow.task import STATE, Document, Task, duration, timeout_of
from airflow_workflow_provider.importing.report import Conversion, NotImportable
from airflow_workflow_provider.importing.shapes import require
from airflow_workflow_provider.model.words import shown

_VERSION: Final = re.compile(r"^1\.0\.\d+(?:-[0-9A-Za-z.-]+)?$")
_OBJECT: Final = {"type": ["object", "null"]}
_SHAPE: Final[Json] = {
    "type": "object",
    "required": ["document", "do"],
    "properties": {
        "document": {
            "type": "object",
            "required": ["dsl", "name"],
            "properties": {"dsl": {"type": "string"}, "name": {"type": "string", "minLength": 1}},
        },
        "do": {"$ref": "#/$defs/tasks"},
        "use": {
            "type": ["object", "null"],
            "properties": {
                name: {"type": ["object", "null"], "additionalProperties": {"type": "object"}}
                for name in ("functions", "errors", "retries", "timeouts")
            },
        },
        "input": _OBJECT,
        "output": _OBJECT,
        "schedule": _OBJECT,
    },
    "$defs": {
        "tasks": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "additionalProperties": {"$ref": "#/$defs/task"}},
        },
        "task": {
            "type": "object",
            "properties": {
                "input": _OBJECT,
                "output": _OBJECT,
                "export": _OBJECT,
                "with": _OBJECT,
                "emit": {
                    "type": "object",
                    "properties": {"event": {"type": "object", "properties": {"with": {"type": "object"}}}},
                },
                "listen": {"type": "object", "properties": {"to": {"$ref": "#/$defs/events"}}},
                "raise": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {"error": {"type": ["object", "string"]}},
                },
                "run": {"type": "object"},
                "for": {"type": "object"},
                "fork": {"type": "object", "properties": {"branches": {"$ref": "#/$defs/tasks"}}},
                "do": {"$ref": "#/$defs/tasks"},
                "try": {"$ref": "#/$defs/tasks"},
                "catch": {
                    "type": "object",
                    "properties": {
                        "errors": {"type": "object", "properties": {"with": {"type": "object"}}},
                        "retry": {
                            "type": ["object", "string"],
                            "properties": {
                                "limit": {"type": "object", "properties": {"attempt": {"type": "object"}}},
                                "backoff": {"type": "object"},
                            },
                        },
                        "do": {"$ref": "#/$defs/tasks"},
                    },
                },
            },
        },
        "events": {
            "type": "object",
            "properties": {
                "one": {"$ref": "#/$defs/event"},
                "any": {"type": "array", "items": {"$ref": "#/$defs/event"}},
                "all": {"type": "array", "items": {"$ref": "#/$defs/event"}},
            },
        },
        "event": {
            "type": "object",
            "properties": {
                "with": {"type": "object"},
                "correlate": {"type": "object", "additionalProperties": {"type": "object"}},
            },
        },
    },
}
_KNOWN: Final = frozenset({"document", "do", "use", "input", "output", "timeout", "schedule", "evaluate"})


def convert(source: Json, name: str, workflow_id: str) -> Conversion:
    """Return the definition of a document.

    :param workflow_id: not used: namespace and name of the document give the id, by which others refer to it
    :raises NotImportable: it is no valid document, or of an unknown version
    """
    del workflow_id
    require(_SHAPE, source)
    about = source["document"]
    if not _VERSION.match(about["dsl"]):
        message = f"The version {shown(about['dsl'])} of the DSL is unknown; known are those of 1.0"
        raise NotImportable(message, "/document/dsl")
    language = (source.get("evaluate") or {}).get("language", "jq")
    if language != "jq":
        message = f"The expression language {shown(language)} is unknown; known is jq"
        raise NotImportable(message, "/evaluate/language")
    own_id = file_identifier(f"{about.get('namespace', 'default')}.{about['name']}")
    draft = Draft(own_id)
    events = (source.get("schedule") or {}).get("on")
    document = Document(draft, source, "input.events" if events is not None else "input")
    start = draft.step_id("start")
    whole = Task(document, about["name"], {}, (), start)
    steps = in_list(source["do"], ("do",), Around(document))
    first = {"stepId": start, "taskId": "noop", **_start(whole, source), "next": targets(steps[0]["stepId"])}
    version, about_version = _version(about.get("version")), about.get("version")
    if version != about_version:
        draft.note(
            "detour", "version", ("document", "version"), f"{shown(about_version)} became {version}", at=("version",)
        )
    definition: Json = {
        "workflowId": own_id,
        "name": short_name(str(about.get("title") or about["name"])) or own_id,
        "description": about["summary"] if isinstance(about.get("summary"), str) else "",
        "version": version,
        **_input_schema(draft, source),
        **_triggers(draft, source),
        **_settings(draft, document, source),
        "steps": [first, *steps],
        "output": _output(whole, source),
    }
    _note_rest(draft, source)
    return draft.conversion(definition, name)


def _start(whole: Task, source: Json) -> Json:
    wanted = (source.get("input") or {}).get("from")
    if wanted is None:
        return {"output": transform(f"{{state: {whole.document.input}}}", "jmespath")}

    def kept() -> Json:
        script = Script()
        return {"output": script.transform(built({"state": whole.filter(wanted, script, whole.document.input)}))}

    return whole.attempt(kept, "output", "input", "from")


def _output(whole: Task, source: Json) -> Json:
    wanted = (source.get("output") or {}).get("as")
    if wanted is None:
        return transform(STATE, "jmespath")
    script = Script()
    try:
        return script.transform(whole.filter(wanted, script, STATE))
    except NotTranslatable as error:
        whole.todo("output", f"translate it: {error}", "output", "as")
        return failing(f"the output was not imported: {error}")


def _version(value: Any) -> str:
    return str(value) if isinstance(value, str) and Version.is_valid(value) and len(value) <= 50 else "1.0.0"  # noqa: PLR2004 - as in the format


def _input_schema(draft: Draft, source: Json) -> Json:
    schema = (source.get("input") or {}).get("schema")
    if schema is None:
        return {}
    document = schema.get("document") if isinstance(schema, dict) else None
    if not isinstance(document, dict):
        draft.note("todo", "schema", ("input", "schema"), "a schema elsewhere: copy it into inputSchema")
        return {}
    draft.note("exact", "schema", ("input", "schema"), "the input's schema", at=("inputSchema",))
    return {"inputSchema": document}


def _triggers(draft: Draft, source: Json) -> Json:
    schedule = source.get("schedule") or {}
    place = ("schedule",)
    triggers: list[Json] = []
    if "cron" in schedule:
        triggers.append({"schedule": {"cron": schedule["cron"]}})
        draft.note("exact", "cron", (*place, "cron"), "a schedule in UTC", at=("triggers", 0))
    every = duration(schedule.get("every"))
    if every is not None:
        triggers.append({"schedule": {"every": every, "startDate": "2000-01-01T00:00:00Z"}})
        draft.note(
            "detour", "every", (*place, "every"), "counted from 2000, not from the deployment", at=("triggers", 0)
        )
    elif "every" in schedule:
        draft.note("todo", "every", (*place, "every"), "a fixed duration")
    if "after" in schedule:
        draft.note("todo", "after", (*place, "after"), "let a last step start the workflow again by an event")
    on = schedule.get("on")
    if on is not None:
        triggers += _event_triggers(draft, on)
    return {"triggers": triggers} if triggers else {}


def _event_triggers(draft: Draft, on: Any) -> list[Json]:
    filters = [on["one"]] if isinstance(on, dict) and "one" in on else on.get("any", ()) if isinstance(on, dict) else ()
    found: list[Json] = []
    for each in filters:
        wanted = each.get("with") if isinstance(each, dict) else None
        if isinstance(wanted, dict) and wanted.keys() == {"type"} and isinstance(wanted["type"], str):
            found.append({"eventPattern": wanted["type"], "transform": transform('{"events": [$event]}')})
    if not found or len(found) != len(filters):
        message = "events that are filtered by more than their type, or that have to come together: write the triggers"
        draft.note("todo", "on", ("schedule", "on"), message, at=("triggers",))
        return found
    message = "an event trigger; the events are the member events of the input"
    draft.note("detour", "on", ("schedule", "on"), message, at=("triggers",))
    return found


def _settings(draft: Draft, document: Document, source: Json) -> Json:
    if "timeout" not in source:
        return {}
    found = timeout_of(document, source["timeout"])
    if found is None:
        draft.note("todo", "timeout", ("timeout",), "a timeout is a fixed duration")
        return {}
    draft.note("exact", "timeout", ("timeout",), "the timeout of the instance", at=("settings", "timeout"))
    return {"settings": {"timeout": found}}


def _note_rest(draft: Draft, source: Json) -> None:
    use = source.get("use") or {}
    for name in ("extensions",):
        if use.get(name):
            draft.note("todo", name, ("use", name), "write the steps before and after each task")
    for name in ("authentications", "secrets", "catalogs"):
        if use.get(name):
            message = "Airflow connections hold addresses and credentials: the tasks choose them"
            draft.note("detour", name, ("use", name), message)
    if "schema" in (source.get("output") or {}):
        draft.note("todo", "schema", ("output", "schema"), "the result of a workflow has no schema")
    for field in source.keys() - _KNOWN:
        draft.note("todo", field, (field,), "a field that is unknown")
    if draft.tasks:
        message = (
            'a task\'s result that is no object is kept as {"value": …}, and null as {}; '
            "a task has to raise errors of the types that the document catches"
        )
        draft.note("detour", "Task results", ("do",), message, at=("steps",))
