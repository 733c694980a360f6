"""Every expression of a document compiles and uses names that are bound (rules X1 to X4, K3, U1, E3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from airflow_workflow_provider.model.arguments import LANGUAGES, as_transform, parts, resembles_transform
from airflow_workflow_provider.model.checks.base import Check, Checked, Path, finding, warning
from airflow_workflow_provider.model.definition import ScheduleTrigger
from airflow_workflow_provider.model.expressions import (
    UI_NAMES,
    X1_NAMES,
    CompiledTransform,
    ExpressionSyntaxError,
    compile_cel,
    compile_condition,
)
from airflow_workflow_provider.model.expressions.names import Names, of_paths, of_transform
from airflow_workflow_provider.model.fields import Transform
from airflow_workflow_provider.model.ui import ROW_NAMES
from airflow_workflow_provider.model.ways import Holds, transitions_of
from airflow_workflow_provider.model.words import did_you_mean, listed, nearest, shortened, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step, UiComponent
    from airflow_workflow_provider.model.diagnostics import Diagnostic
    from airflow_workflow_provider.model.fields import ArgumentTransform

_CODES: Final = {"syntax": "WF301", "empty": "WF302", "name": "WF303", "type": "WF304", "size": "WF305"}

Language = Literal["condition", "cel", "jmespath", "jsonata"]

KEY_NAMES: Final = frozenset({"input", "event", "workflow"})
"""What the key of a limit is computed from (rule I7)."""


@dataclass(frozen=True)
class Place:
    """One expression of a document.

    :param path: where its text is
    :param language: how it is read; a condition is CEL that yields a boolean
    :param source: its text
    :param names: the names that are bound; None where the root is data from outside
    :param variables: names bound with a ``$`` (JSONata)
    """

    path: Path
    language: Language
    source: str
    names: frozenset[str] | None
    variables: frozenset[str] = frozenset()


class Expressions(Check):
    """Expressions compile before a run, and name what is bound."""

    codes = ("WF301", "WF302", "WF303", "WF304", "WF305", "WF307")

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield what is wrong with the expressions."""
        for place in expressions(document):
            try:
                names = _compile(place)
            except ExpressionSyntaxError as error:
                yield _syntax_finding(place, error)
            else:
                yield from _name_findings(document, place, names)


