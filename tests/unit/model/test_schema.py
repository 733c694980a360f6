from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from airflow_workflow_provider.model.schema import schema_files, task_schema, workflow_schema
from tests.support.documents import step, workflow
from tests.unit.model.test_definition import EVERYTHING

DIRECTORY = Path(__file__).parents[3] / "schema"


@pytest.mark.parametrize("name", ["workflow.schema.json", "task.schema.json"])
def test_the_committed_schema_is_the_generated_one(name: str) -> None:
    command = "python -m airflow_workflow_provider.model.schema schema"

    assert (DIRECTORY / name).read_text(encoding="utf-8") == schema_files()[name], f"run: {command}"


@pytest.mark.parametrize("schema", [workflow_schema(), task_schema()])
def test_the_schema_is_one_of_draft_2020_12(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "ge" not in json.dumps(schema).split('"')


def test_d1_the_schema_takes_every_field_of_the_format() -> None:
    Draft202012Validator(workflow_schema()).validate(EVERYTHING)


@pytest.mark.parametrize(
    "document",
    [
        workflow(zz=1),
        workflow(steps=[]),
        workflow(step("a b")),
        workflow(step("a", retryPolicy={"maxAttempts": 0})),
        workflow(step("a", onFailure={"action": "ignore"})),
        {key: value for key, value in workflow().items() if key != "version"},
    ],
)
def test_d1_the_schema_refuses_another_form(document: Any) -> None:
    assert not Draft202012Validator(workflow_schema()).is_valid(document)


def test_the_module_writes_the_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "airflow_workflow_provider.model.schema", str(tmp_path)], check=True)

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "scenario.schema.json",
        "task.schema.json",
        "workflow.schema.json",
    ]
