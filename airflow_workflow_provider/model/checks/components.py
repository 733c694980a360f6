"""UI components: layouts, and options that draw something (rule U1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_workflow_provider.model.checks.base import Check, Checked, Path, warning
from airflow_workflow_provider.model.ui import COMPONENT_LAYOUTS, LAYOUTS, OPTIONS
from airflow_workflow_provider.model.words import did_you_mean, listed, shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import UiComponent
    from airflow_workflow_provider.model.diagnostics import Diagnostic


def _contexts(document: Checked) -> Iterator[tuple[Path, UiComponent]]:
    for number, component in enumerate(document.definition.ui_components):
        yield ("uiComponents", number, "context"), component


class Layout(Check):
    """A component's layout is one that is drawn."""

    codes = ("WF504",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the layouts that are drawn as a card instead."""
        for path, component in _contexts(document):
            layout = component.context.layout
            if layout is not None and layout not in LAYOUTS:
                message = f"Unknown layout {shown(layout)} is drawn as a card; the layouts are {listed(LAYOUTS)}"
                yield warning("WF504", (*path, "layout"), message, did_you_mean(layout, LAYOUTS))


class FormStep(Check):
    """A form asks the question of a step that exists."""

    codes = ("WF505",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the forms that ask for a step that is not there."""
        for path, component in _contexts(document):
            step_id = component.context.step_id
            if step_id is not None and step_id not in document.step_ids:
                message = f"There is no step {shown(step_id)}, so the form never shows a question"
                yield warning("WF505", (*path, "stepId"), message, did_you_mean(step_id, document.step_ids))


class OptionSpelling(Check):
    """A key of ``context`` that no layout knows belongs to the component; one that looks like a known key is a slip."""

    codes = ("WF506",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the keys that look misspelt."""
        for path, component in _contexts(document):
            for key in component.context.model_extra or {}:
                suggestion = did_you_mean(key, OPTIONS)
                if suggestion is not None:
                    message = f"No layout knows {shown(key)}; it is passed to the component unchanged"
                    yield warning("WF506", (*path, key), message, suggestion)


class EmptyTable(Check):
    """A table has rows."""

    codes = ("WF507",)

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield the tables that never show anything."""
        for path, component in _contexts(document):
            layout = component.context.layout or COMPONENT_LAYOUTS.get(component.component_id)
            if layout == "table" and component.context.rows is None:
                message = f"The table {shown(component.component_id)} has no rows, so it stays empty"
                yield warning("WF507", path, message, "add rows, an expression that gives an array")
