"""The commands of ``docs/cli.md`` that need no database run as they stand, and the page names every command."""

from __future__ import annotations

import glob
import re
import shlex
from pathlib import Path

import pytest

from airflow_workflow_provider.cli.commands import COMMANDS, Group
from airflow_workflow_provider.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "cli.md", ROOT / "examples" / "README.md"]
NEEDS_SERVICES = {"apply", "run", "list"}


def commands() -> list[list[str]]:
    blocks = [block for page in PAGES for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    lines = [line.partition(">")[0] for block in blocks for line in block.splitlines()]
    found = [shlex.split(line)[1:] for line in lines if line.startswith("airflow-workflows ")]
    return [command for command in found if command[0] not in NEEDS_SERVICES and "--like" not in command]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_runs_as_it_stands(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = [part for word in command for part in (sorted(glob.glob(word)) if "*" in word else [word])]  # noqa: PTH207

    assert main(arguments) == 0, capsys.readouterr().err


def test_the_page_names_every_command() -> None:
    text = PAGES[0].read_text("utf-8")
    for command in COMMANDS:
        names = (
            [f"{command.name} {inner.name}" for inner in command.commands]
            if isinstance(command, Group)
            else [command.name]
        )
        for name in names:
            assert re.search(rf"`{name}\b|### {name}\n", text), name
