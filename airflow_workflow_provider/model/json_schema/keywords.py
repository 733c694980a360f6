"""The keywords that the package ``jsonschema`` reads in another way than the specification, or without a bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.model.json_schema.canonical import canonical
from airflow_workflow_provider.model.json_schema.evaluated import evaluated_items, evaluated_names, extra_names
from airflow_workflow_provider.model.json_schema.formats import FORMATS
from airflow_workflow_provider.model.json_schema.numbers import is_multiple
from airflow_workflow_provider.model.json_schema.visit import Keyword, Visit

if TYPE_CHECKING:
    from airflow_workflow_provider.model.json_schema.budget import Budget
    from airflow_workflow_provider.model.json_schema.references import Place

Errors = Iterator[Any]


def visit(place: Place, budget: Budget) -> Visit:
    """Return a schema, about to be tried by the keywords of draft 2020-12.

    :param budget: counts the steps
    """
    return Visit(place, budget, keywords())


@cache
def keywords() -> Mapping[str, Keyword]:
    """Return how each keyword of draft 2020-12 is checked."""
    from jsonschema import Draft202012Validator

    return {
        **Draft202012Validator.VALIDATORS,
        "$dynamicRef": _dynamic_ref,
        "$ref": _ref,
        "additionalProperties": _additional_properties,
        "enum": _enum,
        "format": _format,
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "unevaluatedItems": _unevaluated_items,
        "unevaluatedProperties": _unevaluated_properties,
        "uniqueItems": _unique_items,
    }


def _error(message: str) -> Any:
    from jsonschema import ValidationError

    return ValidationError(message)


def _ref(visit: Visit, reference: str, instance: Any, _: Any) -> Errors:
    return visit.follow(visit.place.lookup(reference), instance)


def _dynamic_ref(visit: Visit, reference: str, instance: Any, _: Any) -> Errors:
    return visit.follow(visit.place.lookup(reference, dynamic=True), instance)


def _enum(visit: Visit, allowed: list[Any], instance: Any, _: Any) -> Errors:
    visit.budget.spend(len(allowed))
    text = canonical(instance)
    if all(canonical(each) != text for each in allowed):
        yield _error(f"{instance!r} is not one of {allowed!r}")


def _format(_: Visit, name: Any, instance: Any, __: Any) -> Errors:
    check = FORMATS.get(name) if isinstance(name, str) and isinstance(instance, str) else None
    if check is not None and not check(instance):
        yield _error(f"{instance!r} is not a {name!r}")


def _multiple_of(visit: Visit, divisor: float, instance: Any, _: Any) -> Errors:
    if visit.is_type(instance, "number") and not is_multiple(instance, divisor):
        yield _error(f"{instance!r} is not a multiple of {divisor!r}")


def _pattern(visit: Visit, pattern: str, instance: Any, _: Any) -> Errors:
    if isinstance(instance, str) and not visit.budget.matches(pattern, instance):
        yield _error(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(visit: Visit, patterns: dict[str, Any], instance: Any, _: Any) -> Errors:
    if not isinstance(instance, dict):
        return
    for pattern, schema in patterns.items():
        visit.budget.spend(len(instance))
        for name, value in instance.items():
            if visit.budget.matches(pattern, name):
                yield from visit.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(visit: Visit, inner: Any, instance: Any, schema: dict[str, Any]) -> Errors:
    if not isinstance(instance, dict):
        return
    extra = extra_names(visit.budget, schema, instance)
    yield from _none_or(visit, inner, instance, extra, "Additional")


def _unevaluated_properties(visit: Visit, inner: Any, instance: Any, _: Any) -> Errors:
    if not isinstance(instance, dict):
        return
    known = evaluated_names(visit, instance, within=True)
    rest = [name for name in instance if name not in known]
    yield from _none_or(visit, inner, instance, rest, "Unevaluated")


def _none_or(visit: Visit, inner: Any, instance: dict[str, Any], rest: list[str], kind: str) -> Errors:
    """Yield what is wrong with properties that fit a schema, or may not be there at all where it is false."""
    if inner is not False:
        for name in rest:
            yield from visit.descend(instance[name], inner, path=name)
    elif rest:
        names = ", ".join(repr(name) for name in sorted(rest))
        verb = "was" if len(rest) == 1 else "were"
        yield _error(f"{kind} properties are not allowed ({names} {verb} unexpected)")


def _unevaluated_items(visit: Visit, inner: Any, instance: Any, _: Any) -> Errors:
    if not isinstance(instance, list):
        return
    known = evaluated_items(visit, instance, within=True)
    rest = [index for index in range(len(instance)) if index not in known]
    if inner is not False:
        for index in rest:
            yield from visit.descend(instance[index], inner, path=index)
    elif rest:
        items = ", ".join(repr(instance[index]) for index in rest)
        verb = "was" if len(rest) == 1 else "were"
        yield _error(f"Unevaluated items are not allowed ({items} {verb} unexpected)")


def _unique_items(visit: Visit, unique: Any, instance: Any, _: Any) -> Errors:
    if unique is True and isinstance(instance, list):
        visit.budget.spend(len(instance))
        if len({canonical(item) for item in instance}) < len(instance):
            yield _error(f"{instance!r} has non-unique elements")
