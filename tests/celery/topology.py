"""The deployment that docker-compose.yml describes, each service as processes on a host of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.account import account_for
from airflow_workflow_provider.local.binaries import find_binaries, reachable
from airflow_workflow_provider.local.client import AirflowClient, poll
from tests.celery.compose import ROOT, Compose, variables
from tests.celery.hosts import Host, Network

PATH: Final = "/airflow"
"""Airflow is served below a path, as behind a proxy that has other applications too."""

REPLICAS: Final = {"scheduler": 2, "worker": 2}
ONE_EACH: Final = ("api-server", "dag-processor", "triggerer")
SERVERS: Final = ("postgres", "redis")
USER, OPERATOR = "user", "operator"
ROLES: Final = {USER: "User", OPERATOR: "Op"}
"""Users beside the administrator, with FAB's roles."""

# What Airflow notices late by default, sooner; the patience of workflows is as it is shipped.
SOONER: Final = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__WORKFLOWS__RECONCILE_INTERVAL": "5",
    "AIRFLOW__WORKFLOWS__MAINTENANCE_SCHEDULE": "",
    "AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS": "airflow.providers.standard.operators.**",
    "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
}


def service_of(name: str) -> str:
    """Return the service of a replica."""
    return name.rstrip("-0123456789")


class Topology:
    """A running deployment: nothing is shared by its hosts but PostgreSQL and Redis.

    :param folder: of all files
    :param programs: the folder of Airflow's and this package's programs
    :param extra: more variables of Airflow's processes
    """

    def __init__(self, folder: Path, network: Network, programs: Path, extra: Mapping[str, str]) -> None:
        self.folder = folder
        self.network = network
        self.programs = programs
        self.extra = dict(extra)
        for name in ("docker-compose.yml", "deploy/create-databases.sh", "scripts/deployment-secrets.sh"):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        subprocess.run(["scripts/deployment-secrets.sh"], cwd=folder, check=True, capture_output=True)
        self.compose = Compose(folder, {"AIRFLOW_PATH": PATH, "AIRFLOW_URL": "http://api-server:8080"})
        self.hosts: dict[str, Host] = {name: Host(network, name) for name in names()}
        self.other: Path | None = None
        self.with_other: set[str] = set()
        self.passwords = {user: secrets.token_urlsafe(12) for user in ROLES}

    def use(self, other: Path) -> None:
        """Let every service be of another version of this package, which a folder of Python's path has."""
        self.other = other
        self.with_other = {"init", *daemons()}

    def replace(self, name: str, *, other: bool) -> None:
        """Stop a service, and start it in the other version or in the one that is installed."""
        self.stop(name)
        (self.with_other.add if other else self.with_other.discard)(name)
        self.start(name)

    # Starting

    def up(self) -> None:
        """Start everything; returns when it is well."""
        self.start_postgres()
        self._create_databases()
        self.start("redis")
        self._initialise()
        for name in daemons():
            self.start(name)
        self.wait_until_well()

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of a service's processes."""
        host, service = self.hosts[name], service_of(name)
        home = host.home / "airflow"
        found = self.compose.environment(service, home)
        if service in SERVERS:
            return {"PATH": os.environ["PATH"], **found}
        path = os.pathsep.join([str(self.programs), os.environ["PATH"]])
        version = {"PYTHONPATH": str(self.other)} if name in self.with_other else {}
        return {"PATH": path, "AIRFLOW_HOME": str(home), "LANG": "C.UTF-8", **version, **found, **SOONER, **self.extra}

    def start(self, name: str) -> None:
        """Start a service as its image does."""
        if name == "postgres":
            self.start_postgres()
            return
        command = self.compose.command(service_of(name))
        image = [] if name == "redis" else ["airflow"]
        self.hosts[name].start([*image, *command], self.environment(name))
        if name == "redis":
            password = variables(self.folder / "deploy" / "redis.env")["REDIS_PASSWORD"]
            ask = {"PATH": os.environ["PATH"], "REDISCLI_AUTH": password}
            self.hosts[name].wait_until(["sh", "-c", "redis-cli ping | grep -q PONG"], ask, 60)

    def start_postgres(self) -> None:
        """Start PostgreSQL, as its image does: the first time with an empty cluster."""
        host = self.hosts["postgres"]
        cluster = host.home / "cluster"
        account = account_for(cluster)
        for folder in (self.folder, host.home, *(each for each in self.folder.parents if each.stat().st_mode & 1 == 0)):
            folder.chmod(folder.stat().st_mode | 0o011)
        binaries = reachable(find_binaries(), account, host.home)
        switch = ["setpriv", f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
        if not cluster.exists():
            cluster.mkdir(mode=0o700)
            account.own(cluster)
            secret = host.home / "password"
            secret.write_text(variables(self.folder / "deploy" / "postgres.env")["POSTGRES_PASSWORD"])
            account.own(secret)
            initdb = [str(binaries.bin / "initdb"), "-D", str(cluster), "-U", "postgres", "-A", "scram-sha-256"]
            host.run([*switch, *initdb, "--pwfile", str(secret), "-E", "UTF8", "--locale=C", "-N"], environment)
            secret.unlink()
            with (cluster / "pg_hba.conf").open("a") as rules:
                rules.write("host all all all scram-sha-256\n")
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        options = ["listen_addresses=*", "unix_socket_directories=", "max_connections=300", "fsync=off"]
        settings = [word for option in options for word in ("-c", option)]
        host.start([*switch, str(binaries.bin / "postgres"), "-D", str(cluster), *settings], environment)
        poll(self._postgres_answers, seconds=60, what="PostgreSQL", interval=0.2)

    def _postgres_answers(self) -> bool | None:
        try:
            psycopg.connect(self.url("postgres").replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            return None
        return True

    def _create_databases(self) -> None:
        environment = self.environment("postgres")
        environment |= {"PGHOST": "127.0.0.1", "PGPASSWORD": environment["POSTGRES_PASSWORD"]}
        self.hosts["postgres"].run([str(self.folder / "deploy" / "create-databases.sh")], environment)

    def _initialise(self) -> None:
        self.hosts["init"].run(self.compose.command("init"), self.environment("init"), seconds=300)

    @contextmanager
    def restarting(self) -> Iterator[None]:
        """Start services again that end by themselves, as Airflow's do when its database is away: see ``restart``."""
        kept = [self.hosts[name] for name in daemons() if self.compose.restarts(service_of(name))]
        done = threading.Event()

        def keep() -> None:
            while not done.wait(1):
                for host in kept:
                    host.restart_if_ended()

        keeper = threading.Thread(target=keep, daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    # What is well

    def wait_until_well(self, seconds: float = 300) -> None:
        """Wait until every service says that it is well, and users can sign in."""

        def look() -> bool | None:
            with self.client() as client:
                try:
                    health = client.health()
                except WorkflowsError:
                    return None
            return True if all(part["status"] == "healthy" for part in health.values()) else None

        poll(look, seconds=seconds, what="the deployment to be healthy", interval=1)

    def client(self, user: str | None = None) -> AirflowClient:
        """Return a client of Airflow's API; the administrator's if no user is named."""
        administrator = variables(self.folder / "deploy" / "administrator.env")
        name = user or administrator["ADMINISTRATOR_NAME"]
        password = self.passwords[user] if user else administrator["ADMINISTRATOR_PASSWORD"]
        address = f"http://{self.hosts['api-server'].address}:8080{PATH}"
        return AirflowClient(address, name, password, timeout=60)

    def add_users(self) -> None:
        """Make the users of :data:`ROLES`."""
        with self.client() as client:
            client.login()
            for user, role in ROLES.items():
                names = {"username": user, "first_name": user, "last_name": "Test", "email": f"{user}@example.org"}
                body = {**names, "roles": [{"name": role}], "password": self.passwords[user]}
                answer = client._http.post("/auth/fab/v1/users", json=body)
                assert answer.is_success, answer.text

    def command(self, *words: str, on: str = "api-server") -> str:
        """Run ``airflow-workflows``, as ``docker compose exec`` does."""
        return self.hosts[on].run(["airflow-workflows", *words], self.environment(on))

    def url(self, database: str = "workflows") -> str:
        """Return the address of a database for the tests, as its superuser."""
        password = variables(self.folder / "deploy" / "postgres.env")["POSTGRES_PASSWORD"]
        return f"postgresql+psycopg://postgres:{password}@{self.hosts['postgres'].address}:5432/{database}"

    # Faults

    def stop(self, name: str) -> None:
        """Stop a service as ``docker compose stop`` does."""
        # PostgreSQL would wait for all its clients to leave, which Docker would not.
        self.hosts[name].stop(signal.SIGINT if name == "postgres" else signal.SIGTERM)

    def power_off(self, name: str) -> None:
        """End everything on a host at once, and leave it off."""
        self.hosts[name].power_off()

    def power_on(self, name: str) -> None:
        """Boot a host that is off, and start its service."""
        self.hosts[name].boot()
        self.start(name)


def daemons() -> list[str]:
    """Return the names of Airflow's services, one for each replica."""
    return [*ONE_EACH, *(f"{name}-{number}" for name, count in REPLICAS.items() for number in range(1, count + 1))]


def names() -> list[str]:
    """Return the names of all hosts."""
    return [*SERVERS, "init", *daemons()]


@contextmanager
def running(folder: Path, programs: Path, extra: Mapping[str, Any], other: Path | None = None) -> Iterator[Topology]:
    """Run a deployment.

    :param other: begin with another version of this package, which this folder of Python's path has
    :param extra: more variables of Airflow's processes; ``GATEWAY`` in one becomes this process's address
    """
    with ExitStack() as stack:
        network = stack.enter_context(Network(folder, names()))
        given = {name: str(value).replace("GATEWAY", network.gateway) for name, value in extra.items()}
        topology = Topology(folder, network, programs, given)
        stack.callback(end, topology)
        stack.enter_context(topology.restarting())
        if other is not None:
            topology.use(other)
        topology.up()
        yield topology


def end(topology: Topology) -> None:
    """End all hosts at once."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: host.power_off(), topology.hosts.values()))
