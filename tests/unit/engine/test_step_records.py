"""Records of steps: what was stored is read when it is asked for, and otherwise written as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from airflow_workflow_provider.engine.phases import StepStatus
from airflow_workflow_provider.engine.step_records import Records, StepRecord

TIME = "2026-01-01T00:00:00Z"
STORED: dict[str, Any] = {
    "a": {"status": "completed", "visit": 1, "attempt": 1, "generation": 0, "output": {"x": 1}, "startedAt": TIME},
    "b": {"status": "failed", "visit": 2, "attempt": 3, "generation": 1, "error": {"type": "T"}, "completedAt": TIME},
    "c": {"status": "running", "visit": 1, "attempt": 1, "generation": 0, "handling": True, "next": "a", "way": "c/0"},
    "d": {
        "status": "completed", "visit": 1, "attempt": 1, "generation": 0, "region": {"own": {}, "children": ["d/x"]},
    },
}  # fmt: skip


def test_what_is_not_asked_for_is_written_as_it_was() -> None:
    stored = copy.deepcopy(STORED)
    records = Records(stored)
    records["b"].status = StepStatus.COMPLETED
    written = records.to_json()
    assert list(written) == list(stored)
    assert written["a"] is stored["a"]
    assert written["b"] == {**STORED["b"], "status": "completed"}
    assert stored == STORED


def test_a_record_that_was_read_is_the_same_again() -> None:
    records = Records(STORED)
    assert records["a"] is records["a"]
    assert records["a"] == StepRecord.from_json(STORED["a"])


@pytest.mark.parametrize("read", [[], ["a"], ["d", "b"], list(STORED)])
def test_it_makes_no_difference_what_was_read(read: list[str]) -> None:
    records, untouched = Records(STORED), Records(STORED)
    for step_id in read:
        assert records[step_id].visit == STORED[step_id]["visit"]
    assert records.to_json() == untouched.to_json() == STORED
    assert records.public() == {step_id: StepRecord.from_json(each).public() for step_id, each in STORED.items()}
    assert untouched.public() == records.public()
    assert records == untouched


def test_a_new_record_stands_behind_the_others() -> None:
    records = Records(STORED)
    records["a"] = StepRecord(visit=2)
    records["e"] = StepRecord(visit=1)
    assert list(records.to_json()) == [*STORED, "e"]
    assert records.to_json()["a"] == {"status": "running", "visit": 2, "attempt": 0, "generation": 0}
