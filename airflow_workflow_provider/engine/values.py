"""Values from outside the engine: results of tasks, inputs of instances (rules X5, X6)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.json_text import DATA_DEPTH, dumps, value_findings
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue

MAX_LISTED = 50


def json_object(raw: JsonValue, *, max_bytes: int, what: str = "output") -> Json:
    """Return a result as the JSON object that is kept (rule X5).

    An object is kept as it is, another JSON value as ``{"value": …}``, None as ``{}``.

    :param raw: what the task or transform gave
    :param max_bytes: largest size that is kept, as UTF-8
    :param what: how messages call the value
    :raises StepFailure: of type ``OutputError`` when it is no JSON, ``OutputTooLarge`` when it is too large
    """
    if raw is None:
        return {}
    found = unusable_in(raw)
    if found:
        place = f" at {found[0]['pointer']}" if found[0]["pointer"] else ""
        msg = f"The {what} cannot be kept{place}: {found[0]['message']}"
        raise StepFailure(msg, type=ErrorType.OUTPUT_ERROR, details={"errors": found})
    text = dumps(raw)
    encoded = text.encode()
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
            type=ErrorType.OUTPUT_TOO_LARGE,
            details={"bytes": size, "maxBytes": max_bytes},
        )
    return kept


def unusable_in(value: JsonValue) -> list[dict[str, str]]:
    """Return what keeps a value from being kept as JSON, as ``{"pointer", "message"}``."""
    found = value_findings(value, max_depth=DATA_DEPTH, max_size=None)[:MAX_LISTED]
    return [{"pointer": each.pointer, "message": each.message} for each in found]


def same(left: JsonValue, right: JsonValue) -> bool:
    """Return whether two JSON values are the same; true is not 1, which Python takes for equal."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)
