"""Everything about one step of an instance, from its record and from the execution log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.api.view_models import AttemptDetail, Evaluated, StepAction, StepDetail, VisitDetail
from airflow_workflow_provider.engine.phases import InstanceStatus
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.views.history import SHOWN_EVENTS, Happening, Span, spans_of
from airflow_workflow_provider.vocabulary import COMPENSATIONS, LogEvent

if TYPE_CHECKING:
    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.store.instances import Instance
    from airflow_workflow_provider.store.logs import LogRow

MAX_ROWS: Final = 1_000
"""Rows of the log that are returned; of more, the newest."""


def step_detail(services: Services, stored: Instance, step_id: str, *, with_log: bool) -> StepDetail:
    """Return everything about one step of an instance.

    :param with_log: whether the caller may read the execution log
    :raises NotFound: the definition has no such step
    """
    graph = services.graph(stored.workflow_id, stored.revision)
    nodes = services.drawing(stored.workflow_id, stored.revision).nodes
    node = next((each for each in nodes if each.id == step_id), None)
    if node is None or node.step_id != step_id:
        message = f"Workflow {stored.workflow_id!r} has no step {step_id!r}"
        raise NotFound(message, pointer=step_id)
    rows, complete = services.views.rows_of_step(stored.id, step_id, limit=MAX_ROWS) if with_log else ([], False)
    state = _only(stored, step_id)
    masker = services.masker(stored)
    spans = spans_of(
        graph, (happening for row in rows if (happening := _happening(row)) is not None), state, stored.completed_at
    )
    record = _record(state, step_id)
    step = graph.step(step_id)
    selected = record.get("task") if record is not None else None
    task = graph.task_of(step, selected)
    return StepDetail(
        instance_id=str(stored.id),
        step_id=step_id,
        name=node.name,
        description=step.description,
        task_id=selected or step.task_name,
        dag_id=stored.dag_id,
        run_id=stored.run_id,
        airflow_task_id=node.airflow_task_id or step_id,
        state=masker.mask(record) if record is not None else None,
        visits=_visits(spans, rows),
        actions=[
            StepAction(at=row.at, event=row.event, actor=row.actor, message=row.message, data=row.data)
            for row in rows
            if row.actor is not None
        ],
        complete=complete,
        output_schema=(task.output_schema or None) if task is not None else None,
        output_transform=step.output.expression if step.output is not None else None,
    )


def _only(stored: Instance, step_id: str) -> State:
    """Return the state as if it contained one step only."""
    state = stored.state
    state.status = InstanceStatus(stored.status)
    state.keep_only(step_id)
    return state


def _record(state: State, step_id: str) -> Json | None:
    records = [record for key in reversed(state.lists) if (record := state.record(key, step_id)) is not None]
    if not records:
        return None
    state.steps[step_id] = max(records, key=lambda record: record.started_at or "")
    shown: Json = state.public()["steps"][step_id]
    return shown


def _happening(row: LogRow) -> Happening | None:
    if row.event not in SHOWN_EVENTS or row.visit is None or row.step_id is None:
        return None
    data = row.data or {}
    return Happening(
        row.at,
        row.event,
        row.step_id,
        row.scope,
        row.visit,
        row.attempt or 0,
        data.get("next"),
        data.get("way"),
        data.get("delay"),
        data.get("error"),
    )


def _visits(spans: list[Span], rows: list[LogRow]) -> list[VisitDetail]:
    visits: dict[tuple[str, str, int], VisitDetail] = {}
    for span in spans:
        key = (span.kind, span.scope, span.visit)
        visit = visits.get(key)
        if visit is None:
            visit = VisitDetail.model_validate(
                {"kind": span.kind, "scope": span.scope, "visit": span.visit, "decisions": [], "attempts": []}
            )
            visits[key] = visit
        if span.next is not None:
            visit.next, visit.way = span.next, span.way
        visit.attempts.append(AttemptDetail.model_validate({**vars(span), "error": span.error}))
    for row in rows:
        kind = "compensation" if row.event in COMPENSATIONS else "step"
        found = visits.get((kind, row.scope, row.visit or 0))
        if found is not None:
            _add(found, row)
    return list(visits.values())[::-1]


def _add(visit: VisitDetail, row: LogRow) -> None:
    data: dict[str, Any] = row.data or {}
    attempt = next((each for each in visit.attempts if each.attempt == row.attempt), None)
    if "input" in data and row.event in (LogEvent.STEP_STARTED, LogEvent.COMPENSATION_STARTED):
        visit.input = data["input"]
    if row.event == LogEvent.STEP_COMPLETED:
        visit.output = data.get("output")
    elif row.event == LogEvent.CONDITION_EVALUATED:
        visit.decisions.append(Evaluated.model_validate({"operands": {}, **data, "at": row.at}))
    elif row.event == LogEvent.STEP_ARGUMENTS and attempt is not None:
        attempt.arguments = data.get("arguments")
    if attempt is not None and data.get("error"):
        attempt.error = data["error"]
