"""The last section of the tutorial, command by command, on a running Airflow."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.local.configuration import ADMIN, connection_json
from tests.fixtures.reader import BLOCK, Reader

PAGE = (Path(__file__).parents[3] / "docs" / "tutorial.md").read_text(encoding="utf-8")

pytestmark = [pytest.mark.daemons, pytest.mark.slow]


@pytest.fixture
def airflow(running_airflow: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    access = running_airflow.environment.access()
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(running_airflow.workflows_url))
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_URL", access.address)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_USER", ADMIN)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_PASSWORD", access.password)
    monkeypatch.chdir(tmp_path)
    return running_airflow


def test_the_order_is_approved_paid_and_shipped(airflow: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before, _, last = PAGE.partition("\n## 10.")
    reader = Reader(capsys, "order.json")
    for block in BLOCK.findall(before):
        reader.follow(*block)
    names = {"QUESTION": "", "INSTANCE": ""}

    def run(words: list[str]) -> Any:
        words = [names.get(word, word) for word in words]
        assert main([*words, "--output", "json"]) == 0, (words, capsys.readouterr().err)
        printed = capsys.readouterr().out
        return json.loads(printed) if words[0] in {"run", "questions", "instances"} and printed.strip() else None

    def until(words: list[str], fits: Callable[[Any], Any]) -> Any:
        deadline = time.monotonic() + 180
        while not (found := fits(run(words))):
            assert time.monotonic() < deadline, words
            time.sleep(0.2)
        return found

    def mine(questions: list[dict[str, Any]]) -> Any:
        return next((each["id"] for each in questions if each["instanceId"] == names["INSTANCE"]), None)

    for line in "\n".join(re.findall(r"```sh\n(.*?)```", last, re.DOTALL)).splitlines():
        words = shlex.split(line)[1:]
        if not words:
            continue
        if words[0] == "run":
            airflow.client.wait_for_dag("book-order", seconds=120)
            names["INSTANCE"] = run(words)["instanceId"]
        elif words[:2] == ["questions", "list"]:
            names["QUESTION"] = until(words, mine)
        elif words[:2] == ["instances", "show"]:
            shown = until(words, lambda found: found if found["status"] in {"completed", "failed"} else None)
            assert (shown["status"], shown["output"]) == ("completed", {"invoice": "R-7", "shipped": True})
        else:
            run(words)
