"""Results of a region: in memory as long as they are stored soon, on the worker's disk if they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.operators import results
from airflow_workflow_provider.operators.results import RegionResults
from tests.unit.operators.test_spool import ATTEMPT, INSTANCE, RESULT, files


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__SPOOL_FOLDER", str(tmp_path / "spool"))
    return tmp_path / "spool"


def test_i2_a_result_that_is_stored_soon_never_reaches_the_disk(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "SOON", 3600)
    kept = RegionResults(INSTANCE)
    kept.keep(ATTEMPT, RESULT)
    assert files(spool) == []
    kept.drop(ATTEMPT)
    assert kept.find(ATTEMPT) is None


def test_i2_a_result_that_is_not_stored_soon_survives_the_process(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "SOON", 0)
    kept = RegionResults(INSTANCE)
    kept.keep(ATTEMPT, RESULT)
    found = poll(lambda: RegionResults(INSTANCE).find(ATTEMPT), seconds=60, what="the result on the disk")
    assert found == RESULT
    kept.drop(ATTEMPT)
    assert files(spool) == []
