"""Ports that are held for a server until it listens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from airflow_workflow_provider.local.airflow import EnvironmentFailure, LocalEnvironment
from airflow_workflow_provider.local.configuration import Secrets
from airflow_workflow_provider.local.ports import HOST, free_port, hold_port, is_listened_on, listens

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a port be held for another process")


@linux
def test_a_held_port_is_for_a_server_and_for_nobody_else() -> None:
    with hold_port() as port, socket.socket() as other:
        with pytest.raises(OSError, match="in use"):
            other.bind((HOST, port))
        assert not is_listened_on(port)
        # asyncio's servers, and so uvicorn's, set SO_REUSEADDR like this one.
        with socket.create_server((HOST, port)) as server:
            assert server.getsockname() == (HOST, port)
            assert is_listened_on(port)


@linux
def test_two_that_ask_for_any_port_hold_different_ones() -> None:
    with hold_port() as first, hold_port() as second:
        assert first != second


def test_a_port_that_is_taken_is_replaced() -> None:
    with socket.create_server((HOST, 0)) as server:
        taken = server.getsockname()[1]
        assert free_port(taken) != taken
    assert free_port(taken) == taken


def test_a_process_listens_with_those_that_it_started() -> None:
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        assert listens(psutil.Process(os.getpid()), port)
        assert listens(psutil.Process(child.pid), port)
        assert not listens(psutil.Process(os.getpid()), free_port())
        child.communicate("\n")
    assert not listens(psutil.Process(os.getpid()), port)


class Unserved(LocalEnvironment):
    """An environment that is prepared, and whose api-server finds its first ports taken.

    :ivar thieves: servers of another program on the ports that were chosen
    """

    def __init__(self, folder: Path, *, thefts: int) -> None:
        super().__init__(folder)
        self.thefts = thefts
        self.thieves: list[socket.socket] = []

    def _prepare(self, report: object) -> None:  # noqa: ARG002
        Secrets.of(self.layout).save(self.layout)

    def variables(self, component: str | None = None) -> dict[str, str]:  # noqa: ARG002
        return {}

    def _daemons(self) -> list[object]:  # type: ignore[override]
        return []

    def _listens(self) -> bool:
        return False

    def _let_in(self) -> object:  # type: ignore[override]
        return Secrets.of(self.layout).port

    def _wait_until_healthy(self, report: object, began: object) -> None:  # noqa: ARG002
        if self.thefts:
            self.thefts -= 1
            self.thieves.append(socket.create_server((HOST, Secrets.of(self.layout).port)))
            message = "Airflow's api-server ended while it started"
            raise EnvironmentFailure(message, "address already in use")

    def close(self) -> None:
        for thief in self.thieves:
            thief.close()


def test_an_environment_whose_port_another_program_took_starts_on_another_one(tmp_path: Path) -> None:
    made = Unserved(tmp_path, thefts=2)
    try:
        port = made._start(lambda _: None)
        assert port not in [thief.getsockname()[1] for thief in made.thieves]
        assert len(made.thieves) == 2
    finally:
        made.close()


def test_an_environment_gives_up_when_every_port_is_taken(tmp_path: Path) -> None:
    made = Unserved(tmp_path, thefts=99)
    try:
        with pytest.raises(EnvironmentFailure, match="api-server"):
            made._start(lambda _: None)
        assert len(made.thieves) == 5
    finally:
        made.close()


def test_an_environment_that_fails_for_another_reason_does_not_try_again(tmp_path: Path) -> None:
    made = Unserved(tmp_path, thefts=0)
    message = "Airflow's scheduler ended while it started"

    def fail(report: object, began: object) -> None:  # noqa: ARG001
        raise EnvironmentFailure(message, "")

    made._wait_until_healthy = fail  # type: ignore[method-assign]
    with pytest.raises(EnvironmentFailure, match="scheduler"):
        made._start(lambda _: None)
