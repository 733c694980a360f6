"""The differences between two documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

MISSING: Final[Any] = object()


def changes(old: Any, new: Any, pointer: str = "") -> Iterator[dict[str, Any]]:
    """Yield the places where two documents differ, as ``{"pointer", "change", "old", "new"}`` in document order.

    ``change`` is ``added``, ``removed`` or ``changed``. Steps, branches and components are compared by their ids.
    """
    if old is MISSING:
        yield {"pointer": pointer, "change": "added", "new": new}
    elif new is MISSING:
        yield {"pointer": pointer, "change": "removed", "old": old}
    elif isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*old, *new)):
            place = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from changes(old.get(key, MISSING), new.get(key, MISSING), place)
    elif _identified(old) and _identified(new):
        yield from changes(_identified(old), _identified(new), pointer)
    elif old != new or type(old) is not type(new):
        yield {"pointer": pointer, "change": "changed", "old": old, "new": new}


def _identified(value: Any) -> dict[str, Any]:
    """A list of objects by their ids; empty where the value is something else."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return {}
    for key in ("stepId", "branchId", "componentId"):
        ids = [item.get(key) for item in value]
        if all(isinstance(each, str) for each in ids) and len(set(ids)) == len(ids):
            return dict(zip(ids, value, strict=True))
    return {}
