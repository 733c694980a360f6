"""Every snippet of ``docs/tasks.md`` does what it is there for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.errors import TaskError
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.tasks.builtin import BUILTINS
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.registry import REGISTRY, StepContext

FOLDERS = (("read", ("s3://partner@orders/",)), ("write", ("s3://partner@results/",)))
DOCUMENTED = Policy(connections=(("http", ("crm", "credit")), ("sql", ("warehouse",))), folders=FOLDERS)
PAGE = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
JSON_SNIPPETS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
STEPS = {snippet["stepId"]: snippet for snippet in JSON_SNIPPETS if "stepId" in snippet}
TASKS = [snippet for snippet in JSON_SNIPPETS if "stepId" not in snippet]


def targets(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["nextStepId"]} if "nextStepId" in value else set()
        return found.union(*(targets(part) for part in value.values()))
    return set().union(*(targets(part) for part in value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("step_id", STEPS)
def test_every_step_is_valid(step_id: str) -> None:
    from airflow_workflow_provider.model.validate import validate_document

    step = STEPS[step_id]
    others = [{"stepId": target, "taskId": "noop", "next": []} for target in sorted(targets(step))]
    document = {"workflowId": "page", "name": "Page", "version": "1.0.0", "steps": [step, *others]}

    result = validate_document(document, Catalogue(), policy=DOCUMENTED)

    assert [each for each in result.diagnostics if each.severity == "error"] == []


def test_every_builtin_has_an_example() -> None:
    assert {step["taskId"] for step in STEPS.values() if isinstance(step["taskId"], str)} == BUILTINS


def test_every_task_definition_is_valid() -> None:
    from airflow_workflow_provider.model.validate import validate_task

    assert TASKS
    for document in TASKS:
        assert list(validate_task(document, policy=DOCUMENTED).diagnostics) == []


def test_the_python_task_works() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    try:
        exec(compile(snippet, "docs/tasks.md", "exec"), {"__name__": "docs.tasks"})  # noqa: S102
        task = REGISTRY.find("billing.score")
        context = StepContext(instance_id="i", step_id="s", idempotency_key="i/s/1")

        assert task.call({"amount": 1}, context) == {"score": 80, "reference": "i/s/1"}
        with pytest.raises(TaskError) as caught:
            task.call({"amount": -1}, context)
        assert (caught.value.error_type, caught.value.error_code) == ("BadAmount", "NEGATIVE")
    finally:
        REGISTRY._tasks.pop("billing.score", None)
