"""The pool: limits hold, processes are replaced, nobody takes all places, nothing is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.bounded.doors import behind
from airflow_workflow_provider.bounded.limits import MIB, Limits
from airflow_workflow_provider.bounded.pool import MAX_WAITING_EACH, Pool, PoolDoor
from airflow_workflow_provider.errors import LimitExceeded, Misuse, Overloaded, StepFailure, WorkflowsError
from airflow_workflow_provider.local.client import poll
from tests.support import foreign

LIMITS = Limits(seconds=1.0, memory=160 * MIB, processes=2, message=2 * MIB)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    found = Pool(LIMITS, [foreign.NAME])
    yield found
    found.close()


def call(pool: Pool, name: str, *args: Any, who: str = "ada") -> Any:
    return pool.call(f"{foreign.NAME}:{name}", args, {}, who=who, what="a test")


def ready(pool: Pool) -> None:
    pool.start()
    poll(lambda: len(pool.pids) == pool.limits.processes or None, seconds=60, what="the processes", interval=0.02)


@pytest.mark.parametrize("value", [None, 1, 2**200, 1.5, "ä\ud800", [], {"a": [{"b": None}]}, "x" * 500_000])
def test_values_come_back_as_they_were(pool: Pool, value: Any) -> None:
    assert call(pool, "echo", value) == value


@pytest.mark.parametrize(
    ("name", "args", "which"),
    [
        ("hold_the_lock", (), "time"),
        ("spin", (30,), "time"),
        ("eat", (400,), "memory"),
        ("recurse", (), "depth"),
        ("panic", (), "depth"),
        ("die", (), "died"),
        ("talk", (3 * MIB,), "size"),
    ],
)
def test_work_that_passes_a_limit_is_stopped_and_the_next_is_done(
    pool: Pool, name: str, args: tuple[Any, ...], which: str
) -> None:
    began = time.monotonic()
    with pytest.raises(LimitExceeded) as caught:
        call(pool, name, *args)
    assert caught.value.which == which
    assert caught.value.suggestion
    assert time.monotonic() - began < LIMITS.seconds + 60
    assert call(pool, "echo", "next") == "next"


def test_what_goes_in_is_bounded_too(pool: Pool) -> None:
    with pytest.raises(LimitExceeded) as caught:
        call(pool, "echo", "x" * (3 * MIB))
    assert caught.value.which == "size"
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(LimitExceeded) as caught:
        call(pool, "echo", deep)
    assert caught.value.which == "depth"


def test_errors_of_ours_come_back_whole_and_others_without_their_words(pool: Pool) -> None:
    with pytest.raises(Misuse) as misuse:
        call(pool, "fail", "misuse")
    assert (misuse.value.code, misuse.value.pointer, str(misuse.value)) == ("so-it-is", "/a", "It is wrong")
    with pytest.raises(StepFailure) as failure:
        call(pool, "fail", "step")
    assert (failure.value.error_type, failure.value.details) == ("ValidationError", {"errors": [1]})
    with pytest.raises(WorkflowsError, match="ZeroDivisionError") as other:
        call(pool, "fail", "other")
    assert "wrong" not in str(other.value)


def test_a_function_that_is_not_marked_cannot_be_called(pool: Pool) -> None:
    with pytest.raises(WorkflowsError, match="KeyError"):
        pool.call("airflow_workflow_provider.errors:NotFound", ["x"], {}, who="ada", what="a test")


def test_all_work_of_a_request_has_one_time_limit(pool: Pool) -> None:
    began = time.monotonic()
    with behind(PoolDoor(lambda: pool, "ada", "a test")):
        assert foreign.spin(0.4) == "done"
        with pytest.raises(LimitExceeded):
            foreign.spin(0.9)
        with pytest.raises(LimitExceeded):
            foreign.echo(1)
    assert time.monotonic() - began < LIMITS.seconds + 60


def test_the_child_has_no_secrets_and_no_files_of_its_parent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("AIRFLOW_CONN_SHOP", "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "HOME_KEY"):
        monkeypatch.setenv(name, "a secret")
    secret = (tmp_path / "secret").open("w")
    pool = Pool(LIMITS, [foreign.NAME])
    try:
        assert "a secret" not in call(pool, "environment").values()
        open_files = call(pool, "descriptors")
        assert {each.partition(":")[0] for each in open_files} <= {"/dev/null", "socket"}, open_files
        assert call(pool, "talk", 1) == "x"
        with pytest.raises(WorkflowsError, match="OSError"):
            call(pool, "write_file", str(tmp_path / "written"))
        assert "a secret" not in "".join(capfd.readouterr())
    finally:
        secret.close()
        pool.close()


def test_the_lock_of_the_interpreter_is_free_while_a_bomb_runs(pool: Pool) -> None:
    ready(pool)
    longest, done = 0.0, threading.Event()

    def hold() -> None:
        _quietly(pool, "hold_the_lock")
        done.set()

    thread = threading.Thread(target=hold)
    thread.start()
    while not done.is_set():
        # Its own computing counts, not how long a busy machine lets it wait.
        began = time.process_time()
        done.wait(0.001)
        longest = max(longest, time.process_time() - began)
    thread.join()
    assert longest < 0.2


def test_one_user_leaves_a_place_for_others(pool: Pool) -> None:
    ready(pool)
    threads = [threading.Thread(target=_quietly, args=(pool, "spin", 0.8), kwargs={"who": "eve"}) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert call(pool, "echo", 1, who="bob") == 1
    # In one line behind the others he would come when three of them have ended.
    assert sum(not thread.is_alive() for thread in threads) < 3
    for thread in threads:
        thread.join()


def test_who_waits_too_much_has_to_come_back() -> None:
    pool = Pool(Limits(seconds=1.0, memory=160 * MIB, processes=1), [foreign.NAME])
    try:
        ready(pool)
        refused: list[Exception] = []

        def run() -> None:
            try:
                call(pool, "spin", 0.9)
            except WorkflowsError as error:
                refused.append(error)

        threads = [threading.Thread(target=run) for _ in range(MAX_WAITING_EACH + 4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [type(each) for each in refused].count(Overloaded) >= 3
        assert call(pool, "echo", 1) == 1
    finally:
        pool.close()


def test_nothing_is_left_of_processes_that_were_killed(pool: Pool) -> None:
    ready(pool)
    before, files = set(pool.pids), len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        _quietly(pool, "die")
    ready(pool)
    gone = before - set(pool.pids)
    assert gone
    assert not any(Path(f"/proc/{each}").exists() for each in gone)
    assert len(os.listdir("/proc/self/fd")) == files  # noqa: PTH208


def test_a_process_that_died_while_it_waited_is_replaced(pool: Pool) -> None:
    ready(pool)
    for each in pool.pids:
        os.kill(each, signal.SIGKILL)
    for _ in range(pool.limits.processes):
        _quietly(pool, "echo", 1)
    ready(pool)
    assert call(pool, "echo", 1) == 1


def test_children_die_with_their_parent_even_at_work() -> None:
    program = """
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.bounded.pool import Pool
from airflow_workflow_provider.local.client import poll
pool = Pool(Limits(seconds=2.0), ["tests.support.foreign"])
pids = {pool.call("tests.support.foreign:pid", [], {}, who="a", what="x")}
poll(lambda: len(pids | set(pool.pids)) == 2 or None, seconds=60, what="the processes", interval=0.01)
print(*(pids | set(pool.pids)), flush=True)
pool.call("tests.support.foreign:hold_the_lock", [], {}, who="a", what="x")
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(each) for each in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    poll(lambda: not any(map(_runs, pids)) or None, seconds=120, what="the end of the children", interval=0.05)


def test_a_worn_process_is_replaced(pool: Pool) -> None:
    ready(pool)
    first = call(pool, "pid")
    assert call(pool, "eat", 100) == 100 * MIB
    ready(pool)
    assert first not in pool.pids


def _quietly(pool: Pool, name: str, *args: Any, who: str = "ada") -> None:
    with suppress(WorkflowsError):
        call(pool, name, *args, who=who)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
