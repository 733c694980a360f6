"""Every option of the ``[workflows]`` configuration section, read in this one place.

Inside Airflow the values come from Airflow's configuration (``airflow.cfg``, ``AIRFLOW__WORKFLOWS__…``, ``…_CMD``,
``…_SECRET``). Without Airflow in the process, as in ``airflow-workflows validate``, the environment and then
``airflow.cfg`` are read directly, because importing Airflow costs seconds.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from airflow_workflow_provider.errors import Misuse

SECTION: Final = "workflows"

DEFAULT_CONNECTION_ID: Final = "workflows_default"

SHORT_WAIT: Final = 30.0
"""Seconds for which a process waits for the workflow database before it lets others have its worker slot."""

GRANTABLE_ARGUMENTS: Final = frozenset({"pool", "pool_slots", "priority_weight", "queue"})
"""Arguments of every Airflow operator that ``allowed_operator_arguments`` may name."""


@dataclass(frozen=True, slots=True)
class Option:
    """One configuration option, as Airflow documents it.

    :param name: the option's name in the section
    :param type: Airflow's type of it
    :param default: the value where none is configured, as text
    :param description: what it means, its unit and bounds
    :param example: another meaningful value, as text
    """

    name: str
    type: Literal["string", "boolean", "integer", "float"]
    default: str
    description: str
    example: str | None = None


MAX_DEPTH: Final = 16
"""How deep sub-workflows nest, and how many workflows events start in a row, where nobody has configured it."""


OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "conn_id",
        "string",
        DEFAULT_CONNECTION_ID,
        "Airflow connection (type postgres) of the database that holds workflow definitions, instances and logs. "
        "It may be the server of Airflow's metadata or another one; the database must be migrated with "
        "``airflow workflows db migrate``.",
        "workflows_production",
    ),
    Option(
        "maintenance_conn_id",
        "string",
        "",
        "Airflow connection through which the DAG ``workflow_maintenance`` deletes expired rows; empty: ``conn_id``. "
        "With separate database roles, the role of workers cannot delete anything.",
        "workflows_maintenance",
    ),
    Option(
        "role_prefix",
        "string",
        "workflows",
        "Prefix of the names of the database roles: ``<prefix>_api``, ``<prefix>_worker``, ``<prefix>_maintenance`` "
        "and ``<prefix>_reader``. Each migration grants the existing roles their rights.",
        "acme_workflows",
    ),
    Option(
        "allowed_operators",
        "string",
        "",
        "Comma-separated patterns of the dotted operator paths that task definitions may name: ``*`` and ``?`` stand "
        "for characters between two dots, ``**`` for one or more whole segments. The module in which the class is "
        "defined must match too. Users who can store a task definition can run any operator that matches, so list only "
        "what you would let them run. Empty: the built-in tasks and registered Python functions only.",
        "airflow.providers.amazon.aws.operators.sns.*, my_company.operators.**",
    ),
    Option(
        "allowed_connections",
        "string",
        '{"http": ["example_http"], "sql": ["example_sql"]}',
        "Connections that tasks may use, as JSON: for ``http``, ``sql`` or a pattern as in ``allowed_operators``, a "
        "list of patterns of connection ids (``*`` and ``?`` as in file names). The default allows those of the "
        "examples. The connections ``conn_id`` and ``people_conn_id`` and Airflow's own database are never allowed.",
        '{"http": ["crm", "billing_*"], "sql": ["warehouse"], "my_company.operators.**": ["sftp_partner"]}',
    ),
    Option(
        "allowed_operator_arguments",
        "string",
        "",
        "Comma-separated arguments of every Airflow operator that task definitions may set: any of ``pool``, "
        "``pool_slots``, ``priority_weight`` and ``queue``.",
        "pool, priority_weight",
    ),
    Option(
        "http_timeout",
        "integer",
        "60",
        "Time limit of one request of an ``http`` task, in seconds until the last byte of the response.",
        "300",
    ),
    Option(
        "http_max_bytes",
        "integer",
        "10485760",
        "Largest response that an ``http`` task reads, in bytes after decompression. A larger one fails the step with "
        "``OutputTooLarge``.",
        "1048576",
    ),
    Option(
        "sql_timeout",
        "integer",
        "300",
        "Time limit of the statement of a ``sql`` task, in seconds, reading its rows included.",
        "30",
    ),
    Option(
        "sql_max_bytes",
        "integer",
        "10485760",
        "Largest result that a ``sql`` task reads, in bytes of its rows as JSON text. A larger one fails the step with "
        "``OutputTooLarge``.",
        "1048576",
    ),
    Option(
        "max_output_bytes",
        "integer",
        "262144",
        "Largest output of a step, in bytes of its JSON text as UTF-8. A larger one fails the step "
        "with ``OutputTooLarge``.",
        "1048576",
    ),
    Option(
        "evaluation_seconds",
        "integer",
        "5",
        "Time limit for evaluating all expressions, schemas and templates of one request, event or step, in seconds. "
        "Work that takes longer is stopped and refused.",
        "10",
    ),
    Option(
        "evaluation_memory",
        "integer",
        "512",
        "Memory limit of such work in megabytes, at least 128.",
        "1024",
    ),
    Option(
        "evaluation_processes",
        "integer",
        "2",
        "Processes of each api-server process for such work. With two or more, one user never occupies all of them.",
        "4",
    ),
    Option(
        "default_retry",
        "string",
        '{"maxAttempts": 3, "strategy": "exponential", "delay": "PT1S"}',
        'Retry policy, as JSON, of steps whose ``onFailure.action`` is "retry" and that have no ``retryPolicy``.',
        '{"maxAttempts": 5, "delay": "PT30S"}',
    ),
    Option(
        "log_retention",
        "string",
        "P90D",
        "How long rows of the execution log are kept unless a definition sets a retention, as an ISO 8601 duration "
        "(calendar months and years are allowed).",
        "P1Y",
    ),
    Option(
        "receive_window",
        "string",
        "PT5M",
        "How long an event is kept for a ``receive`` step that starts to wait after the event arrived, as an "
        "ISO 8601 duration without months and years.",
        "PT1H",
    ),
    Option(
        "start_wait",
        "string",
        "PT15S",
        "How long a start waits for Airflow to load the version that was published before it, as an ISO 8601 duration "
        "without months and years. After this time, and with ``PT0S`` at once, the API answers 409 "
        "``workflow-not-loaded`` with ``Retry-After``. A start never runs an older version unless it asks for it.",
        "PT5S",
    ),
    Option(
        "max_depth",
        "integer",
        str(MAX_DEPTH),
        "Maximum nesting depth of sub-workflows; a deeper start is refused.",
        "4",
    ),
    Option(
        "infrastructure_patience",
        "string",
        "PT12H",
        "How long instances wait for infrastructure that is away: the workflow database, the message broker, Airflow's "
        "API, workers. Until then tasks are tried again and finished results are kept. It never uses up attempts of a "
        "step's ``retryPolicy``. An ISO 8601 duration without months and years.",
        "P2D",
    ),
    Option(
        "infrastructure_retry_delay",
        "string",
        "PT1M",
        "Longest delay between two tries during that time, as an ISO 8601 duration without months and years. The "
        "first is about a second; each is about twice as long as the one before.",
        "PT5M",
    ),
    Option(
        "spool_folder",
        "string",
        "",
        "Folder on each worker that keeps the results of finished steps until the workflow database has stored them. "
        "They are encrypted where ``[core] fernet_key`` is set. Empty: ``workflow-results`` in ``AIRFLOW_HOME``.",
        "/var/lib/airflow/workflow-results",
    ),
    Option(
        "on_missing_run",
        "string",
        "recreate",
        "What becomes of a live instance whose DAG run Airflow does not have any more, because somebody deleted it or "
        "``airflow db clean`` removed it: ``recreate`` makes the run again, and the instance continues from its stored "
        "state; ``fail`` fails it, and the workflow's ``onFailure`` and compensations run.",
        "fail",
    ),
    Option(
        "missing_runs_limit",
        "integer",
        "100",
        "Number of missing DAG runs above which nothing is done about them automatically, because then probably the "
        "two databases do not belong together. ``airflow-workflows reconcile --all`` makes the runs again.",
        "1000",
    ),
    Option(
        "reconcile_interval",
        "integer",
        "30",
        "Seconds between two comparisons of the live instances with Airflow's DAG runs.",
        "300",
    ),
    Option(
        "connect_timeout",
        "integer",
        "3",
        "Time limit for connecting to the workflow database, in seconds.",
        "10",
    ),
    Option(
        "statement_timeout",
        "integer",
        "30",
        "Time limit of one statement on the workflow database, in seconds.",
        "60",
    ),
    Option(
        "bundle_folder",
        "string",
        "",
        "Folder to which ``WorkflowDagBundle`` writes the generated DAG files. Empty: its own folder under "
        "``[dag_processor] dag_bundle_storage_path``.",
        "/var/lib/airflow/workflow-dags",
    ),
    Option(
        "refresh_interval",
        "integer",
        "10",
        "Seconds between two checks of ``WorkflowDagBundle`` for changed definitions, unless the bundle's keyword "
        "arguments set ``refresh_interval``.",
        "60",
    ),
    Option(
        "resolvers",
        "string",
        "auth_manager, mapping",
        "Comma-separated resolvers of the roles and groups of people who answer a question: ``auth_manager`` "
        "(the roles of SimpleAuthManager or FAB), ``mapping`` (``people``), ``sql`` (``people_sql``), or the dotted "
        "path of your own class.",
        "auth_manager, sql, my_company.directory.LdapResolver",
    ),
    Option(
        "people",
        "string",
        "{}",
        "Roles and groups of users, by their id or name in Airflow, as JSON.",
        '{"ada": {"roles": ["approver"], "groups": ["finance"]}}',
    ),
    Option(
        "people_conn_id",
        "string",
        "",
        "Airflow connection of the database that ``people_sql`` queries.",
        "company_directory",
    ),
    Option(
        "people_sql",
        "string",
        "",
        "Query for the memberships of one user, ``%(user)s``: it returns rows with a kind, ``role`` or ``group``, and "
        "a name.",
        "SELECT 'role', role FROM members WHERE login = %(user)s",
    ),
    Option(
        "notifiers",
        "string",
        "{}",
        "Airflow notifiers, as JSON, under names of your choice. ``class`` is the notifier's dotted path, "
        "``arguments`` are its arguments (templates of ``workflow`` and ``question`` are rendered), ``on`` lists the "
        "occasions: asked, reminder, escalated (these three by default), failed, completed.",
        '{"mail": {"class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier", "on": ["asked"], "arguments": '
        '{"to": "approvers@example.com", "subject": "{{ question.subject }}", "html_content": "{{ question.body }}"}}}',
    ),
)

_BY_NAME: Final = MappingProxyType({option.name: option for option in OPTIONS})


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of this package; see :data:`OPTIONS` for what each value means.

    :param default_retry: a retry policy as in a definition; parsed JSON
    :param log_retention: ISO 8601 duration; text, since months and years need a date to count from
    """

    conn_id: str
    maintenance_conn_id: str
    role_prefix: str
    allowed_operators: tuple[str, ...]
    allowed_connections: dict[str, tuple[str, ...]]
    allowed_operator_arguments: tuple[str, ...]
    http_timeout: int
    http_max_bytes: int
    sql_timeout: int
    sql_max_bytes: int
    max_output_bytes: int
    evaluation_seconds: int
    evaluation_memory: int
    evaluation_processes: int
    default_retry: dict[str, Any]
    log_retention: str
    receive_window: timedelta
    start_wait: timedelta
    max_depth: int
    infrastructure_patience: timedelta
    infrastructure_retry_delay: timedelta
    spool_folder: Path
    on_missing_run: Literal["recreate", "fail"]
    missing_runs_limit: int
    reconcile_interval: int
    connect_timeout: int
    statement_timeout: int
    bundle_folder: Path | None
    refresh_interval: int
    resolvers: tuple[str, ...]
    people: dict[str, Any]
    people_conn_id: str
    people_sql: str
    notifiers: dict[str, Any]

    @property
    def retry_for(self) -> float:
        """Seconds for which a process that has nothing to lose waits for the workflow database before it gives up its
        worker slot; Airflow then tries the task again, until the patience is over."""
        return min(SHORT_WAIT, self.infrastructure_patience.total_seconds())


