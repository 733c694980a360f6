"""Converts a JSON value to the model, and reports every finding at once.

pydantic stops at the first thing in each place that does not fit. So that the checks of the meaning can still look at
the rest of the document, what does not fit is replaced by something that does, and remembered as *tainted*: nothing
that is found there or below is the author's doing.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from airflow_workflow_provider.model.definition import OF_EVENTS, OF_TIMES, UNION_TAGS, EventTrigger, ScheduleTrigger
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.json_text import MAX_DEPTH
from airflow_workflow_provider.model.words import did_you_mean, listed, shortened, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.strict_json import Path

M = TypeVar("M", bound=BaseModel)

MAX_REPORTED: Final = 1000
_ROUNDS: Final = 12
_PLACEHOLDERS: Final[dict[str, Any]] = {
    "workflowId": "unknown",
    "name": "unknown",
    "version": "0.0.0",
    "taskId": "?",
    "operator": "?",
    "errorType": "unknown",
    "errorCode": "unknown",
    "nextStepId": "end",
    "type": "jmespath",
    "expression": "null",
    "eventPattern": "unknown",
    "cron": "* * * * *",
    "every": "PT1H",
    "timetable": "unknown",
    "componentId": "unknown",
    "items": {"type": "jmespath", "expression": "null"},
}
_GRAPH_KEYS: Final = frozenset(
    {"next", "nextStepId", "stepId", "steps", "parallelBranches", "onFailure", "errorHandler", "conditions", "action"}
)
_TAGGED: Final[dict[str | int, type[BaseModel]]] = {OF_EVENTS: EventTrigger, OF_TIMES: ScheduleTrigger}
_KINDS: Final = {
    "string_type": "a text",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS: Final = {
    "greater_than": "greater than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "string_too_short": "at least {min_length} character(s) long",
    "string_too_long": "at most {max_length} characters long",
    "too_short": "at least {min_length} entry long",
    "too_long": "at most {max_length} entries long",
    "finite_number": "a finite number",
}


@dataclass
class Reading(Generic[M]):
    """The result of reading a document.

    :param model: the document; where something did not fit, with a stand-in there; None where nothing can be made of it
    :param diagnostics: what did not fit
    :param tainted: the places of the stand-ins
    :param order_known: whether the order of the steps is what the author wrote
    """

    model: M | None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    tainted: set[Path] = field(default_factory=set)
    order_known: bool = True

    def touches(self, pointer: str) -> bool:
        """Whether a place is a stand-in, or inside one."""
        while pointer not in self._tainted_pointers:
            if not pointer:
                return False
            pointer = pointer.rpartition("/")[0]
        return True

    @cached_property
    def _tainted_pointers(self) -> frozenset[str]:
        return frozenset(map(pointer_of, self.tainted))


def read(model: type[M], document: Any) -> Reading[M]:
    """Read a JSON value as a model; never raises for what a document says."""
    reading: Reading[M] = Reading(None)
    working = document
    for attempt in range(_ROUNDS):
        try:
            reading.model = model.model_validate(working, by_alias=True, by_name=False)
        except ValidationError as error:
            if attempt == 0:
                working = _copy(document)
            errors = error.errors(include_url=False)
            for each in errors[:MAX_REPORTED]:
                _note(model, each, working, reading, report=attempt == 0)
            # With so many errors, further findings would not help.
            if not isinstance(working, dict) or len(errors) > MAX_REPORTED:
                return reading
        except RecursionError:
            reading.diagnostics.append(_too_deep(()))
            return reading
        else:
            return reading
    return reading


def _note(model: type[BaseModel], error: Any, working: Any, reading: Reading[Any], *, report: bool) -> None:
    path = tuple(part for part in error["loc"] if part not in UNION_TAGS)
    if report:
        diagnostic = _diagnostic(model, error, path)
        reading.diagnostics.append(diagnostic)
        suggested = diagnostic.suggestion or ""
        if error["type"] == "extra_forbidden" and any(f"'{key}'" in suggested for key in _GRAPH_KEYS):
            reading.order_known = False
    if _is_graph(path):
        reading.order_known = False
    if error["type"] != "extra_forbidden":
        reading.tainted.add(path)
    _repair(working, path, error["type"])


def _copy(value: Any) -> Any:
    """A deep copy that needs one frame for each level; the standard one needs more."""
    if isinstance(value, dict):
        copied: dict[Any, Any] = {}
        for key, part in value.items():
            copied[key] = _copy(part)
        return copied
    if isinstance(value, (list, tuple)):
        rows: list[Any] = []
        for part in value:
            rows.append(_copy(part))
        return rows
    return value


def _is_graph(path: Path) -> bool:
    if not path or path[0] not in {"steps", "onFailure"}:
        return False
    last = next((part for part in reversed(path) if isinstance(part, str)), "")
    return last in _GRAPH_KEYS


def _repair(working: Any, path: Path, kind: str) -> None:
    """Make the place fit: leave out what may be left out, put a stand-in where something must be."""
    if not path:
        return
    parent = working
    for part in path[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return
    last = path[-1]
    if isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        parent[last] = "?" if kind.startswith("string") else {}
    elif isinstance(parent, dict):
        stand_in = None if kind == "extra_forbidden" else _stand_in(path)
        # where the stand-in does not fit either, the key is one that may be left out
        if stand_in is None or parent.get(str(last)) == stand_in:
            parent.pop(last, None)
        else:
            parent[last] = stand_in


def _stand_in(path: Path) -> Any:
    last = path[-1]
    unique = "?" + pointer_of(path)
    if last in {"stepId", "branchId"}:
        return unique
    if last == "steps":
        return [{"stepId": unique, "taskId": "noop"}]
    return copy.deepcopy(_PLACEHOLDERS.get(str(last)))


def _diagnostic(model: type[BaseModel], error: Any, path: Path) -> Diagnostic:
    kind, value = error["type"], error.get("input")
    pointer = pointer_of(path)
    if kind == "extra_forbidden":
        allowed = _keys_at(model, error["loc"][:-1])
        message = f"Unknown key {shown(str(path[-1]))}; allowed keys are {', '.join(allowed)}"
        return Diagnostic("WF110", "error", pointer, message, did_you_mean(str(path[-1]), allowed))
    if kind == "missing":
        return Diagnostic("WF111", "error", pointer, f"The key {shown(str(path[-1]))} is required", "add it")
    if kind == "recursion_loop":
        return _too_deep(path[:4])
    if kind == "literal_error":
        expected = [part.strip().strip("'") for part in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        message = f"{shown(value)} is not allowed; allowed values are {listed(expected)}"
        suggestion = did_you_mean(value, expected) if isinstance(value, str) else None
        return Diagnostic("WF113", "error", pointer, message, suggestion)
    if kind in _BOUNDS:
        wanted = _BOUNDS[kind].format(**error.get("ctx", {}))
        return Diagnostic("WF114", "error", pointer, f"{shown(value)} is out of bounds: it must be {wanted}")
    if kind == "string_unicode":
        return Diagnostic("WF105", "error", pointer, "The text has half of a surrogate pair, which is not a character")
    if kind == "value_error":
        # A validator of the model says it in a sentence of its own.
        text = shortened(str(error["msg"]).removeprefix("Value error, "))
        return Diagnostic("WF112", "error", pointer, text[:1].upper() + text[1:])
    wanted = _KINDS.get(kind, shortened(str(error.get("msg", kind))))
    where = "The document"
    if path:
        where = f"Entry {path[-1]}" if isinstance(path[-1], int) else f"The value of {shown(path[-1])}"
    return Diagnostic("WF112", "error", pointer, f"{where} must be {wanted}, not {shown(value)}")


def _too_deep(path: Path) -> Diagnostic:
    message = f"The document is nested deeper than {MAX_DEPTH} levels"
    return Diagnostic("WF103", "error", pointer_of(path), message, "move part of it into a workflow of its own")


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    """The keys that an object of the document may have.

    :param path: its place, with the tags of unions
    """
    current: type[BaseModel] | None = model
    for part in path:
        if current is None:
            return []
        if isinstance(part, int) or part in UNION_TAGS:
            current = _TAGGED.get(part, current)
            continue
        fields = {info.alias or name: info.annotation for name, info in _fields_of(current).items()}
        # a name that is no field of the model is a key of a mapping, whose values have the model found last
        if part in fields:
            current = _model_in(fields[part]) or current
    return sorted(info.alias or name for name, info in _fields_of(current).items()) if current is not None else []


def _fields_of(model: type[BaseModel]) -> dict[str, Any]:
    """The fields of a model, complete: one that refers to a later model has neither its type nor its alias before."""
    if not model.__pydantic_fields_complete__:
        model.model_rebuild()
    return dict(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None
