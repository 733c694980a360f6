"""What Airflow knows of the tasks of a run, asked from inside one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context


def states_of(context: Context, task_ids: Sequence[str]) -> dict[str, str | None]:
    """Return the states of tasks of the run, as Airflow knows them."""
    ti = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=list(task_ids))
    return dict(states.get(ti.run_id, {}))
