"""The order in which an author wrote the keys of a JSON document, which PostgreSQL does not keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def in_order_of(value: Any, written: Any) -> Any:
    """A JSON value with its keys in the order of another one like it; keys that only the value has come last."""
    if isinstance(value, dict) and isinstance(written, dict):
        order = [*(key for key in written if key in value), *(key for key in value if key not in written)]
        return {key: in_order_of(value[key], written.get(key)) for key in order}
    if isinstance(value, list) and isinstance(written, list):
        rest = [None] * (len(value) - len(written))
        return [in_order_of(each, like) for each, like in zip(value, [*written, *rest], strict=False)]
    return value


def written_forms(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield the id of each step of a definition's document that asks with a form, with the form's schema as written."""
    if isinstance(document, dict):
        step_id, arguments = document.get("stepId"), document.get("arguments")
        if isinstance(step_id, str) and isinstance(arguments, dict) and isinstance(arguments.get("schema"), dict):
            yield step_id, arguments["schema"]
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else ()
    for each in inner:
        yield from written_forms(each)