class ResemblesTransform(Check):
    """An argument, or a value of a component, that looks like a transform is one (rules K3, U1)."""

    codes = ("WF308",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the values that only look like one."""
        for path, step, _ in document.steps():
            yield from self._among((*path, "arguments"), "argument", step.arguments)
        for number, component in enumerate(document.definition.ui_components):
            for position, item in enumerate(component.context.items):
                place: Path = ("uiComponents", number, "context", "items", position, "value")
                yield from self._among(place, "value", item.value)

    @staticmethod
    def _among(path: Path, what: str, given: Any) -> Iterator[Diagnostic]:
        for inner, value in parts(given):
            if not resembles_transform(value):
                continue
            kind = value["type"]
            message = f"The {what} has type and expression, but type {shown(kind)} is none of {listed(LANGUAGES)}"
            if isinstance(kind, str) and kind in LANGUAGES:
                message = f"The {what} has type and expression, but expression is {shown(value['expression'])}"
            suggestion = did_you_mean(kind, LANGUAGES) if isinstance(kind, str) else None
            yield warning("WF308", (*path, *inner), message + "; it is taken literally", suggestion)


def expressions(document: Checked) -> Iterator[Place]:
    """Every expression of a document, in document order."""
    definition = document.definition
    for number, trigger in enumerate(definition.triggers):
        if isinstance(trigger, ScheduleTrigger):
            place = ("triggers", number, "schedule", "input")
            yield from _transform(place, trigger.schedule.input, None, frozenset({"event"}))
        else:
            yield from _transform(("triggers", number, "transform"), trigger.transform, None, frozenset({"event"}))
    for path, step, steps in document.steps():
        yield from _of_step(path, step, steps.names)
    for number, component in enumerate(definition.ui_components):
        yield from _of_component(("uiComponents", number), component)
    yield from _transform(("output",), definition.output, X1_NAMES)
    concurrency = definition.settings.concurrency
    if concurrency is not None:
        yield from _transform(("settings", "concurrency", "key"), concurrency.key, KEY_NAMES)


def steps_read(document: Checked) -> Iterator[tuple[Path, frozenset[str]]]:
    """Each expression that reads records of steps: where its text is, and the steps that it names.

    What is found is a lower bound, see :mod:`airflow_workflow_provider.model.expressions.names`.
    """
    for place in expressions(document):
        try:
            names = _compile(place)
        except ExpressionSyntaxError:
            continue
        found = _steps_in(names)
        if found and place.names is not None:
            yield place.path, found


def _steps_in(names: Names) -> frozenset[str]:
    return frozenset(path[1] for path in names.reads if len(path) > 1 and path[0] == "steps")


def _of_step(path: Path, step: Step, names: frozenset[str]) -> Iterator[Place]:
    if step.choice is not None:
        yield from _transform((*path, "taskId", "select"), step.choice.select, names)
    yield from _transform((*path, "input"), step.input, names)
    yield from _transform((*path, "output"), step.output, names)
    yield from _setting((*path, "timeout"), step.timeout, names)
    for name, transform in step.assign.items():
        yield from _transform((*path, "assign", name), transform, names)
    for way in transitions_of(step, None):
        if isinstance(way.guard, Holds):
            yield Place((*path, *way.place[:-1], "condition"), "condition", way.guard.condition, names)
    if step.for_each is not None:
        each, place = step.for_each, (*path, "forEach")
        yield from _transform((*place, "items"), each.items, names)
        yield from _setting((*place, "maxConcurrency"), each.max_concurrency, names)
        yield from _setting((*place, "toleratedFailures"), each.tolerated_failures, names)
        yield from _setting((*place, "toleratedFailurePercentage"), each.tolerated_failure_percentage, names)
    if step.compensation is not None:
        yield from _transform((*path, "compensation", "input"), step.compensation.input, names)
    for inner, value in parts(step.arguments):
        argument = as_transform(value)
        if argument is not None:
            yield Place((*path, "arguments", *inner, "expression"), argument.type, argument.expression, names)


def _of_component(path: Path, component: UiComponent) -> Iterator[Place]:
    context = component.context
    if component.condition is not None:
        yield Place((*path, "condition"), "condition", component.condition, UI_NAMES)
    for number, item in enumerate(context.items):
        value = as_transform(item.value)
        if value is not None:
            yield _of_value((*path, "context", "items", number, "value"), value, UI_NAMES)
    if context.rows is not None:
        yield _of_value((*path, "context", "rows"), context.rows, UI_NAMES)
    for number, column in enumerate(context.columns):
        yield _of_value((*path, "context", "columns", number, "value"), column.value, ROW_NAMES)


def _of_value(path: Path, value: ArgumentTransform, names: frozenset[str]) -> Place:
    return Place((*path, "expression"), value.type, value.expression, names)


def _transform(
    path: Path, transform: Transform | None, names: frozenset[str] | None, variables: frozenset[str] = frozenset()
) -> Iterator[Place]:
    if transform is not None:
        yield Place((*path, "expression"), transform.type, transform.expression, names, variables)


def _setting(path: Path, value: Transform | str | float | None, names: frozenset[str]) -> Iterator[Place]:
    """Yield the expression of a setting that is computed."""
    yield from _transform(path, value if isinstance(value, Transform) else None, names)


def _compile(place: Place) -> Names:
    names = X1_NAMES if place.names is None else place.names
    if place.language == "condition":
        return of_paths(compile_condition(place.source, names).reads)
    if place.language == "cel":
        return of_paths(compile_cel(place.source, names).reads)
    flaw = CompiledTransform(place.language, place.source).flaw()
    if flaw is not None:
        raise flaw
    return of_transform(place.language, place.source, place.variables)


def _syntax_finding(place: Place, error: ExpressionSyntaxError) -> Diagnostic:
    where = "" if error.position is None else f" (at character {error.position + 1})"
    message = f"{shown(place.source)}: {shortened(error.message)}{where}"
    suggestion = error.suggestion
    if error.kind == "name" and error.name is not None and place.language in {"condition", "cel"}:
        names = place.names or X1_NAMES
        message += f"; the names bound here are {', '.join(sorted(names))}"
        suggestion = did_you_mean(error.name, names) or f"the working document is data, as in data.{error.name}"
    return finding(_CODES[error.kind], place.path, message, suggestion)


def _name_findings(document: Checked, place: Place, names: Names) -> Iterator[Diagnostic]:
    for name in names.unknown:
        message = f"{shown(place.source)}: nothing is bound to ${name}"
        close = nearest(name, names.known, 1)
        suggestion = f"did you mean ${close[0]}?" if close else None
        if name == "eval":
            message, suggestion = f"{shown(place.source)}: $eval is not available", "text in data is never evaluated"
        yield finding("WF303", place.path, message, suggestion)
    if place.names is None:
        return
    for root in sorted({path[0] for path in names.reads} - place.names):
        message = f"{shown(place.source)}: {shown(root)} is not bound here, so it gives nothing"
        suggestion = did_you_mean(root, place.names) or f"the working document is data, as in data.{root}"
        yield warning("WF303", place.path, message, suggestion)
    for name in sorted(_steps_in(names) - document.step_ids):
        message = f"{shown(place.source)}: there is no step {shown(name)}"
        yield warning("WF307", place.path, message, did_you_mean(name, document.step_ids))
