"""Lists of instances as files, CSV for a spreadsheet or JSON for a program, written page by page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.api.models import InstanceSummary
from airflow_workflow_provider.store.listing import MAX_PAGE, InstanceList

if TYPE_CHECKING:
    from airflow_workflow_provider.api.selecting import Chosen

Pages = Iterator[Sequence[InstanceSummary]]

COLUMNS: Final = (
    "correlation_id",
    "workflow_id",
    "version",
    "display_status",
    "current_step_id",
    "started_at",
    "completed_at",
    "started_by",
    "id",
    "dag_id",
    "run_id",
)
ERROR_COLUMNS: Final = ("step_id", "type", "code")

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes a text that begins with it for: something to compute."""


def pages_of(instances: InstanceList, chosen: Chosen, *, oldest: bool) -> Pages:
    """Yield all instances that are meant, page by page."""
    after = None
    while True:
        page = instances.page(chosen.only, after=after, limit=MAX_PAGE, keep=chosen.keep, oldest=oldest)
        yield [InstanceSummary.model_validate(each) for each in page.items]
        if page.next is None:
            return
        after = page.next


def as_csv(pages: Pages) -> Iterator[str]:
    """Yield the text of a table with a line of headings."""
    alias = {name: field.alias or name for name, field in InstanceSummary.model_fields.items()}
    yield _lines([[*(alias[name] for name in COLUMNS), "errorStepId", "errorType", "errorCode"]])
    for page in pages:
        yield _lines([_row(each) for each in page])


def as_json(pages: Pages) -> Iterator[str]:
    """Yield the text of an array of objects."""
    before = "[\n"
    for page in pages:
        for each in page:
            yield before + each.model_dump_json(by_alias=True)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


WRITERS: Final[dict[str, tuple[Callable[[Pages], Iterator[str]], str]]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}


def _row(instance: InstanceSummary) -> list[str]:
    error = [getattr(instance.error, name, None) for name in ERROR_COLUMNS]
    return [_cell(value) for value in (*(getattr(instance, name) for name in COLUMNS), *error)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _lines(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()
