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
from typing import Any, Final, Literal, TypeVar

from airflow_workflow_provider.settings import values
from airflow_workflow_provider.settings.options import (
    BY_NAME,
    CONNECTION_TYPE,
    DEFAULT_CONNECTION_ID,
    GRANTABLE_ARGUMENTS,
    MAX_DEPTH,
    OPTIONS,
    SECTION,
    Option,
)

__all__ = [
    "CONNECTION_TYPE",
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

T = TypeVar("T")

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
    allowed_folders: dict[str, tuple[str, ...]]
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
    concurrent_steps: int
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


class _Reader:
    """Reads options by their names, and refuses values that cannot be read."""

    def __init__(self) -> None:
        self._look_up = _source()

    def text(self, name: str) -> str:
        found = self._look_up(name)
        return BY_NAME[name].default if found is None else found.strip()

    def number(self, name: str, least: int = 0) -> int:
        return values.number(name, self.text(name), least)

    def duration(self, name: str) -> timedelta:
        value = values.duration(name, self.text(name))
        if not isinstance(value, timedelta) or value < timedelta(0):
            raise values.refused(
                name, self.text(name), "a duration of fixed length, such as PT5M (no months, no years)"
            )
        return value

    def folder(self, name: str) -> Path | None:
        given = self.text(name)
        return Path(given).expanduser() if given else None

    def parsed(self, name: str, parse: Callable[[str, str], T]) -> T:
        """Return the value that a function of :mod:`values` makes of an option's name and text."""
        return parse(name, self.text(name))


def _grantable(name: str, text: str) -> tuple[str, ...]:
    return values.some_of(name, text, GRANTABLE_ARGUMENTS)


def load_settings() -> Settings:
    """Read the section as it is now; nothing is cached, so tests and reloads see changes.

    :raises Misuse: an option holds a value that cannot be read
    """
    read = _Reader()
    read.parsed("log_retention", values.duration)
    return Settings(
        conn_id=read.text("conn_id") or DEFAULT_CONNECTION_ID,
        listen_conn_id=read.text("listen_conn_id"),
        maintenance_conn_id=read.text("maintenance_conn_id"),
        maintenance_schedule=read.text("maintenance_schedule"),
        maintenance_queue=read.text("maintenance_queue"),
        role_prefix=read.parsed("role_prefix", values.name),
        allowed_operators=values.listed(read.text("allowed_operators")),
        allowed_connections=read.parsed("allowed_connections", values.connections),
        allowed_folders=read.parsed("allowed_folders", values.folders),
        allowed_operator_arguments=read.parsed("allowed_operator_arguments", _grantable),
        publish_resource=read.text("publish_resource"),
        http_timeout=read.number("http_timeout", 1),
        http_max_bytes=read.number("http_max_bytes", 1),
        sql_timeout=read.number("sql_timeout", 1),
        sql_max_bytes=read.number("sql_max_bytes", 1),
        max_output_bytes=read.number("max_output_bytes", 2),
        evaluation_seconds=read.number("evaluation_seconds", 1),
        evaluation_memory=read.number("evaluation_memory", 128),
        evaluation_processes=read.number("evaluation_processes", 1),
        default_retry=read.parsed("default_retry", values.json_object),
        default_execution=values.one_of("default_execution", read.text("default_execution"), ("tasks", "inline")),
        concurrent_steps=read.number("concurrent_steps", 1),
        log_retention=read.text("log_retention"),
        receive_window=read.duration("receive_window"),
        start_wait=read.duration("start_wait"),
        max_depth=read.number("max_depth", 1),
        infrastructure_patience=read.duration("infrastructure_patience"),
        infrastructure_retry_delay=read.duration("infrastructure_retry_delay"),
        spool_folder=Path(read.text("spool_folder") or f"{_airflow_home()}/workflow-results").expanduser(),
        on_missing_run=values.one_of("on_missing_run", read.text("on_missing_run"), ("recreate", "fail")),
        missing_runs_limit=read.number("missing_runs_limit"),
        reconcile_interval=read.number("reconcile_interval", 1),
        connect_timeout=read.number("connect_timeout", 1),
        statement_timeout=read.number("statement_timeout", 1),
        bundle_folder=read.folder("bundle_folder"),
        refresh_interval=read.number("refresh_interval", 1),
        resolvers=values.listed(read.text("resolvers")),
        people=read.parsed("people", values.json_objects),
        people_conn_id=read.text("people_conn_id"),
        people_sql=read.text("people_sql"),
        notifiers=read.parsed("notifiers", values.json_objects),
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
        # Airflow itself reports a broken airflow.cfg; a pure command continues with the defaults.
        return {}
    return dict(parser[SECTION]) if parser.has_section(SECTION) else {}


def _airflow_home() -> str:
    return os.environ.get("AIRFLOW_HOME", "~/airflow")
