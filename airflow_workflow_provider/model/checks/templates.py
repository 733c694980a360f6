"""The templates of task definitions, as far as they can be judged before a run (rule K2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.checks.base import Path, finding
from airflow_workflow_provider.model.templates import is_template, problems_of

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

CODES: Final = {"syntax": "WF309", "name": "WF310", "function": "WF311"}
_MOST: Final = 20


def template_findings(path: Path, value: Any) -> Iterator[Diagnostic]:
    """What is wrong with the templates in a value.

    :param path: where it is
    """
    if isinstance(value, dict):
        for key, part in value.items():
            yield from template_findings((*path, key), part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from template_findings((*path, index), part)
    elif is_template(value):
        for problem in problems_of(value)[:_MOST]:
            message = problem.message[0].upper() + problem.message[1:]
            yield finding(CODES[problem.kind], path, message, problem.suggestion)
