"""Waits that are taken up again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk.exceptions import TaskDeferred
from airflow.sdk.serde import serialize
from cryptography.fernet import Fernet

from airflow_workflow_provider.operators.deferring import deferral_of, note_of

MOMENT = datetime(2027, 1, 1, tzinfo=UTC)


def wait() -> TaskDeferred:
    return TaskDeferred(
        trigger=DateTimeTrigger(moment=MOMENT),
        method_name="ended",
        kwargs={"token": "geheim"},
        timeout=timedelta(hours=1),
    )


@pytest.mark.parametrize("key", ["", Fernet.generate_key().decode()], ids=["plain", "encrypted"])
def test_a_wait_is_made_again_from_its_note(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", key)
    note = json.loads(json.dumps(note_of(wait())))
    assert ("geheim" in json.dumps(note)) is (key == "")
    again = deferral_of(note)
    assert again.trigger.moment == MOMENT
    assert (again.method_name, again.kwargs) == ("ended", {"token": "geheim"})
    assert again.timeout is not None
    assert timedelta(minutes=59) < again.timeout <= timedelta(hours=1)


def test_notes_of_an_earlier_release_are_read() -> None:
    path, kwargs = DateTimeTrigger(moment=MOMENT).serialize()
    old = {
        "trigger": {"path": path, "kwargs": serialize(kwargs)},
        "method": "ended",
        "kwargs": serialize({"child": "c"}),
        "deadline": None,
    }
    again = deferral_of(old)
    assert (again.trigger.moment, again.kwargs, again.timeout) == (MOMENT, {"child": "c"}, None)
