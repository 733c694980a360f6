"""``schedule``: the next times of a definition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import FAILED, FINE, MISUSE, main

AFTER = ("--after", "2026-03-27T12:00:00Z")
MISSING = {"type": "jsonata", "expression": '{"day": $error("none")}'}


def definition(folder: Path, *triggers: dict[str, Any]) -> str:
    steps = [{"stepId": "a", "taskId": "noop"}]
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "triggers": triggers, "steps": steps}
    file = folder / "w.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return str(file)


def test_it_names_the_trigger_and_the_input_of_each_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = {"type": "jsonata", "expression": '{"day": $substring(localTime, 0, 10)}'}
    schedule = {"schedule": {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "input": day}}
    file = definition(tmp_path, {"eventPattern": "a.b"}, schedule)
    assert main(["schedule", file, *AFTER, "--count", "2", "--output", "json"]) == FINE
    assert json.loads(capsys.readouterr().out) == [
        {
            "trigger": 1,
            "scheduledTime": "2026-03-28T01:30:00Z",
            "localTime": "2026-03-28T02:30:00+01:00",
            "input": {"day": "2026-03-28"},
            "error": None,
        },
        {
            "trigger": 1,
            "scheduledTime": "2026-03-29T01:30:00Z",
            "localTime": "2026-03-29T03:30:00+02:00",
            "input": {"day": "2026-03-29"},
            "error": None,
        },
    ]


def test_an_input_that_fails_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = definition(tmp_path, {"schedule": {"cron": "@daily", "input": MISSING}})
    assert main(["schedule", file, *AFTER, "--count", "1"]) == FAILED
    assert "none" in capsys.readouterr().out


def test_a_definition_without_schedules_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", definition(tmp_path)]) == FINE
    assert "no schedule" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--count", "0"), "--count is 0; expected a number from 1"),
        (("--count", "-3"), "--count is -3; expected a number from 1"),
        (("--after", "tomorrow"), "'tomorrow' is not a time with an offset"),
        (("--after", "9999-12-31T00:00:00Z"), "too far from today"),
    ],
)
def test_a_wrong_option_is_named(
    options: tuple[str, str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schedule", definition(tmp_path, {"schedule": {"cron": "@daily"}}), *options]) == MISUSE
    assert message in capsys.readouterr().err
