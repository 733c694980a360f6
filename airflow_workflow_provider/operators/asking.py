"""Creates the stored question from the arguments of a step; no Airflow import here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_workflow_provider.store.questions import NewQuestion
from airflow_workflow_provider.tasks.questions import keys_of

if TYPE_CHECKING:
    from airflow_workflow_provider.tasks.questions import Ask


def question_of(ask: Ask, about: dict[str, Any], task_id: str) -> NewQuestion:
    """Return the question of an attempt.

    :param about: ``workflow`` as templates see it
    :param task_id: the Airflow task that waits for the answer
    """
    involved: Iterable[Any] = (about["started_by"], *about["changed_by"]) if ask.exclude_initiator else ()
    return NewQuestion(
        instance_id=UUID(about["instance_id"]),
        task_id=task_id,
        step_id=about["step_id"],
        scope=about["scope"],
        visit=about["visit"],
        attempt=about["attempt"],
        kind=ask.kind,
        subject=ask.subject,
        body=ask.body,
        options=ask.options,
        option_labels=ask.option_labels,
        schema=ask.schema,
        defaults=ask.defaults,
        comment_required=ask.comment_required,
        min_approvals=ask.min_approvals,
        assignees=ask.assignees,
        keys=keys_of(ask.assignees),
        excluded=[each for each in involved if each is not None],
        plan=[each.to_json() for each in ask.plan],
        notifiers=ask.notifiers,
        due_at=ask.due_at,
        next_at=ask.plan[0].at if ask.plan else None,
    )
