"""The generated pages of ``docs/reference`` say what the code says, and every cited rule has its section."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scripts.reference import FOLDER, PAGES

ROOT = Path(__file__).parents[2]
RULE = re.compile(r"\brules? ([A-Z]\d)\b|\(([A-Z]\d)(?:, ([A-Z]\d))*\)|\b(?:and|or) ([A-Z]\d)\)")


def headings() -> set[str]:
    text = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
    return set(re.findall(r"^### ([A-Z]\d+): ", text, re.MULTILINE))


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_the_one_that_the_code_gives(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "run: make reference"


def test_there_is_no_other_page() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_every_rule_has_a_proof_on_the_page() -> None:
    rows = re.findall(r"^\| \[(\w+)\]\S+ \| .*? \| (.*?) \| (.*?) \|$", PAGES["rules.md"](), re.MULTILINE)

    assert {rule for rule, *_ in rows} == headings()
    assert [rule for rule, cases, modules in rows if not cases and not modules] == []


def test_every_rule_that_is_cited_has_a_section() -> None:
    """Docstrings and comments cite rules as ``rule T4`` or ``(T4)``; tests carry them in their names."""
    known = headings()
    cited: dict[str, str] = {}
    for folder in ("airflow_workflow_provider", "dags", "migrations", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            found = {rule for match in RULE.finditer(text) for rule in match.groups() if rule}
            if path.name.startswith("test_"):
                found |= {name.upper() for name in re.findall(r"def test_([a-z]\d)_", text)}
            cited.update(dict.fromkeys(found, path.relative_to(ROOT).as_posix()))

    assert len(cited) > len(known) / 2
    assert {rule: path for rule, path in cited.items() if rule not in known} == {}
