"""The DAG file of a workflow: its definition as text, and one call.

Everything a run needs stands in the file, so that parsing it asks no database, Airflow's Code tab shows what runs, and
a definition that cannot be loaded is an import error of its own.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.definition import WORKFLOW_ID_PATTERN

PREFIX: Final = "workflow_"

_TEMPLATE: Final = '''"""Workflow {workflow_id}.

Written by WorkflowDagBundle from the published definition; changes made here are lost.
"""

from airflow_workflow_provider.dag.loading import load_dag

DEFINITION = {definition}

TASKS = {tasks}

dag = load_dag(DEFINITION, TASKS, revision={revision})
'''


def file_name(workflow_id: str) -> str:
    """Return the name of a workflow's file; it stays the same in every version, as Airflow wants it to.

    :raises Misuse: the id could name another place, which the database must have been tampered with to hold
    """
    return f"{PREFIX}{_checked(workflow_id)}.py"


def file_text(workflow_id: str, revision: int, document: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of a workflow's file, the same for the same content.

    :param document: the definition
    :param tasks: documents of the stored task definitions that it names
    """
    return _TEMPLATE.format(
        workflow_id=_checked(workflow_id),
        definition=_literal(document),
        tasks=_literal(sorted(tasks, key=lambda task: str(task["taskId"]))),
        revision=int(revision),
    )


def write_file(path: Path, text: str) -> bool:
    """Write a file in one step, unless it has that content already; return whether it was written."""
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (FileNotFoundError, UnicodeDecodeError):
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return True


def _checked(workflow_id: str) -> str:
    if re.fullmatch(WORKFLOW_ID_PATTERN, workflow_id) is None or workflow_id.endswith("\n"):
        message = f"{workflow_id!r} is no workflowId"
        raise Misuse(message, code="bad-workflow-id")
    return workflow_id


def _literal(value: Any) -> str:
    """Return Python source of a JSON text, a source line for each of its lines.

    Every line goes through ``repr``, so nothing in a definition can become code.
    """
    lines = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False).splitlines(keepends=True)
    return "\n".join(["(", *(f"    {line!a}" for line in lines), ")"])
