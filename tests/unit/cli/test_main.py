from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_workflow_provider import __version__
from airflow_workflow_provider.cli import main as main_module
from airflow_workflow_provider.cli.commands import COMMANDS, Command, Group
from airflow_workflow_provider.cli.main import build_parser, invoke, main
from airflow_workflow_provider.errors import Misuse, NotFound


def all_commands() -> Iterator[Command]:
    for command in COMMANDS:
        yield from command.commands if isinstance(command, Group) else (command,)


def run_cli(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "airflow_workflow_provider.cli.main", *arguments]
    return subprocess.run(program, capture_output=True, text=True, timeout=60, check=False)


def test_every_handler_exists() -> None:
    for command in all_commands():
        assert callable(main_module._load(command.handler)), command.name


def test_every_option_has_a_help_text() -> None:
    assert all(argument.help.endswith(".") or ":" in argument.help for c in all_commands() for argument in c.arguments)


def test_no_command_and_an_unknown_one_are_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["no-such-command"], ["validate"], ["list", "--output", "yaml"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])

    assert caught.value.code == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize(("error", "code"), [(Misuse("wrong words"), 2), (NotFound("not there"), 1)])
def test_an_error_is_one_line_with_its_code_and_an_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def handler(_: argparse.Namespace) -> int:
        raise error

    monkeypatch.setattr(main_module, "_load", lambda _: handler)

    assert invoke("any:thing", argparse.Namespace()) == code

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith(f"error {error.code}: ")  # type: ignore[attr-defined]


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    schema = f"{sys.executable} -m airflow_workflow_provider.cli.main schema"
    pipe = ["bash", "-c", f"set -o pipefail; ({schema}; {schema}; {schema}) | head -c 5"]

    ended = subprocess.run(pipe, capture_output=True, text=True, timeout=60, check=False)

    assert "Traceback" not in ended.stderr
    assert "BrokenPipe" not in ended.stderr


def test_validating_the_examples_costs_little_more_than_starting_python() -> None:
    files = [str(file) for file in Path("examples").glob("*.json")]
    assert len(files) > 10
    start = [sys.executable, "-c", "import argparse, dataclasses, decimal, email.message, http.client, json, logging"]

    def seconds(run: Callable[[], object]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    def validate() -> None:
        assert run_cli("validate", *files).returncode == 0

    def ratio() -> float:
        return seconds(validate) / seconds(lambda: subprocess.run(start, check=True))

    # Processor time, both at the same moment, and the best of some: the machine may be busy with other tests.
    assert any(ratio() < 12 for _ in range(8))


def test_the_help_of_every_command_can_be_printed() -> None:
    build_parser().format_help()
    for command in COMMANDS:
        names = (
            [[command.name, inner.name] for inner in command.commands]
            if isinstance(command, Group)
            else [[command.name]]
        )
        for name in names:
            with pytest.raises(SystemExit) as caught:
                main([*name, "--help"])
            assert caught.value.code == 0


def test_pure_commands_load_neither_airflow_nor_the_database_layer() -> None:
    program = """
import json, sys
from airflow_workflow_provider.cli.main import main
codes = [
    main(["validate", "examples/order-approval.json", "examples/payment.json"]),
    main(["schema"]),
    main(["graph", "examples/order-approval.json"]),
    main(["graph", "examples/order-approval.json", "--format", "text"]),
    main(["simulate", "examples/order-approval.json", "--input", "examples/order-approval.input.json"]),
]
heavy = [name for name in ("airflow", "sqlalchemy", "psycopg", "alembic", "httpx") if name in sys.modules]
print(json.dumps({"codes": codes, "heavy": heavy}), file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert json.loads(ended.stderr.splitlines()[-1]) == {"codes": [0, 0, 0, 0, 0], "heavy": []}


IMPORTED = """
import sys
from airflow_workflow_provider.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as left:
    code = left.code
names = sorted(sys.modules)
print(code or 0, *names, file=sys.stderr)
"""


def imported_by(*words: str) -> set[str]:
    """Return the modules that a command has imported, and their packages, when it has succeeded."""
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, timeout=60, check=True
    )
    code, *names = run.stderr.splitlines()[-1].split()
    assert code == "0", run.stderr
    return {".".join(name.split(".")[: depth + 1]) for name in names for depth in range(name.count(".") + 1)}


def test_validate_imports_no_engine_and_nothing_that_draws() -> None:
    found = imported_by("validate", "examples/order-approval.json")

    assert "airflow_workflow_provider.model.checks" in found
    heavy = {"airflow_workflow_provider.engine", "airflow_workflow_provider.hosts.simulation", "rich", "airflow"}
    assert found & heavy == set()


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("instances", "list", "--help")])
def test_the_help_imports_neither_the_format_of_a_definition_nor_what_reads_it(words: tuple[str, ...]) -> None:
    found = imported_by(*words)

    packages = {name for name in found if name.count(".") == 1 and name.startswith("airflow_workflow_provider.")}
    assert packages <= {"airflow_workflow_provider.cli", "airflow_workflow_provider.vocabulary"}
    assert found & {"pydantic", "jsonschema", "airflow", "sqlalchemy", "importlib.metadata"} == set()


def test_a_parser_has_the_arguments_of_the_commands_that_are_used_only() -> None:
    added: list[str] = []
    parser = build_parser()
    with pytest.MonkeyPatch.context() as patched:
        original = type(parser).add_argument

        def add(self: object, *flags: str, **settings: object) -> object:
            added.extend(flags)
            return original(self, *flags, **settings)

        patched.setattr(type(parser), "add_argument", add)
        parser.parse_args(["validate", "a.json"])

    assert "files" in added
    assert "--follow" not in added
