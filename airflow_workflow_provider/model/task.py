"""The task definition: the document behind a ``taskId`` (rule K2)."""

from __future__ import annotations

from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from pydantic import Field

from airflow_workflow_provider.model.definition import MAX_NAME_LENGTH, RetryPolicies, RetryPolicy, as_policies
from airflow_workflow_provider.model.fields import DurationText, Node

TASK_ID_PATTERN: Final = "^[A-Za-z0-9_.-]{1,200}$"

_BUILTINS: Final = Path(__file__).parents[1] / "tasks" / "builtins"

BUILTIN_TASKS: Final = frozenset(module.name for module in iter_modules([str(_BUILTINS)]))
"""The names of the built-in tasks (rule K3): those of their modules, none of which is imported for it."""

DEFAULT_HTTP_CONNECTION: Final = "http_default"
"""The connection of an ``http`` task that names none."""


class TaskDefinition(Node):
    """A reusable task: an operator, its arguments, and the defaults of the steps that use it."""

    schema_: str | None = Field(None, alias="$schema", exclude=True, description="For editors; ignored")
    task_id: str = Field(json_schema_extra={"pattern": TASK_ID_PATTERN})
    name: str = Field(min_length=1, max_length=MAX_NAME_LENGTH)
    description: str = ""
    operator: str = Field(min_length=1, description="Name of a built-in, or dotted path of an Airflow operator")
    arguments: dict[str, Any] = Field(default_factory=dict, description="The operator's; strings are Jinja templates")
    input_schema: dict[str, Any] = Field(default_factory=dict, description="JSON Schema draft 2020-12")
    output_schema: dict[str, Any] = Field(default_factory=dict, description="JSON Schema draft 2020-12")
    retry_policy: RetryPolicies | None = None
    timeout: DurationText | None = None

    @property
    def retry_policies(self) -> tuple[RetryPolicy, ...]:
        """The retry policies in order; empty when the task has none."""
        return as_policies(self.retry_policy)
