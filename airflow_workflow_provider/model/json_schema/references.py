"""Resolves the references inside a schema (rules X6, K2, L4).

Resolution is that of draft 2020-12 by the package ``referencing``: JSON pointers, ``$anchor``, ``$dynamicAnchor`` and
nested ``$id``. Nothing is ever fetched: a reference names a part of its own schema, or a published meta-schema.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.vocabulary import ProblemCode

REFERENCES: Final = ("$ref", "$dynamicRef")

_FRAMES: Final = 50
"""Several times the depth of a lookup."""

_MAPS: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"})
_LISTS: Final = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE: Final = frozenset(
    {
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)


class UnknownReference(WorkflowsError):
    """A reference names nothing inside its schema.

    :ivar reference: its text
    """

    default_code = ProblemCode.UNKNOWN_REFERENCE

    def __init__(self, reference: str) -> None:
        super().__init__(f"{reference!r} refers to nothing inside this schema; nothing is ever fetched")
        self.reference = reference


@dataclass(frozen=True, eq=False)
class Place:
    """A schema, and how references in it are resolved.

    :ivar schema: the schema, which may be true or false
    :ivar found: what was looked up before, by base and reference; None where the way to a place matters too
    """

    schema: Any
    resolver: Any
    found: dict[tuple[str, str], Place] | None = None

    def inner(self, schema: Any) -> Place:
        """Return a schema that is part of this one."""
        if isinstance(schema, dict) and isinstance(schema.get("$id"), str):
            _need_stack()
            return Place(schema, self.resolver.in_subresource(_draft().create_resource(schema)), self.found)
        return Place(schema, self.resolver, self.found)

    def named(self, keyword: str) -> Place | None:
        """Return what ``$ref`` or ``$dynamicRef`` of this schema names; None where it has none.

        :raises UnknownReference: it names nothing
        """
        reference = self.schema.get(keyword)
        return self.lookup(reference, dynamic=keyword == "$dynamicRef") if isinstance(reference, str) else None

    def known_references(self) -> Iterator[Place]:
        """Yield what the references of this schema name; one that names nothing is a finding elsewhere."""
        for keyword in REFERENCES:
            try:
                named = self.named(keyword)
            except UnknownReference:
                continue
            if named is not None:
                yield named

    def lookup(self, reference: str, *, dynamic: bool = False) -> Place:
        """Return what a reference names.

        :param dynamic: the outermost ``$dynamicAnchor`` of that name is meant
        :raises UnknownReference: it names nothing
        :raises RecursionError: the stack is nearly full
        """
        if self.found is None:
            return self._lookup(reference, dynamic)
        key = (self.resolver._base_uri, reference)
        place = self.found.get(key)
        if place is None:
            place = self.found[key] = self._lookup(reference, dynamic)
        return place

    def _lookup(self, reference: str, dynamic: bool) -> Place:
        from referencing.exceptions import Unresolvable
        from referencing.jsonschema import DynamicAnchor

        _need_stack()
        try:
            if not dynamic:
                anchor = self._anchor(reference)
                if isinstance(anchor, DynamicAnchor):
                    return Place(anchor.resource.contents, self._within(reference), self.found)
            found = self.resolver.lookup(reference)
        except (Unresolvable, ValueError, TypeError, KeyError, AttributeError) as error:
            raise UnknownReference(reference) from error
        return Place(found.contents, found.resolver, self.found)

    def _anchor(self, reference: str) -> Any:
        from referencing.exceptions import Unresolvable

        document, _, fragment = reference.partition("#")
        if not fragment or fragment.startswith("/"):
            return None
        try:
            base = self.resolver.lookup(f"{document}#").resolver
            return base._registry.anchor(base._base_uri, fragment).value
        except Unresolvable:
            return None

    def _within(self, reference: str) -> Any:
        return self.resolver.lookup(f"{reference.partition('#')[0]}#").resolver


def _need_stack(frames: int = _FRAMES) -> None:
    """Do nothing but use the stack and give it back.

    The maps of ``referencing`` are written in Rust. A stack that ends while they compare keys is a panic there, which
    no ``except Exception`` catches; here it is a RecursionError like everywhere else.

    :raises RecursionError: less is left than a lookup needs
    """
    if frames:
        _need_stack(frames - 1)


def root_place(schema: Any) -> Place:
    """Return a whole schema as a place, from which everything in it is found."""
    resource = _draft().create_resource(schema)
    identifier = resource.id() if isinstance(schema, dict) and isinstance(schema.get("$id"), str) else None
    base = identifier or ""
    try:
        registry = _published().with_resource(base, resource).crawl()
    except (ValueError, TypeError, AttributeError):
        # Not a schema: what it refers to is not found.
        registry = _published().with_resource(base, resource)
    # A dynamic reference depends on the way that led to it, which a place that was found once has lost.
    return Place(schema, registry.resolver(base), None if "dynamicRef" in repr(schema) else {})


def subschemas(schema: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield each schema directly within a schema, with its path."""
    if not isinstance(schema, dict):
        return
    for keyword, value in schema.items():
        if keyword in _SINGLE:
            yield (keyword,), value
        elif keyword in _MAPS and isinstance(value, dict):
            yield from (((keyword, name), each) for name, each in value.items())
        elif keyword in _LISTS and isinstance(value, list):
            yield from (((keyword, index), each) for index, each in enumerate(value))


@cache
def _draft() -> Any:
    from referencing.jsonschema import DRAFT202012

    return DRAFT202012


@cache
def _published() -> Any:
    from jsonschema_specifications import REGISTRY

    return REGISTRY
