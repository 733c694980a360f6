"""The components of an instance page that a definition may name, and those that every page has (rule U1)."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.model.definition import UiComponent, UiContext
from airflow_workflow_provider.model.expressions import UI_NAMES

LAYOUTS: Final = frozenset({"timeline", "card", "alert", "table", "form", "graph"})
FALLBACK_LAYOUT: Final = "card"
"""What a component is drawn as whose layout nobody knows."""

ROW_NAMES: Final = UI_NAMES | {"row", "rowIndex"}
"""The names bound in the columns of a table."""

COMPONENT_LAYOUTS: Final = {
    "workflow-progress": "timeline",
    "workflow-summary": "card",
    "workflow-graph": "graph",
    "error-view": "alert",
    "open-questions": "form",
}
"""The components that are built in, and how each is drawn where its `context` names no layout."""

OPTIONS: Final = frozenset(info.alias or name for name, info in UiContext.model_fields.items())
"""The keys of a component's `context` that mean something to every layout."""


def _component(component_id: str, condition: str, priority: int, **context: str) -> UiComponent:
    return UiComponent(
        component_id=component_id, condition=condition, priority=priority, context=UiContext.model_validate(context)
    )


def default_components() -> tuple[UiComponent, ...]:
    """Return the components of a definition that names none."""
    live = "status == 'running' || status == 'suspended'"
    return (
        _component("open-questions", live, 1, title="Waiting for you"),
        _component("error-view", "status == 'failed'", 2, title="What went wrong", tone="error"),
        _component("workflow-summary", "status == 'completed'", 3, title="Result"),
        _component("workflow-progress", live, 4, title="Progress"),
    )
