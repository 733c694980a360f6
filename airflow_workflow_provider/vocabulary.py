"""The closed sets of public values: error types, log events, problem codes.

``docs/vocabulary.md`` lists them; a test compares it. Each value is what is stored, logged and answered.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Self

MAINTENANCE_DAG: Final = "workflow_maintenance"
"""Id of the DAG that deletes what is expired; no workflow can have it."""


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
    CONCURRENCY_LIMIT_EXCEEDED = "ConcurrencyLimitExceeded"


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
    INSTANCE_MIGRATED = "instance.migrated"
    INSTANCE_COMPENSATION_OWED = "instance.compensationOwed"
    INSTANCE_COMPENSATION_STARTED = "instance.compensationStarted"
    INSTANCE_RECONCILED = "instance.reconciled"
    INSTANCE_QUEUED = "instance.queued"
    INSTANCE_ADMITTED = "instance.admitted"
    INSTANCE_OVERDUE = "instance.overdue"
    INSTANCE_DEADLINE_MISSED = "instance.deadlineMissed"
    STEP_STARTED = "step.started"
    STEP_ARGUMENTS = "step.arguments"
    STEP_WAITING = "step.waiting"
    STEP_OVERDUE = "step.overdue"
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


class MigrationObstacle(StrEnum):
    """Why a live instance cannot continue in another version of its workflow (rule I8)."""

    EXECUTION_CHANGED = "execution-changed"
    HANDLING_FAILURE = "handling-failure"
    LIMIT_CHANGED = "limit-changed"
    INPUT_REFUSED = "input-refused"
    STEP_REMOVED = "step-removed"
    STEP_MOVED = "step-moved"
    STEP_RUNNING = "step-running"
    WAIT_CHANGED = "wait-changed"
    REGION_CHANGED = "region-changed"
    PATH_CHANGED = "path-changed"
    COMPENSATION_REMOVED = "compensation-removed"
    RESULT_MISSING = "result-missing"


class ProblemCode(StrEnum):
    """The codes of our exceptions: in problem documents, on the command line, and in errors that built-in tasks give.

    :ivar meaning: what went wrong, in one line
    """

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Self:
        """Return a code with its meaning."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    AIRFLOW_COMMAND_FAILED = "airflow-command-failed", "a command of Airflow failed in the local environment"
    AIRFLOW_NOT_REACHABLE = "airflow-not-reachable", "Airflow's API server could not be reached"
    AIRFLOW_NOT_STARTED = "airflow-not-started", "a part of the local Airflow did not start"
    AIRFLOW_REFUSED = "airflow-refused", "Airflow answered a request with an error"
    AIRFLOW_UNAVAILABLE = "airflow-unavailable", "Airflow's metadata database could not be reached"
    ALREADY_VOTED = "already-voted", "you have already voted on this question"
    BAD_ARGUMENTS = "bad-arguments", "arguments of a command contradict each other"
    BAD_CASE = "bad-case", "a line of a simulation batch is invalid"
    BAD_COMPONENT = "bad-component", "a component of the UI is registered incorrectly"
    BAD_CONFIGURATION = "bad-configuration", "an option of the configuration has a wrong value"
    BAD_CONNECTION = "bad-connection", "an Airflow connection is missing, unreadable, or of a wrong type"
    BAD_ENVIRONMENT = "bad-environment", "the values of an environment cannot be used"
    BAD_EVENT_ID = "bad-event-id", "this is not the id of an event"
    BAD_FILTER = "bad-filter", "a filter of a list cannot be read, or is not allowed"
    BAD_FORM = "bad-form", "the form in the command is not a JSON object"
    BAD_INPUT = "bad-input", "the input in the command cannot be used"
    BAD_INSTANCE_ID = "bad-instance-id", "this is not the id of an instance"
    BAD_INTERVAL = "bad-interval", "an interval in the command has a wrong value"
    BAD_JSON = "bad-json", "the body is not JSON, has a key twice, or a number that cannot be stored"
    BAD_LIMIT = "bad-limit", "a limit is out of bounds"
    BAD_OPTION = "bad-option", "an option in the command has a wrong value"
    BAD_PAGE = "bad-page", "the cursor of a page cannot be read"
    BAD_QUESTION_ID = "bad-question-id", "this is not the id of a question"
    BAD_REQUEST = "bad-request", "a parameter, header or body of the request is invalid"
    BODY_TOO_LARGE = "body-too-large", "the body is larger than allowed"
    BROKEN_ROW = "broken-row", "a row of a file cannot be read"
    BUNDLE_WITHOUT_VERSIONS = (
        "bundle-without-versions",
        "the DAG's bundle keeps no versions, so no version can be pinned",
    )
    CANNOT_READ = "cannot-read", "a file cannot be read"
    CANNOT_WRITE = "cannot-write", "a file cannot be written, or would replace another"
    CONFLICT = "conflict", "the request contradicts what is stored"
    CONTENT_ENCODING = "content-encoding", "an HTTP answer is compressed in a way that cannot be read"
    CROSS_SITE_REQUEST = "cross-site-request", "the request came from another site"
    CSRF_HEADER_MISSING = "csrf-header-missing", "a request with a cookie needs the header against forgery"
    DAG_ID_TAKEN = "dag-id-taken", "another DAG already has this id"
    DEADLINE_PASSED = "deadline-passed", "the time for which the command should wait is over"
    DELIVERY_NOT_DEAD = "delivery-not-dead", "the delivery is not a dead letter, so it cannot be redriven"
    DEMO_FAILED = "demo-failed", "the demo did not end as expected"
    DUPLICATE_COMPONENT = "duplicate-component", "two packages register a component under the same name"
    DUPLICATE_TASK_ID = "duplicate-task-id", "two functions are registered under the same task id"
    EVALUATION_FAILED = "evaluation-failed", "the process that evaluates expressions failed"
    EVENT_DELETED = "event-deleted", "the event of a delivery was deleted"
    EVENT_LOOP = "event-loop", "events start each other without end"
    EXTRA_MISSING = "extra-missing", "the command needs a package of an extra that is not installed"
    FILE_CHANGED = "file-changed", "a file has changed since its first rows were read"
    FILE_EXISTS = "file-exists", "a file that would be written has other content"
    FORBIDDEN = "forbidden", "you do not have permission for this"
    HTTP_ERROR = "http-error", "the server refused the request"
    HTTP_MAX_BYTES = "http-max-bytes", "an HTTP answer is larger than allowed"
    HTTP_TIMEOUT = "http-timeout", "an HTTP request took longer than allowed"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused", "the idempotency key was used for another request"
    INITIATOR_EXCLUDED = "initiator-excluded", "the user who started the instance may not answer"
    INPUT_REFUSED = "input-refused", "the input of the instance was refused"
    INSIDE_ITEMS = "inside-items", "a step inside items cannot be restarted alone"
    INSTANCE_LEFT_BEHIND = "instance-left-behind", "the run ended, but its instance did not"
    INTEGER_TOO_LONG = (
        "integer-too-long",
        "Airflow cannot pass an integer of more than 64 bits to the tasks of a run that it triggers",
    )
    INTERNAL_ERROR = "internal-error", "the server failed; its log contains the cause"
    INVALID_ANSWER = "invalid-answer", "the answer does not fit the question"
    INVALID_DEFINITION = "invalid-definition", "a document has errors"
    INVALID_EVENT = "invalid-event", "an event is not a valid CloudEvent"
    INVALID_INPUT = "invalid-input", "the input is invalid under the workflow's inputSchema"
    INVALID_MOCK = "invalid-mock", "a mock is malformed"
    INVALID_SETTING = "invalid-setting", "the expression of a step's setting returned an invalid value"
    LIMIT_EXCEEDED = "limit-exceeded", "an expression, schema or template needs more time or memory than allowed"
    LIVE_INSTANCES = "live-instances", "the workflow has instances that have not ended"
    MAX_DEPTH = "max-depth", "sub-workflows are nested too deeply"
    METHOD_NOT_ALLOWED = "method-not-allowed", "the address does not support this method"
    MISUSE = "misuse", "an option, a file or a value is wrong"
    NO_AIRFLOW = "no-airflow", "there is no Airflow to run in"
    NO_ENVIRONMENT = "no-environment", "there is no local environment"
    NO_EXAMPLE = "no-example", "there is no such example"
    NO_INSTANCE = "no-instance", "the DAG run has no instance yet, or no longer has one"
    NO_MIGRATIONS = "no-migrations", "the package has no migrations"
    NOT_ENDED = "not-ended", "the instance has not ended"
    NO_SCENARIOS = "no-scenarios", "the folder or file contains no scenarios"
    NO_WAY = "no-way", "the stored decision leads to no task of the DAG"
    NOBODY_RECONCILES = "nobody-reconciles", "no api-server reconciles instances and runs"
    NOT_A_WORKFLOW = "not-a-workflow", "the DAG is not a workflow"
    NOT_ALLOWED = "not-allowed", "the configuration does not allow what a task asks for"
    NOT_ANSWERED = "not-answered", "nobody answered in time"
    NOT_ASKED = "not-asked", "you are not an assignee of this question"
    NOT_AUTHENTICATED = "not-authenticated", "the request has no valid token or cookie"
    NOT_CONFIRMED = "not-confirmed", "a command that deletes needs a confirmation"
    NOT_FOUND = "not-found", "it does not exist, or you have no permission to read it"
    NOT_IMPORTABLE = "not-importable", "a source cannot be converted into a definition"
    NOT_JSON = "not-json", "a file is not JSON"
    NOT_STOPPED = "not-stopped", "a process did not stop"
    NOTHING_TO_APPLY = "nothing-to-apply", "the folder or file contains no document"
    OUTPUT_REFUSED = "output-refused", "the output cannot replace the result of a step"
    OVERLOADED = "overloaded", "all processes that could evaluate the request are busy"
    PARENT_NOT_WAITING = "parent-not-waiting", "the parent instance does not wait for this one"
    PEOPLE_UNAVAILABLE = "people-unavailable", "users and roles could not be read from Airflow"
    POSTGRES_ACCOUNT = "postgres-account", "there is no account that could run PostgreSQL"
    POSTGRES_NOT_FOUND = "postgres-not-found", "no PostgreSQL is installed"
    POSTGRES_NOT_REACHABLE = "postgres-not-reachable", "the local PostgreSQL could not be reached"
    POSTGRES_NOT_RUNNING = "postgres-not-running", "the local PostgreSQL is not running"
    POSTGRES_NOT_STARTED = "postgres-not-started", "the local PostgreSQL did not start"
    POSTGRES_NOT_STOPPED = "postgres-not-stopped", "the local PostgreSQL did not stop"
    POSTGRES_VERSION = "postgres-version", "the installed PostgreSQL is too old"
    QUESTION_ANSWERED = "question-answered", "the question has already been answered"
    QUESTION_CLAIMED = "question-claimed", "another user has claimed the question"
    QUESTION_EXPIRED = "question-expired", "the time to answer is over"
    QUESTION_SHARED = "question-shared", "the question needs several answers, so nobody can claim it"
    QUESTION_WITHDRAWN = "question-withdrawn", "the question was withdrawn; its answer is no longer needed"
    RECONCILER_BUSY = "reconciler-busy", "another process is reconciling at the moment"
    REVISION_CHANGED = "revision-changed", "somebody else has published in the meantime"
    REVISION_NOT_PUBLISHED = "revision-not-published", "the revision does not exist yet"
    RUN_MISSING = "run-missing", "the DAG run no longer exists"
    RUN_NOT_OURS = "run-not-ours", "a DAG run with the same id was created by somebody else"
    RUN_REFUSED = "run-refused", "Airflow refused to start the DAG run"
    SEVERAL_FAILED = "several-failed", "several steps have failed; name one"
    SIMULATION_TOO_LONG = "simulation-too-long", "the simulation calls more tasks than allowed"
    SQL_TIMEOUT = "sql-timeout", "a statement took longer than allowed"
    START_REFUSED = "start-refused", "an event cannot start the workflow, and trying again would not help"
    STEP_FAILED = "step-failed", "a step has failed for good"
    STEP_NOT_FAILED = "step-not-failed", "the step has not failed"
    STEP_NOT_RUN = "step-not-run", "the step has not run"
    STEP_RUNNING = "step-running", "a task of the instance runs at this moment"
    STEP_RETRIED = "step-retried", "an attempt of a step has failed, and another one follows"
    STORE_BEHIND_POOLER = (
        "store-behind-pooler",
        "the workflow database is behind a connection pooler, in a mode that is not supported",
    )
    STORE_BUSY = "store-busy", "the workflow database has no resources left"
    STORE_NOT_MIGRATED = "store-not-migrated", "the workflow database needs a migration"
    STORE_NOT_PERMITTED = "store-not-permitted", "the account of the workflow database lacks a permission"
    STORE_READ_ONLY = "store-read-only", "the workflow database is read-only"
    STORE_TIMEOUT = "store-timeout", "the workflow database did not answer in time"
    STORE_TOO_NEW = "store-too-new", "the workflow database belongs to a newer version of the package"
    STORE_UNAVAILABLE = "store-unavailable", "the workflow database could not be reached"
    STORED_DEFINITION_UNREADABLE = (
        "stored-definition-unreadable",
        "a stored definition was changed manually and is invalid",
    )
    STORED_STATE_TOO_NEW = "stored-state-too-new", "a newer release has stored the instance"
    STORED_STATE_UNREADABLE = (
        "stored-state-unreadable",
        "the state of an instance was changed manually and is invalid",
    )
    TASK_ID_RESERVED = "task-id-reserved", "a function cannot have the name of a built-in task"
    TASK_NOT_FOUND = "task-not-found", "no function is registered under this task id"
    TOO_LONG = "too-long", "a text is longer than its column"
    TOO_MANY_MISSING = "too-many-missing", "more runs are missing than reconciliation deals with at once"
    TOO_MANY_REDIRECTS = "too-many-redirects", "an HTTP request was redirected too often"
    UNKNOWN_ASSIGNEE = "unknown-assignee", "a question names an assignee who does not exist"
    UNKNOWN_MOCK = "unknown-mock", "a mock names neither a step nor a task"
    UNKNOWN_REFERENCE = "unknown-reference", "a JSON Schema refers to something that does not exist in it"
    UNKNOWN_REVISION = "unknown-revision", "there is no such revision of the database schema"
    UNKNOWN_STEP = "unknown-step", "the workflow has no such step"
    UNKNOWN_USER = "unknown-user", "there is no such user"
    UNSUPPORTED_MEDIA_TYPE = "unsupported-media-type", "the type of the body is not supported here"
    VERSION_CHANGED = "version-changed", "the current version is not the expected one"
    VERSION_INCOMPATIBLE = "version-incompatible", "the instance cannot continue on this version"
    VERSION_LOWER = "version-lower", "the version is lower than the current one"
    VERSION_NOT_FOUND = "version-not-found", "there is no such version"
    VERSION_REUSED = "version-reused", "the version exists with other content"
    WORKFLOW_IMPORT_ERROR = "workflow-import-error", "Airflow could not import the workflow's DAG"
    WORKFLOW_INACTIVE = "workflow-inactive", "the workflow is deactivated"
    WORKFLOW_NOT_FOUND = "workflow-not-found", "there is no such workflow"
    WORKFLOW_NOT_LOADED = "workflow-not-loaded", "Airflow has not loaded the version yet"
    WORKFLOW_PAUSED = "workflow-paused", "the DAG is paused"
    WORKFLOW_VERSION_MOVED = "workflow-version-moved", "Airflow has moved to another version in the meantime"
    WORKFLOWS_ERROR = "workflows-error", "an error without a more precise code"
