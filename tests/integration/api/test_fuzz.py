"""Requests made up from the OpenAPI document: answers as documented, and never an internal error."""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_document
from tests.support.api import Api, writes
from tests.support.documents import step, workflow

pytestmark = [pytest.mark.postgres, pytest.mark.airflow, pytest.mark.slow]

FACTOR = int(os.environ.get("FUZZ_FACTOR", "1"))
"""How many times as many requests as in the tests for every change; each set is another one."""

EXAMPLES = {"admin": 15 * FACTOR, "viewer": 5, None: 5}
"""How many requests to each operation, by who sends them; None is nobody."""

SECONDS = 300
"""For an answer; how fast answers are is no question of this test, and a busy machine may let a request wait."""

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, status_code_conformance]
SCHEMA = openapi_document(create_app())
OPERATIONS = [(method, path) for path, item in SCHEMA["paths"].items() for method in item]


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=[f"{method} {path}" for method, path in OPERATIONS])
@pytest.mark.parametrize("role", EXAMPLES)
def test_answers_are_as_documented(api: Api, role: str | None, method: str, path: str) -> None:
    api.publish(workflow(step("a"), step("b")))
    found = schemathesis.openapi.from_dict(SCHEMA)
    found.app = api.app
    headers = {"Authorization": f"Bearer {api.token(role)}"} if role is not None else {}

    @given(case=found[path][method].as_strategy())
    @settings(
        max_examples=EXAMPLES[role],
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def run(case: Any) -> None:
        # It must not sign in by itself, as it does where the document says how.
        case.headers.pop("Authorization", None)
        case.cookies.clear()
        answer = case.call_and_validate(headers=headers, checks=CHECKS, timeout=SECONDS)
        if role is None:
            assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
        elif role == "viewer" and writes(method, path):
            assert answer.status_code >= 400, answer.text

    run()
