"""From rows to values, detecting manual changes of the JSON columns."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from pydantic import ConfigDict, GetPydanticSchema, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from airflow_workflow_provider.engine.stored_state import StateUnreadable, unreadable
from airflow_workflow_provider.model.diagnostics import pointer_of

if TYPE_CHECKING:
    from sqlalchemy import Row

T = TypeVar("T")

log = logging.getLogger(__name__)


def like(shape: Any) -> GetPydanticSchema:
    """Have a field's JSON checked for a shape, a ``TypedDict``; the value stays plain JSON."""
    return GetPydanticSchema(lambda _, handler: handler(shape))


def read_row(kind: type[T], row: Row[Any], what: str) -> T:
    """A dataclass from the row that has its fields.

    :param what: how messages call the row
    :raises StateUnreadable: a value is not of the field's type
    """
    values = dict(row._mapping)
    try:
        _types_of(cast("Any", kind)).validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise unreadable(what, pointer_of(first["loc"]), str(first["msg"])) from None
    return kind(**values)


def readable(kind: type[T], rows: Iterable[Row[Any]], what: str) -> Iterator[T]:
    """The rows of a list, without those that mean nothing: one of them must not hide the others."""
    for row in rows:
        try:
            yield read_row(kind, row, f"{what} {row.id}")
        except StateUnreadable as error:
            log.warning("%s; it is omitted from a list", error.message)


@cache
def _types_of(kind: Any) -> TypeAdapter[Any]:
    make: Any = TypedDict
    shape = make(kind.__name__, get_type_hints(kind, include_extras=True))
    shape.__pydantic_config__ = ConfigDict(strict=True)
    return TypeAdapter(shape)
