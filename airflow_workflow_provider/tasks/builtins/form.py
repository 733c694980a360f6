"""The built-in task ``form``."""

from __future__ import annotations

from functools import partial

from airflow_workflow_provider.tasks.argument_schemas import QUESTION, arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin
from airflow_workflow_provider.tasks.questions import simulate_question

TASK = Builtin(
    id="form",
    title="Form",
    summary="Asks people to fill in a form and waits for it without holding a worker.",
    schema=arguments_schema(QUESTION, required=("subject", "schema")),
    simulate=partial(simulate_question, "form"),
    operator="airflow_workflow_provider.operators.people.FormOperator",
    asks_people=True,
)
