"""``explain``: every code has words, and a definition its sentences."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.model.diagnostics import CODES
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent, MigrationObstacle, ProblemCode
from tests.support.examples import EXAMPLES


@pytest.mark.parametrize("code", CODES)
def test_a_finding_is_explained_with_its_example_and_its_fix(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code.lower()]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert first == f"{code}: {CODES[code]}"
    assert any(re.match(r"(Error|Warning)\b", line) for line in rest), rest
    assert any(line.startswith("Fix: ") for line in rest), rest
    assert not [line for line in rest if "```" in line or line.startswith("#")]


WORDS = [str(each) for closed in (ProblemCode, ErrorType, LogEvent, MigrationObstacle) for each in closed]


@pytest.mark.parametrize("code", sorted(set(WORDS)))
def test_every_other_code_has_a_line_for_each_meaning(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", code]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == WORDS.count(code)
    assert all(re.fullmatch(rf"{re.escape(code)}: \w.*", line) for line in lines)
    assert "](" not in "".join(lines)


@pytest.mark.parametrize(
    ("given", "meant"), [("WF999", "WF"), ("Workerlost", "WorkerLost"), ("step.faild", "step.failed")]
)
def test_an_unknown_code_states_what_may_be_meant(given: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", given]) == 2
    assert f"did you mean {meant}" in capsys.readouterr().err


def test_a_definition_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(EXAMPLES / "payment.json")]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Payment (payment 1.0.0)\n")
    assert "   If data.paymentStatus == 402, it goes to declined.\n" in out


def test_a_file_with_the_name_of_a_code_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": [{"stepId": "a", "taskId": "noop"}]}
    (tmp_path / "cancelled").write_text(json.dumps(document))
    monkeypatch.chdir(tmp_path)
    assert main(["explain", "cancelled"]) == 0
    assert capsys.readouterr().out.startswith("W (w 1.0.0)")


@pytest.mark.parametrize("text", ["{", '{"workflowId": 3}'])
def test_a_broken_definition_has_findings_instead(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    assert main(["explain", str(file)]) == 1
    assert "WF1" in capsys.readouterr().err


def test_a_missing_file_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "no/such.json"]) == 2
    assert "no/such.json" in capsys.readouterr().err
