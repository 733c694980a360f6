"""What the author of a definition may reach: operators, their arguments, connections.

Pure: validation and the running step ask the same rules here, so neither door says something else than the other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow_workflow_provider.model.arguments import as_transform
from airflow_workflow_provider.model.files import address_problem, folder_of
from airflow_workflow_provider.model.task import BUILTIN_TASKS
from airflow_workflow_provider.model.templates import is_template
from airflow_workflow_provider.model.words import listed, shown
from airflow_workflow_provider.settings import GRANTABLE_ARGUMENTS

if TYPE_CHECKING:
    from airflow_workflow_provider.settings import Settings

Path = tuple[str | int, ...]

METADATA_CONNECTION: Final = "airflow_db"
"""The connection under which Airflow offers its own metadata database."""

CONNECTION_KINDS: Final = ("http", "sql")
"""The built-in tasks that take a connection."""

BASE_ARGUMENTS: Final = GRANTABLE_ARGUMENTS | frozenset(
    [
        "allow_nested_operators",
        "dag",
        "default_args",
        "depends_on_past",
        "do_xcom_push",
        "doc",
        "doc_json",
        "doc_md",
        "doc_rst",
        "doc_yaml",
        "email",
        "email_on_failure",
        "email_on_retry",
        "end_date",
        "execution_timeout",
        "executor_config",
        "ignore_first_depends_on_past",
        "inlets",
        "logger_name",
        "map_index_template",
        "max_active_tis_per_dag",
        "max_active_tis_per_dagrun",
        "max_retry_delay",
        "multiple_outputs",
        "on_execute_callback",
        "on_failure_callback",
        "on_retry_callback",
        "on_skipped_callback",
        "on_success_callback",
        "outlets",
        "owner",
        "params",
        "post_execute",
        "pre_execute",
        "render_template_as_native_obj",
        "resources",
        "retries",
        "retry_delay",
        "retry_exponential_backoff",
        "retry_policy",
        "run_as_user",
        "sla",
        "start_date",
        "start_from_trigger",
        "start_trigger_args",
        "task_concurrency",
        "task_display_name",
        "task_group",
        "task_id",
        "template_ext",
        "template_fields",
        "trigger_rule",
        "wait_for_downstream",
        "wait_for_past_depends_before_skipping",
        "weight_rule",
    ]
)
"""What ``BaseOperator`` takes: who runs a task, where, when and what hears of it is the workflow's and the
administrator's to say. A test compares this with the installed Airflow."""

_CONNECTION_ID: Final = re.compile(r"[A-Za-z0-9_.:/#!()\\-]{1,250}")
_CONNECTION_KEY: Final = re.compile(r"(?:.*_)?conn(?:ection)?s?(?:_?(?:id|name)s?)?")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DOTTED: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)+")


@dataclass(frozen=True)
class Problem:
    """Something that is not allowed.

    :param code: a key of :data:`airflow_workflow_provider.model.diagnostics.CODES`
    :param setting: the option of ``[workflows]`` by which an administrator would allow it; empty where none does
    """

    code: str
    message: str
    suggestion: str
    setting: str = ""


