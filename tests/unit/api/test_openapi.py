"""The committed OpenAPI document is the one that the application serves."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_workflow_provider.api.app import create_app
from airflow_workflow_provider.api.openapi import openapi_text

FILE = Path(__file__).parents[3] / "schema" / "openapi.json"

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def text() -> str:
    return openapi_text(create_app())


def test_the_committed_document_is_current(text: str) -> None:
    assert FILE.read_text(encoding="utf-8") == text, (
        "run: python -m airflow_workflow_provider.api.openapi schema/openapi.json"
    )


def test_every_reference_leads_somewhere(text: str) -> None:
    document = json.loads(text)

    def references(value: object) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*map(references, value.values()))
        return set().union(*map(references, value)) if isinstance(value, list) else set()

    found = references(document)
    assert found
    for reference in found:
        place = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_operation_has_words_and_problem_documents(text: str) -> None:
    document = json.loads(text)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["description"], (method, path)
            for status, answer in operation["responses"].items():
                if status >= "400":
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)
