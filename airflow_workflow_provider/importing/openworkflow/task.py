"""One task of a document: its place, its expressions and its data."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Draft, Json, Place, short_name, transform
from airflow_workflow_provider.importing.jq import as_jsonata
from airflow_workflow_provider.importing.jsonata import Script, built, failing, listed, literal
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.words import shown

STATE: Final = "data.state"
"""The data that passes from task to task."""

_EXPRESSION: Final = re.compile(r"^\s*\$\{(.*)\}\s*$", re.DOTALL)
_EMBEDDED: Final = re.compile(r"\$\{([^{}]*)\}")
_UNITS: Final = {"days": "D", "hours": "H", "minutes": "M", "seconds": "S"}

STANDARD_ERRORS: Final = "https://serverlessworkflow.io/spec/1.0.0/errors/"


@dataclass(frozen=True)
class Document:
    """What all tasks share.

    :param draft: what is written
    :param source: the document
    :param input: the expression of ``$workflow.input``
    """

    draft: Draft
    source: Json
    input: str

    def reusable(self, kind: str, name: str) -> Any:
        """Return a component under ``use``; None where there is none."""
        return ((self.source.get("use") or {}).get(kind) or {}).get(name)


@dataclass(frozen=True)
class Task:
    """One task.

    :param document: what all tasks share
    :param name: its name
    :param value: its definition
    :param place: its place in the source
    :param step: the step that stands for it
    :param region: whether a branch is around it
    :param variables: expressions of the variables that tasks around it define, by name
    """

    document: Document
    name: str
    value: Json
    place: Place
    step: str
    region: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def draft(self) -> Draft:
        """What is written."""
        return self.document.draft

    @property
    def heading(self) -> Json:
        """The id and name of its step."""
        found: Json = {"stepId": self.step}
        return found if self.name == self.step else {**found, "name": short_name(self.name) or self.step}

    def note(self, construct: str, message: str, *further: str | int, exact: bool = True, at: Place = ()) -> None:
        """Report what a construct became."""
        result = "exact" if exact else "detour"
        self.draft.note(result, construct, (*self.place, *further), message, step=self.step, at=at)  # type: ignore[arg-type]

    def todo(self, construct: str, message: str, *further: str | int) -> None:
        """Report something that a person has to do."""
        self.draft.note("todo", construct, (*self.place, *further), message, step=self.step)

    def attempt(self, make: Callable[[], Json], name: str, *further: str | int) -> Json:
        """Return the fields that ``make`` gives, or one that fails where an expression cannot be translated."""
        try:
            return make()
        except NotTranslatable as error:
            self.todo(str(further[-1]) if further else "expression", f"translate it: {error}", *further)
            instead = failing(f"{self.name} was not imported completely: {error}")
            return {"arguments": {"message": instead}} if name == "arguments" else {name: instead}

    def with_variables(self, **more: str) -> Task:
        """Return the task with further variables in its expressions."""
        return replace(self, variables={**self.variables, **more})

    def expression(self, text: Any, script: Script, base: str = STATE) -> str:
        """Return a runtime expression as JSONata, with or without its ``${}``.

        :raises NotTranslatable: it is no text, or has no counterpart
        """
        if not isinstance(text, str):
            message = f"an expression, not {shown(text)}"
            raise NotTranslatable(message)
        found = _EXPRESSION.match(text)
        return as_jsonata(found[1] if found else text, base, script, self._variable)

    def condition(self, text: Any, script: Script) -> str:
        """Return whether a runtime expression holds, as jq has it: everything but null and false does.

        :raises NotTranslatable: it is no text, or has no counterpart
        """
        return f"{script.use('holds')}({self.expression(text, script)})"

    def template(self, value: Any, script: Script, base: str = STATE) -> str:
        """Return a value with expressions in ``${}``, at any depth, as JSONata.

        :raises NotTranslatable: an expression has no counterpart
        """
        if isinstance(value, dict):
            return built({key: self.template(part, script, base) for key, part in value.items()})
        if isinstance(value, list):
            return listed(self.template(part, script, base) for part in value)
        if not isinstance(value, str) or "${" not in value:
            return literal(value)
        if _EXPRESSION.match(value) and value.count("${") == 1:
            return f"{script.use('orNull')}({self.expression(value, script, base)})"
        parts = _EMBEDDED.split(value)
        terms = [
            f"$string({self.expression(part, script, base)})" if number % 2 else literal(part)
            for number, part in enumerate(parts)
            if part
        ]
        return f"({' & '.join(terms)})"

    def filter(self, value: Any, script: Script, base: str) -> str:
        """Return a filter (``from``, ``as``), which is one expression or an object of them.

        :raises NotTranslatable: an expression has no counterpart
        """
        return self.expression(value, script, base) if isinstance(value, str) else self.template(value, script, base)

    def _variable(self, name: str) -> str | None:
        document = self.document.source["document"]
        workflow = built(
            {
                "id": "workflow.instanceId",
                "input": self.document.input,
                "startedAt": "workflow.startedAt",
                "definition": built({"document": literal(document)}),
            }
        )
        known = {
            "context": "variables.context",
            "input": STATE,
            "workflow": workflow,
            "task": built({"name": literal(self.name), "reference": literal("/".join(map(str, self.place)))}),
            **self.variables,
        }
        return known.get(name)

    def received(self, script: Script) -> str:
        """Return the task's input after its ``input.from``.

        :raises NotTranslatable: it has no counterpart
        """
        given = self.value.get("input") or {}
        return self.filter(given["from"], script, STATE) if "from" in given else STATE

    def kept(self, result: str, script: Script | None = None) -> Json:
        """Return the output of the task's step: the new data and the new context.

        :param result: the expression of the task's raw output
        :raises NotTranslatable: an expression has no counterpart
        """
        script = script or Script()
        task = self.with_variables(input=self.received(script))
        wanted = (self.value.get("output") or {}).get("as")
        state = result if wanted is None else f"{script.use('orNull')}({task.filter(wanted, script, result)})"
        exported = (self.value.get("export") or {}).get("as")
        if exported is None:
            return {"output": script.transform(built({"state": state}))}
        script.bound["new"] = state
        members = {"state": "$new", "exported": task.filter(exported, script, "$new")}
        self.note("export", "the variable context", "export", at=("assign",))
        assign = {"context": transform("output.exported", "jmespath")}
        return {"output": script.transform(built(members)), "assign": assign}

    @property
    def changes_data(self) -> bool:
        """Whether its output or export is not the default."""
        return "as" in (self.value.get("output") or {}) or "as" in (self.value.get("export") or {})

    def timeout(self) -> Json:
        """Return the timeout of its step."""
        given = self.value.get("timeout")
        if given is None:
            return {}
        found = timeout_of(self.document, given)
        if found is None:
            self.todo("timeout", f"a timeout is a fixed duration, not {shown(given)}", "timeout")
            return {}
        self.note("timeout", "the step's timeout", "timeout", at=("timeout",))
        return {"timeout": found}


def timeout_of(document: Document, given: Any) -> str | None:
    """Return a timeout, or the name of a reusable one, as a duration."""
    if isinstance(given, str):
        given = document.reusable("timeouts", given)
    return duration(given.get("after")) if isinstance(given, dict) else None


def duration(value: Any) -> str | None:
    """Return a duration, which is ISO 8601 or an object; None where it is neither, or computed."""
    if isinstance(value, str):
        try:
            parse_duration(value)
        except ValueError:
            return None
        return value
    if not isinstance(value, dict) or not value or value.keys() - {*_UNITS, "milliseconds"}:
        return None
    if any(isinstance(part, bool) or not isinstance(part, int) or not 0 <= part < 10**9 for part in value.values()):
        return None
    days = f"{value['days']}D" if "days" in value else ""
    clock = "".join(f"{value[name]}{_UNITS[name]}" for name in ("hours", "minutes") if name in value)
    seconds = value.get("seconds", 0) + value.get("milliseconds", 0) / 1000
    if "seconds" in value or "milliseconds" in value:
        clock += f"{seconds:g}S"
    return f"P{days}{f'T{clock}' if clock else ''}"
