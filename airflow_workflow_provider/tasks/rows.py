"""Rows of JSON Lines and CSV files, read batch by batch from where the batch before ended (rule K6)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from airflow_workflow_provider.engine.values import unusable_in
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.strict_json import Unreadable, parsed
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Mapping

Format = Literal["jsonl", "csv"]

_SUFFIXES: Final[dict[str, Format]] = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_MESSAGE: Final = 200


class BrokenRow(Exception):
    """A row that is not what its format demands."""


@dataclass(frozen=True)
class Position:
    """Where a batch begins.

    :param offset: bytes before it
    :param line: lines before it
    """

    offset: int = 0
    line: int = 0

    @classmethod
    def of(cls, after: Mapping[str, Any] | None) -> Position:
        """Return the position that an earlier batch gave as ``next``; the start of the file for none."""
        return cls() if after is None else cls(after["offset"], after["line"])


@dataclass
class Batch:
    """Rows that were read together.

    :param end: where the next batch begins; None where the file has ended
    :param broken: rows that are left out, as ``{"line", "message"}``
    """

    items: list[Any] = field(default_factory=list)
    broken: list[dict[str, Any]] = field(default_factory=list)
    end: Position | None = None

    def __len__(self) -> int:
        return len(self.items) + len(self.broken)


@dataclass(frozen=True)
class Reading:
    """How rows are read.

    :param rows: how many a batch has at most
    :param max_bytes: how large its rows are at most, as JSON text
    :param delimiter: between the values of a row of CSV
    :param report: whether a broken row is reported in the batch; else it fails the step
    """

    format: Format
    rows: int
    max_bytes: int
    delimiter: str = ","
    report: bool = False


def format_of(address: str) -> Format:
    """Return the format that the name of a file stands for.

    :raises StepFailure: of type ``ValidationError``: it stands for none
    """
    for suffix, found in _SUFFIXES.items():
        if address.lower().endswith(suffix):
            return found
    message = f"The name of {address!r} shows no format; set format to jsonl or csv"
    raise StepFailure(message, type=ErrorType.VALIDATION_ERROR)


def read_batch(stream: BinaryIO, start: Position, reading: Reading) -> Batch:
    """Read the next rows of a file.

    A batch ends early where it would become too large.

    :raises StepFailure: of type ``ValidationError`` for a broken row, ``OutputTooLarge`` for one that no batch can hold
    """
    lines = _Lines(stream, reading.max_bytes)
    columns = _columns(lines, reading.delimiter) if reading.format == "csv" else []
    if start.offset:
        lines.move_to(start)
    batch, size = Batch(), 0
    while len(batch) < reading.rows:
        target = batch.items
        try:
            found = next(_rows(lines, columns, reading), None)
            if found is None:
                return batch
            entry = found[0]
        except BrokenRow as error:
            if not reading.report:
                raise _broken(lines.row, str(error)) from error
            entry, target = {"line": lines.row.line + 1, "message": str(error)[:_LONGEST_MESSAGE]}, batch.broken
        size += len(dumps(entry).encode()) + 1
        if size > reading.max_bytes:
            if not len(batch):
                raise _too_large(lines.row, reading.max_bytes)
            batch.end = lines.row
            return batch
        target.append(entry)
    batch.end = lines.position if stream.read(1) else None
    return batch


class _Lines:
    """The lines of a file; no row may have too many bytes.

    :ivar row: where the current row begins
    :ivar position: where the next line begins
    """

    def __init__(self, stream: BinaryIO, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = max_bytes
        self.row = self.position = Position()

    def begin_row(self) -> None:
        """Begin another row with the next line."""
        self.row = self.position

    def move_to(self, position: Position) -> None:
        """Continue at a place."""
        self._stream.seek(position.offset)
        self.position = position

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        at = self.position
        left = self._max_bytes - (at.offset - self.row.offset)
        line = self._stream.readline(left + 1)
        if not line:
            raise StopIteration
        if len(line) > left:
            raise _too_large(self.row, self._max_bytes)
        self.position = Position(at.offset + len(line), at.line + 1)
        try:
            return (line if at.offset else line.removeprefix(_BOM)).decode()
        except UnicodeDecodeError as error:
            message = f"byte {error.start} is not UTF-8"
            raise BrokenRow(message) from error


def _rows(lines: _Lines, columns: list[str], reading: Reading) -> Iterator[tuple[Any]]:
    """Yield the next row, in a tuple, since a row can be null."""
    while True:
        lines.begin_row()
        if reading.format == "jsonl":
            line = next(lines, None)
            if line is None:
                return
            if line.strip():
                yield (_json(line),)
        else:
            values = _csv(lines, reading.delimiter)
            if values is None:
                return
            if values:
                yield (_named(columns, values),)


def _json(line: str) -> Any:
    try:
        value, problems = parsed(line)
    except Unreadable as error:
        raise BrokenRow(error.problem.message) from error
    except RecursionError as error:
        message = "it is nested too deeply"
        raise BrokenRow(message) from error
    if problems:
        raise BrokenRow(problems[0].message)
    return _usable(value)


def _csv(lines: _Lines, delimiter: str) -> list[str] | None:
    """Return the values of the next row, which may have several lines; None at the end."""
    try:
        return next(csv.reader(lines, delimiter=delimiter, strict=True), None)
    except csv.Error as error:
        raise BrokenRow(str(error)) from error


def _columns(lines: _Lines, delimiter: str) -> list[str]:
    """Return the names in the first row of a CSV file.

    :raises StepFailure: two columns have one name, or the row is broken
    """
    try:
        columns = _csv(lines, delimiter) or []
    except BrokenRow as error:
        raise _broken(Position(), str(error)) from error
    if len(set(columns)) < len(columns):
        raise _broken(Position(), "two columns have the same name")
    return columns


def _named(columns: list[str], values: list[str]) -> Any:
    if len(values) != len(columns):
        message = f"it has {len(values):,} values for {len(columns):,} columns"
        raise BrokenRow(message)
    return _usable(dict(zip(columns, values, strict=True)))


def _usable(value: Any) -> Any:
    found = unusable_in(value)
    if found:
        raise BrokenRow(found[0]["message"])
    return value


def _broken(row: Position, why: str) -> StepFailure:
    line = row.line + 1
    message = f"The row in line {line:,} cannot be read: {why[:_LONGEST_MESSAGE]}"
    return StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=ProblemCode.BROKEN_ROW, details={"line": line})


def _too_large(row: Position, max_bytes: int) -> StepFailure:
    line = row.line + 1
    message = f"The row in line {line:,} has more than {max_bytes:,} bytes, the most that a batch can hold"
    return StepFailure(message, type=ErrorType.OUTPUT_TOO_LARGE, details={"line": line, "maxBytes": max_bytes})
