"""Which properties and items of a value a schema evaluates, for ``unevaluatedProperties`` and ``unevaluatedItems``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.json_schema.references import REFERENCES

if TYPE_CHECKING:
    from airflow_workflow_provider.model.json_schema.budget import Budget
    from airflow_workflow_provider.model.json_schema.visit import Visit

_ALTERNATIVES: Final = ("allOf", "anyOf", "oneOf")


def extra_names(budget: Budget, schema: dict[str, Any], instance: dict[str, Any]) -> list[str]:
    """Return the names that neither ``properties`` nor ``patternProperties`` of a schema speak of."""
    named = schema.get("properties") or {}
    patterns = schema.get("patternProperties") or {}
    budget.spend(len(instance) * len(patterns))
    return [
        name
        for name in instance
        if name not in named and not any(budget.matches(pattern, name) for pattern in patterns)
    ]


def evaluated_names(visit: Visit, instance: dict[str, Any], *, within: bool = False) -> set[str]:
    """Return the names that a schema evaluates, itself and through every part of it that the value fits.

    :param within: without the schema's own ``unevaluatedProperties``
    """
    schema = visit.schema
    if not isinstance(schema, dict):
        return set()
    visit.budget.spend()
    if "additionalProperties" in schema or ("unevaluatedProperties" in schema and not within):
        return set(instance)
    found = {name for name in schema.get("properties") or () if name in instance}
    for pattern in schema.get("patternProperties") or ():
        visit.budget.spend(len(instance))
        found |= {name for name in instance if visit.budget.matches(pattern, name)}
    for part in _parts(visit, instance):
        found |= evaluated_names(part, instance)
    return found


def evaluated_items(visit: Visit, instance: list[Any], *, within: bool = False) -> set[int]:
    """Return the positions that a schema evaluates.

    :param within: without the schema's own ``unevaluatedItems``
    """
    schema = visit.schema
    if not isinstance(schema, dict):
        return set()
    visit.budget.spend()
    if "items" in schema or ("unevaluatedItems" in schema and not within):
        return set(range(len(instance)))
    found = set(range(min(len(schema.get("prefixItems") or ()), len(instance))))
    if "contains" in schema:
        wanted = visit.evolve(schema=schema["contains"])
        found |= {index for index, item in enumerate(instance) if wanted.is_valid(item)}
    for part in _parts(visit, instance):
        found |= evaluated_items(part, instance)
    return found


def _parts(visit: Visit, instance: Any) -> Iterator[Visit]:
    """Yield the schemas in a schema that speak of the same value, as far as it fits them."""
    schema = visit.schema
    for keyword in REFERENCES:
        if keyword in schema:
            yield visit.at(visit.place.lookup(schema[keyword], dynamic=keyword == "$dynamicRef"))
    for keyword in _ALTERNATIVES:
        for each in schema.get(keyword) or ():
            part = visit.evolve(schema=each)
            if part.is_valid(instance):
                yield part
    for name, each in (schema.get("dependentSchemas") or {}).items():
        if isinstance(instance, dict) and name in instance:
            yield visit.evolve(schema=each)
    if "if" in schema:
        condition = visit.evolve(schema=schema["if"])
        chosen = "else"
        if condition.is_valid(instance):
            yield condition
            chosen = "then"
        if chosen in schema:
            yield visit.evolve(schema=schema[chosen])
