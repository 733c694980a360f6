"""Every conformance case on ``simulate``."""

from __future__ import annotations

import pytest

from tests.conformance.cases import Case, load_cases
from tests.conformance.hosts import run_simulated


@pytest.mark.parametrize("case", load_cases("simulate"), ids=lambda case: case.name)
def test_on_simulate(case: Case) -> None:
    assert case.mismatches(run_simulated(case)) == []