@dataclass(frozen=True)
class Policy:
    """The rules as they are configured.

    :param operators: patterns of dotted operator paths, see :func:`matches_path`
    :param connections: for ``http``, ``sql`` or a pattern of operator paths the patterns of connection ids
    :param operator_arguments: arguments of ``BaseOperator`` that definitions may set
    :param reserved: connections that nobody may use: those of the workflow store, of the people and of Airflow
    :param folders: for ``read`` and ``write`` the addresses of folders, each with a slash at its end
    """

    operators: tuple[str, ...] = ()
    connections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    operator_arguments: frozenset[str] = frozenset()
    reserved: frozenset[str] = frozenset({METADATA_CONNECTION})
    folders: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """Return the rules of a configuration."""
        reserved = {METADATA_CONNECTION, settings.conn_id, settings.people_conn_id}
        return cls(
            operators=settings.allowed_operators,
            connections=tuple(settings.allowed_connections.items()),
            operator_arguments=frozenset(settings.allowed_operator_arguments),
            reserved=frozenset(reserved - {""}),
            folders=tuple(settings.allowed_folders.items()),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the rules as a JSON value."""
        return {
            "operators": list(self.operators),
            "connections": [[kind, list(patterns)] for kind, patterns in self.connections],
            "operatorArguments": sorted(self.operator_arguments),
            "reserved": sorted(self.reserved),
            "folders": [[kind, list(folders)] for kind, folders in self.folders],
        }

    @classmethod
    def from_json(cls, rules: Mapping[str, Any]) -> Policy:
        """Return the rules that :meth:`to_json` gave."""
        return cls(
            operators=tuple(rules["operators"]),
            connections=tuple((kind, tuple(patterns)) for kind, patterns in rules["connections"]),
            operator_arguments=frozenset(rules["operatorArguments"]),
            reserved=frozenset(rules["reserved"]),
            folders=tuple((kind, tuple(folders)) for kind, folders in rules["folders"]),
        )

    def allows_operator(self, operator: str) -> bool:
        """Return whether a task definition may name an operator: a built-in, or a path that a pattern matches."""
        return operator in BUILTIN_TASKS or any(matches_path(pattern, operator) for pattern in self.operators)

    def allows_timetable(self, path: str) -> bool:
        """Return whether a schedule may name a timetable: a dotted path that a pattern for operators matches."""
        return any(matches_path(pattern, path) for pattern in self.operators)

    def operator_advice(self) -> str:
        """Return what to do about an operator that is not allowed."""
        allowed = listed(self.operators)
        return f"[workflows] allowed_operators is {allowed}; use one of these, or ask an administrator to extend it"

    def is_reserved(self, conn_id: str) -> bool:
        """Return whether a text names a reserved connection, in any spelling that Airflow takes for the same."""
        return _spelling(conn_id) in {_spelling(each) for each in self.reserved}

    def connection_problem(self, operator: str, conn_id: Any) -> Problem | None:
        """Return why a task may not use a connection, or None where it may.

        :param operator: ``http``, ``sql`` or the dotted path of an Airflow operator
        :param conn_id: the connection's id as it is in the document or in the run
        """
        found = self.reserved_problem(conn_id)
        if found is not None:
            return found
        patterns = self._patterns(operator)
        if any(fnmatchcase(conn_id, pattern) for pattern in patterns):
            return None
        return Problem(
            "WF410",
            f"{_task(operator)} may not use the connection {shown(conn_id)}",
            f"[workflows] allowed_connections has {listed(patterns)} for it; use one of these, "
            "or ask an administrator to extend it",
            "allowed_connections",
        )

    def reserved_problem(self, conn_id: Any) -> Problem | None:
        """Return why nobody may use a connection, whatever the settings say."""
        if not isinstance(conn_id, str) or not _CONNECTION_ID.fullmatch(conn_id):
            message = f"{shown(conn_id)} is not a connection id: 1 to 250 of A-Z a-z 0-9 _ . - : / # ! ( ) \\"
            return Problem("WF410", message, "name a connection of Airflow")
        if self.is_reserved(conn_id):
            message = f"The connection {shown(conn_id)} is reserved for the workflow service; no setting allows it"
            return Problem("WF410", message, "define a separate connection for this purpose, with its own role")
        return None

    def folders_of(self, kind: str) -> tuple[str, ...]:
        """Return the folders in which a task may read or write.

        :param kind: ``read`` or ``write``
        """
        return tuple(folder for each, folders in self.folders if each == kind for folder in folders)

    def file_problem(self, kind: str, address: str) -> Problem | None:
        """Return why a task may not read or write a file, or None where it may.

        :param kind: ``read`` or ``write``
        :param address: the file's address as it is in the document or in the run
        """
        wrong = address_problem(address)
        if wrong is not None:
            return Problem("WF416", f"The address {shown(address)} {wrong}", "write the full address of one file")
        conn_id = _connection_of_address(address)
        found = self.reserved_problem(conn_id) if conn_id is not None else None
        if found is not None or folder_of(address, self.folders_of(kind)) is not None:
            return found
        return Problem(
            "WF416",
            f"Task {shown(kind)} may not use the file {shown(address)}",
            f"[workflows] allowed_folders has {listed(self.folders_of(kind))} for it; use one of these, "
            "or ask an administrator to extend it",
            "allowed_folders",
        )

    def argument_problem(self, operator: str, name: str) -> Problem | None:
        """Return why a document may not set an argument of an Airflow operator, or None where it may."""
        if name not in BASE_ARGUMENTS or name in self.operator_arguments:
            return None
        advice = "omit it: the workflow and the administrator decide it"
        if name in GRANTABLE_ARGUMENTS:
            advice = "omit it, or ask an administrator to add it to [workflows] allowed_operator_arguments"
        message = (
            f"Argument {shown(name)} of {operator} belongs to every Airflow operator and may not be set by authors"
        )
        return Problem("WF411", message, advice, "allowed_operator_arguments" if name in GRANTABLE_ARGUMENTS else "")

    def operator_problems(self, operator: str, arguments: Mapping[str, Any]) -> Iterator[tuple[Path, Problem]]:
        """Yield what the arguments of an Airflow operator reach for that they may not, each with its place.

        Transforms and templates are passed over: what they give is looked at in the run.
        """
        for name in arguments:
            found = self.argument_problem(operator, str(name))
            if found is not None:
                yield (name,), found
        for path, value in connections_in(arguments):
            found = self.connection_problem(operator, value)
            if found is not None:
                yield path, found
        yield from self._reserved_texts(arguments)

    def _reserved_texts(self, arguments: Mapping[str, Any]) -> Iterator[tuple[Path, Problem]]:
        """A reserved connection is refused under whatever name an operator takes it."""
        known = {path for path, _ in connections_in(arguments)}
        for path, value in _texts((), arguments):
            if path not in known and self.is_reserved(value):
                found = self.reserved_problem(value)
                if found is not None:
                    yield path, found

    def _patterns(self, operator: str) -> tuple[str, ...]:
        return tuple(
            pattern
            for kind, patterns in self.connections
            if kind == operator or (operator not in CONNECTION_KINDS and matches_path(kind, operator))
            for pattern in patterns
        )


def matches_path(pattern: str, path: str) -> bool:
    """Return whether a pattern means the dotted path of a class.

    ``*`` and ``?`` stand for characters of one segment and never for a dot; ``**`` is one or more whole segments.
    """
    return bool(_DOTTED.fullmatch(path)) and bool(_compiled(pattern).fullmatch(path))


def is_connection_key(name: str) -> bool:
    """Return by its name, such as ``http_conn_id``, whether an argument of an Airflow operator holds a connection."""
    return bool(_CONNECTION_KEY.fullmatch(_CAMEL.sub("_", name).lower()))


def connections_in(arguments: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the connection ids among the arguments of an Airflow operator, at any depth, with their places.

    A value that only a run knows, a transform or a template, is left out. The address of a stored object names a
    connection before an ``@``, as in ``s3://reports@bucket/key``.
    """
    if isinstance(arguments, str):
        conn_id = _connection_of_address(arguments)
        if conn_id is not None:
            yield path, conn_id
    elif isinstance(arguments, Mapping):
        for name, value in arguments.items():
            if isinstance(name, str) and is_connection_key(name):
                yield from _ids((*path, name), value)
            else:
                yield from connections_in(value, (*path, name))
    elif isinstance(arguments, list | tuple):
        for index, value in enumerate(arguments):
            yield from connections_in(value, (*path, index))


def _connection_of_address(text: str) -> str | None:
    """Return what Airflow's ``ObjectStoragePath`` takes for a connection; users of web addresses are none."""
    if "://" not in text or "@" not in text or is_template(text):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    user = parts.netloc.rpartition("@")[0]
    return user if user and parts.scheme not in ("", "http", "https") else None


def _ids(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    if value is None or is_template(value) or as_transform(value) is not None:
        return
    if isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _ids((*path, index), part)
    elif isinstance(value, Mapping) or (isinstance(value, str) and _connection_of_address(value) is not None):
        yield from connections_in(value, path)
    else:
        yield path, value


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(key, str):
                yield (*path, key), key
            yield from _texts((*path, key), part)
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _texts((*path, index), part)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    def segment(text: str) -> str:
        if text == "**":
            return r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*"
        return re.escape(text).replace(r"\*", "[A-Za-z0-9_]*").replace(r"\?", "[A-Za-z0-9_]")

    return re.compile(r"\.".join(map(segment, pattern.split("."))))


def _spelling(conn_id: str) -> str:
    """Airflow looks for ``AIRFLOW_CONN_`` and the id in upper case, so ids that differ in case are the same there."""
    return unicodedata.normalize("NFKC", conn_id).upper().strip()


def _task(operator: str) -> str:
    return f"Task {shown(operator)}" if operator in CONNECTION_KINDS else f"Operator {shown(operator)}"
