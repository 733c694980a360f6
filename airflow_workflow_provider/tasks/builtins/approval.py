"""The built-in task ``approval``."""

from __future__ import annotations

from functools import partial

from airflow_workflow_provider.tasks.argument_schemas import QUESTION, arguments_schema
from airflow_workflow_provider.tasks.builtin import Builtin
from airflow_workflow_provider.tasks.questions import simulate_question

TASK = Builtin(
    id="approval",
    title="Approval",
    summary="Asks people for a decision and waits for it without holding a worker.",
    schema=arguments_schema(
        {
            **QUESTION,
            "failOnReject": {
                "type": "boolean",
                "description": "a decision for another option than the first one fails the step with Rejected",
            },
        },
        required=("subject",),
    ),
    simulate=partial(simulate_question, "approval"),
    operator="airflow_workflow_provider.operators.people.ApprovalOperator",
    asks_people=True,
)
