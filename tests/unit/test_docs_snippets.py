"""What the pages show exists: commands with their options, ``make`` targets, modules, settings; data can be read."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from airflow_workflow_provider.cli.commands import COMMANDS, Command, Group
from airflow_workflow_provider.cli.main import build_parser
from airflow_workflow_provider.settings.options import OPTIONS

ROOT = Path(__file__).parents[2]
GLOBS = ("*.md", "docs/**/*.md", "examples/*.md", "ui/*.md")
PAGES = [path for glob in GLOBS for path in sorted(ROOT.glob(glob))]
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in PAGES}
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PROGRAMS = (["airflow-workflows"], ["airflow", "workflows"], [".venv/bin/airflow-workflows"])


def blocks(*languages: str) -> Iterator[tuple[str, str, str]]:
    """Yield page, label and text of each block in one of the languages."""
    for page, text in TEXTS.items():
        for language, label, block in BLOCK.findall(text):
            if language in languages:
                yield page, label.strip(), block


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield page and words of each command of ours in a block of shell commands; a pipe or a redirection ends one."""
    for page, _, block in blocks("sh"):
        for words in _lines(block):
            for program in PROGRAMS:
                if words[: len(program)] == program:
                    yield page, words[len(program) :]


def _lines(block: str) -> Iterator[list[str]]:
    """Yield the commands of a block as words; quoted texts may have several lines."""
    found = shlex.shlex(re.sub(r"\s#.*$", "", block, flags=re.MULTILINE), posix=True, punctuation_chars="\n|>&;()")
    found.whitespace, found.whitespace_split, found.commenters = " \t", True, "#"
    words: list[str] = []
    for word in found:
        if set(word) <= set("\n|>&;()"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


COMMANDS_OF_PAGES = sorted({(page, shlex.join(words)) for page, words in commands()})
MENTIONED = sorted({
    (page, code.split("airflow", 1)[1].split("workflows", 1)[1].strip())
    for page, text in TEXTS.items()
    for code in CODE.findall(BLOCK.sub("", text))
    if re.match(r"airflow[- ]workflows ", code) and "…" not in code and "COMMAND" not in code and "PATH" not in code
})  # fmt: skip


def is_accepted(words: list[str]) -> bool:
    """Return whether the command line takes a command."""
    try:
        build_parser().parse_args(words)
    except SystemExit as end:
        return end.code == 0
    return True


@pytest.mark.parametrize(("page", "command"), COMMANDS_OF_PAGES)
def test_a_command_in_a_block_can_be_typed(page: str, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word for word in shlex.split(command) if word not in {"\\", "\\\n"}]

    assert is_accepted(words), (page, capsys.readouterr().err)


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert not is_accepted(["instances", "stop", "--all"])
    assert not is_accepted(["list", "--finding"])


@pytest.mark.parametrize(("page", "command"), MENTIONED)
def test_a_command_in_a_sentence_exists_with_its_options(page: str, command: str) -> None:
    words = shlex.split(command)
    found: Command | Group = next(each for each in COMMANDS if each.name == words[0])
    if isinstance(found, Group) and len(words) > 1:
        found = next(each for each in found.commands if each.name == words[1])
    if isinstance(found, Command):
        flags = {flag for argument in found.arguments for flag in argument.flags} | {"--help"}
        assert {word for word in words if word.startswith("--")} <= flags, page


def test_the_commands_of_the_pages_were_found() -> None:
    pages = {page for page, _ in COMMANDS_OF_PAGES}
    assert {"README.md", "docs/tutorial.md", "docs/operations.md", "docs/events.md", "examples/invoice.md"} <= pages
    assert len(MENTIONED) >= 20


@pytest.mark.parametrize("page", TEXTS)
def test_targets_and_modules_exist(page: str) -> None:
    code = "\n".join([*CODE.findall(BLOCK.sub("", TEXTS[page])), *(text for _, _, text in BLOCK.findall(TEXTS[page]))])
    named = set(re.findall(r"^(?:\S+=\S+ )*make ([a-z][a-z-]*)\b", code, re.MULTILINE))
    modules = re.findall(r"\bpython -m ((?:airflow_workflow_provider|benchmarks|tests)[\w.]*)", code)

    assert named <= TARGETS
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("page", [page for page in TEXTS if page != "CHANGELOG.md"])
def test_options_of_the_configuration_exist(page: str) -> None:
    named = set(re.findall(r"\[workflows\] ([a-z_]+)", TEXTS[page])) | {
        name.lower() for name in re.findall(r"AIRFLOW__WORKFLOWS__([A-Z_]+)", TEXTS[page])
    }

    assert named <= {option.name for option in OPTIONS}


@pytest.mark.parametrize(("page", "block"), [(page, text) for page, label, text in blocks("json") if label != "text"])
def test_json_can_be_read(page: str, block: str) -> None:
    assert json.loads(block), page


def test_yaml_can_be_read() -> None:
    for page, _, block in blocks("yaml"):
        assert isinstance(yaml.safe_load(block), dict), page