def load_settings() -> Settings:
    """Read the section as it is now; nothing is cached, so tests and reloads see changes.

    :raises Misuse: an option holds a value that cannot be read
    """
    look_up = _source()

    def text(name: str) -> str:
        found = look_up(name)
        return _BY_NAME[name].default if found is None else found.strip()

    def number(name: str, least: int = 0) -> int:
        return _number(name, text(name), least)

    def duration(name: str) -> timedelta:
        value = _duration(name, text(name))
        if not isinstance(value, timedelta) or value < timedelta(0):
            raise _refused(name, text(name), "a duration of fixed length, such as PT5M (no months, no years)")
        return value

    _duration("log_retention", text("log_retention"))
    folder = text("bundle_folder")
    return Settings(
        conn_id=text("conn_id") or DEFAULT_CONNECTION_ID,
        maintenance_conn_id=text("maintenance_conn_id"),
        role_prefix=_name("role_prefix", text("role_prefix")),
        allowed_operators=_listed(text("allowed_operators")),
        allowed_connections=_connections("allowed_connections", text("allowed_connections")),
        allowed_operator_arguments=_some_of(
            "allowed_operator_arguments", text("allowed_operator_arguments"), GRANTABLE_ARGUMENTS
        ),
        http_timeout=number("http_timeout", 1),
        http_max_bytes=number("http_max_bytes", 1),
        sql_timeout=number("sql_timeout", 1),
        sql_max_bytes=number("sql_max_bytes", 1),
        max_output_bytes=number("max_output_bytes", 2),
        evaluation_seconds=number("evaluation_seconds", 1),
        evaluation_memory=number("evaluation_memory", 128),
        evaluation_processes=number("evaluation_processes", 1),
        default_retry=_json_object("default_retry", text("default_retry")),
        log_retention=text("log_retention"),
        receive_window=duration("receive_window"),
        start_wait=duration("start_wait"),
        max_depth=number("max_depth", 1),
        infrastructure_patience=duration("infrastructure_patience"),
        infrastructure_retry_delay=duration("infrastructure_retry_delay"),
        spool_folder=Path(text("spool_folder") or f"{_airflow_home()}/workflow-results").expanduser(),
        on_missing_run=_on_missing_run("on_missing_run", text("on_missing_run")),
        missing_runs_limit=number("missing_runs_limit"),
        reconcile_interval=number("reconcile_interval", 1),
        connect_timeout=number("connect_timeout", 1),
        statement_timeout=number("statement_timeout", 1),
        bundle_folder=Path(folder).expanduser() if folder else None,
        refresh_interval=number("refresh_interval", 1),
        resolvers=_listed(text("resolvers")),
        people=_json_objects("people", text("people")),
        people_conn_id=text("people_conn_id"),
        people_sql=text("people_sql"),
        notifiers=_json_objects("notifiers", text("notifiers")),
    )


