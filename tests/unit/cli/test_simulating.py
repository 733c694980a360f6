from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main


def write(folder: Path, name: str, document: Any) -> str:
    file = folder / name
    file.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return str(file)


def flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(steps), **more}


CALL = {"stepId": "call", "taskId": "remote", "retryPolicy": {"maxAttempts": 2, "delay": "PT1H"}}


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int) -> tuple[Any, str]:
    assert main(["simulate", *arguments]) == code
    captured = capsys.readouterr()
    return (json.loads(captured.out) if captured.out else None), captured.err


def test_the_result_is_json_and_the_exit_code_says_whether_it_completed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fine = write(tmp_path, "fine.json", flow({"stepId": "one", "taskId": "set", "arguments": {"a": 1}}))
    bad = write(tmp_path, "bad.json", flow({"stepId": "one", "taskId": "fail"}))

    result, _ = run(capsys, fine, "--input", "{}", code=0)
    failed, _ = run(capsys, bad, code=1)

    assert set(result) == {"status", "output", "error", "path", "state"}
    assert (result["status"], result["output"]) == ("completed", {"a": 1})
    assert (failed["status"], failed["error"]["type"]) == ("failed", "WorkflowFailed")


def test_mocks_are_used_in_call_order_and_unknown_tasks_may_be_mocked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, "flow.json", flow(CALL))
    mocks = write(tmp_path, "m.json", {"remote": [{"error": {"type": "Down"}}, {"output": {"ok": True}}]})

    result, err = run(capsys, file, "--mocks", mocks, code=0)

    assert [line["status"] for line in result["path"]] == ["failed", "completed"]
    assert result["output"] == {"ok": True}
    assert err == ""


def test_a_task_that_is_neither_known_nor_mocked_gives_nothing_and_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result, err = run(capsys, write(tmp_path, "flow.json", flow(CALL)), code=0)

    assert result["output"] == {}
    assert "'remote'" in err


def test_a_mock_for_a_step_that_does_not_exist_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "flow.json", flow(CALL))

    result, err = run(capsys, file, "--mocks", write(tmp_path, "m.json", {"cal": [{"output": {}}]}), code=2)

    assert result is None
    assert "unknown-mock" in err
    assert "call" in err


@pytest.mark.parametrize(
    "extra", [["--input", "{"], ["--input", "@absent.json"], ["--mocks", "absent.json"], ["--batch", "x"]]
)
def test_misuse_exits_2(extra: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result, err = run(capsys, write(tmp_path, "flow.json", flow(CALL)), *extra, code=2)

    assert result is None
    assert err.startswith("error ")


def test_an_invalid_document_prints_its_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "bad.json", flow({**CALL, "next": [{"nextStepId": "nowhere"}]}))

    result, _ = run(capsys, file, code=1)

    assert (result["file"], result["valid"]) == (file, False)
    assert "WF201" in {each["code"] for each in result["diagnostics"]}


def test_x6_an_input_that_is_refused_fails_before_any_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "flow.json", flow(CALL, inputSchema={"required": ["a"]}))

    result, _ = run(capsys, file, "--input", "{}", code=1)

    assert (result["status"], result["error"]["type"], result["path"]) == ("failed", "ValidationError", [])


def test_time_is_virtual(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "flow.json", flow({"stepId": "w", "taskId": "wait", "arguments": {"duration": "P400D"}}))

    assert run(capsys, file, code=0)[0]["status"] == "completed"


def test_the_table_is_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path, "flow.json", flow({"stepId": "one", "taskId": "set", "arguments": {"a": 1}}))

    assert main(["simulate", file, "--output", "table"]) == 0

    out = capsys.readouterr().out
    assert "one" in out
    assert "completed" in out


def test_p5_sub_workflows_come_from_the_tasks_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    child = {**flow({"stepId": "c", "taskId": "set", "arguments": {"c": 1}}), "workflowId": "child"}
    parent = write(tmp_path, "parent.json", flow({"stepId": "p", "taskId": "workflow:child"}))

    result, _ = run(capsys, parent, "--tasks", write(tmp_path, "child.json", child), code=0)

    assert result["output"] == {"c": 1}


def test_a_batch_gives_a_line_for_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = [
        {"definition": flow({"stepId": "one", "taskId": "noop"}), "input": {}},
        {"definition": flow({"stepId": "one", "taskId": "fail"})},
        {"definition": {"workflowId": "w"}},
        {"definition": flow(CALL), "mocks": {"remote": [{"output": {"n": 1}}]}},
    ]
    lines = [json.dumps(case) for case in cases]
    file = write(tmp_path, "batch.jsonl", "\n".join([*lines, "", "{broken"]))

    assert main(["simulate", "--batch", file]) == 2

    results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [result.get("status", result.get("valid")) for result in results] == [
        "completed",
        "failed",
        False,
        "completed",
        False,
    ]
    assert results[4]["file"] == f"{file}:6"


def test_a_batch_of_good_cases_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = json.dumps({"definition": flow({"stepId": "one", "taskId": "noop"}), "input": {}})

    assert main(["simulate", "--batch", write(tmp_path, "batch.jsonl", f"{case}\n{case}\n")]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
