"""The configuration of a local Airflow: all of it in environment variables, with its own secrets."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from airflow_workflow_provider.local.ports import HOST
from airflow_workflow_provider.settings import DEFAULT_CONNECTION_ID, load_settings
from airflow_workflow_provider.store.roles import role_names

ADMIN = "admin"
# One account of each of Airflow's simple roles.
USERS = {ADMIN: "admin", "operator": "op", "user": "user", "viewer": "viewer"}

METADATA_DATABASE = "airflow"
WORKFLOWS_DATABASE = "workflows"
OWNERS = (METADATA_DATABASE, WORKFLOWS_DATABASE)
"""Each database has an owner of its name."""


@dataclass(frozen=True)
class Layout:
    """The files of a local environment below one folder."""

    folder: Path

    @property
    def postgres(self) -> Path:
        """The folder of the private PostgreSQL."""
        return self.folder / "postgres"

    @property
    def home(self) -> Path:
        """AIRFLOW_HOME."""
        return self.folder / "airflow"

    @property
    def logs(self) -> Path:
        """The daemons' logs."""
        return self.folder / "logs"

    @property
    def secrets(self) -> Path:
        """Keys and passwords of this environment, readable by its owner only."""
        return self.folder / "secrets.json"

    @property
    def passwords(self) -> Path:
        """The users' passwords, in the form that Airflow's simple auth manager reads."""
        return self.folder / "passwords.json"

    @property
    def environment(self) -> Path:
        """The variables as a shell file, readable by its owner only."""
        return self.folder / "environment"

    @property
    def bundles(self) -> Path:
        """Where Airflow's bundles keep their files."""
        return self.folder / "bundles"


