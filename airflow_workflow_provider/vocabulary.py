"""The closed sets of words that others rely on: types of errors and events of the log.

``docs/vocabulary.md`` lists them; a test compares it. Each value is what is stored, logged and answered.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ErrorType(StrEnum):
    """The types that the engine itself gives to failures (rule F1); tasks may raise any other."""

    VALIDATION_ERROR = "ValidationError"
    TIMEOUT_ERROR = "TimeoutError"
    EXPRESSION_ERROR = "ExpressionError"
    NO_TRANSITION_MATCHED = "NoTransitionMatched"
    BRANCH_FAILED = "BranchFailed"
    OUTPUT_ERROR = "OutputError"
    OUTPUT_TOO_LARGE = "OutputTooLarge"
    LOOP_LIMIT_EXCEEDED = "LoopLimitExceeded"
    TASK_NOT_FOUND = "TaskNotFound"
    WORKER_LOST = "WorkerLost"
    REJECTED = "Rejected"
    CANCELLED = "Cancelled"
    WORKFLOW_FAILED = "WorkflowFailed"
    MARKED_FAILED = "MarkedFailed"


class LogEvent(StrEnum):
    """What a row of the execution log is about (rule L1)."""

    INSTANCE_STARTED = "instance.started"
    INSTANCE_COMPLETED = "instance.completed"
    INSTANCE_FAILED = "instance.failed"
    INSTANCE_ON_FAILURE = "instance.onFailure"
    INSTANCE_SUSPENDED = "instance.suspended"
    INSTANCE_RESUMED = "instance.resumed"
    INSTANCE_CANCELLED = "instance.cancelled"
    INSTANCE_RETRIED = "instance.retried"
    INSTANCE_RESTARTED = "instance.restarted"
    INSTANCE_COMPENSATION_OWED = "instance.compensationOwed"
    INSTANCE_COMPENSATION_STARTED = "instance.compensationStarted"
    INSTANCE_RECONCILED = "instance.reconciled"
    STEP_STARTED = "step.started"
    STEP_ARGUMENTS = "step.arguments"
    STEP_WAITING = "step.waiting"
    STEP_COMPLETED = "step.completed"
    STEP_RETRYING = "step.retrying"
    STEP_FAILED = "step.failed"
    STEP_HANDLED = "step.handled"
    STEP_CANCELLED = "step.cancelled"
    STEP_RERUN = "step.rerun"
    STEP_SKIPPED = "step.skipped"
    STEP_SKIPPED_BY_HAND = "step.skippedByHand"
    STEP_MARKED_SUCCESS = "step.markedSuccess"
    CONDITION_EVALUATED = "condition.evaluated"
    REGION_STARTED = "region.started"
    COMPENSATION_STARTED = "compensation.started"
    COMPENSATION_COMPLETED = "compensation.completed"
    COMPENSATION_RETRYING = "compensation.retrying"
    COMPENSATION_FAILED = "compensation.failed"
    QUESTION_ANSWERED = "question.answered"
    QUESTION_VOTED = "question.voted"
    QUESTION_CLAIMED = "question.claimed"
    QUESTION_RELEASED = "question.released"
    QUESTION_DELEGATED = "question.delegated"
    QUESTION_REMINDED = "question.reminded"
    QUESTION_ESCALATED = "question.escalated"
    AIRFLOW_TRIGGERED = "airflow.triggered"
    AIRFLOW_CLEARED = "airflow.cleared"
    AIRFLOW_MARKED_SUCCESS = "airflow.marked-success"
    AIRFLOW_MARKED_FAILED = "airflow.marked-failed"
    AIRFLOW_MARKED_SKIPPED = "airflow.marked-skipped"
    AIRFLOW_RUN_MARKED = "airflow.run-marked"
    AIRFLOW_RUN_DELETED = "airflow.run-deleted"


COMPENSATIONS: Final = frozenset(
    {
        LogEvent.COMPENSATION_STARTED,
        LogEvent.COMPENSATION_COMPLETED,
        LogEvent.COMPENSATION_RETRYING,
        LogEvent.COMPENSATION_FAILED,
    }
)
"""The events about the compensation of a step, rather than about its task."""
