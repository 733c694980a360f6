"""Every conformance case on the inline host: undisturbed, moved after every wait, and killed at every call."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.conformance.cases import Case, Observed, load_cases
from tests.conformance.hosts import inline_run, losing, run_inline, run_simulated, tasks_of

CASES = load_cases("simulate")
MAX_KILLS = 40
"""A case with more calls is killed in the middle only: the others are like this one."""
LONG = "p4_a_thousand_items"
"""Takes as long as all others together, so it is killed after a call only, and has one limit of calls."""


def comparable(observed: Observed) -> Observed:
    """What hosts agree on, given that one of them also notes that a step waits and an attempt is told twice."""
    return replace(observed, log=None, rows=None)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_on_the_inline_host(case: Case) -> None:
    observed = run_inline(case)
    log = [name for name in observed.log or () if name != "step.waiting"]

    assert case.mismatches(replace(observed, log=log)) == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_host_that_is_replaced_after_every_wait_changes_nothing(case: Case) -> None:
    assert comparable(run_inline(case, restart=True)) == comparable(run_simulated(case))


@pytest.mark.parametrize(
    ("case", "limit"),
    [(case, limit) for case in CASES for limit in ((16,) if case.name == LONG else (2, 16))],
    ids=lambda value: getattr(value, "name", None),
)
def test_calls_that_run_beside_each_other_change_nothing(case: Case, limit: int) -> None:
    """The path is in order of time, which is another one among branches and items."""
    observed, expected = comparable(run_inline(case, beside=limit)), comparable(run_simulated(case))
    assert sorted(map(str, observed.path)) == sorted(map(str, expected.path))
    assert replace(observed, path=[]) == replace(expected, path=[])


@pytest.mark.parametrize(
    ("case", "done"),
    [(case, done) for case in CASES for done in ((True,) if case.name == LONG else (False, True))],
    ids=lambda value: {False: "before", True: "after"}.get(value) if isinstance(value, bool) else value.name,
)
def test_f6_a_host_that_is_killed_at_a_call_loses_that_attempt_only(case: Case, done: bool) -> None:
    undisturbed = inline_run(case)
    undisturbed.to_end()

    calls = undisturbed.calls
    for lost in range(calls) if calls <= MAX_KILLS else (calls // 2,):
        expected = run_simulated(case, losing(tasks_of(case), lost, done=done))
        observed = run_inline(case, restart=True, lost=lost, done=done)
        assert comparable(observed) == comparable(expected), f"killed at call {lost}"
