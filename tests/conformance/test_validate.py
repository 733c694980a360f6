"""Every conformance case before it runs: its definition is valid, or refused with the findings that it names."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.validate import validate_document
from tests.conformance.cases import Case, load_cases

POLICY = Policy(
    operators=("conformance.*",),
    folders=(("read", ("file:///data/in/",)), ("write", ("file:///data/out/",))),
    operator_arguments=frozenset({"pool", "pool_slots", "queue", "priority_weight", "executor"}),
)
"""What the cases may use of Airflow (rule T9), and of files (rule K6)."""


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_d2_findings(case: Case) -> None:
    found = validate_document(case.document, case.catalogue, policy=POLICY)

    assert [each.code for each in found.errors] == case.expect.get("refused", [])
    assert case.expect.get("refused") or [each.code for each in found.warnings] == case.expect.get("warned", [])
