"""A step that runs another workflow as a child instance (rule P5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


class ChildWorkflowOperator(BaseOperator):
    """Starts a child instance and waits for its end without holding a worker."""

    ui_color = "#f3eefb"
    custom_operator_name = "Workflow"

    def execute(self, context: Context) -> Any:
        """Start the child."""
        raise NotImplementedError
