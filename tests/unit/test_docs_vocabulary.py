"""``docs/vocabulary.md`` lists the closed sets of words, and the code takes them from where they are defined."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from airflow_workflow_provider.vocabulary import ErrorType, LogEvent, MigrationObstacle, ProblemCode

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "airflow_workflow_provider"
PAGE = (ROOT / "docs" / "vocabulary.md").read_text(encoding="utf-8")
TYPES, _, EVENTS = PAGE.partition("## Obstacles to a migration")[0].partition("## Log events")
KINDS = {event.partition(".")[0] for event in LogEvent}
NO_EVENTS = {
    "airflow.cfg",
    "airflow.configuration",
    "airflow.plugins",
    "airflow.providers",
    "airflow.schedule",
    "airflow.sdk",
    "airflow.secrets",
}
PYTHONS = {"TimeoutError"}
"""Types of the engine's that are names of Python's own exceptions too."""


@cache
def strings() -> tuple[tuple[Path, ast.AST, str], ...]:
    """Return every text in the code, the beginnings of f-strings included, except docstrings."""
    return tuple(_strings())


def _strings() -> Iterator[tuple[Path, ast.AST, str]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name == "vocabulary.py":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield path, node, node.value


def test_every_error_type_is_listed_and_no_other() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", TYPES, re.MULTILINE)) == set(ErrorType)


def test_every_log_event_is_listed_and_no_other() -> None:
    listed = [
        event for row in re.findall(r"^\| (`.*?) \|", EVENTS, re.MULTILINE) for event in re.findall(r"`([\w.-]+)`", row)
    ]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(LogEvent)


def test_every_obstacle_of_a_migration_is_listed_and_no_other() -> None:
    _, _, section = PAGE.partition("\n## Obstacles to a migration\n")
    rows = re.findall(r"^\| (`.*?) \|", section.partition("\n## ")[0], re.MULTILINE)
    listed = [code for row in rows for code in re.findall(r"`([\w-]+)`", row)]
    assert sorted(listed) == sorted(MigrationObstacle)


def test_no_code_writes_an_error_type_or_a_log_event_as_a_text() -> None:
    names = set(LogEvent) | (set(ErrorType) - PYTHONS)
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}: {text}"  # type: ignore[attr-defined]
        for path, node, text in strings()
        if text in names and (path.name, text) != ("__init__.py", "ValidationError")
    ] == []


def test_no_code_composes_the_name_of_a_log_event() -> None:
    pattern = re.compile(rf"({'|'.join(sorted(KINDS))})\.[a-zA-Z-]*")
    assert [
        f"{path.relative_to(ROOT)}:{node.lineno}: {text}"  # type: ignore[attr-defined]
        for path, node, text in strings()
        if pattern.fullmatch(text) and text not in NO_EVENTS
    ] == []


def test_every_code_of_a_problem_states_what_it_means() -> None:
    assert len({code.meaning for code in ProblemCode}) == len(ProblemCode)
    assert [code for code in ProblemCode if not code.meaning or code.meaning.endswith(".")] == []


def test_no_code_writes_the_code_of_a_problem_as_a_text() -> None:
    """Not as an argument, not as the default of an exception, and not in a comparison."""
    literal = re.compile(r"(?:\bcode=|default_code(?:: \w+)? = |\bcode: str = |\.code (?:==|!=) )\"([^\"]*)\"")
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for match in literal.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_code_of_a_problem_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.name != "vocabulary.py")
    assert [each for each in ProblemCode if f"ProblemCode.{each.name}" not in code] == []
