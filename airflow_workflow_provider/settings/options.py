"""The options of the ``[workflows]`` configuration section, as Airflow documents them."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

SECTION: Final = "workflows"

DEFAULT_CONNECTION_ID: Final = "workflows_default"
CONNECTION_TYPE: Final = "workflows"
"""Type of Airflow connections that lead to a workflow database; a connection to PostgreSQL can lead there, too."""

GRANTABLE_ARGUMENTS: Final = frozenset({"executor", "pool", "pool_slots", "priority_weight", "queue"})
"""Arguments of every Airflow operator that ``allowed_operator_arguments`` may name."""


@dataclass(frozen=True, slots=True)
class Option:
    """One configuration option, as Airflow documents it.

    :param name: the option's name in the section
    :param type: Airflow's type of it
    :param default: the value where none is configured, as text
    :param description: what it means, its unit and bounds
    :param example: another meaningful value, as text
    """

    name: str
    type: Literal["string", "boolean", "integer", "float"]
    default: str
    description: str
    example: str | None = None


MAX_DEPTH: Final = 16
"""How deep sub-workflows nest, and how many workflows events start in a row, where nobody has configured it."""


OPTIONS: Final[tuple[Option, ...]] = (
    Option(
        "conn_id",
        "string",
        DEFAULT_CONNECTION_ID,
        "Airflow connection (type postgres) of the database that holds workflow definitions, instances and logs. "
        "The database may be on the server of Airflow's metadata or on another one; migrate it with "
        "``airflow workflows db migrate``.",
        "workflows_production",
    ),
    Option(
        "listen_conn_id",
        "string",
        "",
        "Airflow connection that goes to PostgreSQL directly, to listen for notifications, if ``conn_id`` goes to a "
        "connection pooler such as PgBouncer in transaction mode. With this option, nothing is left in a session "
        "between two transactions. Empty: ``conn_id`` goes to PostgreSQL itself.",
        "workflows_direct",
    ),
    Option(
        "maintenance_conn_id",
        "string",
        "",
        "Airflow connection through which the DAG ``workflow_maintenance`` deletes expired rows; empty: ``conn_id``. "
        "With separate database roles, the role of workers cannot delete anything.",
        "workflows_maintenance",
    ),
    Option(
        "maintenance_schedule",
        "string",
        "@daily",
        "Schedule of the DAG ``workflow_maintenance``, which comes with ``WorkflowDagBundle`` and ``generate_dags``: a "
        "cron expression or one of Airflow's presets. Empty: the DAG is left out; then run ``airflow workflows purge`` "
        "and ``airflow workflows events purge`` yourself.",
        "30 3 * * *",
    ),
    Option(
        "maintenance_queue",
        "string",
        "",
        "Celery queue of the tasks of ``workflow_maintenance``, so that only the workers of this queue need the "
        "connection ``maintenance_conn_id``. Empty: the default queue.",
        "workflow-maintenance",
    ),
    Option(
        "role_prefix",
        "string",
        "workflows",
        "Prefix of the names of the database roles: ``<prefix>_api``, ``<prefix>_worker``, ``<prefix>_maintenance`` "
        "and ``<prefix>_reader``. Each migration grants the existing roles their rights.",
        "acme_workflows",
    ),
    Option(
        "allowed_operators",
        "string",
        "",
        "Comma-separated patterns of the dotted operator paths that task definitions may name: ``*`` and ``?`` stand "
        "for characters between two dots, ``**`` for one or more whole segments. The module in which the class is "
        "defined must also match. Users who can store a task definition can run any operator that matches, so list "
        "only what they may run. Empty: only the built-in tasks and registered Python functions.",
        "airflow.providers.amazon.aws.operators.sns.*, my_company.operators.**",
    ),
    Option(
        "allowed_connections",
        "string",
        '{"http": ["example_http"], "sql": ["example_sql"]}',
        "Connections that tasks may use, as JSON: for ``http``, ``sql`` or a pattern as in ``allowed_operators``, a "
        "list of patterns of connection ids (``*`` and ``?`` as in file names). The default allows those of the "
        "examples. The connections ``conn_id`` and ``people_conn_id`` and Airflow's own database are never allowed.",
        '{"http": ["crm", "billing_*"], "sql": ["warehouse"], "my_company.operators.**": ["sftp_partner"]}',
    ),
    Option(
        "allowed_folders",
        "string",
        "{}",
        "Folders in which the tasks ``read`` and ``write`` may use files, as JSON: for each of the two, a list of "
        "addresses that end with ``/``, with the Airflow connection before ``@`` if there is one. Files of workers are "
        "in ``file:///…/``; a symbolic link does not lead out of the folder.",
        '{"read": ["s3://partner@orders/", "file:///data/in/"], "write": ["s3://partner@results/"]}',
    ),
    Option(
        "allowed_operator_arguments",
        "string",
        "",
        "Comma-separated arguments common to all Airflow operators that task definitions, and ``airflow`` of a step, "
        "may set: any of ``pool``, ``pool_slots``, ``priority_weight``, ``queue`` and ``executor``.",
        "pool, priority_weight",
    ),
    Option(
        "publish_resource",
        "string",
        "",
        "Resource of Airflow's auth manager that users must be permitted to edit (with FAB: ``can_edit``), besides the "
        "workflow's DAG, to publish, activate or deactivate workflows and to publish task definitions. The api-server "
        "adds it to FAB's permissions when it starts, and to the role of administrators. The simple auth manager "
        "permits all resources to every user. Empty: the permission to edit the DAG suffices.",
        "Workflows",
    ),
    Option(
        "http_timeout",
        "integer",
        "60",
        "Time limit of one request of an ``http`` task, in seconds until the last byte of the response.",
        "300",
    ),
    Option(
        "http_max_bytes",
        "integer",
        "10485760",
        "Largest response that an ``http`` task reads, in bytes after decompression. A larger one fails the step with "
        "``OutputTooLarge``.",
        "1048576",
    ),
    Option(
        "sql_timeout",
        "integer",
        "300",
        "Time limit of the statement of a ``sql`` task, in seconds, including the reading of its rows.",
        "30",
    ),
    Option(
        "sql_max_bytes",
        "integer",
        "10485760",
        "Largest result that a ``sql`` task reads, in bytes of its rows as JSON text. A larger one fails the step with "
        "``OutputTooLarge``.",
        "1048576",
    ),
    Option(
        "max_output_bytes",
        "integer",
        "262144",
        "Largest output of a step, in bytes of its JSON text as UTF-8. A larger one fails the step "
        "with ``OutputTooLarge``.",
        "1048576",
    ),
    Option(
        "evaluation_seconds",
        "integer",
        "5",
        "Time limit for evaluating all expressions, schemas and templates of one request, event or step, in seconds; "
        "for a step, of processor time. Work that takes longer is stopped and refused.",
        "10",
    ),
    Option(
        "evaluation_memory",
        "integer",
        "512",
        "Memory limit of these evaluations in megabytes, at least 128.",
        "1024",
    ),
    Option(
        "evaluation_processes",
        "integer",
        "2",
        "Number of child processes of each api-server process for these evaluations. With two or more, one user never "
        "occupies all of them.",
        "4",
    ),
    Option(
        "default_retry",
        "string",
        '{"maxAttempts": 3, "strategy": "exponential", "delay": "PT1S"}',
        'Retry policy, as JSON, of steps whose ``onFailure.action`` is "retry" and that have no ``retryPolicy``.',
        '{"maxAttempts": 5, "delay": "PT30S"}',
    ),
    Option(
        "default_execution",
        "string",
        "tasks",
        "How the steps of a definition without ``settings.execution`` run: ``tasks``, one Airflow task per step, or "
        "``inline``, all steps in one task. It is read when a version is published, and stays with the version.",
        "inline",
    ),
    Option(
        "concurrent_steps",
        "integer",
        "16",
        "How many steps of one Airflow task run at the same time, if an inline workflow, a loop or a ``forEach`` has "
        "several branches or items. This applies to ``http``, to ``sql`` on PostgreSQL, and to Python tasks marked "
        "with ``@thread_safe``. 1: one step after the other.",
        "32",
    ),
    Option(
        "log_retention",
        "string",
        "P90D",
        "How long rows of the execution log are kept unless a definition sets a retention, as an ISO 8601 duration "
        "(calendar months and years are allowed).",
        "P1Y",
    ),
    Option(
        "receive_window",
        "string",
        "PT5M",
        "How long an event is kept for a ``receive`` step that starts to wait after the event arrived, as an "
        "ISO 8601 duration without months and years.",
        "PT1H",
    ),
    Option(
        "start_wait",
        "string",
        "PT15S",
        "How long a start waits for Airflow to load the version that was published before it, as an ISO 8601 duration "
        "without months and years. After this time, and with ``PT0S`` at once, the API answers 409 "
        "``workflow-not-loaded`` with ``Retry-After``. A start never runs an older version unless it asks for it.",
        "PT5S",
    ),
    Option(
        "max_depth",
        "integer",
        str(MAX_DEPTH),
        "Maximum nesting depth of sub-workflows; a deeper start is refused.",
        "4",
    ),
    Option(
        "infrastructure_patience",
        "string",
        "PT12H",
        "How long instances wait for infrastructure that is unavailable: the workflow database, the message broker, "
        "Airflow's API, workers. Until then tasks are tried again and finished results are kept. It never uses up "
        "attempts of a step's ``retryPolicy``. An ISO 8601 duration without months and years.",
        "P2D",
    ),
    Option(
        "infrastructure_retry_delay",
        "string",
        "PT1M",
        "Longest delay between two tries while infrastructure is unavailable, as an ISO 8601 duration without months "
        "and years. The first delay is about a second; each is about twice as long as the one before.",
        "PT5M",
    ),
    Option(
        "spool_folder",
        "string",
        "",
        "Folder on each worker that keeps the results of finished steps until the workflow database has stored them. "
        "They are encrypted if ``[core] fernet_key`` is set. Empty: ``workflow-results`` in ``AIRFLOW_HOME``.",
        "/var/lib/airflow/workflow-results",
    ),
    Option(
        "on_missing_run",
        "string",
        "recreate",
        "What happens to a live instance whose DAG run no longer exists, because somebody deleted it or "
        "``airflow db clean`` removed it. ``recreate`` creates the run again, and the instance continues from its "
        "stored state; ``fail`` fails the instance, and the workflow's ``onFailure`` and compensations run.",
        "fail",
    ),
    Option(
        "missing_runs_limit",
        "integer",
        "100",
        "Number of missing DAG runs above which they are not handled automatically, because then the two databases "
        "probably do not belong together. ``airflow-workflows reconcile --all`` creates the runs again.",
        "1000",
    ),
    Option(
        "reconcile_interval",
        "integer",
        "30",
        "Seconds between two comparisons of the live instances with Airflow's DAG runs.",
        "300",
    ),
    Option(
        "connect_timeout",
        "integer",
        "3",
        "Time limit for connecting to the workflow database, in seconds.",
        "10",
    ),
    Option(
        "statement_timeout",
        "integer",
        "30",
        "Time limit of one statement on the workflow database, in seconds.",
        "60",
    ),
    Option(
        "bundle_folder",
        "string",
        "",
        "Folder to which ``WorkflowDagBundle`` writes the generated DAG files. Empty: its own folder under "
        "``[dag_processor] dag_bundle_storage_path``.",
        "/var/lib/airflow/workflow-dags",
    ),
    Option(
        "refresh_interval",
        "integer",
        "10",
        "Seconds between two checks of ``WorkflowDagBundle`` for changed definitions, unless the bundle's keyword "
        "arguments set ``refresh_interval``.",
        "60",
    ),
    Option(
        "resolvers",
        "string",
        "auth_manager, mapping",
        "Comma-separated resolvers of the roles and groups of people who answer a question: ``auth_manager`` "
        "(the roles of SimpleAuthManager or FAB), ``mapping`` (``people``), ``sql`` (``people_sql``), or the dotted "
        "path of your own class.",
        "auth_manager, sql, my_company.directory.LdapResolver",
    ),
    Option(
        "people",
        "string",
        "{}",
        "Roles and groups of users, by their id or name in Airflow, as JSON.",
        '{"ada": {"roles": ["approver"], "groups": ["finance"]}}',
    ),
    Option(
        "people_conn_id",
        "string",
        "",
        "Airflow connection of the database that ``people_sql`` queries.",
        "company_directory",
    ),
    Option(
        "people_sql",
        "string",
        "",
        "Query for the memberships of one user, ``%(user)s``: it returns rows with a kind, ``role`` or ``group``, and "
        "a name.",
        "SELECT 'role', role FROM members WHERE login = %(user)s",
    ),
    Option(
        "notifiers",
        "string",
        "{}",
        "Airflow notifiers, as JSON, under names of your choice. ``class`` is the notifier's dotted path, "
        "``arguments`` are its arguments (templates of ``workflow`` and ``question`` are rendered), ``on`` lists the "
        "occasions: asked, reminder, escalated (these three by default), failed, completed, overdue.",
        '{"mail": {"class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier", "on": ["asked"], "arguments": '
        '{"to": "approvers@example.com", "subject": "{{ question.subject }}", "html_content": "{{ question.body }}"}}}',
    ),
)

BY_NAME: Final = MappingProxyType({option.name: option for option in OPTIONS})
