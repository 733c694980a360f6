"""The page of the rules and the cases belong together: no rule without a proof, no case without a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.cases import FOLDER, load_cases
from tests.conformance.kinds import features, listed, runs_in_airflow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
SECTIONS = {
    found.group(1): found.group(2)
    for found in re.finditer(r"^### ([A-Z]\d+): (.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE)
}
EXAMPLES = re.findall(r"^Case `(\w+)`: .*?```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
RUN = {"T": 8, "X": 6, "F": 7, "P": 5, "K": 4}
"""How many rules there are of the groups that say how a definition runs."""


def values(value: Any) -> Iterator[Any]:
    yield value
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        yield from values(part)


def test_the_page_has_every_rule_of_the_groups_that_say_how_a_definition_runs() -> None:
    expected = {f"{group}{number}" for group, count in RUN.items() for number in range(1, count + 1)}

    assert expected | {"D1", "D2", "D3", "D4", "I1", "I2", "I4", "L1", "E1", "E3"} <= SECTIONS.keys()


@pytest.mark.parametrize("rule", SECTIONS)
def test_every_rule_has_a_case_or_names_its_proof(rule: str) -> None:
    sentences = re.findall(r"^Proved by (.*?)(?:\n\n|\Z)", SECTIONS[rule], re.DOTALL | re.MULTILINE)
    proofs = re.findall(r"`([\w/]+\.py)`", " ".join(sentences))
    named = [proof for proof in proofs if f"def test_{rule.lower()}_" in (ROOT / proof).read_text(encoding="utf-8")]

    assert named == proofs
    assert named or rule in {case.rule for case in load_cases()}


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_every_case_names_a_rule_of_the_page(case: Any) -> None:
    assert case.rule in SECTIONS
    assert case.title


def test_what_runs_in_memory_but_not_in_airflow_is_the_exception() -> None:
    in_memory, in_airflow = load_cases("simulate"), load_cases("airflow")

    assert len(in_airflow) > len(in_memory) * 0.6


def test_airflow_runs_a_case_with_all_that_those_show_that_run_in_memory_only() -> None:
    cases = {case.name: case for case in load_cases("airflow") if runs_in_airflow(case)}
    left_out = listed()
    shown = set().union(*(features(case) for name, case in cases.items() if name not in left_out))

    assert left_out.keys() <= cases.keys()
    lacking = {name: sorted(features(cases[name]) - shown) for name in left_out}
    # Write the list again with ``python -m tests.conformance.kinds``.
    assert {name: found for name, found in lacking.items() if found} == {}
    assert {name for those in left_out.values() for name in those} <= cases.keys() - left_out.keys()


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_of_the_page_is_a_part_of_the_case_that_it_names(name: str, text: str) -> None:
    case = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))

    assert json.loads(text) in list(values(case))
