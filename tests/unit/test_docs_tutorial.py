"""The snippets of the quick start and the tutorial, applied one after the other as a reader would."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import build_parser, main

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_MEMORY = {"validate", "simulate"}


class Reader:
    """Follows a page in a folder: saves and changes files, runs what needs no services, reads results."""

    def __init__(self, capsys: pytest.CaptureFixture[str], name: str) -> None:
        self._capsys = capsys
        self._file = Path(name)
        self.document: dict[str, Any] = {}
        self.simulated = 0
        self.printed: list[str] = []
        self.tests: list[str] = []

    def follow(self, language: str, kind: str, text: str) -> None:
        if language == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                self._command(shlex.split(line, comments=True))
        elif language == "text":
            self._expect(text.strip())
        elif language == "python":
            self.tests.append(text)
        else:
            self._save(kind, json.loads(text))

    def _save(self, kind: str, given: dict[str, Any]) -> None:
        if kind == "task":
            Path("tasks").mkdir(exist_ok=True)
            Path("tasks", f"{given['taskId']}.json").write_text(json.dumps(given))
            return
        if kind == "mocks":
            Path("mocks.json").write_text(json.dumps(given))
            return
        if kind in {"", "workflow"}:
            self.document = given
        elif kind == "step":
            self._replace(self.document["steps"], given, append=True)
        elif kind == "inner":
            (step,) = [each for each in self.document["steps"] if each.get("parallelBranches")]
            for branch in step["parallelBranches"]:
                self._replace(branch["steps"], given)
        elif kind == "fields":
            self.document.update(given)
        else:
            (step,) = [each for each in self.document["steps"] if each["stepId"] == kind.removeprefix("fields-of ")]
            step.update(given)
        self._file.write_text(json.dumps(self.document))

    @staticmethod
    def _replace(steps: list[dict[str, Any]], given: dict[str, Any], *, append: bool = False) -> None:
        places = [index for index, each in enumerate(steps) if each["stepId"] == given["stepId"]]
        if places:
            steps[places[0]] = given
        elif append:
            steps.append(given)

    def _command(self, words: list[str]) -> None:
        if not words or words[0] != "airflow-workflows":
            return
        arguments = words[1:]
        if arguments[0] not in IN_MEMORY:
            build_parser().parse_args(arguments)
            return
        if arguments[0] == "simulate":
            self.simulated += 1
            assert arguments[-2:] == ["--output", "table"]
            arguments = arguments[:-2]
        code = main(arguments)
        self.printed = [self._capsys.readouterr().out]
        if arguments[0] == "validate":
            assert code == 0, self.printed

    def _expect(self, text: str) -> None:
        path, _, end = text.partition("->")
        result = json.loads(self.printed[0])
        taken = [
            line["stepId"] + ("" if line["status"] == "completed" else f" ({line['status']})")
            for line in result["path"]
        ]
        assert taken == [part for part in path.strip().split(", ") if part]
        status = [result["status"], *([result["error"]["type"]] if result["error"] else [])]
        assert status == end.split()


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_a_folder")
def test_the_quick_start_works(capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(capsys, "hello-order.json")
    for block in BLOCK.findall((ROOT / "docs" / "quick-start.md").read_text("utf-8")):
        reader.follow(*block)

    assert reader.simulated == 1


@pytest.mark.usefixtures("in_a_folder")
def test_the_tutorial_works(capsys: pytest.CaptureFixture[str], workflow_simulator: Any) -> None:
    reader = Reader(capsys, "order.json")
    for block in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8")):
        reader.follow(*block)

    assert reader.simulated >= 8
    (test,) = reader.tests
    names: dict[str, Any] = {}
    exec(compile(test, "docs/tutorial.md", "exec"), names)  # noqa: S102 - our own page
    names["test_an_unpaid_order_releases_its_stock"](workflow_simulator)


def test_the_definition_of_the_readme_is_that_of_the_quick_start() -> None:
    pages = [(ROOT / name).read_text("utf-8") for name in ("README.md", "docs/quick-start.md")]
    first, second = (json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0]) for page in pages)

    assert first == second
