"""What tasks access outside: connections, arguments of operators, addresses, statements (rules K2, K3).

The running step asks the same rules again, of what transforms and templates gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.arguments import as_transform
from airflow_workflow_provider.model.checks.base import Check, Checked, Path, diagnostic_of, finding
from airflow_workflow_provider.model.definition import AirflowTask
from airflow_workflow_provider.model.grants import task_places
from airflow_workflow_provider.model.http_target import header_problem, path_problem
from airflow_workflow_provider.model.pointers import parts_of
from airflow_workflow_provider.model.task import BUILTIN_TASKS, DEFAULT_HTTP_CONNECTION
from airflow_workflow_provider.model.templates import is_template
from airflow_workflow_provider.model.words import shown

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step
    from airflow_workflow_provider.model.diagnostics import Diagnostic
    from airflow_workflow_provider.model.reach import Policy


class Reach(Check):
    """What a step hands to its task reaches only what the policy allows (rule K3)."""

    codes = ("WF410", "WF411", "WF412", "WF413", "WF416")

    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield what is out of reach."""
        if document.catalogue is None:
            return
        for path, step, _ in document.steps():
            yield from _of_airflow((*path, "airflow"), step, document.policy)
            for place, task_id in task_places(path, step):
                task = document.catalogue.get(task_id)
                if task is not None:
                    yield from self._of_step((*path, "arguments"), place, task, step, document.policy)
            compensation = step.compensation and document.catalogue.get(step.compensation.task_id)
            if compensation:
                place = (*path, "compensation", "taskId")
                yield from _elsewhere(place, compensation.operator, compensation.arguments, document.policy)

    @staticmethod
    def _of_step(path: Path, task_path: Path, task: Any, step: Any, policy: Policy) -> Iterator[Diagnostic]:
        own = step.arguments or {}
        together = {**task.arguments, **own}
        for each in reach_findings(path, task.operator, together, policy, whole=True):
            # What the task definition says is not at the step; the step only names the task.
            key, *_ = parts_of(each.pointer.removeprefix("".join(f"/{part}" for part in path))) or [""]
            if key in own or key not in task.arguments:
                yield each
            else:
                yield finding(each.code, task_path, each.message, each.suggestion)


def _of_airflow(path: Path, step: Step, policy: Policy) -> Iterator[Diagnostic]:
    """Yield what a step may not ask of Airflow (rule T9)."""
    for name in step.airflow.arguments if step.airflow is not None else ():
        problem = policy.argument_problem(f"step {shown(step.step_id)}", name)
        if problem is not None:
            yield diagnostic_of((*path, AirflowTask.key_of(name)), problem)


def _elsewhere(path: Path, operator: str, arguments: Mapping[str, Any], policy: Policy) -> Iterator[Diagnostic]:
    for each in reach_findings((), operator, arguments, policy, whole=True):
        yield finding(each.code, path, each.message, each.suggestion)


def reach_findings(
    path: Path, operator: str, arguments: Mapping[str, Any], policy: Policy, *, whole: bool
) -> Iterator[Diagnostic]:
    """What the arguments of a task reach for and may not; transforms and templates are left to the run.

    :param path: where the arguments are
    :param operator: a built-in or the dotted path of an Airflow operator
    :param whole: whether nothing can be added to the arguments any more
    """
    if operator in _BUILT_IN:
        yield from _BUILT_IN[operator](path, arguments, policy, whole)
    elif operator not in BUILTIN_TASKS:
        for inner, problem in policy.operator_problems(operator, arguments):
            yield diagnostic_of((*path, *inner), problem)


def _http(path: Path, arguments: Mapping[str, Any], policy: Policy, whole: bool) -> Iterator[Diagnostic]:
    yield from _connection(path, "http", arguments, policy, DEFAULT_HTTP_CONNECTION if whole else None)
    text = arguments.get("path")
    problem = path_problem(str(text)) if _is_literal(text) else None
    if problem is not None:
        message = f"The path {shown(text)} {problem}"
        yield finding("WF412", (*path, "path"), message, "write a path below the address of the connection")
    headers = arguments.get("headers")
    if isinstance(headers, Mapping) and as_transform(dict(headers)) is None:
        for name, value in headers.items():
            problem = header_problem(name, value if _is_literal(value) else "")
            if problem is not None:
                yield finding("WF412", (*path, "headers", name), f"The header {shown(name)} {problem}", "leave it out")


def _sql(path: Path, arguments: Mapping[str, Any], policy: Policy, whole: bool) -> Iterator[Diagnostic]:
    yield from _connection(path, "sql", arguments, policy, None)
    text, write = arguments.get("sql"), arguments.get("write", False)
    if not isinstance(text, str) or not _is_literal(text) or not isinstance(write, bool):
        return
    # A task definition may leave it to its steps whether they write.
    found = statement_problem(text, write=write or not (whole or "write" in arguments))
    if found is not None:
        advice = 'send one statement; one that changes data needs "write": true'
        yield finding("WF413", (*path, "sql"), f"The statement cannot be sent: {found}", advice)


def statement_problem(text: str, *, write: bool) -> str | None:
    """Return why no database would get a text as one statement of an allowed kind; None where one would.

    Which database it is for is only known in the run.
    """
    # Its patterns are large, and most definitions send no statements.
    from airflow_workflow_provider.model.sql_text import RefusedStatement, other_statement, postgres_statement

    try:
        postgres_statement(text, write=write)
    except RefusedStatement as error:
        try:
            other_statement(text, write=write)
        except RefusedStatement:
            return str(error)
    return None


def _connection(
    path: Path, kind: str, arguments: Mapping[str, Any], policy: Policy, default: str | None
) -> Iterator[Diagnostic]:
    given = arguments.get("connection", default)
    if not _is_literal(given):
        return
    problem = policy.connection_problem(kind, given)
    if problem is not None:
        place = (*path, "connection") if "connection" in arguments else path
        yield diagnostic_of(place, problem)


def _read(path: Path, arguments: Mapping[str, Any], policy: Policy, whole: bool) -> Iterator[Diagnostic]:  # noqa: ARG001
    yield from _file(path, "read", "file", arguments, policy, "")


def _write(path: Path, arguments: Mapping[str, Any], policy: Policy, whole: bool) -> Iterator[Diagnostic]:  # noqa: ARG001
    yield from _file(path, "write", "folder", arguments, policy, "/rows")


def _file(
    path: Path, kind: str, key: str, arguments: Mapping[str, Any], policy: Policy, name: str
) -> Iterator[Diagnostic]:
    """Yield why a task may not use its file, or the files of its folder.

    :param key: of the argument
    :param name: of a file in the folder; empty where the argument is the file
    """
    given = arguments.get(key)
    if not isinstance(given, str) or not _is_literal(given):
        return
    problem = policy.file_problem(kind, f"{given.rstrip('/')}{name}" if name else given)
    if problem is not None:
        yield diagnostic_of((*path, key), problem)


def _is_literal(value: Any) -> bool:
    return isinstance(value, str) and not is_template(value)


_BUILT_IN: Final[Mapping[str, Callable[[Path, Mapping[str, Any], Policy, bool], Iterator[Diagnostic]]]] = {
    "http": _http,
    "read": _read,
    "sql": _sql,
    "write": _write,
}
