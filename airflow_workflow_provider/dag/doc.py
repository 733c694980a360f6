"""What Airflow shows about a workflow beside its graph: a page in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_workflow_provider.model.diagram import mermaid

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition

_MARKDOWN = str.maketrans({char: f"\\{char}" for char in "\\`*_{}[]<>#|"})


def doc_of(definition: WorkflowDefinition) -> str:
    """Return the page of a workflow: what it does, its picture, and the events that start it."""
    parts = [f"**{_text(definition.name)}** {definition.version}"]
    if definition.description:
        parts.append(definition.description)
    parts.append(f"```mermaid\n{mermaid(definition).rstrip()}\n```")
    if definition.triggers:
        lines = ["Started by events of type:", ""]
        for trigger in definition.triggers:
            about = f": {_text(trigger.description)}" if trigger.description else ""
            lines.append(f"* `{trigger.event_pattern.replace('`', '')}`{about}")
        parts.append("\n".join(lines))
    # Airflow takes a page that ends in ".md" for the name of a file.
    return "\n\n".join(parts) + "\n"


def step_doc(step: Step) -> str:
    """Return the note of one step."""
    task = f"Task `{step.task_id.replace('`', '')}`"
    return f"{step.description}\n\n{task}" if step.description else task


def _text(text: str) -> str:
    return " ".join(text.split()).translate(_MARKDOWN)
