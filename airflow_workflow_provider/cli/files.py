"""Files that commands write: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.vocabulary import ProblemCode


def write_text(file: str | Path, text: str) -> None:
    """Write a text, through a file beside it that then takes its place; permissions of an existing file stay.

    :raises Misuse: it cannot be written
    """
    place = Path(os.path.realpath(file))
    try:
        mode = place.stat().st_mode if place.exists() else None
        descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", dir=place.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            Path(name).chmod(mode if mode is not None else 0o666 & ~_umask())
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        message = f"Cannot write {str(file)!r}: {getattr(error, 'strerror', None) or error}"
        raise Misuse(message, code=ProblemCode.CANNOT_WRITE) from error


def _umask() -> int:
    found = os.umask(0)
    os.umask(found)
    return found