def _source() -> Callable[[str], str | None]:
    """Where options are looked up: Airflow's configuration when it is loaded, else environment and file."""
    for module in ("airflow.configuration", "airflow.sdk.configuration"):
        conf = getattr(sys.modules.get(module), "conf", None)
        if conf is not None:
            return lambda name: conf.get(SECTION, name, fallback=None)
    configured = _file_section()

    def look_up(name: str) -> str | None:
        return os.environ.get(f"AIRFLOW__{SECTION.upper()}__{name.upper()}", configured.get(name))

    return look_up


def _file_section() -> dict[str, str]:
    path = Path(os.environ.get("AIRFLOW_CONFIG", f"{_airflow_home()}/airflow.cfg")).expanduser()
    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
    except (OSError, UnicodeDecodeError, configparser.Error):
        # Airflow itself reports a broken airflow.cfg; a pure command goes on with the defaults.
        return {}
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}


def _airflow_home() -> str:
    return os.environ.get("AIRFLOW_HOME", "~/airflow")


def _refused(name: str, value: str, expected: str) -> Misuse:
    return Misuse(
        f"[{SECTION}] {name} = {value!r} cannot be used; expected {expected}",
        code="bad-configuration",
        pointer=f"[{SECTION}] {name}",
        suggestion=f"for example {_BY_NAME[name].example or _BY_NAME[name].default!r}",
    )


