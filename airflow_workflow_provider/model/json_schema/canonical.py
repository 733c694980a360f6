"""One text for each JSON value, so that equal values are found without comparing each with each."""

from __future__ import annotations

import json
from typing import Any


def canonical(value: Any) -> str:
    """Return the same text for equal values, and different ones for others: 1 is 1.0, true is not 1."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        # In hexadecimal, because writing a long number in decimal takes more than linear time.
        return hex(int(value)) if value == value // 1 else repr(value)
    if isinstance(value, dict):
        return f"{{{','.join(sorted(f'{json.dumps(key)}:{canonical(part)}' for key, part in value.items()))}}}"
    if isinstance(value, list):
        return f"[{','.join(map(canonical, value))}]"
    return "null"
