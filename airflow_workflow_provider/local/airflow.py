"""A complete Airflow on this machine, with a PostgreSQL of its own, below one folder."""

from __future__ import annotations

import fcntl
import importlib.metadata
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.accounts import settle
from airflow_workflow_provider.local.client import TOKEN_VARIABLE, URL_VARIABLE, AirflowClient, RequestRefused, poll
from airflow_workflow_provider.local.configuration import (
    ADMIN,
    METADATA_DATABASE,
    WORKFLOWS_DATABASE,
    Layout,
    Secrets,
    airflow_variables,
    connection_json,
    process_environment,
    shell_text,
    write_private,
)
from airflow_workflow_provider.local.daemon import Daemon, DaemonStatus, stop_all
from airflow_workflow_provider.local.ports import HOST, hold_port, is_listened_on, listens
from airflow_workflow_provider.local.postgres import PostgresServer
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.roles import API, MAINTENANCE, WORKER, role_names
from airflow_workflow_provider.vocabulary import ProblemCode

# The names of Airflow's parts in its health report.
API_SERVER = "api-server"
MAINTENANCE_CONNECTION = "workflows_maintenance"
START_ATTEMPTS = 5
REQUEST_SECONDS = 120
"""How long a request may take: a machine that starts all of Airflow at once is slow to answer."""
PARTS = ("scheduler", "triggerer", "dag_processor")

Report = Callable[[str], None]


class EnvironmentFailure(WorkflowsError):
    """A part of the environment did not start, or a command in it failed.

    :param details: the last lines of the logs, secrets masked
    """

    default_code = ProblemCode.AIRFLOW_NOT_STARTED

    def __init__(self, message: str, details: str, *, code: str | None = None, suggestion: str | None = None) -> None:
        super().__init__(message, code=code, suggestion=suggestion)
        self.details = details


@dataclass(frozen=True)
class Access:
    """How to get into a running environment; the password is left out of its representation."""

    address: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class EnvironmentStatus:
    """What runs of an environment."""

    folder: Path
    address: str | None
    daemons: tuple[DaemonStatus, ...]

    @property
    def running(self) -> bool:
        """Whether all of it runs."""
        return all(daemon.running for daemon in self.daemons)

    @property
    def stopped(self) -> bool:
        """Whether nothing of it runs."""
        return not any(daemon.running for daemon in self.daemons)


