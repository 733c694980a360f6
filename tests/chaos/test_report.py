"""The order of faults, and the page that a run writes."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from airflow_workflow_provider.failpoints import FAILPOINTS
from tests.chaos.faults import AT, FAULTS, RARE, turns
from tests.chaos.place import NOT_REACHED
from tests.chaos.report import SCAN, append, page, read
from tests.chaos.rounds import Round


def _dice() -> random.Random:
    return random.Random(1)  # noqa: S311 - no secret


def _line(text: str, begin: str) -> list[str]:
    """Return the cells of the line of a table."""
    line = next(each for each in text.splitlines() if each.startswith(f"| {begin} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_faults_take_turns_and_those_that_take_minutes_come_less_often() -> None:
    found = Counter(turns(list(FAULTS), {}, 300, _dice()))
    assert found.total() == 300
    assert set(found) == set(FAULTS)
    usual = {found[name] for name in FAULTS if name not in RARE}
    assert max(usual) - min(usual) <= 1
    assert all(found[name] <= min(usual) for name in RARE)


def test_a_run_that_continues_begins_with_what_was_injected_least() -> None:
    names = ["tasks killed", "runs deleted", "connections cut"]
    found = turns(names, {"tasks killed": 2, "connections cut": 1}, 3, _dice())
    assert Counter(found) == {"runs deleted": 2, "connections cut": 1}


def test_the_page_counts_what_runs_have_noted(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    for each in (
        Round("tasks killed", "s7-r0", 5, 10.0, commit="abc", machine="here", day="2026-01-01"),
        Round("tasks killed", "s7-r1", 5, 30.0, ["start x has 0 instances"], ["a", "b"], commit="def"),
        Round(f"{AT}turn.stored", "s8-r0", 5, 20.0),
        Round(f"{AT}answer.stored", "s8-r1", 5, 20.0, notes=[NOT_REACHED]),
        Round(SCAN, "s8", wrong=["a secret is readable"], commit="abc"),
    ):
        append(results, each)
    text = page(read(results))
    assert "4 rounds, 20 instances: 1 lost, 2 wrong. Scans for secrets: 1, readable: 1." in text
    assert _line(text, "tasks killed")[1:] == ["2", "10", "1", "2", "20", "30"]
    assert _line(text, "`turn.stored`")[1:] == ["1", "1", "5", "0", "0", "20", "20"]
    assert _line(text, "`answer.stored`")[1:] == ["1", "0", "5", "0", "0", "20", "20"]
    assert _line(text, "Seeds")[1] == "7, 8"
    assert "`abc`, `def`" in text
    assert "- tasks killed, at `def`: start x has 0 instances" in text
    assert f"- {SCAN}, at `abc`: a secret is readable" in text
    never = next(line for line in text.splitlines() if line.startswith("Not injected, or not reached"))
    assert f"{AT}answer.stored" in never
    assert f"{AT}turn.stored" not in never
    assert [name for name in FAILPOINTS if f"| `{name}` | {FAILPOINTS[name]} |" not in text] == []


def test_a_result_that_does_not_say_on_what_it_ran_does_not_count_for_this_commit(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    results.write_text('{"fault": "tasks killed", "prefix": "s7-r0", "instances": 5}\n')
    assert _line(page(read(results)), "Commits")[1] == "`unknown`"
