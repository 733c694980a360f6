"""Workflow definitions over HTTP (rules D2, D4)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.api import Api
from tests.fixtures.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["code"]) == (status, code)
    return body


def test_d4_put_publishes_and_get_gives_it_back(api: Api) -> None:
    client = api.as_role("user")
    document = workflow(step("a"), step("b"))
    created = client.put("definitions/example", json=document)
    assert created.status_code == 201, created.text
    revision = created.json()["revision"]
    assert created.headers["ETag"] == f'"{revision}"'
    again = client.put("definitions/example", json=document)
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    found = client.get("definitions/example")
    assert found.json()["document"] == document
    assert found.json()["createdBy"] == "user"
    assert found.headers["ETag"] == f'"{revision}"'
    assert [each["workflowId"] for each in client.get("definitions").json()["items"]] == ["example"]
