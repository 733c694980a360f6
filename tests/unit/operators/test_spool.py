"""Results on the worker's disk: whole or not there, readable by nobody else, gone when they are stored."""

from __future__ import annotations

import os
import stat
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet

from airflow_workflow_provider.engine.calls import ActivationRef
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.phases import Kind
from airflow_workflow_provider.hosts.ending import Ended, Kept
from airflow_workflow_provider.operators.sealing import Seal
from airflow_workflow_provider.operators.spool import Spool
from tests.unit.engine.driving import NOW

INSTANCE = UUID(int=1)
ATTEMPT = ActivationRef("each[3]", "s" * 100, 2, Kind.STEP, 1)
RESULT = Kept(Ended(output={"paid": True, "word": "geheim"}), NOW)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_result_is_found_by_its_attempt_only_until_it_is_dropped(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", INSTANCE)
    spool.keep(ATTEMPT, RESULT)
    assert Spool(tmp_path / "spool", INSTANCE).find(ATTEMPT) == RESULT
    for other in (
        ActivationRef("each[3]", "s" * 100, 2, Kind.STEP, 2),
        ActivationRef("each[3]", "s" * 100, 3, Kind.STEP, 1),
        ActivationRef("each[3]", "s" * 100, 2, Kind.COMPENSATION, 1),
        ActivationRef("each[4]", "s" * 100, 2, Kind.STEP, 1),
    ):
        assert spool.find(other) is None
    assert Spool(tmp_path / "spool", uuid4()).find(ATTEMPT) is None
    spool.drop(ATTEMPT)
    assert spool.find(ATTEMPT) is None
    assert files(tmp_path / "spool") == []


def test_a_failure_is_kept_with_all_that_it_matches(tmp_path: Path) -> None:
    failure = Failure.from_exception(KeyError("x"))
    spool = Spool(tmp_path, INSTANCE)
    spool.keep(ATTEMPT, Kept(Ended(failure=failure), NOW))
    assert spool.find(ATTEMPT) == Kept(Ended(failure=failure), NOW)


def test_only_this_account_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    Spool(folder, INSTANCE).keep(ATTEMPT, RESULT)
    (file,) = files(folder)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert b"geheim" in file.read_bytes()


def test_it_is_encrypted_where_there_is_a_key_and_keys_can_be_rotated(tmp_path: Path) -> None:
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    Spool(tmp_path, INSTANCE, Seal((old,))).keep(ATTEMPT, RESULT)
    (file,) = files(tmp_path)
    assert b"geheim" not in file.read_bytes()
    assert b"paid" not in file.read_bytes()
    assert Spool(tmp_path, INSTANCE, Seal((new, old))).find(ATTEMPT) == RESULT
    assert Spool(tmp_path, INSTANCE, Seal((new,))).find(ATTEMPT) is None
    assert Spool(tmp_path, INSTANCE).find(ATTEMPT) is None


def test_with_a_key_that_cannot_be_used_nothing_is_written_in_clear(tmp_path: Path) -> None:
    spool = Spool(tmp_path, INSTANCE, Seal(("nonsense",)))
    spool.keep(ATTEMPT, RESULT)
    assert files(tmp_path) == []
    assert spool.find(ATTEMPT) is None


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b'{"format": 2}', b"\xff\xfe", b'{"format": 1, "attempt": []}']
)
def test_a_file_that_means_nothing_is_no_result(tmp_path: Path, content: bytes) -> None:
    spool = Spool(tmp_path, INSTANCE)
    spool.keep(ATTEMPT, RESULT)
    (file,) = files(tmp_path)
    file.write_bytes(content)
    assert spool.find(ATTEMPT) is None


def test_a_disk_that_takes_nothing_fails_no_step(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("in the way")
    spool = Spool(tmp_path / "file", INSTANCE)
    spool.keep(ATTEMPT, RESULT)
    assert spool.find(ATTEMPT) is None
    spool.drop(ATTEMPT)
    assert "only in memory" in caplog.text
    assert "geheim" not in caplog.text


def test_what_is_not_json_is_not_written(tmp_path: Path) -> None:
    Spool(tmp_path, INSTANCE).keep(ATTEMPT, Kept(Ended(output=object()), NOW))
    assert files(tmp_path) == []


def test_results_that_nobody_came_for_go_in_the_end(tmp_path: Path) -> None:
    old = tmp_path / ("0" * 64 + ".result")
    other = tmp_path / "somebody-elses.txt"
    for file in (old, other):
        file.write_text("x")
        os.utime(file, (0, 0))
    Spool(tmp_path, INSTANCE, lifetime=timedelta(days=1)).keep(ATTEMPT, RESULT)
    assert not old.exists()
    assert other.exists()
    assert Spool(tmp_path, INSTANCE).find(ATTEMPT) == RESULT
