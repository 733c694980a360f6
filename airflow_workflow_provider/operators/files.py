"""The tasks ``read`` and ``write``: rows of files, through Airflow's object storage (rule K6)."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from airflow.sdk import ObjectStoragePath

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.files import LOCAL, folder_of
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.operators.builtin import STEP_CONTEXT, BuiltInOperator
from airflow_workflow_provider.operators.reach import NOT_ALLOWED, refusal
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.builtins.read import DEFAULT_BATCH
from airflow_workflow_provider.tasks.rows import Position, Reading, format_of, read_batch
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.tasks.registry import StepContext

_MARKS: Final = ("ETag", "etag", "generation", "md5Hash", "LastModified", "last_modified", "updated", "mtime", "ino")
"""What file systems report of the content of a file, or of the time of its last change."""

_VISIT_DIGITS: Final = 8
"""Digits of a visit in a name, so that names sort by it."""


class ReadOperator(BuiltInOperator):
    """Reads the next rows of a file."""

    name = "read"

    def run(self, context: Context) -> Any:  # noqa: ARG002 - it needs its arguments only
        """Read them.

        :raises StepFailure: the file may not be read or has changed, or a row is broken or too large
        """
        given = self.arguments
        address, after = given["file"], given.get("after")
        reading = Reading(
            given.get("format") or format_of(address),
            given.get("batch", DEFAULT_BATCH),
            # The rest is for where the next batch begins, and for what the step adds with its output.
            load_settings().max_output_bytes * 3 // 4,
            given.get("delimiter", ","),
            given.get("onBrokenRow") == "report",
        )
        path = _allowed(self.name, address)
        version = _version(path)
        if after is not None and after["version"] != version:
            raise _changed(address)
        with path.fs.open(path.path, "rb") as stream:
            if after is not None and after["offset"] > stream.seek(0, os.SEEK_END):
                message = f"after is no place in {address!r}: the file has fewer bytes"
                raise StepFailure(message, type=ErrorType.VALIDATION_ERROR)
            stream.seek(0)
            batch = read_batch(stream, Position.of(after), reading)
        if _version(path) != version:
            raise _changed(address)
        end = batch.end and {"version": version, "offset": batch.end.offset, "line": batch.end.line}
        return {"items": batch.items, "broken": batch.broken, "next": end}


class WriteOperator(BuiltInOperator):
    """Writes rows as one file, which another attempt writes again."""

    name = "write"

    def run(self, context: Context) -> Any:
        """Write them.

        :raises StepFailure: the file may not be written
        """
        step: StepContext = cast("dict[str, Any]", context)[STEP_CONTEXT]
        instance, step_id, visit, *items = step.idempotency_key.split("/")
        name = ".".join([visit.zfill(_VISIT_DIGITS), *items])
        address = f"{self.arguments['folder'].rstrip('/')}/{instance}/{step_id}/{name}.jsonl"
        path, rows = _allowed(self.name, address), self.arguments["items"]
        content = "".join(f"{dumps(row)}\n" for row in rows).encode()
        if _is_local(path):
            _replace(Path(path.path), content)
        else:
            with path.fs.open(path.path, "wb") as stream:
                stream.write(content)
        return {"file": address, "count": len(rows)}


def _allowed(kind: str, address: str) -> ObjectStoragePath:
    """Return the path of a file that a task may read or write.

    :raises StepFailure: it may not
    """
    policy = Policy.of(load_settings())
    problem = policy.file_problem(kind, address)
    if problem is not None:
        raise refusal(problem)
    path = ObjectStoragePath(address)
    folder = folder_of(address, policy.folders_of(kind))
    if folder is not None and _is_local(path):
        root = Path(ObjectStoragePath(folder).path).resolve()
        if not Path(path.path).resolve().is_relative_to(root):
            message = f"{address!r} leads out of {folder!r} by a symbolic link"
            raise StepFailure(
                message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED, details={"diagnostic": "WF416"}
            )
    return path


def _is_local(path: ObjectStoragePath) -> bool:
    return path.protocol in ("", LOCAL)


def _version(path: ObjectStoragePath) -> str:
    """Return what changes when the content of a file does.

    :raises StepFailure: of type ``ValidationError``: it is no regular file
    """
    # Some file systems remember what they have read about a file.
    path.fs.invalidate_cache(path.path)
    info: Mapping[str, Any] = path.fs.info(path.path)
    if info.get("type") != "file":
        message = f"{path} is not a file"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR)
    marks = [f"{name}={info[name]}" for name in ("size", *_MARKS) if info.get(name) is not None]
    return hashlib.sha256("\n".join(marks).encode()).hexdigest()[:32]


def _changed(address: str) -> StepFailure:
    message = f"{address!r} has changed since its first rows were read"
    return StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=ProblemCode.FILE_CHANGED)


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that others see all of it or none, also after a crash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
