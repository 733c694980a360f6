"""``airflow-workflows import``: what it writes, what it prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main

MACHINE: dict[str, Any] = {
    "Comment": "Charges a card",
    "StartAt": "Charge the card",
    "States": {
        "Charge the card": {
            "Type": "Task",
            "Comment": "May be declined",
            "Resource": "arn:aws:lambda:eu-central-1:111122223333:function:charge",
            "End": True,
        }
    },
}


def call(folder: Path, *more: str, source: Any = MACHINE, name: str = "pay.asl.json") -> int:
    file = folder / name
    file.write_text(source if isinstance(source, str) else json.dumps(source))
    return main(["import", "stepfunctions", str(file), "--output", str(folder / "out"), *more])


def written(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder / "out")) for path in (folder / "out").rglob("*") if path.is_file())


def test_it_writes_a_definition_and_its_tasks_that_validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path) == 0
    assert written(tmp_path) == ["pay.json", "tasks/lambda.charge.json"]
    definition = json.loads((tmp_path / "out" / "pay.json").read_text())
    assert definition["description"] == "Charges a card"
    step = definition["steps"][1]
    assert (step["stepId"], step["name"], step["description"]) == (
        "Charge-the-card",
        "Charge the card",
        "May be declined",
    )
    assert "Task results" in capsys.readouterr().out

    assert main(["validate", str(tmp_path / "out" / "pay.json")]) == 0


def test_the_report_has_pointers_into_both_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path, "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["written"]) == 2
    (file,) = report["files"]
    assert (file["valid"], file["complete"], file["workflows"]) == (True, True, ["pay"])
    entry = next(each for each in file["entries"] if each["construct"] == "Resource")
    assert entry["source"] == "/States/Charge the card/Resource"
    assert entry["target"] == "/steps/1/taskId"


def test_what_is_left_to_do_writes_nothing_unless_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states = {"A": {**MACHINE["States"]["Charge the card"], "HeartbeatSeconds": 5}}
    source = {"StartAt": "A", "States": states}
    assert call(tmp_path, source=source) == 1
    assert not (tmp_path / "out").exists()
    assert "HeartbeatSeconds  /States/A/HeartbeatSeconds" in capsys.readouterr().out

    assert call(tmp_path, "--incomplete", source=source) == 0
    assert written(tmp_path) == ["pay.json", "tasks/lambda.charge.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Version": "2.0"}, "/Version"),
        ({"QueryLanguage": "XPath"}, "/QueryLanguage"),
        ({"StartAt": "Nowhere"}, "no state 'Nowhere'"),
        ({"States": {**MACHINE["States"], "Lonely": {"Type": "Succeed"}}}, "Nothing leads to the states 'Lonely'"),
        ({"States": {"Charge the card": {"Type": "Teleport", "End": True}}}, "'Teleport' is unknown"),
        ({"States": {"Charge the card": {"Type": "Task", "Resource": "x", "Next": "Gone"}}}, "no state 'Gone'"),
        ({"States": {"Charge the card": {"Type": "Task", "Resource": "x"}}}, "without Next and End"),
        ({"States": []}, "/States"),
    ],
)
def test_what_is_not_a_machine_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[str, Any], message: str
) -> None:
    assert call(tmp_path, "--incomplete", source={**MACHINE, **change}) == 1
    assert not (tmp_path / "out").exists()
    assert message in capsys.readouterr().out


def test_one_bad_file_keeps_the_good_ones_from_being_written(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(json.dumps(MACHINE))
    bad.write_text("{")
    assert main(["import", "stepfunctions", str(good), str(bad), "--output", str(tmp_path / "out")]) == 1
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pay.json").write_text(json.dumps(MACHINE))
    files = [str(tmp_path / folder / "pay.json") for folder in ("one", "two")]
    assert main(["import", "stepfunctions", *files, "--output", str(tmp_path / "out")]) == 1
    assert "rename one of them" in capsys.readouterr().out


def test_files_of_others_are_replaced_only_if_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(tmp_path) == 0
    assert call(tmp_path) == 0
    (tmp_path / "out" / "pay.json").write_text("{}")
    assert call(tmp_path) == 2
    assert "--force" in capsys.readouterr().err
    assert call(tmp_path, "--force") == 0


def test_hostile_names_stay_in_the_folder(tmp_path: Path) -> None:
    name = "../../../escape"
    task = {"Type": "Task", "Resource": f"arn:aws:lambda:x:1:function:{name}", "End": True}
    assert call(tmp_path, source={"StartAt": name, "States": {name: task}}) == 0
    assert written(tmp_path) == ["pay.json", "tasks/lambda.-.-.-escape.json"]
    assert {path.name for path in tmp_path.iterdir()} == {"out", "pay.asl.json"}


def test_links_are_not_followed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "pay.json").symlink_to(outside / "file")
    assert call(tmp_path, "--force") == 2
    assert (outside / "file").read_text() == "mine"

    other = tmp_path / "other"
    other.mkdir()
    (other / "out").mkdir()
    (other / "out" / "tasks").symlink_to(outside)
    assert call(other, "--force") == 2
    assert "link" in capsys.readouterr().err
    assert [path.name for path in outside.iterdir()] == ["file"]


def test_yaml_and_standard_names(tmp_path: Path) -> None:
    text = "StartAt: A\nStates:\n  A:\n    Type: Succeed\n"
    assert call(tmp_path, source=text, name="My Order.asl.yaml") == 0
    assert written(tmp_path) == ["My-Order.json"]
