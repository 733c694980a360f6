"""Hosts on one machine: each has its own network, name, processes and files, as a container has.

A host is a set of Linux namespaces that a sleeping process holds; killing that process ends everything on the host, as
a power cut does. All hosts are on one bridge, which is in a namespace of its own: nothing is left behind when they end.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

import psutil

from airflow_workflow_provider.local.client import poll

BRIDGE: Final = "hosts"
PROGRAMS: Final = ("ip", "nsenter", "unshare", "setpriv")
# Holds the namespaces until it is killed, and dies with the test process.
HOLD: Final = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
ENTER: Final = ("nsenter", "--net", "--uts", "--mount", "--pid", "--target")


def missing() -> str | None:
    """Return why there can be no hosts here; None where there can."""
    if os.geteuid() != 0:
        return "hosts are network namespaces, which only root can make"
    absent = [program for program in PROGRAMS if shutil.which(program) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (on Debian: apt-get install iproute2 util-linux)"
    allowed = subprocess.run(["unshare", "--net", "--pid", "--fork", "true"], check=False, capture_output=True)
    return None if allowed.returncode == 0 else "this machine allows no network namespaces"


class Space:
    """Namespaces of their own; as a command's prefix, :attr:`enter` runs it there.

    :param setup: shell commands that run there first
    """

    def __init__(self, setup: str) -> None:
        command = [*HOLD, "sh", "-c", f"set -e; ip link set lo up; {setup}; echo ready; exec sleep infinity"]
        self._outer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._outer.stdout is not None
        assert self._outer.stdout.readline() == "ready\n", f"no namespaces: {setup}"
        self.pid = psutil.Process(self._outer.pid).children()[0].pid

    @property
    def enter(self) -> tuple[str, ...]:
        """The prefix of a command that runs there."""
        return (*ENTER, str(self.pid), "--")

    def end(self) -> None:
        """Kill everything in it."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self._outer.kill()
        self._outer.wait()
        if self._outer.stdout is not None:
            self._outer.stdout.close()


class Network:
    """A network of hosts that know each other by name, with this process at :attr:`gateway`.

    :param folder: where the hosts have their files
    :param names: of all hosts
    """

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.folder = folder
        self._prefix = _free_subnet()
        self.gateway = f"{self._prefix}.1"
        self.addresses = {name: f"{self._prefix}.{number}" for number, name in enumerate(names, start=2)}
        self.hosts_file = folder / "hosts"
        lines = [f"{address} {name}" for name, address in self.addresses.items()]
        self.hosts_file.write_text("\n".join(["127.0.0.1 localhost", f"{self.gateway} gateway", *lines, ""]))
        self._link = f"wf{os.getpid()}"
        self._bridge: Space | None = None

    def __enter__(self) -> Self:
        self._bridge = Space(f"ip link add {BRIDGE} type bridge; ip link set dev {BRIDGE} up")
        _run("ip", "link", "add", self._link, "type", "veth", "peer", "name", "up", "netns", str(self._bridge.pid))
        _run("ip", "address", "add", f"{self.gateway}/24", "dev", self._link)
        _run("ip", "link", "set", "dev", self._link, "up")
        self.within("ip", "link", "set", "dev", "up", "master", BRIDGE, "up")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bridge is not None:
            self._bridge.end()

    def within(self, *command: str) -> None:
        """Run a command where the bridge is."""
        assert self._bridge is not None
        _run(*self._bridge.enter, *command)

    def connect(self, host: Host) -> None:
        """Give a host its place on the network."""
        port = f"port{self.addresses[host.name].rpartition('.')[2]}"
        self.within("sh", "-c", f"ip link delete {port} 2>/dev/null || true")
        assert self._bridge is not None
        peer = ("peer", "name", "eth0", "netns", str(host.space.pid))
        # The other end belongs to a namespace that is found by its process, so this runs outside of both.
        _run("ip", "link", "add", port, "netns", str(self._bridge.pid), "type", "veth", *peer)
        self.within("ip", "link", "set", "dev", port, "master", BRIDGE, "up")
        _run(*host.space.enter, "ip", "address", "add", f"{self.addresses[host.name]}/24", "dev", "eth0")
        _run(*host.space.enter, "ip", "link", "set", "dev", "eth0", "up")