@dataclass(frozen=True)
class Secrets:
    """What one environment keeps secret."""

    fernet_key: str
    jwt_secret: str
    api_secret: str
    port: int
    passwords: Mapping[str, str]
    accounts: Mapping[str, str]
    """Passwords of the database's accounts."""

    @classmethod
    def of(cls, layout: Layout) -> Secrets:
        """Read them, made on first use; the port is that of the last start, and 0 before the first."""
        try:
            stored: dict[str, Any] = json.loads(layout.secrets.read_text())
        except FileNotFoundError:
            stored = {
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "jwt_secret": secrets.token_urlsafe(48),
                "api_secret": secrets.token_urlsafe(48),
                "port": 0,
                "passwords": {user: secrets.token_urlsafe(12) for user in USERS},
            }
        accounts = stored.setdefault("accounts", {})
        for account in (*OWNERS, *role_names(load_settings().role_prefix).values()):
            accounts.setdefault(account, secrets.token_urlsafe(24))
        return cls(**stored)

    def with_port(self, port: int) -> Secrets:
        """Return the same with another port for the API server."""
        return replace(self, port=port)

    def save(self, layout: Layout) -> None:
        """Write them for the next time."""
        write_private(layout.secrets, json.dumps(vars(self)))
        write_private(layout.passwords, json.dumps(dict(self.passwords)))

    def hidden(self) -> tuple[str, ...]:
        """Every text that must not be shown."""
        return (
            self.fernet_key,
            self.jwt_secret,
            self.api_secret,
            *self.passwords.values(),
            *self.accounts.values(),
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at no moment anybody else."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def bundle_list(dags_folder: Path | None) -> list[dict[str, Any]]:
    """Return Airflow's bundles: the workflows, and a folder of ordinary DAG files where one is given."""
    bundles: list[dict[str, Any]] = [
        {
            "name": "workflows",
            "classpath": "airflow_workflow_provider.bundles.workflow.WorkflowDagBundle",
            "kwargs": {"refresh_interval": 2},
        }
    ]
    if dags_folder is not None:
        bundles.append(
            {
                "name": "dags-folder",
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": {"path": str(dags_folder), "refresh_interval": 2},
            }
        )
    return bundles


FIXED: Final[dict[str, dict[str, str]]] = {
    "scheduler": {
        "scheduler_idle_sleep_time": "0.25",
        "scheduler_heartbeat_sec": "2",
        "trigger_timeout_check_interval": "3",
        "enable_health_check": "False",
    },
    "triggerer": {"job_heartbeat_sec": "2"},
    "usage_data_collection": {"enabled": "False"},
}
"""Sections that are the same in each environment: short intervals, for few workflows on one machine."""


def airflow_variables(
    layout: Layout,
    own: Secrets,
    *,
    metadata_url: str,
    workflows_url: str,
    dags_folder: Path | None = None,
) -> dict[str, str]:
    """Return the environment variables that make Airflow this environment's; they hold secrets."""
    sections = {
        **FIXED,
        "core": _core(layout, own, dags_folder),
        "database": {"sql_alchemy_conn": metadata_url},
        "api": {
            "host": HOST,
            "port": str(own.port),
            "workers": "1",
            "base_url": f"http://{HOST}:{own.port}",
            "secret_key": own.api_secret,
            "instance_name": "Workflows (local)",
        },
        "api_auth": {"jwt_secret": own.jwt_secret},
        "dag_processor": _dag_processor(layout, dags_folder),
        "logging": {"base_log_folder": str(layout.home / "logs"), "colored_console_log": "False"},
    }
    variables = {
        f"AIRFLOW__{section.upper()}__{name.upper()}": value
        for section, options in sections.items()
        for name, value in options.items()
    }
    return variables | {
        "AIRFLOW_HOME": str(layout.home),
        f"AIRFLOW_CONN_{DEFAULT_CONNECTION_ID.upper()}": connection_json(workflows_url),
    }


def _core(layout: Layout, own: Secrets, dags_folder: Path | None) -> dict[str, str]:
    return {
        "dags_folder": str(dags_folder or layout.home / "dags"),
        "executor": "LocalExecutor",
        "parallelism": "8",
        "load_examples": "False",
        "dags_are_paused_at_creation": "False",
        "fernet_key": own.fernet_key,
        # A machine without a name server would wait for one at each start.
        "hostname_callable": "socket.gethostname",
        "min_serialized_dag_update_interval": "1",
        "killed_task_cleanup_time": "5",
        "simple_auth_manager_users": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "simple_auth_manager_all_admins": "False",
        "simple_auth_manager_passwords_file": str(layout.passwords),
    }


def _dag_processor(layout: Layout, dags_folder: Path | None) -> dict[str, str]:
    return {
        "dag_bundle_config_list": json.dumps(bundle_list(dags_folder)),
        "dag_bundle_storage_path": str(layout.bundles),
        "refresh_interval": "2",
        "bundle_refresh_check_interval": "1",
        "print_stats_interval": "0",
        # Changed files are found by their time; reading the others again would only keep a processor busy.
        "min_file_process_interval": "600",
    }


def process_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a daemon: the caller's without its own Airflow and PostgreSQL settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PG", "_AIRFLOW"))}
    programs = str(Path(sys.executable).parent)
    kept["PATH"] = os.pathsep.join([programs, kept.get("PATH", os.defpath)])
    # Everything is on this machine, so the user's proxy does not apply.
    kept["NO_PROXY"] = kept["no_proxy"] = "127.0.0.1,localhost"
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


def shell_text(variables: Mapping[str, str]) -> str:
    """Return the variables as lines that a shell can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))


def connection_json(url: str) -> str:
    """Return an Airflow connection, in its JSON form, to the database of a SQLAlchemy URL."""
    parts = urlsplit(url)
    return json.dumps(
        {
            "conn_type": "postgres",
            "host": parts.hostname,
            "port": parts.port,
            "login": unquote(parts.username or ""),
            "password": unquote(parts.password or ""),
            "schema": parts.path.lstrip("/"),
        }
    )
