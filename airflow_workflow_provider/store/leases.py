"""Work that several processes share: who takes a row has it for a time, and is trusted to say when it is done."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, func, select, update

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate


def claiming(
    table: Table,
    limit: int,
    lease: timedelta,
    *columns: ColumnElement[Any],
    only: ColumnElement[bool] | None = None,
    **values: Any,
) -> ReturningUpdate[Any]:
    """Return the statement that takes rows that are due, the longest due first; nobody waits for anybody.

    :param table: has ``id``, ``due_at``, from when on a row may be taken, and ``attempts``, which counts that
    :param lease: after this time a row whose end nobody has said is due again
    :param columns: what is returned of each
    :param only: which rows count at all
    :param values: what else is set in each
    """
    now = func.statement_timestamp()
    due = select(table.c.id).where(table.c.due_at <= now)
    due = due if only is None else due.where(only)
    taken = due.order_by(table.c.due_at).limit(limit).with_for_update(skip_locked=True).cte("due")
    statement = update(table).where(table.c.id == taken.c.id)
    return statement.values(due_at=now + lease, attempts=table.c.attempts + 1, **values).returning(*columns)
