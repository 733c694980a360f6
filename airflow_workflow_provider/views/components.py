"""The components of an instance page whose condition holds for a user (rule U1).

Pure: the state, the progress and the viewer go in; what may leave the server comes out. A component that is hidden,
because its condition does not hold or because it fails, leaves nothing behind but, for those who may edit the
definition, the note of the error.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.bindings import bindings_of, holds
from airflow_workflow_provider.engine.keys import ROOT
from airflow_workflow_provider.engine.scope import Scope
from airflow_workflow_provider.errors import LimitExceeded, StepFailure
from airflow_workflow_provider.model.arguments import as_transform
from airflow_workflow_provider.model.definition import UiComponent
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.expressions import UI_NAMES, ExpressionFailure, compile_transform
from airflow_workflow_provider.model.ui import (
    COMPONENT_LAYOUTS,
    FALLBACK_LAYOUT,
    LAYOUTS,
    ROW_NAMES,
    default_components,
)
from airflow_workflow_provider.model.words import listed, shortened, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.model.definition import UiColumn, UiContext, UiItem
    from airflow_workflow_provider.model.fields import ArgumentTransform
    from airflow_workflow_provider.views.progress import Progress

MAX_ROWS: Final = 200
"""Rows of a table that are sent."""

MAX_LISTED: Final = 20
"""Entries of a card that has no ``items``."""

SECONDS: Final = 4.0
"""Of all values and conditions of a page together, where nothing else is said."""

MAX_VALUE: Final = 20_000
"""Characters of one value as JSON; what is longer is left out."""

_Failure = (ExpressionFailure, ValueError, StepFailure)


@dataclass(frozen=True)
class Viewer:
    """Who looks at the page; ``user`` in conditions."""

    id: str
    name: str
    roles: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return it as conditions see it."""
        return {"id": self.id, "name": self.name, "roles": list(self.roles)}


@dataclass(frozen=True)
class Notice:
    """What went wrong with a component, for those who may edit the definition.

    :param pointer: the place in the definition; empty where the component is not of the definition
    """

    component_id: str
    pointer: str
    message: str


@dataclass(frozen=True)
class ShownItem:
    """One labelled value."""

    label: str
    value: Any
    format: str = "text"


@dataclass(frozen=True)
class ShownColumn:
    """The head of a table's column."""

    label: str
    format: str = "text"


