"""Stored states: of every kind that an older release wrote, and what a newer one or a hand has made of them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.recovery import retry
from airflow_workflow_provider.engine.state import FORMAT
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.engine.suspension import released, resume
from airflow_workflow_provider.errors import Conflict
from tests.support.older import as_format_1
from tests.unit.engine.driving import NOW, at, graph_of

FOLDER = Path(__file__).parents[2] / "support" / "states"
SAMPLES = sorted(path.stem.removeprefix("format-1-") for path in FOLDER.glob("format-1-*.json"))
FORMATS = pytest.mark.parametrize("version", [1, 2])


def sample(name: str, version: int = 1) -> tuple[dict[str, Any], Any]:
    """Return a state that an older release stored in a format, and its graph."""
    found = json.loads((FOLDER / f"format-{version}-{name}.json").read_text(encoding="utf-8"))
    document = found["document"]
    return found["state"], graph_of(*document.pop("steps"), **document)


def drive(machine: Machine) -> str:
    """Let every step that may begin succeed, until the instance has ended."""
    for second in range(100):
        for ready in machine.ready(at(1_000 + second)):
            machine.begin(ready.scope, ready.step_id, "next", at(1_000 + second))
            machine.succeed(ready.scope, ready.step_id, "next", {"ran": ready.step_id}, at(1_000 + second))
        if machine.is_over:
            return machine.status
    message = "the instance does not end"
    raise AssertionError(message)


def test_there_is_a_sample_of_every_kind() -> None:
    assert SAMPLES == [
        "branches", "cancelled", "compensated", "compensating", "completed", "failed", "items", "retrying", "running",
        "suspended", "waiting",
    ]  # fmt: skip


@FORMATS
@pytest.mark.parametrize("name", SAMPLES)
def test_a_state_of_an_older_format_is_read_and_written_in_the_newest(name: str, version: int) -> None:
    stored, _ = sample(name, version)
    before = copy.deepcopy(stored)
    state = read_state(stored, "the instance")
    assert stored == before
    written = json.loads(json.dumps(state.to_json(), allow_nan=False))
    assert written["format"] == FORMAT
    assert read_state(written, "the instance") == state
    for key in ("input", "variables", "data", "activeSteps", "status"):
        assert written[key] == stored[key]
    assert None not in [value for record in written["steps"].values() for value in record.values()]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_tests_on_a_real_airflow_store_format_1_as_that_release_did(name: str) -> None:
    stored, _ = sample(name)
    assert as_format_1(read_state(stored, "the instance").to_json()) == stored


@FORMATS
@pytest.mark.parametrize("name", ["branches", "items", "retrying", "running", "waiting"])
def test_an_instance_of_an_older_format_continues_to_its_end(name: str, version: int) -> None:
    stored, graph = sample(name, version)
    machine = Machine(graph, read_state(stored, "the instance"))
    for key, current in list(machine.live()):
        if current.is_begun:
            machine.succeed(key, current.step_id, current.runner or "", {"ran": current.step_id}, at(900))
    assert drive(machine) == "completed"


@FORMATS
def test_a_suspended_instance_of_an_older_format_is_resumed(version: int) -> None:
    stored, graph = sample("suspended", version)
    machine = Machine(graph, read_state(stored, "the instance"))
    assert machine.is_suspended
    assert not machine.ready(at(60))
    assert resume(machine, at(60))
    assert released(machine) == ["b"]
    assert drive(machine) == "completed"


@FORMATS
@pytest.mark.parametrize("name", ["failed", "cancelled"])
def test_a_failed_instance_of_an_older_format_is_retried(name: str, version: int) -> None:
    stored, graph = sample(name, version)
    machine = Machine(graph, read_state(stored, "the instance"))
    assert machine.is_over
    assert retry(machine, NOW) == [("", "b")]
    assert drive(machine) == "completed"


@FORMATS
def test_compensations_of_an_older_format_continue(version: int) -> None:
    stored, graph = sample("compensating", version)
    machine = Machine(graph, read_state(stored, "the instance"))
    failed = machine.fail("", "a", "r", Failure.named("Bad", "broken"), at(1))
    assert (failed.status, machine.state.active_steps) == ("failed", ["h"])
    assert drive(machine) == "failed"
    compensated = [
        {"stepId": "b", "visit": 1, "status": "completed"},
        {"stepId": "a", "visit": 1, "status": "failed"},
    ]
    assert machine.state.error is not None
    assert machine.state.error["details"]["compensated"] == compensated
    assert read_state(sample("compensated")[0], "the instance").error["details"]["compensated"] == compensated


def test_a_state_of_a_newer_release_is_left_alone() -> None:
    stored, graph = sample("running")
    with pytest.raises(Conflict) as refused:
        Machine(graph, read_state({**stored, "format": FORMAT + 1}, "the instance"))
    assert refused.value.code == "stored-state-too-new"
    assert refused.value.pointer == "/format"


def _record(**more: Any) -> dict[str, Any]:
    return {"status": "completed", "visit": 1, "attempt": 1, "generation": 0, **more}


@pytest.mark.parametrize(
    "change",
    [
        {"format": None}, {"format": "1"}, {"steps": None}, {"steps": []}, {"steps": {"a": None}},
        {"steps": {"a": {"status": "sleeping"}}}, {"steps": {"a": _record(region={"own": 1, "children": []})}},
        {"steps": {"a": _record(region={"own": {}, "children": [], "items": []})}},
        {"steps": {"a": _record(output=[])}}, {"steps": {"a": _record(completedAt="yesterday")}},
        {"scopes": {"": {}}}, {"scopes": 7}, {"status": "asleep"},
        {"instance": "i"}, {"completed": [1]}, {"failure": {}}, {"suspension": []},
    ],
)  # fmt: skip
def test_a_state_edited_into_nonsense_is_refused_with_words(change: dict[str, Any]) -> None:
    stored, _ = sample("running")
    with pytest.raises(Conflict) as refused:
        read_state({**stored, **change}, "the instance")
    assert refused.value.code == "stored-state-unreadable"


@pytest.mark.parametrize("change", [{"results": {"0": 1}}, {"results": []}, {"children": None}, {"started": None}])
def test_items_edited_into_nonsense_are_refused_with_words(change: dict[str, Any]) -> None:
    stored, _ = sample("items", 2)
    current = stored["scopes"][""]["current"]
    current["region"] = {key: value for key, value in {**current["region"], **change}.items() if value is not None}
    with pytest.raises(Conflict) as refused:
        read_state(stored, "the instance")
    assert refused.value.code == "stored-state-unreadable"


@pytest.mark.parametrize("document", [{}, [], None, 1, "state", {"format": 1}])
def test_what_is_no_state_is_refused_with_words(document: Any) -> None:
    with pytest.raises(Conflict) as refused:
        read_state(document, "the instance")
    assert refused.value.code == "stored-state-unreadable"
