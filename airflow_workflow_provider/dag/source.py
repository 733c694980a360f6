"""The DAG file of one workflow: its definition and its tasks as text inside, so that parsing needs no database.

Nothing of a document is ever code: every line of it stands in the file as the ``repr`` of a string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from airflow.sdk import get_parsing_context

from airflow_workflow_provider.bounded.inside import Inside
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.dag.builder import build_dag
from airflow_workflow_provider.engine.graph import DAG_SHAPE, DAG_SHAPE_OF_CATCHES
from airflow_workflow_provider.errors import InvalidDefinition, LimitExceeded
from airflow_workflow_provider.model.grants import Grants
from airflow_workflow_provider.model.validate import parse_definition, parse_task, too_much
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition
    from airflow_workflow_provider.settings import Settings

PREFIX: Final = "workflow-"

_FILE: Final = """\
# An Airflow DAG, generated from a workflow definition. Do not change this file: publish the definition instead.
from airflow_workflow_provider.dag.source import dag_of

dag = dag_of(
    revision={revision},
    grants={grants},
    definition={definition},
    tasks={tasks},
{more})
"""


def file_name(workflow_id: str) -> str:
    """Return the name of a workflow's DAG file."""
    return f"{PREFIX}{quote(workflow_id, safe='')}.py"


def dag_source(
    document: Mapping[str, Any],
    tasks: Sequence[Mapping[str, Any]],
    revision: int,
    grants: Mapping[str, Any] | None = None,
    *,
    dag_shape: int = DAG_SHAPE,
    since: Sequence[str] | None = None,
) -> str:
    """Return the text of a workflow's DAG file; the same for the same content.

    :param tasks: documents of the task definitions that it names
    :param revision: the newest revision among the definition and its tasks
    :param grants: what the publisher was allowed, as it is stored
    :param dag_shape: the shape of the DAG, see :data:`~airflow_workflow_provider.engine.graph.DAG_SHAPE`
    :param since: since when its schedules count; None where they do not start it
    """
    more = "" if dag_shape == DAG_SHAPE_OF_CATCHES else f"    dag_shape={int(dag_shape)},\n"
    if since is not None:
        more += f"    since={[str(each) for each in since]!r},\n"
    ordered = sorted(tasks, key=lambda task: str(task.get("taskId")))
    return _FILE.format(
        revision=int(revision),
        grants=_quoted(grants),
        definition=_quoted(document),
        tasks=_quoted(list(ordered)),
        more=more,
    )


def dag_of(
    *,
    revision: int,
    definition: str,
    tasks: str,
    grants: str = "null",
    dag_shape: int = DAG_SHAPE_OF_CATCHES,
    since: Sequence[str] | None = None,
) -> DAG:
    """Return the DAG that a generated file describes.

    :param definition: the definition as JSON text
    :param tasks: a JSON array of task definitions
    :param grants: what the publisher was allowed, as JSON; null of an older version
    :param dag_shape: the shape of the DAG; a file that an older release wrote names none
    :param since: since when its schedules count, as ISO 8601; None where they do not start it
    :raises InvalidDefinition: the definition cannot be built; every finding is in the message
    """
    return dag_from(
        json.loads(definition),
        json.loads(tasks),
        revision=revision,
        grants=json.loads(grants),
        shape=dag_shape,
        settings=load_settings(),
        since=since,
    )


def dag_from(
    document: Any,
    tasks: Sequence[Any],
    *,
    revision: int,
    grants: Any,
    shape: int,
    settings: Settings,
    since: Sequence[str] | None = None,
) -> DAG:
    """Return the DAG of a definition that has been read from JSON; see :func:`dag_of`.

    :raises InvalidDefinition: the definition cannot be built; every finding is in the message
    """
    # Airflow shows errors where it parses all files; a running task need not check again.
    checked = get_parsing_context().dag_id is None

    def read() -> tuple[WorkflowDefinition, dict[str, TaskDefinition]]:
        parsed = [_accepted(lambda each: parse_task(each, checked=checked), task) for task in tasks]
        workflow = _accepted(lambda given: parse_definition(given, checked=checked), document)
        return workflow, {task.task_id: task for task in parsed}

    try:
        workflow, known = Inside(Limits.configured(settings)).within(read)
    except LimitExceeded as error:
        raise InvalidDefinition(error.message, too_much(error.message).diagnostics) from error
    allowed = Grants.from_json(grants)
    return build_dag(
        workflow, known, revision=revision, grants=allowed, settings=settings, dag_shape=shape, since=since
    )


def write_if_changed(path: Path, text: str) -> bool:
    """Write a file so that no reader sees half of it; return whether its content was another."""
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass
    fresh = path.with_name(f".{path.name}.{_unique()}")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(path)
    return True


def _unique() -> str:
    import uuid

    return uuid.uuid4().hex


def _accepted(parse: Any, document: Any) -> Any:
    try:
        return parse(document)
    except InvalidDefinition as error:
        found = [f"{finding.code} at {finding.pointer or '/'}: {finding.message}" for finding in error.diagnostics]
        raise InvalidDefinition("\n".join([error.message, *found]), error.diagnostics) from None


def _quoted(value: Any) -> str:
    """Return JSON text as a Python expression: one string literal a line."""
    lines = json.dumps(value, indent=2, ensure_ascii=True).splitlines(keepends=True)
    return "(\n" + "".join(f"        {line!r}\n" for line in lines) + "    )"
