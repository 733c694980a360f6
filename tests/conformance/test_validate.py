"""Every conformance case before it runs: its definition is valid, or refused with the findings that it names."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.validate import validate_document
from tests.conformance.cases import Case, load_cases


@pytest.mark.parametrize("case", load_cases(), ids=lambda case: case.name)
def test_d2_findings(case: Case) -> None:
    found = validate_document(case.document, case.catalogue, policy=Policy(operators=("conformance.*",)))

    assert [each.code for each in found.errors] == case.expect.get("refused", [])
    assert case.expect.get("refused") or [each.code for each in found.warnings] == case.expect.get("warned", [])
