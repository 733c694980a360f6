"""What a task may reach, checked again when it runs, after transforms and templates have been evaluated."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from airflow.configuration import conf
from airflow.sdk import BaseOperator

from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.model.reach import BASE_ARGUMENTS, Policy, connections_in, is_connection_key
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.connection import ConnectionFields, connection_fields, parse_connection
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.reach import Problem

NOT_ALLOWED: Final = ProblemCode.NOT_ALLOWED
"""Code of the ``ValidationError`` by which a step fails that reaches for what it may not."""

_LOCAL: Final = frozenset({"", "localhost", "127.0.0.1", "::1"})
_POSTGRES_PORT: Final = 5432


def refusal(problem: Problem) -> StepFailure:
    """Return the failure of a step that reaches for what it may not; it names the setting that would allow it."""
    details = {"diagnostic": problem.code, "suggestion": problem.suggestion}
    if problem.setting:
        details["setting"] = f"[workflows] {problem.setting}"
    message = f"{problem.message}; {problem.suggestion}"
    return StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED, details=details)


def require_connection(kind: str, conn_id: str, *, older: bool) -> ConnectionFields:
    """Return a connection that a task may use.

    :param kind: ``http``, ``sql`` or the dotted path of an Airflow operator
    :param older: whether the version was published before there were such rules: it keeps every connection but the
        reserved ones
    :raises StepFailure: it may not be used, or is not defined
    """
    settings = load_settings()
    policy = Policy.of(settings)
    problem = policy.reserved_problem(conn_id) if older else policy.connection_problem(kind, conn_id)
    if problem is not None:
        raise refusal(problem)
    try:
        found = connection_fields(conn_id)
    except Misuse as error:
        message = f"{error.message}; {error.suggestion}" if error.suggestion else error.message
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=error.code) from error
    _refuse_own_database(conn_id, found, settings)
    return found


def check_operator(operator: BaseOperator, path: str, arguments: Mapping[str, Any], *, older: bool) -> None:
    """Check what an Airflow operator is about to use: its arguments, and what its class uses without being asked.

    :param path: the dotted path of its class, as the task definition says it
    :param arguments: its arguments in this run
    :raises StepFailure: it reaches for what it may not
    """
    policy = Policy.of(load_settings())
    rules = replace(policy, operator_arguments=BASE_ARGUMENTS, connections=((path, ("*",)),)) if older else policy
    for _, problem in rules.operator_problems(path, arguments):
        raise refusal(problem)
    used = {value for _, value in connections_in(arguments)} | set(_own_connections(operator))
    for conn_id in sorted(used, key=str):
        _check_connection(path, conn_id, rules)


def _check_connection(path: str, conn_id: Any, policy: Policy) -> None:
    problem = policy.connection_problem(path, conn_id)
    if problem is not None:
        raise refusal(problem)
    try:
        found = connection_fields(conn_id)
    except Misuse:
        # The operator itself says that there is none, if it needs it at all.
        return
    _refuse_own_database(conn_id, found, load_settings())


def _own_connections(operator: BaseOperator) -> Iterator[str]:
    """Yield the connections that an operator holds under its attributes, defaults of its class included."""
    names = dict.fromkeys(vars(operator))
    for cls in type(operator).__mro__:
        if cls in BaseOperator.__mro__:
            break
        names.update(dict.fromkeys(vars(cls)))
    for name in names:
        value = getattr(operator, name, None) if is_connection_key(name.strip("_")) else None
        if isinstance(value, str) and value and not name.startswith("__"):
            yield value


def _refuse_own_database(conn_id: str, found: ConnectionFields, settings: Settings) -> None:
    """Refuse another name of a database that is kept for the service, as far as addresses show it."""
    for own in _own_databases(settings):
        if _same_database(found, own):
            message = f"The connection {conn_id!r} leads to a database that is reserved for the workflow service"
            details = {"diagnostic": "WF410", "suggestion": "use a database of its own"}
            raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED, details=details)


def _own_databases(settings: Settings) -> Iterator[ConnectionFields]:
    for conn_id in (settings.conn_id, settings.people_conn_id):
        try:
            if conn_id:
                yield connection_fields(conn_id)
        except Misuse:
            continue
    metadata = _metadata_database()
    if metadata is not None:
        yield metadata


def _metadata_database() -> ConnectionFields | None:
    """Return Airflow's database; Airflow keeps its address from tasks, so mostly there is nothing to compare."""
    url = conf.get("database", "sql_alchemy_conn", fallback="") or ""
    if not url.startswith("postgres"):
        return None
    driver, _, place = url.partition("://")
    try:
        return parse_connection(f"{driver.partition('+')[0]}://{place}", "sql_alchemy_conn")
    except Misuse:
        return None


def _same_database(one: ConnectionFields, other: ConnectionFields) -> bool:
    if (one.schema or one.login) != (other.schema or other.login):
        return False
    if (one.port or _POSTGRES_PORT) != (other.port or _POSTGRES_PORT):
        return False
    return bool(_addresses(one.host or "") & _addresses(other.host or ""))


@lru_cache(maxsize=64)
def _addresses(host: str) -> frozenset[str]:
    name = host.strip("[]").lower().rstrip(".")
    if name in _LOCAL or name.startswith(("/", "@", "127.")):
        return _LOCAL
    try:
        found = {str(each[4][0]) for each in socket.getaddrinfo(name, None)}
    except OSError:
        found = set()
    return frozenset({name, *found} | (_LOCAL if found & _LOCAL else frozenset()))


@lru_cache(maxsize=256)
def taken_arguments(operator: type[BaseOperator]) -> frozenset[str]:
    """Return the arguments that an operator's class and its bases add to those of ``BaseOperator``.

    ``**kwargs`` adds nothing: what it passes on belongs to ``BaseOperator``.
    """
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    found: set[str] = set()
    for cls in operator.__mro__:
        if cls in BaseOperator.__mro__ or "__init__" not in vars(cls):
            continue
        parameters = inspect.signature(vars(cls)["__init__"]).parameters
        found.update(name for name, parameter in parameters.items() if parameter.kind in kinds and name != "self")
    return frozenset(found)
