"""When two JSON documents have the same content."""

from __future__ import annotations

import hashlib
from typing import Any

from airflow_workflow_provider.model import json_text


def digest(document: dict[str, Any]) -> str:
    """SHA-256 of the content, hexadecimal: the same for the same document however it was written.

    Order of keys, white space and the notation of numbers (``1.0`` and ``1``) do not count, nor does the top-level
    ``$schema``, which is a hint for editors. So a document read back from JSONB has the digest it was stored with.
    """
    content = {key: _canonical(value) for key, value in document.items() if key != "$schema"}
    text = json_text.dumps(content, compact=True, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return value
