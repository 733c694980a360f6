"""The row of a workflow's current definition, which people query and events are matched with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, null
from sqlalchemy.dialects.postgresql import insert as upsert

from airflow_workflow_provider.store.matching import note_triggers
from airflow_workflow_provider.store.scheduled import since_of
from airflow_workflow_provider.store.tables import workflow_definitions as heads

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition


def write_head(
    connection: Connection,
    definition: WorkflowDefinition,
    document: dict[str, Any],
    revision: int,
    before: Row[Any, Any, Any, Any] | None,
) -> None:
    """Make a definition the current one of its workflow.

    :param before: the row of the one before, with ``triggers`` and ``scheduled_since``
    """
    triggers = document.get("triggers") or []
    values = {
        "name": definition.name,
        "description": definition.description,
        "version": definition.version,
        "revision": revision,
        "input_schema": document.get("inputSchema"),
        # Event matching asks the index for what it contains; an absent list must be found empty.
        "triggers": triggers,
        "scheduled_since": since_of(triggers, before, connection) or null(),
        "steps": steps_column(document["steps"]),
        "ui_components": document.get("uiComponents"),
        "execution_log": document.get("executionLog"),
        "settings": document.get("settings"),
        "on_failure": document.get("onFailure"),
        "output": document.get("output"),
    }
    note_triggers(connection, [trigger.event_pattern for trigger in definition.event_triggers])
    # The row stays the same one: instances refer to it.
    statement = upsert(heads).values(workflow_id=definition.workflow_id, **values)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["workflow_id"], set_={**values, "updated_at": func.statement_timestamp()}
        )
    )


def steps_column(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return steps as ``schema/steps.schema.json`` has them, for readers of the column.

    The document itself is in the row of the version. Here, what it calls null is left out, and a retry policy is one
    object: of a list it is the first, and ``retryPolicies`` has all. A timeout is a duration: an expression of one is
    ``computedTimeout``.
    """
    return [_step_column(step) for step in steps]


def _step_column(step: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value if name == "arguments" else _without_nulls(value) for name, value in step.items()}
    kept = {name: value for name, value in kept.items() if value is not None}
    policies = kept.get("retryPolicy")
    if isinstance(policies, list):
        kept["retryPolicy"] = policies[0] if policies else {"maxAttempts": 1}
        kept["retryPolicies"] = policies
    if isinstance(kept.get("timeout"), dict):
        kept["computedTimeout"] = kept.pop("timeout")
    # From the document, because arguments keep their nulls at every depth.
    if "parallelBranches" in kept:
        kept["parallelBranches"] = [_with_steps(branch) for branch in step["parallelBranches"]]
    if "forEach" in kept:
        kept["forEach"] = _with_steps(step["forEach"])
    return kept


def _with_steps(region: dict[str, Any]) -> dict[str, Any]:
    return {**_without_nulls({**region, "steps": None}), "steps": steps_column(region.get("steps") or [])}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