def _number(name: str, value: str, least: int) -> int:
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if number < least:
        raise _refused(name, value, f"a whole number from {least}")
    return number


def _on_missing_run(name: str, value: str) -> Literal["recreate", "fail"]:
    if value == "recreate":
        return "recreate"
    if value == "fail":
        return "fail"
    raise _refused(name, value, "recreate or fail")


def _name(name: str, value: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,49}", value):
        raise _refused(name, value, "at most 50 lower-case letters, digits and underscores, no digit first")
    return value


def _duration(name: str, value: str) -> Any:
    import isodate

    try:
        return isodate.parse_duration(value)
    except (isodate.ISO8601Error, ValueError) as error:
        raise _refused(name, value, "an ISO 8601 duration, such as PT5M") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        message = f"the key {next(name for name in names if names.count(name) > 1)!r} occurs twice"
        raise ValueError(message)
    return made


def _json_object(name: str, value: str) -> dict[str, Any]:
    try:
        parsed = json.loads(value, object_pairs_hook=_each_once)
        # Neither NaN nor 1e400 nor half of a surrogate pair can be written again.
        json.dumps(parsed, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise _refused(name, value, f"a JSON object ({error})") from error
    if not isinstance(parsed, dict):
        raise _refused(name, value, "a JSON object")
    return parsed


def _json_objects(name: str, value: str) -> dict[str, Any]:
    parsed = _json_object(name, value or "{}")
    if not all(isinstance(each, dict) for each in parsed.values()):
        raise _refused(name, value, "a JSON object of JSON objects")
    return parsed


def _connections(name: str, value: str) -> dict[str, tuple[str, ...]]:
    parsed = _json_object(name, value or "{}")
    for patterns in parsed.values():
        if not isinstance(patterns, list) or not all(isinstance(each, str) and each for each in patterns):
            raise _refused(name, value, "a JSON object of arrays of texts")
    return {kind: tuple(patterns) for kind, patterns in parsed.items()}


def _some_of(name: str, value: str, allowed: frozenset[str]) -> tuple[str, ...]:
    found = _listed(value)
    if not allowed.issuperset(found):
        raise _refused(name, value, f"some of {', '.join(sorted(allowed))}")
    return found


def _listed(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())