class LocalEnvironment:
    """PostgreSQL, api-server, scheduler, dag-processor and triggerer as plain processes of this user.

    They listen on loopback only, on ports that are free when it starts; keys and passwords are made per environment.
    It outlives the program that started it: any other one can stop it by the folder.

    :param folder: everything is below it; made when missing
    :param dags_folder: a folder of ordinary DAG files to load beside the workflows
    :param variables: more environment variables for Airflow, such as connections
    :param durable: False gives up crash safety of the database for speed; for tests
    :param seconds: how long each part of the start may take
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        dags_folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
        durable: bool = True,
        seconds: float = 300,
    ) -> None:
        self.layout = Layout(Path(folder).absolute())
        self.postgres = PostgresServer(self.layout.postgres, durable=durable)
        self.seconds = seconds
        self._dags_folder = dags_folder
        self._extra = dict(variables or {})

    def up(self, report: Report = lambda _: None) -> Access:
        """Start what does not run and wait until all of it is healthy.

        :param report: called with each phase, for progress displays
        :raises EnvironmentFailure: a part did not start
        """
        with self._locked():
            if self.status().running:
                return self._let_in()
            stop_all(self._daemons())
            try:
                return self._start(report)
            except BaseException:
                # A half-started environment would keep ports and memory without anybody noticing.
                self._stop()
                raise

    def down(self) -> None:
        """Stop all of it; the data stay. Nothing happens when it does not run.

        :raises WorkflowsError: a process could not be stopped
        """
        if self.layout.folder.exists():
            with self._locked():
                self._stop()

    def remove(self) -> None:
        """Stop all of it and delete what was made: data, logs, keys."""
        self.down()
        self.postgres.remove()
        layout = self.layout
        for folder in (layout.home, layout.logs, layout.bundles):
            shutil.rmtree(folder, ignore_errors=True)
        for file in (layout.secrets, layout.passwords, layout.environment):
            file.unlink(missing_ok=True)

    def status(self) -> EnvironmentStatus:
        """What of it runs now."""
        database = self.postgres.status()
        daemons = [DaemonStatus("postgres", database.running, database.pid, database.log_file)]
        daemons += [daemon.status() for daemon in self._daemons()]
        address = self._address() if self.layout.secrets.exists() and daemons[1].running else None
        return EnvironmentStatus(self.layout.folder, address, tuple(daemons))

    def access(self) -> Access:
        """Address and credentials of the administrator.

        :raises WorkflowsError: it was never started
        """
        if not self.layout.secrets.exists():
            message = f"There is no local environment in {self.layout.folder}"
            raise WorkflowsError(message, code=ProblemCode.NO_ENVIRONMENT, suggestion="airflow-workflows standalone up")
        return Access(self._address(), ADMIN, Secrets.of(self.layout).passwords[ADMIN])

    def client(self, username: str = ADMIN) -> AirflowClient:
        """A REST client of the running Airflow, logged in as one of its users."""
        password = Secrets.of(self.layout).passwords[username]
        return AirflowClient(self._address(), username, password, timeout=REQUEST_SECONDS)

    def workflows_url(self, component: str | None = None) -> str:
        """The SQLAlchemy URL of the workflow database, password included: never log it.

        :param component: one of :data:`airflow_workflow_provider.store.roles.COMPONENTS`; the owner if absent
        """
        name = WORKFLOWS_DATABASE if component is None else role_names(load_settings().role_prefix)[component]
        return self.postgres.url(WORKFLOWS_DATABASE, self._account(name))

    def metadata_url(self) -> str:
        """The SQLAlchemy URL of Airflow's metadata database, password included: never log it."""
        return self.postgres.url(METADATA_DATABASE, self._account(METADATA_DATABASE))

    def _account(self, name: str) -> tuple[str, str]:
        return name, Secrets.of(self.layout).accounts[name]

    def variables(self, component: str | None = None) -> dict[str, str]:
        """The environment variables that point Airflow and the command line here; they hold secrets.

        :param component: whose rights in the workflow database; the owner's if absent
        """
        return {
            **airflow_variables(
                self.layout,
                Secrets.of(self.layout),
                metadata_url=self.metadata_url(),
                workflows_url=self.workflows_url(component),
                dags_folder=self._dags_folder,
            ),
            "AIRFLOW__WORKFLOWS__MAINTENANCE_CONN_ID": MAINTENANCE_CONNECTION,
            f"AIRFLOW_CONN_{MAINTENANCE_CONNECTION.upper()}": connection_json(self.workflows_url(MAINTENANCE)),
            **self._extra,
        }

    def run_airflow(self, *arguments: str, seconds: float | None = None) -> str:
        """Run an ``airflow`` command in this environment and return what it printed.

        :raises WorkflowsError: it failed or took longer than ``seconds``
        """
        try:
            done = subprocess.run(  # noqa: S603 - Airflow's own command line
                [sys.executable, "-m", "airflow", *arguments],
                env=process_environment(self.variables()),
                cwd=self.layout.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=seconds or self.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            message = f"airflow {' '.join(arguments)} took longer than {error.timeout:.0f} s"
            raise WorkflowsError(message, code=ProblemCode.AIRFLOW_COMMAND_FAILED) from None
        if done.returncode != 0:
            last = self._masked("\n".join(done.stdout.splitlines()[-25:]))
            message = f"airflow {' '.join(arguments)} failed with exit code {done.returncode}"
            raise EnvironmentFailure(message, last, code=ProblemCode.AIRFLOW_COMMAND_FAILED)
        return done.stdout

    def _start(self, report: Report) -> Access:
        wanted = Secrets.of(self.layout).port
        for attempt in range(START_ATTEMPTS):
            # Held while databases start too, so that the address stays the same over a restart.
            with hold_port(wanted if attempt == 0 else 0) as port:
                if attempt == 0:
                    self._prepare(report)
                Secrets.of(self.layout).with_port(port).save(self.layout)
                if self._serve(report, port, last=attempt == START_ATTEMPTS - 1):
                    break
        return self._let_in()

    def _prepare(self, report: Report) -> None:
        """Have the folders and both databases ready for Airflow."""
        layout = self.layout
        for folder in (layout.home, layout.logs, layout.bundles, layout.home / "dags"):
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
        report("Starting PostgreSQL")
        self.postgres.start()
        own = Secrets.of(layout)
        own.save(layout)
        roles = role_names(load_settings().role_prefix).values()
        databases = {METADATA_DATABASE: [METADATA_DATABASE], WORKFLOWS_DATABASE: [WORKFLOWS_DATABASE, *roles]}
        settle(self.postgres, databases, own.accounts)
        self._migrate(report)

    def _serve(self, report: Report, port: int, *, last: bool) -> bool:
        """Start Airflow's processes and wait until they are healthy; False if another program took the port.

        :param last: such a program is an error
        """
        write_private(self.layout.environment, shell_text(self.variables()))
        report("Starting Airflow")
        began = datetime.now(UTC)
        for daemon in self._daemons():
            # Workers of a LocalExecutor have what the scheduler has.
            component = API if daemon.name == API_SERVER else WORKER
            daemon.start(process_environment(self.variables(component)), self.layout.folder)
        try:
            self._wait_until_healthy(report, began)
        except EnvironmentFailure:
            if last or self._listens() or not is_listened_on(port):
                raise
            report(f"Another program took port {port}; starting Airflow on another one")
            stop_all(self._daemons())
            return False
        return True

    def _listens(self) -> bool:
        """Whether the api-server of this environment listens, and not another program that took its port."""
        process = self._daemons()[0].process()
        return process is not None and listens(process, Secrets.of(self.layout).port)

    def _let_in(self) -> Access:
        """Write what a shell sources to use what runs, with a new token for the API."""
        access = self.access()
        with self.client() as client:

            def look() -> str | None:
                try:
                    return client.new_token()
                except RequestRefused as error:
                    # Healthy, and yet too busy for an answer: a machine with other work on it.
                    if error.code != ProblemCode.AIRFLOW_NOT_REACHABLE:
                        raise
                    return None

            token = poll(look, seconds=self.seconds, what="a token of Airflow's API", interval=0.5)
            known = {URL_VARIABLE: access.address, TOKEN_VARIABLE: token}
        write_private(self.layout.environment, shell_text({**self.variables(), **known}))
        return access

    def _migrate(self, report: Report) -> None:
        from airflow_workflow_provider.store.migrate import upgrade

        report("Migrating the workflow database")
        upgrade(self.workflows_url())
        version = importlib.metadata.version("apache-airflow-core")
        done = self.layout.home / "migrated"
        if not done.exists() or done.read_text() != version:
            report("Migrating Airflow's metadata database")
            self.run_airflow("db", "migrate")
            done.write_text(version)

    def _wait_until_healthy(self, report: Report, began: datetime) -> None:
        with self.client() as client:

            def look() -> bool | None:
                self._refuse_dead()
                # The health of another environment says nothing about this one.
                if not self._listens():
                    return None
                try:
                    client.serve_tasks()
                    health = client.health()
                except RequestRefused:
                    return None
                waiting = [part for part in PARTS if not _healthy(health, part, began)]
                report(f"Waiting for {', '.join(waiting)}" if waiting else "Airflow is up")
                return None if waiting else True

            try:
                poll(look, seconds=self.seconds, what="Airflow to be healthy", interval=0.5)
            except WorkflowsError as error:
                if error.code != ProblemCode.DEADLINE_PASSED:
                    raise
                tails = "\n\n".join(self._last_words(daemon) for daemon in self._daemons())
                message = f"Airflow was not healthy after {self.seconds:.0f} s"
                raise EnvironmentFailure(message, tails, suggestion=f"see {self.layout.logs}") from None

    def _refuse_dead(self) -> None:
        for daemon in self._daemons():
            if daemon.process() is None:
                message = f"Airflow's {daemon.name} ended while it started"
                raise EnvironmentFailure(message, self._last_words(daemon), suggestion=f"see {daemon.log_file}")

    def _last_words(self, daemon: Daemon) -> str:
        return f"--- {daemon.log_file}\n{self._masked(daemon.tail())}"

    def _masked(self, text: str) -> str:
        for secret in Secrets.of(self.layout).hidden():
            text = text.replace(secret, "***")
        return text

    def _stop(self) -> None:
        stop_all(self._daemons())
        self.postgres.stop()

    def _daemons(self) -> list[Daemon]:
        port = str(Secrets.of(self.layout).port) if self.layout.secrets.exists() else "0"
        # A running task may finish; triggers start again by themselves, so the triggerer is not waited for.
        commands: list[tuple[str, list[str], float]] = [
            (API_SERVER, ["--host", HOST, "--port", port], 10),
            ("scheduler", ["--skip-serve-logs"], 20),
            ("dag-processor", [], 10),
            ("triggerer", ["--skip-serve-logs"], 2),
        ]
        return [
            Daemon(
                name, [sys.executable, "-m", "airflow", name, *arguments], self.layout.logs, grace=grace, restart=True
            )
            for name, arguments, grace in commands
        ]

    def _address(self) -> str:
        return f"http://{HOST}:{Secrets.of(self.layout).port}"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.layout.folder.mkdir(parents=True, exist_ok=True)
        with (self.layout.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _healthy(health: Mapping[str, Any], part: str, began: datetime) -> bool:
    """Whether a part is alive by a heartbeat of this start, not by one that its predecessor left."""
    found = health.get(part) or {}
    beat = found.get(f"latest_{part}_heartbeat")
    if found.get("status") != "healthy" or not beat:
        return False
    return datetime.fromisoformat(beat) >= began - timedelta(seconds=1)
