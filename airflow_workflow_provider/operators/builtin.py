"""The operators behind the built-in tasks; each reads its ``arguments`` only (rule K3)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator

from airflow_workflow_provider.errors import NotFound, StepFailure
from airflow_workflow_provider.operators.reach import require_connection
from airflow_workflow_provider.tasks.builtin import Surroundings, builtin, check_arguments
from airflow_workflow_provider.tasks.builtins.wait import wait_until
from airflow_workflow_provider.tasks.registry import REGISTRY
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.model.grants import Grants
    from airflow_workflow_provider.store.connection import ConnectionFields
    from airflow_workflow_provider.tasks.registry import StepContext

STEP_CONTEXT: Final = "step_context"
"""Key of Airflow's context under which operators find the :class:`StepContext`."""

SHORT_WAIT: Final = 5.0
"""Seconds up to which waiting in the worker is cheaper, and safer, than handing the wait to the triggerer."""


class BuiltInOperator(BaseOperator):
    """Base of the built-in tasks.

    :param arguments: the task's arguments, all templates and transforms evaluated when it runs
    :ivar grants: what the publisher of the workflow's version was allowed; null outside a workflow
    """

    template_fields: Sequence[str] = ("arguments",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"arguments": "json"}
    ui_color = "#eef3fb"
    name: ClassVar[str]
    grants: Grants | None = None
    uses_store: ClassVar[bool] = False
    """Whether it reads and writes the workflow database, in a way that can be repeated."""

    def __init__(self, *, arguments: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = dict(arguments or {})

    @property
    def older(self) -> bool:
        """Whether it runs for a version that was published before grants were recorded."""
        return self.grants is not None and self.grants.older

    def execute(self, context: Context) -> Any:
        """Check the arguments and run the task.

        :raises StepFailure: of type ``ValidationError`` for bad arguments, else whatever the task raises
        """
        check_arguments(self.name, self.arguments)
        return self.run(context)

    def run(self, context: Context) -> Any:  # noqa: ARG002 - most built-ins need their arguments only
        """Run the task with arguments that fit its schema."""
        run = builtin(self.name).run
        if run is None:
            message = f"Task {self.name!r} has no function to run"
            raise NotImplementedError(message)
        return run(self.arguments, Surroundings(datetime.now(UTC), self._connection))

    def _connection(self, conn_id: str) -> ConnectionFields:
        return require_connection(self.name, conn_id, older=self.older)


class WaitOperator(BuiltInOperator):
    """Waits for a duration or until a moment; a long wait holds no worker."""

    name = "wait"

    def run(self, context: Context) -> Any:  # noqa: ARG002
        """Wait."""
        until = wait_until(self.arguments, datetime.now(UTC))
        remaining = (until - datetime.now(UTC)).total_seconds()
        if remaining > SHORT_WAIT:
            self.defer(trigger=DateTimeTrigger(moment=until), method_name="ended")
        time.sleep(max(remaining, 0))
        return {}

    def ended(self, context: Context, event: Any = None) -> dict[str, Any]:  # noqa: ARG002
        """Continue after the triggerer has waited."""
        return {}


class PythonTaskOperator(BuiltInOperator):
    """Calls a function that was registered with ``@workflow_task``."""

    name = "python"

    def run(self, context: Context) -> Any:
        """Call the function."""
        try:
            task = REGISTRY.find(self.arguments["callable"])
        except NotFound as error:
            raise StepFailure(error.message, type=ErrorType.TASK_NOT_FOUND) from error
        step: StepContext = cast("dict[str, Any]", context)[STEP_CONTEXT]
        return task.call(self.arguments.get("input", {}), step)


@cache
def built_in_operator(task_id: str) -> type[BuiltInOperator]:
    """Return the operator of a built-in task; where a function does the task, one that calls it.

    :param task_id: one of :data:`~tasks.builtin.BUILTINS`
    """
    found = builtin(task_id)
    if found.operator is None:
        name = f"{found.id.capitalize()}Operator"
        attributes = {"__module__": __name__, "__qualname__": name, "__doc__": found.summary, "name": found.id}
        return type(name, (BuiltInOperator,), attributes)
    module, _, name = found.operator.rpartition(".")
    operator: type[BuiltInOperator] = getattr(import_module(module), name)
    return operator
