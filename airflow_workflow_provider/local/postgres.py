"""A private PostgreSQL server in a folder, for the demo, for development and for tests.

It listens on one loopback port that is chosen when it starts, has no Unix socket, and asks everybody for a random
password. As root it runs under an unprivileged account.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local.account import Account, Command, account_for
from airflow_workflow_provider.local.binaries import Binaries, find_binaries, reachable
from airflow_workflow_provider.local.ports import HOST, free_port
from airflow_workflow_provider.vocabulary import ProblemCode

log = logging.getLogger(__name__)

SUPERUSER = "postgres"
START_ATTEMPTS = 5
# Where a data folder goes that the unprivileged account cannot reach; the first is kept across reboots.
PLACES = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - made with mkdtemp below a folder of ours
PLACE_NAME = "airflow-workflows-postgres"


@dataclass(frozen=True)
class Status:
    """What is known of a server; pid and port are null when it does not run."""

    running: bool
    pid: int | None
    port: int | None
    data_dir: Path
    log_file: Path


class PostgresServer:
    """A PostgreSQL server whose data, password and log are in one folder.

    As root, a folder below parents that the unprivileged account cannot enter keeps only the password and the place of
    the data, which then are below ``/var/lib``; no parent folder's permissions are changed.

    :param data_dir: the folder, made when missing
    :param durable: False gives up crash safety for speed; for tests
    """

    def __init__(self, data_dir: Path | str, *, durable: bool = True) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.durable = durable

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self._home() / "server.log"

    def start(self) -> None:
        """Make the cluster when it is missing and start the server; nothing happens when it runs already.

        :raises StoreUnavailable: when there are no binaries or the server does not come up, with its last words
        """
        with self._locked():
            if self._pid() is not None:
                return
            account = account_for(self._cluster())
            self._settle(account)
            binaries = reachable(find_binaries(self._major()), account, self._home())
            if not self._cluster().exists():
                self._initialise(binaries, account)
            (self._cluster() / "postmaster.pid").unlink(missing_ok=True)
            for attempt in range(START_ATTEMPTS):
                # Another program may take the free port before the server does.
                if self._launch(binaries, account, self._choose_port(remembered=attempt == 0)):
                    return
        message = f"PostgreSQL in {self._home()} did not start: {self._last_words()}"
        raise StoreUnavailable(message, code=ProblemCode.POSTGRES_NOT_STARTED, suggestion=f"see {self.log_file}")

    def stop(self) -> None:
        """Stop the server, ending its connections; nothing happens when it does not run.

        :raises StoreUnavailable: when it does not stop within a minute
        """
        if not self.data_dir.exists():
            return
        with self._locked():
            if self._pid() is None:
                return
            account = account_for(self._cluster())
            binaries = reachable(find_binaries(self._major()), account, self._home())
            command: Command = [binaries.bin / "pg_ctl", "stop", "-D", self._cluster(), "-m", "fast", "-w", "-t", "60"]
            done = account.run(command, cwd=self._home())
        if done.returncode != 0 and self._pid() is not None:
            message = f"PostgreSQL in {self._home()} did not stop: {done.stdout.strip()}"
            raise StoreUnavailable(message, code=ProblemCode.POSTGRES_NOT_STOPPED, suggestion=f"see {self.log_file}")

    def remove(self) -> None:
        """Stop the server and delete the folder with all its data."""
        self.stop()
        shutil.rmtree(self._home(), ignore_errors=True)
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def status(self) -> Status:
        """Whether this folder's server runs, by the live process and not by a file that it may have left."""
        pid = self._pid()
        return Status(pid is not None, pid, self._port() if pid else None, self.data_dir, self.log_file)

    def url(self, database: str = SUPERUSER, account: tuple[str, str] | None = None) -> str:
        """The SQLAlchemy URL of a database of this server, password included: never log it.

        :param account: name and password; the superuser's if absent
        :raises StoreUnavailable: when the server does not run
        """
        name, password = account or (SUPERUSER, self._password())
        account_text = f"{quote(name, safe='')}:{quote(password, safe='')}"
        return f"postgresql+psycopg://{account_text}@{HOST}:{self._live_port()}/{quote(database, safe='')}"

    def create_database(self, name: str, *, template: str | None = None) -> bool:
        """Create a database, as a copy of ``template`` if given; False when it is there already."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        try:
            self.administer(statement)
        except psycopg.errors.DuplicateDatabase:
            return False
        return True

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, ending its connections."""
        self.administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def administer(self, statement: sql.SQL | sql.Composed, database: str = SUPERUSER) -> None:
        """Run a statement as the superuser."""
        with self._connected(database) as connection:
            connection.execute(statement)

    def ask(self, query: str, values: Sequence[str], database: str = SUPERUSER) -> list[str]:
        """Return the texts that a query of one column gives the superuser."""
        with self._connected(database) as connection:
            return [str(row[0]) for row in connection.execute(query.encode(), values)]

    def _connected(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=HOST,
            port=self._live_port(),
            user=SUPERUSER,
            password=self._password(),
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if not self.data_dir.exists():
            self.data_dir.mkdir(parents=True)
            # As root, the account must pass through to the cluster; what is private has its own mode.
            self.data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
        with (self.data_dir / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _home(self) -> Path:
        with suppress(FileNotFoundError):
            return Path((self.data_dir / "place").read_text().strip())
        return self.data_dir

    def _cluster(self) -> Path:
        return self._home() / "cluster"

    def _settle(self, account: Account) -> None:
        if account.reaches(self.data_dir) and self._home() == self.data_dir:
            return
        if self._home() != self.data_dir and self._home().exists():
            return
        parent = _make_place()
        _sweep(parent)
        home = Path(tempfile.mkdtemp(prefix="server-", dir=parent))
        home.chmod(0o711)
        (home / "owner").write_text(str(self.data_dir))
        _write_private(self.data_dir / "place", str(home))
        log.info("The data of %s are kept in %s, which account %s can reach", self.data_dir, home, account.uid)

    def _major(self) -> str | None:
        with suppress(FileNotFoundError):
            return (self._cluster() / "PG_VERSION").read_text().strip()
        return None

    def _initialise(self, binaries: Binaries, account: Account) -> None:
        home = self._home()
        fresh, secret = home / "cluster.new", home / "initdb.password"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        account.own(fresh)
        password = self.data_dir / "password"
        if not password.exists():
            _write_private(password, secrets.token_urlsafe(24))
        _write_private(secret, password.read_text())
        account.own(secret)
        command: Command = [
            binaries.bin / "initdb",
            "-D",
            fresh,
            "-U",
            SUPERUSER,
            "-A",
            "scram-sha-256",
            "--pwfile",
            secret,
        ]
        command += ["-E", "UTF8", "--locale=C", "--no-sync"]
        try:
            done = account.run(command, cwd=home)
        finally:
            secret.unlink()
        if done.returncode != 0:
            message = f"PostgreSQL's initdb failed in {home}: {done.stdout.strip()[-500:]}"
            raise StoreUnavailable(message, code=ProblemCode.POSTGRES_NOT_STARTED)
        # An initdb that was interrupted must not be taken for a cluster.
        fresh.rename(self._cluster())

    def _launch(self, binaries: Binaries, account: Account, port: int) -> bool:
        settings = {
            "listen_addresses": HOST,
            "port": str(port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self.durable:
            # What a scheduler forked holds its connections open when it is killed: without this, its locks would stay.
            settings["idle_in_transaction_session_timeout"] = "5min"
        else:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = " ".join(f"-c {shlex.quote(f'{name}={value}')}" for name, value in settings.items())
        self.log_file.touch(mode=0o600)
        account.own(self.log_file)
        command: Command = [binaries.bin / "pg_ctl", "start", "-D", self._cluster(), "-l", self.log_file, "-o", options]
        started = account.run([*command, "-w", "-t", "60"], cwd=self._home()).returncode == 0
        if started:
            _write_private(self.data_dir / "port", str(port))
        return started

    def _choose_port(self, *, remembered: bool) -> int:
        # The same port again keeps connection settings of the last run valid.
        if remembered:
            with suppress(FileNotFoundError, ValueError):
                return free_port(int((self.data_dir / "port").read_text()))
        return free_port()

    def _pid(self) -> int | None:
        """The pid of the live server: not a zombie, not another program that was given the same number."""
        try:
            pid = int(self._pid_file()[0])
            process = psutil.Process(pid)
            dead = process.status() == psutil.STATUS_ZOMBIE
            return None if dead or Path(process.cwd()) != self._cluster().resolve() else pid
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    def _pid_file(self) -> list[str]:
        return (self._cluster() / "postmaster.pid").read_text().splitlines()

    def _port(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int(self._pid_file()[3])
        return None

    def _live_port(self) -> int:
        port = self._port() if self._pid() is not None else None
        if port is None:
            message = f"The PostgreSQL server in {self.data_dir} does not run"
            raise StoreUnavailable(message, code=ProblemCode.POSTGRES_NOT_RUNNING)
        return port

    def _password(self) -> str:
        return (self.data_dir / "password").read_text()

    def _last_words(self) -> str:
        with suppress(OSError):
            return " / ".join(self.log_file.read_text(errors="replace").splitlines()[-4:])
        return "it left no log"


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _make_place() -> Path:
    for place in PLACES:
        parent = place / PLACE_NAME
        try:
            parent.mkdir(mode=0o711, exist_ok=True)
            owner = parent.lstat()
            # Below /var/tmp anybody could have made it, or a link in its place.
            if parent.is_symlink() or owner.st_uid != os.geteuid():
                continue
            parent.chmod(0o711)
        except OSError:
            continue
        return parent
    message = f"No folder for PostgreSQL's data can be made in {', '.join(str(place) for place in PLACES)}"
    raise StoreUnavailable(
        message, code=ProblemCode.POSTGRES_NOT_STARTED, suggestion="use a data folder that all can reach"
    )


def _sweep(parent: Path) -> None:
    """Delete the data of folders that no longer exist, unless their server still runs."""
    for home in parent.glob("server-*"):
        with suppress(OSError):
            data_dir = Path((home / "owner").read_text())
            if not data_dir.exists() and not (home / "cluster" / "postmaster.pid").exists():
                shutil.rmtree(home)
