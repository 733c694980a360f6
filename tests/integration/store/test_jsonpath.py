"""Conditions hold in PostgreSQL for what they say, and never err."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import JSONB

from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.jsonpath import holds, parse_condition

pytestmark = pytest.mark.postgres

DOCUMENT = {"amount": 10, "name": 'it\'s "x" \\ $', "lines": [{"sku": "A-1"}], "a b": None, "vip": True, "größe": 2.5}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("$.amount == 10", True),
        ("$.amount == 10.0", True),
        ("$.amount > 10", False),
        ('$.amount == "10"', False),
        ('$.amount < "x"', False),
        ("$.lines[0].sku", True),
        ('$.lines[0].sku == "A-1"', True),
        ("$.lines[1].sku", False),
        ('$."a b" == null', True),
        ("$.vip == true", True),
        ("$.größe <= 2.5", True),
        ('$.name == "it\'s \\"x\\" \\\\ $"', True),
        ("$.nothing.at.all == 1", False),
        ("$.amount.deeper", False),
        ('$."amount\\") || true"', False),
    ],
)
def test_conditions_hold(database: Database, condition: str, expected: bool) -> None:
    column: Any = bindparam("document", DOCUMENT, JSONB)
    with database.begin() as connection:
        assert connection.execute(select(holds(column, parse_condition(condition)))).scalar_one() is expected
