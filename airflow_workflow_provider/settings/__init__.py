"""Every option of the ``[workflows]`` configuration section, read in this one place.

Inside Airflow the values come from Airflow's configuration (``airflow.cfg``, ``AIRFLOW__WORKFLOWS__…``, ``…_CMD``,
``…_SECRET``). Without Airflow in the process, as in ``airflow-workflows validate``, the environment and then
``airflow.cfg`` are read directly, because importing Airflow costs seconds.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

from airflow_workflow_provider.settings import values
from airflow_workflow_provider.settings.options import (
    BY_NAME,
    DEFAULT_CONNECTION_ID,
    GRANTABLE_ARGUMENTS,
    MAX_DEPTH,
    OPTIONS,
    SECTION,
    Option,
)

__all__ = [
    "DEFAULT_CONNECTION_ID",
    "GRANTABLE_ARGUMENTS",
    "MAX_DEPTH",
    "OPTIONS",
    "SECTION",
    "SHORT_WAIT",
    "Option",
    "Settings",
    "load_settings",
]

SHORT_WAIT: Final = 30.0
"""Seconds for which a process waits for the workflow database before it lets others have its worker slot."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The configuration of this package; see :data:`OPTIONS` for what each value means.

    :param default_retry: a retry policy as in a definition; parsed JSON
    :param log_retention: ISO 8601 duration; text, since months and years need a date to count from
    """

    conn_id: str
    listen_conn_id: str
    maintenance_conn_id: str
    maintenance_schedule: str
    maintenance_queue: str
    role_prefix: str
    allowed_operators: tuple[str, ...]
    allowed_connections: dict[str, tuple[str, ...]]
    allowed_operator_arguments: tuple[str, ...]
    publish_resource: str
    http_timeout: int
    http_max_bytes: int
    sql_timeout: int
    sql_max_bytes: int
    max_output_bytes: int
    evaluation_seconds: int
    evaluation_memory: int
    evaluation_processes: int
    default_retry: dict[str, Any]
    default_execution: Literal["tasks", "inline"]
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
        return BY_NAME[name].default if found is None else found.strip()

    def number(name: str, least: int = 0) -> int:
        return values.number(name, text(name), least)

    def duration(name: str) -> timedelta:
        value = values.duration(name, text(name))
        if not isinstance(value, timedelta) or value < timedelta(0):
            raise values.refused(name, text(name), "a duration of fixed length, such as PT5M (no months, no years)")
        return value

    values.duration("log_retention", text("log_retention"))
    folder = text("bundle_folder")
    return Settings(
        conn_id=text("conn_id") or DEFAULT_CONNECTION_ID,
        listen_conn_id=text("listen_conn_id"),
        maintenance_conn_id=text("maintenance_conn_id"),
        maintenance_schedule=text("maintenance_schedule"),
        maintenance_queue=text("maintenance_queue"),
        role_prefix=values.name("role_prefix", text("role_prefix")),
        allowed_operators=values.listed(text("allowed_operators")),
        allowed_connections=values.connections("allowed_connections", text("allowed_connections")),
        allowed_operator_arguments=values.some_of(
            "allowed_operator_arguments", text("allowed_operator_arguments"), GRANTABLE_ARGUMENTS
        ),
        publish_resource=text("publish_resource"),
        http_timeout=number("http_timeout", 1),
        http_max_bytes=number("http_max_bytes", 1),
        sql_timeout=number("sql_timeout", 1),
        sql_max_bytes=number("sql_max_bytes", 1),
        max_output_bytes=number("max_output_bytes", 2),
        evaluation_seconds=number("evaluation_seconds", 1),
        evaluation_memory=number("evaluation_memory", 128),
        evaluation_processes=number("evaluation_processes", 1),
        default_retry=values.json_object("default_retry", text("default_retry")),
        default_execution=values.one_of("default_execution", text("default_execution"), ("tasks", "inline")),
        log_retention=text("log_retention"),
        receive_window=duration("receive_window"),
        start_wait=duration("start_wait"),
        max_depth=number("max_depth", 1),
        infrastructure_patience=duration("infrastructure_patience"),
        infrastructure_retry_delay=duration("infrastructure_retry_delay"),
        spool_folder=Path(text("spool_folder") or f"{_airflow_home()}/workflow-results").expanduser(),
        on_missing_run=values.one_of("on_missing_run", text("on_missing_run"), ("recreate", "fail")),
        missing_runs_limit=number("missing_runs_limit"),
        reconcile_interval=number("reconcile_interval", 1),
        connect_timeout=number("connect_timeout", 1),
        statement_timeout=number("statement_timeout", 1),
        bundle_folder=Path(folder).expanduser() if folder else None,
        refresh_interval=number("refresh_interval", 1),
        resolvers=values.listed(text("resolvers")),
        people=values.json_objects("people", text("people")),
        people_conn_id=text("people_conn_id"),
        people_sql=text("people_sql"),
        notifiers=values.json_objects("notifiers", text("notifiers")),
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
