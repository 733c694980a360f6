"""Values that cross the engine's border: results of tasks, inputs of instances (rules X5, X6)."""

from __future__ import annotations

import json
from typing import Any

from airflow_workflow_provider.engine.failure import OUTPUT_ERROR, OUTPUT_TOO_LARGE
from airflow_workflow_provider.errors import StepFailure

MAX_DEPTH = 200


def json_object(raw: Any, *, max_bytes: int, what: str = "output") -> dict[str, Any]:
    """Return a result as the JSON object that is kept (rule X5).

    An object is kept as it is, another JSON value as ``{"value": …}``, None as ``{}``.

    :param raw: what the task or transform gave
    :param max_bytes: largest size that is kept, as UTF-8
    :param what: how messages call the value
    :raises StepFailure: of type ``OutputError`` when it is no JSON, ``OutputTooLarge`` when it is too large
    """
    if raw is None:
        return {}
    _refuse_what_json_would_change(raw, what, depth=0)
    try:
        text = json.dumps(raw, allow_nan=False, ensure_ascii=False)
        encoded = text.encode()
    except (TypeError, ValueError, RecursionError) as exc:
        msg = f"The {what} is not JSON: {exc}"
        raise StepFailure(msg, type=OUTPUT_ERROR) from exc
    value = json.loads(text)
    kept = value if isinstance(value, dict) else {"value": value}
    size = len(encoded) if kept is value else len(encoded) + len('{"value": }')
    if size > max_bytes:
        msg = (
            f"The {what} has {size:,} bytes; at most {max_bytes:,} are kept. Keep less with the step's `output`, "
            "or store the data elsewhere and keep a reference."
        )
        raise StepFailure(
            msg,
            type=OUTPUT_TOO_LARGE,
            details={"bytes": size, "maxBytes": max_bytes},
        )
    return kept


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same; true is not 1, which Python takes for equal."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _refuse_what_json_would_change(value: Any, what: str, depth: int) -> None:
    """Refuse values that ``json.dumps`` would take and change silently, or that PostgreSQL cannot hold."""
    if depth > MAX_DEPTH:
        msg = f"The {what} is nested deeper than {MAX_DEPTH} levels"
        raise StepFailure(msg, type=OUTPUT_ERROR)
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                msg = f"The {what} is not JSON: the object key {key!r} is a {type(key).__name__}, not a string"
                raise StepFailure(
                    msg,
                    type=OUTPUT_ERROR,
                )
            _refuse_what_json_would_change(key, what, depth)
            _refuse_what_json_would_change(item, what, depth + 1)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_what_json_would_change(item, what, depth + 1)
    elif isinstance(value, str) and "\x00" in value:
        msg = f"The {what} holds a NUL character, which PostgreSQL cannot store"
        raise StepFailure(msg, type=OUTPUT_ERROR)
