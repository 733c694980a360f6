"""The data that a JSONata expression reads, with null distinguished from a missing value.

Python's None is both JSON's null and the library's *nothing*. Data is therefore seen through :class:`Object` and
:class:`Array`, which give :data:`NULL` for null. They convert a part when it is read: an expression reads little of
what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from jsonata.utils import Utils

NULL: Final = Utils.NULL_VALUE


class Object(dict[str, Any]):
    """An object of the data."""

    def get(self, key: str, default: Any = None) -> Any:
        """The field as the engine sees it."""
        if key not in self:
            return default
        value = super().__getitem__(key)
        if type(value) in _AS_THEY_ARE:
            return value
        seen = with_null(value)
        self[key] = seen
        return seen

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return self.get(key)

    def values(self) -> Any:
        """The values as the engine sees them."""
        return [self.get(key) for key in self]

    def items(self) -> Any:
        """The fields as the engine sees them."""
        return [(key, self.get(key)) for key in self]


class Array(list[Any]):
    """An array of the data, its parts as the engine sees them."""


_AS_THEY_ARE: Final = frozenset({str, int, float, bool, Object, Array, type(NULL)})


def with_null(value: Any) -> Any:
    """A JSON value as the engine sees it: null is :data:`NULL`, where None would be nothing."""
    if value is None:
        return NULL
    if isinstance(value, Mapping):
        return Object(value)
    if isinstance(value, (list, tuple)):
        return Array(map(with_null, value))
    return value
