"""A schema tried on a value, keyword by keyword, every step counted.

This stands in for a validator of the package ``jsonschema`` in front of that package's keywords, which have no bound
of their own and follow a nested ``$schema`` to other drafts, whose patterns are Python's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow_workflow_provider.model.json_schema.budget import Budget
    from airflow_workflow_provider.model.json_schema.references import Place

_UNPREFIXED: Final = frozenset({"if", "$ref"})
_KINDS: Final[dict[str, type]] = {"array": list, "boolean": bool, "null": type(None), "object": dict, "string": str}


Keyword = Callable[["Visit", Any, Any, Any], "Iterator[Any] | None"]
"""How a keyword is checked: gets the visit, the keyword's value, the instance and the schema; gives the errors."""


class Visit:
    """One schema, about to be tried.

    :param place: the schema
    :param budget: counts the steps
    :param keywords: how each keyword is checked
    """

    __slots__ = ("budget", "keywords", "place", "schema")

    def __init__(self, place: Place, budget: Budget, keywords: Mapping[str, Keyword]) -> None:
        self.place = place
        self.schema = place.schema
        self.budget = budget
        self.keywords = keywords

    def at(self, place: Place) -> Visit:
        """Return the same for another place."""
        return Visit(place, self.budget, self.keywords)

    def evolve(self, *, schema: Any) -> Visit:
        """Return the same for a schema within this one."""
        return Visit(self.place.inner(schema), self.budget, self.keywords)

    def is_type(self, instance: Any, name: str) -> bool:
        """Return whether a value is of a type of JSON Schema; 1.0 is an integer, true is no number."""
        if name == "integer":
            return (isinstance(instance, int) and not isinstance(instance, bool)) or (
                isinstance(instance, float) and instance.is_integer()
            )
        if name == "number":
            return isinstance(instance, (int, float)) and not isinstance(instance, bool)
        kind = _KINDS.get(name)
        return kind is not None and isinstance(instance, kind)

    def is_valid(self, instance: Any) -> bool:
        """Return whether a value fits."""
        return next(self.iter_errors(instance), None) is None

    def iter_errors(self, instance: Any) -> Iterator[Any]:
        """Yield every way in which a value does not fit, as errors of ``jsonschema``."""
        schema = self.schema
        if schema is True:
            return
        if schema is False:
            from jsonschema import ValidationError

            yield ValidationError(
                f"False schema does not allow {instance!r}",
                validator=None,
                validator_value=None,
                instance=instance,
                schema=schema,
            )
            return
        known = self.keywords
        budget = self.budget
        for name, value in schema.items():
            keyword = known.get(name)
            if keyword is None:
                continue
            budget.spend()
            for error in keyword(self, value, instance, schema) or ():
                budget.spend_error(error.message)
                error._set(validator=name, validator_value=value, instance=instance, schema=schema)
                if name not in _UNPREFIXED:
                    error.schema_path.appendleft(name)
                yield error

    def follow(self, place: Place, instance: Any) -> Iterator[Any]:
        """Yield the errors by a schema that this one refers to."""
        return self.at(place).iter_errors(instance)

    def descend(
        self, instance: Any, schema: Any, path: str | int | None = None, schema_path: str | int | None = None
    ) -> Iterator[Any]:
        """Yield the errors by a schema within this one, on the value or, with ``path``, a part of it."""
        for error in self.evolve(schema=schema).iter_errors(instance):
            if path is not None:
                error.path.appendleft(path)
            if schema_path is not None:
                error.schema_path.appendleft(schema_path)
            yield error
