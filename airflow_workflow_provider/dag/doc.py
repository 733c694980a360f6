"""The documentation of a DAG that Airflow shows: Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.model.definition import ScheduleTrigger
from airflow_workflow_provider.model.diagram import mermaid

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import EventTrigger, Step, WorkflowDefinition

_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|"})


def doc_of(definition: WorkflowDefinition) -> str:
    """Return the page of a workflow: what it does, its picture, and the events that start it."""
    parts = [f"**{_text(definition.name)}** {definition.version}"]
    if definition.description:
        parts.append(definition.description)
    parts.append(f"```mermaid\n{mermaid(definition).rstrip()}\n```")
    if definition.triggers:
        parts.append("\n".join(["Started by:", "", *map(_trigger, definition.triggers)]))
    # Airflow takes a page that ends in ".md" for the name of a file.
    return "\n\n".join(parts) + "\n"


def _trigger(trigger: EventTrigger | ScheduleTrigger) -> str:
    about = f": {_text(trigger.description)}" if trigger.description else ""
    if isinstance(trigger, ScheduleTrigger):
        schedule = trigger.schedule
        return f"* `{schedule.when.replace('`', '')}` {_text(schedule.timezone)}{about}"
    return f"* events of type `{trigger.event_pattern.replace('`', '')}`{about}"


def step_doc(step: Step) -> str:
    """Return the note of one step."""
    task = f"Task `{step.task_name.replace('`', '')}`"
    return f"{step.description}\n\n{task}" if step.description else task


def _text(text: str) -> str:
    return " ".join(text.split()).translate(_MARKDOWN)
