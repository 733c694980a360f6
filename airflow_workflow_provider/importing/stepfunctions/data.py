"""The data of a state: its effective input, and what it makes of its result."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Json, Place, transform
from airflow_workflow_provider.importing.jsonata import Script, built, listed, literal, placed
from airflow_workflow_provider.importing.jsonpath import NotTranslatable, parse_path
from airflow_workflow_provider.importing.stepfunctions.intrinsics import as_jsonata as intrinsic
from airflow_workflow_provider.importing.stepfunctions.intrinsics import is_intrinsic
from airflow_workflow_provider.importing.stepfunctions.scope import Here, is_expression

ROOT: Final = "$"


def template(here: Here, value: Any, script: Script, *, data: str | None = None, result: str | None = None) -> str:
    """Return a payload template as JSONata.

    :param data: what ``$`` is in its paths
    :param result: what ``$states.result`` is
    :raises NotTranslatable: an expression in it has no counterpart
    """
    if here.jsonata:
        return _of_expressions(here, value, script, result)
    return _of_paths(here, value, script, data)


def _of_expressions(here: Here, value: Any, script: Script, result: str | None) -> str:
    if isinstance(value, dict):
        return built({key: _of_expressions(here, part, script, result) for key, part in value.items()})
    if isinstance(value, list):
        return listed(_of_expressions(here, part, script, result) for part in value)
    return here.expression(value, script, result=result) if is_expression(value) else literal(value)


def _of_paths(here: Here, value: Any, script: Script, data: str | None) -> str:
    if isinstance(value, dict):
        members = {}
        for key, part in value.items():
            if key.endswith(".$") and isinstance(part, str):
                members[key[:-2]] = selected(here, part, script, data=data)
            else:
                members[key] = _of_paths(here, part, script, data)
        return built(members)
    if isinstance(value, list):
        return listed(_of_paths(here, part, script, data) for part in value)
    return literal(value)


def selected(here: Here, text: str, script: Script, *, data: str | None = None) -> str:
    """Return a path or a call of an intrinsic function as JSONata.

    :raises NotTranslatable: it has no counterpart
    """
    if is_intrinsic(text):
        return intrinsic(text, script, lambda path: here.path(path, script, data=data))
    return here.path(text, script, data=data)


def effective_input(here: Here, script: Script) -> str:
    """Return what the work of a state receives.

    :raises NotTranslatable: an expression has no counterpart
    """
    if here.jsonata:
        arguments = here.value.get("Arguments")
        return here.scope.data if arguments is None else template(here, arguments, script)
    data = filtered(here, "InputPath", here.scope.data, script)
    parameters = here.value.get("Parameters")
    return data if parameters is None else template(here, parameters, script, data=data)


def filtered(here: Here, field: str, data: str, script: Script) -> str:
    """Return data as an ``InputPath`` or ``OutputPath`` lets it through.

    :raises NotTranslatable: it has no counterpart
    """
    path = here.value.get(field, ROOT)
    if path is None:
        return "{}"
    return data if path == ROOT else here.path(path, script, data=data)


def new_data(here: Here, result: str, script: Script, *, raw: str = "output") -> str:
    """Return the data after a state.

    :param result: the expression of the state's result
    :param raw: the expression of ``$states.result``
    :raises NotTranslatable: an expression has no counterpart
    """
    if here.jsonata:
        wanted = here.value.get("Output")
        return result if wanted is None else template(here, wanted, script, result=raw)
    selector = here.value.get("ResultSelector")
    if selector is not None:
        result = template(here, selector, script, data=result)
    merged = at_result_path(here, here.value.get("ResultPath", ROOT), result)
    if here.value.get("OutputPath", ROOT) == ROOT:
        return merged
    return filtered(here, "OutputPath", f"({merged})", script)


def at_result_path(here: Here, path: Any, result: str) -> str:
    """Return the state's input with a result at a ``ResultPath``.

    :raises NotTranslatable: the path selects more than members
    """
    if path is None:
        return here.scope.data
    if path == ROOT:
        return result
    parsed = parse_path(str(path))
    if parsed.root != ROOT or not all(isinstance(part, str) for part in parsed.parts):
        message = f"the ResultPath {path!r} selects more than members of objects"
        raise NotTranslatable(message)
    return placed(here.scope.data, [str(part) for part in parsed.parts], result)


def output(here: Here, data: str, script: Script, *, assign: Any = None, result: str | None = None) -> Json:
    """Return the fields of a step that keeps new data, and sets variables.

    :param data: the expression of the new data
    :param assign: the state's ``Assign``
    :param result: what ``$`` and ``$states.result`` are in it
    :raises NotTranslatable: an expression in it has no counterpart
    """
    members = {here.scope.key: data}
    if not assign:
        return {"output": script.transform(built(members))}
    names = [key.removesuffix(".$") if not here.jsonata else key for key in assign]
    members["assigned"] = template(here, assign, script, data=result, result=result)
    variables = {name: transform(f'output.assigned."{name}"', "jmespath") for name in names}
    return {"output": script.transform(built(members)), "assign": variables}


FIELDS: Final = {
    "InputPath": "the step's input selects the same part",
    "Parameters": "the step's input, in JSONata",
    "Arguments": "the step's input, in JSONata",
    "ResultSelector": "part of the step's output, in JSONata",
    "ResultPath": "part of the step's output, in JSONata",
    "OutputPath": "part of the step's output, in JSONata",
    "Output": "part of the step's output, in JSONata",
    "Assign": "variables that the step assigns",
}


def note_fields(here: Here, *, at: Place = ()) -> None:
    """Report the data fields that a state has."""
    for field, message in FIELDS.items():
        if field not in here.value:
            continue
        place = at or (("input",) if "input" in message else ("assign",) if field == "Assign" else ("output",))
        doubt = _doubt(here.value[field])
        here.note(field, f"{message}; {doubt}" if doubt else message, place, exact=doubt is None)


def _doubt(value: Any) -> str | None:
    """What may differ in rare data."""
    text = str(value)
    if any(sign in text for sign in ("[*]", "[?(", "..", ".*")):
        return "elements that are themselves lists are joined into one list"
    if re.search(r"'\$\$(?:\.[A-Za-z]+)?'", text):
        return "of the context object only what an instance knows is there"
    if "States.StringSplit" in text:
        return "empty parts between separators are left out"
    return None
