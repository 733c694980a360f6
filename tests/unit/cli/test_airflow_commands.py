from __future__ import annotations

import argparse

import pytest

from airflow_workflow_provider.cli import main as main_module
from airflow_workflow_provider.cli.commands import COMMANDS, Group


@pytest.fixture(scope="module")
def group() -> object:
    from airflow_workflow_provider.cli.airflow_commands import get_airflow_cli_commands

    (group,) = get_airflow_cli_commands()
    return group


def test_airflow_has_the_same_commands(group) -> None:  # type: ignore[no-untyped-def]
    assert group.name == "workflows"
    assert [command.name for command in group.subcommands] == [command.name for command in COMMANDS]
    for ours, theirs in zip(COMMANDS, group.subcommands, strict=True):
        if isinstance(ours, Group):
            assert [command.name for command in theirs.subcommands] == [command.name for command in ours.commands]
        else:
            assert [argument.flags for argument in theirs.args] == [argument.flags for argument in ours.arguments]


def test_airflow_parses_them_and_gets_their_exit_code(group, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    from airflow.cli.cli_parser import _add_command

    parser = argparse.ArgumentParser()
    _add_command(parser.add_subparsers(), group)
    seen: list[argparse.Namespace] = []

    def run(options: argparse.Namespace) -> int:
        seen.append(options)
        return 1

    monkeypatch.setattr(main_module, "_load", lambda _: run)

    options = parser.parse_args(["workflows", "instances", "list", "--status", "failed", "--output", "json"])
    with pytest.raises(SystemExit) as caught:
        options.func(options)

    assert caught.value.code == 1
    assert (seen[0].status, seen[0].output, seen[0].limit) == ("failed", "json", 100)
