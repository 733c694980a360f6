"""From a stored instance to what its page shows: evaluated for one user, secrets masked (rules U1, L4)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider import __version__
from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.api.evaluating import PART_OF_TIME
from airflow_workflow_provider.api.models import InstanceBase
from airflow_workflow_provider.api.operating import operations_of
from airflow_workflow_provider.api.ui_registry import component_registry
from airflow_workflow_provider.api.view_models import (
    Component,
    ComponentNotice,
    InstanceView,
    ItemCounts,
    Progress,
    ShortError,
    StepState,
    TakenEdge,
    Timeline,
    TimelineSpan,
    ViewRights,
)
from airflow_workflow_provider.engine.alerts import is_overdue
from airflow_workflow_provider.engine.failure import moment
from airflow_workflow_provider.engine.keys import item_indexes
from airflow_workflow_provider.engine.phases import InstanceStatus, Phase
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.views.components import Page, Viewer, page_of, ui_bindings
from airflow_workflow_provider.views.history import Span, path_taken, records_of, spans_of
from airflow_workflow_provider.views.progress import progress_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.masking import Masker
    from airflow_workflow_provider.engine.records import Activation
    from airflow_workflow_provider.engine.step_records import StepRecord
    from airflow_workflow_provider.store.instances import Instance
    from airflow_workflow_provider.store.views import Mark

MAX_SPANS: Final = 2_000
"""Attempts that a page shows; of more the newest."""

MAX_MESSAGE: Final = 500
"""Characters of a failure's message beside a step; the step's own page has all of it."""


@dataclass(frozen=True)
class Caller:
    """The permissions of one user on one workflow, looked up once per request.

    :param access: the user
    """

    access: Access
    rights: ViewRights

    @classmethod
    def of(cls, access: Access, workflow_id: str) -> Caller:
        """Return what a user may do with a workflow that they may read."""

        def may(right: Right) -> bool:
            return workflow_id in access.permitted(right, [workflow_id])

        rights = ViewRights(
            edit=may(Right.EDIT),
            operate=may(Right.OPERATE),
            start=may(Right.START),
            read_log=may(Right.READ_LOG),
            publish_events=access.may_publish_events,
        )
        return cls(access, rights)

    @property
    def viewer(self) -> Viewer:
        """The user, as conditions see them."""
        actor = self.access.actor
        return Viewer(actor["id"], actor["name"], self.access.roles)


def view_tag(mark: Mark, caller: Caller) -> str:
    """Return the entity tag of a page: it changes with the instance, its log, and what its reader may see and do."""
    parts = [
        __version__,
        str(mark.id),
        mark.updated_at.isoformat(),
        mark.last_row,
        mark.status,
        caller.viewer.to_json(),
        caller.rights.model_dump(),
    ]
    return f'"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'


def view_of(services: Services, caller: Caller, stored: Instance) -> InstanceView:
    """Return everything that the page of an instance shows to a user."""
    graph = services.graph(stored.workflow_id, stored.revision)
    masker = services.masker(stored)
    state = stored.state
    state.status = InstanceStatus(stored.status)
    progress = progress_of(graph, state, stored.current_step_id)
    happenings, complete = services.views.happenings(stored.id)
    spans = spans_of(graph, happenings, state, stored.completed_at)
    registry = component_registry()
    bindings = ui_bindings(state, stored.status, progress, caller.viewer)
    page = page_of(
        registry.completed(graph.definition.ui_components),
        bindings,
        mask=masker.mask,
        layouts=registry.layouts,
        seconds=services.settings.evaluation_seconds * PART_OF_TIME,
    )
    level = graph.definition.execution_log.level if graph.definition.execution_log is not None else "info"
    return InstanceView(
        **InstanceBase.model_validate(stored).model_dump(),
        workflow_name=graph.definition.name,
        started_by=(state.instance.started_by or {}).get("name"),
        due_at=moment(state.instance.due_at) if state.instance.due_at is not None else None,
        overdue=is_overdue(state),
        error=masker.mask(stored.error),
        progress=Progress.model_validate(progress),
        components=_components(page),
        notices=_notices(page) if caller.rights.edit else [],
        steps=_steps(graph, state, spans, masker),
        path=[TakenEdge.model_validate(taken) for taken in path_taken(graph, spans, state)],
        timeline=Timeline(
            spans=[_span(span, masker) for span in spans[-MAX_SPANS:]],
            complete=complete and level != "error" and len(spans) <= MAX_SPANS,
        ),
        operations=operations_of(services, caller.access, stored),
        rights=caller.rights,
    )


def _components(page: Page) -> list[Component]:
    registry = component_registry()
    shown = [Component.model_validate(each) for each in page.components]
    for component in shown:
        component.module = registry.module(component.component_id)
    return shown


def _notices(page: Page) -> list[ComponentNotice]:
    return [ComponentNotice.model_validate(each) for each in page.notices]


def _span(span: Span, masker: Masker) -> TimelineSpan:
    values = {**vars(span), "error": _short(span.error, masker)}
    return TimelineSpan.model_validate(values)


def _short(error: Json | None, masker: Masker) -> ShortError | None:
    if not error:
        return None
    masked = masker.mask({key: error.get(key) for key in ("type", "code", "message")})
    message = masked["message"]
    if isinstance(message, str) and len(message) > MAX_MESSAGE:
        masked["message"] = f"{message[: MAX_MESSAGE - 1]}…"
    return ShortError.model_validate(masked)


# The states of the steps


def _steps(graph: Graph, state: State, spans: Iterable[Span], masker: Masker) -> list[StepState]:
    """Return the state of each step that was activated, in the order in which they first began.

    What ran only before the instance was restarted is left out: the state has no record of it. Of items it never has.
    """
    own: dict[str, list[Span]] = {}
    for span in spans:
        if span.kind == "step":
            own.setdefault(span.step_id, []).append(span)
    records: dict[str, StepRecord] = {}
    for (_, step_id), record in records_of(graph, state).items():
        if step_id not in records or record.visit >= records[step_id].visit:
            records[step_id] = record
    live = {current.step_id: current for _, current in state.live() if current.is_step}
    known = [
        step_id
        for step_id in dict.fromkeys([*own, *records, *live])
        if step_id in records or step_id in live or item_indexes(own[step_id][-1].scope)
    ]
    found = [_step(step_id, own.get(step_id, []), records.get(step_id), live.get(step_id), masker) for step_id in known]
    for each in found:
        latest = records.get(each.step_id)
        selected = latest.task if latest is not None else None
        step = graph.step(each.step_id) if each.step_id in graph.step_ids else None
        policies = graph.retry_policies(step, selected=selected) if step is not None else ()
        each.max_attempts = policies[0].max_attempts if len(policies) == 1 else None
    return found


def _step(
    step_id: str, spans: list[Span], record: StepRecord | None, current: Activation | None, masker: Masker
) -> StepState:
    last = spans[-1] if spans else None
    found = StepState(
        step_id=step_id,
        status=_status(last, record, current),
        visits=len({(span.scope, span.visit) for span in spans}),
        attempts=len(spans),
        items=_items(spans),
    )
    if record is not None:
        found.next, found.way = record.next, record.way
        found.error = _short(record.error, masker)
    if last is not None:
        first = next(span for span in spans if (span.scope, span.visit) == (last.scope, last.visit))
        found.started_at, found.completed_at = first.started_at, last.ended_at
        if found.next is None:
            found.next, found.way = last.next, last.way
        if record is None:
            found.error = _short(last.error, masker)
    if current is not None:
        found.completed_at = None
        found.attempt = current.attempt or None
        if current.phase is Phase.RETRYING and last is not None:
            found.error = _short(last.error, masker)
        found.retry_at = moment(current.retry_at) if current.retry_at is not None else None
        found.deadline_at = moment(current.deadline) if current.deadline is not None else None
    return found


def _status(last: Span | None, record: StepRecord | None, current: Activation | None) -> Any:
    if current is not None:
        return Phase.RUNNING.value if current.phase is Phase.REGION else current.phase.value
    return record.status.value if record is not None else last.status if last is not None else "pending"


def _items(spans: list[Span]) -> ItemCounts | None:
    """Return how the visits of a step in a ``forEach`` ended; None for one that stands in none."""
    ends: dict[tuple[str, int], str] = {}
    for span in spans:
        if item_indexes(span.scope):
            ends[span.scope, span.visit] = span.status
    if not ends:
        return None
    counts = {status: list(ends.values()).count(status) for status in ("completed", "failed")}
    return ItemCounts(running=len(ends) - sum(counts.values()), **counts)
