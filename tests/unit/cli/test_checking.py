from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main

GOOD = {"workflowId": "good", "name": "Good", "version": "1.0.0", "steps": [{"stepId": "one", "taskId": "noop"}]}


def write(folder: Path, name: str, document: Any) -> str:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(file)


def validate(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> list[dict[str, Any]]:
    assert main(["validate", *arguments, "--output", "json"]) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_d2_json_output_is_one_object_a_file_with_every_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {**GOOD, "version": "one", "steps": [{"stepId": "one", "taskId": "nop", "next": [{"nextStepId": "two"}]}]}
    files = [write(tmp_path, "good.json", GOOD), write(tmp_path, "bad.json", bad)]

    good, found = validate(capsys, *files, code=1)

    assert good == {"file": files[0], "valid": True, "diagnostics": []}
    assert (found["file"], found["valid"]) == (files[1], False)
    assert {(each["code"], each["severity"], each["pointer"]) for each in found["diagnostics"]} == {
        ("WF124", "error", "/version"),
        ("WF401", "error", "/steps/0/taskId"),
        ("WF201", "error", "/steps/0/next/0/nextStepId"),
    }
    assert all(set(each) == {"code", "severity", "pointer", "message", "suggestion"} for each in found["diagnostics"])


@pytest.mark.parametrize("text", ["", "{", '{"workflowId": }', "[1,", "\x00", "nonsense"])
def test_broken_json_is_a_finding(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = validate(capsys, write(tmp_path, "broken.json", text), code=1)

    assert [each["code"] for each in found["diagnostics"]] == ["WF100"]


def test_a_file_that_is_no_text_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "binary.json"
    file.write_bytes(b"\xff\xfe\xff{")

    (found,) = validate(capsys, str(file), code=1)

    assert found["valid"] is False


@pytest.mark.parametrize("document", [[], None, 1, "text", {}])
def test_json_that_is_no_definition_is_a_finding(
    document: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = validate(capsys, write(tmp_path, "other.json", json.dumps(document)), code=1)

    assert found["diagnostics"]


def test_a_missing_file_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(capsys, str(tmp_path / "absent.json"), code=2) == []


def test_warnings_alone_do_not_fail_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [{"stepId": "one", "taskId": "noop", "next": [{"nextStepId": "end", "condition": "data.a > 1"}]}]

    (found,) = validate(capsys, write(tmp_path, "warned.json", {**GOOD, "steps": steps}), code=0)

    assert found["valid"] is True
    assert [each["severity"] for each in found["diagnostics"]] == ["warning"]


def test_k1_tasks_come_from_the_option_the_folder_beside_and_the_same_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = {"taskId": "mine", "name": "Mine", "operator": "noop"}
    flow = write(tmp_path, "flow.json", {**GOOD, "steps": [{"stepId": "one", "taskId": "mine"}]})
    elsewhere = write(tmp_path, "elsewhere/task.json", task)

    assert not validate(capsys, flow, code=1)[0]["valid"]
    assert validate(capsys, flow, "--tasks", elsewhere, code=0)[0]["valid"]
    assert validate(capsys, flow, "--tasks", str(tmp_path / "elsewhere"), code=0)[0]["valid"]
    assert all(each["valid"] for each in validate(capsys, flow, elsewhere, code=0))
    write(tmp_path, "tasks/task.json", task)
    assert validate(capsys, flow, code=0)[0]["valid"]


def test_k2_a_task_with_an_operator_that_is_not_allowed_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "task.json", {"taskId": "shell", "name": "Shell", "operator": "os.system"})

    (found,) = validate(capsys, file, code=1)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", "os.*")

    assert [each["code"] for each in found["diagnostics"]] == ["WF404"]
    assert validate(capsys, file, code=0)[0]["valid"]


def test_inputs_and_mocks_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [
        write(tmp_path, "good.json", GOOD),
        write(tmp_path, "good.input.json", {}),
        write(tmp_path, "a.mocks.json", {}),
    ]

    assert [each["file"] for each in validate(capsys, *files, code=0)] == files[:1]


def test_the_text_for_people_has_code_place_message_and_suggestion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "flow.json", {**GOOD, "steps": [{"stepId": "one", "taskId": "nop"}]})

    assert main(["validate", file]) == 1

    out = capsys.readouterr().out
    assert f"{file}: invalid" in out
    assert "error WF401  /steps/0/taskId" in out
    assert "noop" in out


def test_the_schemas_are_the_committed_ones(capsys: pytest.CaptureFixture[str]) -> None:
    folder = Path(__file__).parents[3] / "schema"
    for kind in ("workflow", "task"):
        assert main(["schema", kind]) == 0
        committed = json.loads((folder / f"{kind}.schema.json").read_text(encoding="utf-8"))
        assert json.loads(capsys.readouterr().out) == committed


def test_an_invalid_definition_is_not_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", write(tmp_path, "bad.json", {**GOOD, "steps": []})]) == 1
    assert main(["graph", write(tmp_path, "broken.json", "{")]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "WF100" in captured.err


def test_values_of_an_environment_are_put_in_and_never_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "a.json", {**GOOD, "name": "In ${env:STAGE}"})
    values = write(tmp_path, "staging.env.json", {"STAGE": "staging"})
    before = Path(file).read_bytes()

    (found,) = validate(capsys, file, code=1)
    assert [(each["code"], each["pointer"]) for each in found["diagnostics"]] == [("WF128", "/name")]
    (found,) = validate(capsys, file, "--env", values, code=0)
    assert found["diagnostics"] == []
    assert main(["validate", file, "--env", values, "--fix"]) == 2
    assert "bad-arguments" in capsys.readouterr().err
    assert Path(file).read_bytes() == before