@dataclass(frozen=True)
class ShownTable:
    """The rows of a table; ``total`` counts those too that are not sent."""

    columns: tuple[ShownColumn, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    total: int = 0


@dataclass(frozen=True)
class Shown:
    """A component that is shown, with its values."""

    component_id: str
    layout: str
    title: str | None = None
    description: str | None = None
    tone: str | None = None
    items: tuple[ShownItem, ...] = ()
    table: ShownTable | None = None
    step_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """The components that are shown, in their order, and what went wrong with others."""

    components: tuple[Shown, ...]
    notices: tuple[Notice, ...]


def ui_bindings(state: State, status: str, progress: Progress, viewer: Viewer) -> dict[str, Any]:
    """Return what conditions and values of components see: rule X1, and ``status``, ``progress`` and ``user``.

    ``output`` is the instance's, ``error`` the failure that ended it, before that the one that is being handled.
    """
    return {
        **bindings_of(Scope(state, ROOT), output=state.output, error=state.error),
        "status": status,
        "progress": progress.to_json(),
        "user": viewer.to_json(),
    }


def page_of(
    components: Sequence[UiComponent],
    bindings: Mapping[str, Any],
    *,
    mask: Callable[[Any], Any] = lambda value: value,
    layouts: Mapping[str, str] = COMPONENT_LAYOUTS,
    seconds: float = SECONDS,
) -> Page:
    """Return what is shown of a page.

    :param components: those of the definition; none at all: the built-in ones
    :param bindings: what :func:`ui_bindings` gives; conditions see it as it is
    :param mask: hides secrets; values see only what it leaves (rule L4)
    :param layouts: how components are drawn whose ``context`` names no layout
    :param seconds: that all values and conditions may take together; what comes later is left out
    """
    own = {key: bindings[key] for key in ("user", "progress", "status")}
    # The viewer's own data is not instance data, so it is not masked.
    visible = {**mask({key: value for key, value in bindings.items() if key not in own}), **own}
    documents = [each.model_dump(mode="json", by_alias=True, exclude_unset=True) for each in components]
    try:
        found = _composed(documents, dict(bindings), visible, dict(layouts), seconds)
    except LimitExceeded as error:
        return Page((), (Notice("", "/uiComponents", f"The page shows nothing of its own: {error.message}"),))
    return Page(tuple(map(_shown_of, found["components"])), tuple(Notice(**each) for each in found["notices"]))


@bounded
def _composed(components: list[Json], bindings: Json, visible: Json, layouts: Json, seconds: float) -> Json:
    parsed = [UiComponent.model_validate_json(json.dumps(each)) for each in components]
    composer = _Composer(bindings, visible, layouts, own=bool(parsed), seconds=seconds)
    return asdict(composer.page(parsed or default_components()))


def _shown_of(found: Json) -> Shown:
    table = found["table"]
    if table is not None:
        columns = tuple(ShownColumn(**each) for each in table["columns"])
        table = ShownTable(columns, tuple(map(tuple, table["rows"])), table["total"])
    return Shown(**{**found, "items": tuple(ShownItem(**each) for each in found["items"]), "table": table})


class _Composer:
    def __init__(self, bindings: Json, visible: Json, layouts: Mapping[str, str], *, own: bool, seconds: float) -> None:
        self._bindings = bindings
        self._visible = visible
        self._layouts = layouts
        self._own = own
        self._notices: list[Notice] = []
        self._ends = time.monotonic() + seconds

    def page(self, components: Sequence[UiComponent]) -> Page:
        ordered = sorted(enumerate(components), key=lambda entry: (entry[1].priority, entry[0]))
        shown = tuple(
            self._shown(component, ("uiComponents", number))
            for number, component in ordered
            if self._holds(component, ("uiComponents", number))
        )
        return Page(shown, tuple(self._notices))

    def _holds(self, component: UiComponent, path: tuple[str | int, ...]) -> bool:
        if component.condition is None:
            return True
        if self._is_late(component, (*path, "condition")):
            return False
        try:
            return holds(component.condition, UI_NAMES, self._bindings)
        except _Failure as error:
            self._note(component, (*path, "condition"), f"{error}; the component is hidden")
            return False

    def _shown(self, component: UiComponent, path: tuple[str | int, ...]) -> Shown:
        context, place = component.context, (*path, "context")
        layout = self._layout(component, place)
        return Shown(
            component_id=component.component_id,
            layout=layout,
            title=context.title,
            description=context.description,
            tone=context.tone or (self._tone() if layout == "alert" else None),
            items=tuple(self._items(component, layout, place)),
            table=self._table(component, place) if context.rows is not None else None,
            step_id=context.step_id,
            options=dict(context.model_extra or {}),
        )

    def _layout(self, component: UiComponent, place: tuple[str | int, ...]) -> str:
        layout = component.context.layout
        if layout is None:
            return self._layouts.get(component.component_id, FALLBACK_LAYOUT)
        if layout in LAYOUTS:
            return layout
        message = f"Unknown layout {shown(layout)} is drawn as a card; the layouts are {listed(LAYOUTS)}"
        self._note(component, (*place, "layout"), message)
        return FALLBACK_LAYOUT

    def _tone(self) -> str:
        return "error" if self._bindings["status"] == "failed" else "info"

    # Values

    def _items(self, component: UiComponent, layout: str, place: tuple[str | int, ...]) -> list[ShownItem]:
        if component.context.items:
            return [
                self._item(component, item, (*place, "items", number))
                for number, item in enumerate(component.context.items)
            ]
        if layout == "card" and component.context.rows is None:
            return self._result()
        return self._failure() if layout == "alert" and component.context.description is None else []

    def _item(self, component: UiComponent, item: UiItem, path: tuple[str | int, ...]) -> ShownItem:
        transform = as_transform(item.value)
        value = item.value
        if transform is not None:
            value = self._value(component, transform, self._visible, (*path, "value"))
        return ShownItem(item.label, value, item.format)

    def _result(self) -> list[ShownItem]:
        """Return what a card shows that names no values: the instance's output, before there is one its input."""
        visible = self._visible
        source = visible["output"] if visible["status"] == "completed" else visible["input"]
        if not isinstance(source, dict):
            return []
        return [
            ShownItem(key, _bounded(value), "json" if isinstance(value, (dict, list)) else "text")
            for key, value in list(source.items())[:MAX_LISTED]
        ]

    def _failure(self) -> list[ShownItem]:
        """Return what an alert shows that says nothing of its own: the failure, where there is one."""
        error = self._visible["error"]
        if not isinstance(error, dict):
            return []
        named = (("Error", error.get("type")), ("Code", error.get("code")), ("Step", error.get("stepId")))
        found = [ShownItem(label, value) for label, value in named if value]
        return [*found, ShownItem("Message", _bounded(error.get("message")))]

    def _table(self, component: UiComponent, place: tuple[str | int, ...]) -> ShownTable:
        context = component.context
        assert context.rows is not None  # noqa: S101 - asked before
        given = self._value(component, context.rows, self._visible, (*place, "rows"), bounded=False)
        if given is None:
            given = []
        if not isinstance(given, list):
            self._note(component, (*place, "rows"), f"rows must give an array, not {shown(given)}")
            given = []
        if not context.columns:
            return _table_of(given)
        columns = tuple(ShownColumn(column.label, column.format) for column in context.columns)
        rows = tuple(self._row(component, context, row, number, place) for number, row in enumerate(given[:MAX_ROWS]))
        return ShownTable(columns, rows, len(given))

    def _row(
        self, component: UiComponent, context: UiContext, row: Any, number: int, place: tuple[str | int, ...]
    ) -> tuple[Any, ...]:
        bindings = {**self._visible, "row": row, "rowIndex": number}

        def cell(position: int, column: UiColumn) -> Any:
            path = (*place, "columns", position, "value")
            return self._value(component, column.value, bindings, path, names=ROW_NAMES)

        return tuple(cell(position, column) for position, column in enumerate(context.columns))

    def _value(
        self,
        component: UiComponent,
        transform: ArgumentTransform,
        bindings: Mapping[str, Any],
        path: tuple[str | int, ...],
        *,
        names: frozenset[str] = UI_NAMES,
        bounded: bool = True,
    ) -> Any:
        if self._is_late(component, path):
            return None
        try:
            value = compile_transform(transform, names).evaluate(bindings)
        except _Failure as error:
            self._note(component, (*path, "expression"), f"{shown(transform.expression)}: {error}")
            return None
        if bounded and value is not None and _bounded(value) is None:
            self._note(component, path, f"The value is longer than {MAX_VALUE:,} characters and is omitted")
            return None
        return value

    def _is_late(self, component: UiComponent, path: tuple[str | int, ...]) -> bool:
        if time.monotonic() < self._ends:
            return False
        self._note(component, path, "The values of this page take too long; this one and those after it are omitted")
        return True

    def _note(self, component: UiComponent, path: tuple[str | int, ...], message: str) -> None:
        pointer = pointer_of(path) if self._own else ""
        if all((each.component_id, each.pointer) != (component.component_id, pointer) for each in self._notices):
            self._notices.append(Notice(component.component_id, pointer, shortened(message, 500)))


def _table_of(rows: list[Any]) -> ShownTable:
    """Return the table of rows whose keys are the columns; a row that is no object is its only value."""
    named = [row if isinstance(row, dict) else {"value": row} for row in rows[:MAX_ROWS]]
    keys = list(dict.fromkeys(key for row in named for key in row))[:MAX_LISTED]
    cells = tuple(tuple(_bounded(row.get(key)) for key in keys) for row in named)
    return ShownTable(tuple(ShownColumn(key) for key in keys), cells, len(rows))


def _bounded(value: Any) -> Any:
    """Return a value, or None for one that is too long to be shown."""
    if isinstance(value, (dict, list, str)):
        return value if len(json.dumps(value, ensure_ascii=False)) <= MAX_VALUE else None
    return value