class Host:
    """One host: a service of the deployment with its own home.

    :param home: the folder that stands for the container's own disk; what is in it outlives :meth:`power_off`
    """

    def __init__(self, network: Network, name: str) -> None:
        self.network = network
        self.name = name
        self.home = network.folder / name
        self.log_file = network.folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._service: tuple[Sequence[str], Mapping[str, str]] | None = None
        self._lock = threading.Lock()
        (self.home / "tmp").mkdir(parents=True, exist_ok=True)
        self.boot()

    @property
    def address(self) -> str:
        """Where other hosts reach it."""
        return self.network.addresses[self.name]

    def boot(self) -> None:
        """Make the host, with nothing running on it."""
        self.space = Space(f"hostname {self.name}; mount --bind {self.network.hosts_file} /etc/hosts")
        self.network.connect(self)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run the host's service; its output goes to :attr:`log_file`."""
        with self._lock:
            self._service = (command, environment)
            self._start()

    def _start(self) -> None:
        assert self._service is not None
        with self.log_file.open("ab") as log:
            self.process = self._launch(*self._service, log)

    def restart_if_ended(self) -> bool:
        """Start a service again that has ended without having been stopped, as Docker does with ``unless-stopped``."""
        with self._lock:
            if self._service is None or self.process is None or self.process.poll() is None:
                return False
            self._start()
            return True

    def run(self, command: Sequence[str], environment: Mapping[str, str], seconds: float = 180) -> str:
        """Run a command beside the service and return what it printed.

        :raises AssertionError: it failed, with its last words
        """
        with (self.network.folder / f"{self.name}.command.log").open("w+b") as log:
            process = self._launch(command, environment, log)
            code = process.wait(timeout=seconds)
            log.seek(0)
            text = log.read().decode(errors="replace")
        assert code == 0, f"{' '.join(command)} on {self.name} ended with {code}: {text[-3000:]}"
        return text

    def _launch(
        self, command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*self.space.enter, *command],
            cwd=self.home,
            env={**environment, "HOME": str(self.home), "TMPDIR": str(self.home / "tmp")},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Linux shares processors out among sessions: a host is as good as any other program.
            start_new_session=True,
        )

    def send(self, number: signal.Signals) -> None:
        """Send the service a signal, as ``docker kill`` does."""
        assert self.process is not None
        for process in psutil.Process(self.process.pid).children():
            process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 120) -> None:
        """End the service as ``docker stop`` does: ask it, and wait."""
        with self._lock:
            self._service = None
        if self.process is not None:
            with suppress(psutil.Error):
                self.send(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.power_off()
                self.boot()
            self.process = None

    def power_off(self) -> None:
        """End everything on it at once."""
        with self._lock:
            self._service = None
        self.space.end()
        if self.process is not None:
            self.process.wait()
            self.process = None

    def last_words(self) -> str:
        """Return the end of the service's output."""
        return self.log_file.read_text(errors="replace")[-4000:] if self.log_file.exists() else "no output"

    def wait_until(self, command: Sequence[str], environment: Mapping[str, str], seconds: float) -> None:
        """Run a command until it succeeds."""

        def look() -> bool | None:
            assert self.process is None or self.process.poll() is None, f"{self.name} ended: {self.last_words()}"
            done = subprocess.run([*self.space.enter, *command], env=environment, capture_output=True, check=False)
            return True if done.returncode == 0 else None

        poll(look, seconds=seconds, what=self.name, interval=0.2)


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


def _free_subnet() -> str:
    """Return the first three numbers of a network that nothing here uses."""
    taken = subprocess.run(["ip", "-brief", "address"], check=True, capture_output=True, text=True).stdout
    routes = subprocess.run(["ip", "route"], check=True, capture_output=True, text=True).stdout
    start = os.getpid() % 250
    for number in range(250):
        prefix = f"10.213.{(start + number) % 250}"
        if f"{prefix}." not in taken + routes:
            return prefix
    message = "no free network"
    raise AssertionError(message)
