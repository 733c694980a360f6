"""The tables: definitions and their versions, tasks, instances, the execution log, events.

Names and types of ``workflow_definitions`` and ``workflow_instances``, and the names of their first five indexes, are
part of the public interface: people query them. ``migrations/`` makes exactly what stands here; a test compares them.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from airflow_workflow_provider.store import finding
from airflow_workflow_provider.store.columns import id_column, json_column, metadata, one_of, time_column
from airflow_workflow_provider.store.host_table import workflow_hosts
from airflow_workflow_provider.store.place_table import workflow_places
from airflow_workflow_provider.store.statuses import (
    DELIVERY_STATUSES,
    INTERESTS,
    LEVELS,
    NOTIFICATION_STATUSES,
    QUESTION_STATUSES,
    STATUSES,
    WAIT_STATUSES,
)

VERSION_TABLE: Final = "workflow_alembic_version"
"""Alembic's own table; not ``alembic_version``, which is Airflow's when both share a database."""

__all__ = ["metadata", "workflow_hosts", "workflow_places"]

revision_sequence = Sequence("workflow_revision_seq", metadata=metadata, data_type=BigInteger())
"""Counts publications of workflows and tasks together, so one number names the state of all of them."""


workflow_definitions = Table(
    "workflow_definitions",
    metadata,
    id_column(),
    Column("workflow_id", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("version", String(50), nullable=False),
    json_column("input_schema"),
    json_column("triggers"),
    json_column("steps", nullable=False),
    json_column("ui_components"),
    json_column("execution_log"),
    time_column("created_at", required=True),
    time_column("updated_at", required=True),
    Column("revision", BigInteger, nullable=False),
    json_column("settings"),
    json_column("on_failure"),
    json_column("output"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    json_column("scheduled_since"),
    Column("activation_revision", BigInteger, nullable=False, server_default=text("0")),
    Index("workflow_definitions_workflow_id_idx", "workflow_id", unique=True),
    # Searched for every event, seldom changed: what is new must not wait in a list that each search reads through.
    Index(
        "workflow_definitions_triggers_idx",
        "triggers",
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    ),
    Index("workflow_definitions_activation_revision_idx", "activation_revision"),
)

workflow_definition_versions = Table(
    "workflow_definition_versions",
    metadata,
    id_column(),
    Column("workflow_id", String(255), nullable=False),
    Column("version", String(50), nullable=False),
    Column("revision", BigInteger, nullable=False),
    json_column("document", nullable=False),
    Column("digest", String(64), nullable=False),
    time_column("created_at", required=True),
    Column("created_by", String(255)),
    json_column("grants"),
    Column("source", Text),
    Column("execution", String(10)),
    Column("dag_shape", SmallInteger, nullable=False, server_default=text("1")),
    UniqueConstraint("revision"),
    Index("workflow_definition_versions_workflow_id_idx", "workflow_id", "revision"),
)

task_definitions = Table(
    "task_definitions",
    metadata,
    id_column(),
    Column("task_id", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("description", Text),
    Column("operator", String(500), nullable=False),
    json_column("arguments"),
    json_column("input_schema"),
    json_column("output_schema"),
    json_column("retry_policy"),
    Column("timeout", String(50)),
    Column("revision", BigInteger, nullable=False),
    time_column("created_at", required=True),
    time_column("updated_at", required=True),
    UniqueConstraint("task_id"),
)

task_definition_versions = Table(
    "task_definition_versions",
    metadata,
    id_column(),
    Column("task_id", String(255), nullable=False),
    Column("revision", BigInteger, nullable=False),
    json_column("document", nullable=False),
    Column("digest", String(64), nullable=False),
    time_column("created_at", required=True),
    Column("created_by", String(255)),
    UniqueConstraint("revision"),
    Index("task_definition_versions_task_id_idx", "task_id", "revision"),
)

workflow_events = Table(
    "workflow_events",
    metadata,
    id_column(),
    Column("source", Text, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text),
    time_column("time"),
    json_column("data"),
    time_column("received_at", required=True),
    json_column("attributes"),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    UniqueConstraint("source", "event_id"),
    UniqueConstraint("sequence"),
    Index("workflow_events_type_idx", "type", "received_at"),
    Index("workflow_events_received_idx", "received_at"),
)

workflow_instances = Table(
    "workflow_instances",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("workflow_definition_id", UUID, ForeignKey("workflow_definitions.id"), nullable=False),
    Column("status", String(50), nullable=False),
    Column("current_step_id", String(255)),
    json_column("input", nullable=False),
    json_column("state", nullable=False),
    json_column("error"),
    Column("trigger_event_id", UUID, ForeignKey("workflow_events.id", ondelete="SET NULL")),
    time_column("started_at", required=True),
    time_column("updated_at", required=True),
    time_column("completed_at"),
    Column("correlation_id", String(255)),
    Column("workflow_id", String(255), nullable=False),
    Column("version", String(50), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("dag_id", String(255), nullable=False),
    Column("run_id", String(255), nullable=False),
    json_column("output"),
    json_column("event"),
    Column("parent_instance_id", UUID, ForeignKey("workflow_instances.id", ondelete="SET NULL")),
    Column("parent_step_id", String(255)),
    time_column("deadline_at"),
    Column("compensations_owed", Integer, server_default=text("0"), nullable=False),
    time_column("alert_at"),
    UniqueConstraint("dag_id", "run_id"),
    *finding.columns_and_indexes(),
    one_of("status", STATUSES),
    Index("workflow_instances_status_idx", "status"),
    Index("workflow_instances_correlation_idx", "correlation_id"),
    Index("workflow_instances_definition_idx", "workflow_definition_id"),
    Index("workflow_instances_started_idx", "started_at", "id"),
    # Lists, newest first, of some workflows or of a status; each walks its part of an index and stops after a page.
    Index("workflow_instances_workflow_idx", "workflow_id", "started_at", "id"),
    Index("workflow_instances_workflow_status_idx", "workflow_id", "status", "started_at", "id"),
    Index("workflow_instances_status_started_idx", "status", "started_at", "id"),
    Index(
        "workflow_instances_parent_idx", "parent_instance_id", postgresql_where=text("parent_instance_id IS NOT NULL")
    ),
    Index("workflow_instances_alert_idx", "alert_at", postgresql_where=text("alert_at IS NOT NULL")),
    Index("workflow_instances_owed_idx", "started_at", "id", postgresql_where=text("compensations_owed > 0")),
    Index("workflow_instances_event_idx", "trigger_event_id", postgresql_where=text("trigger_event_id IS NOT NULL")),
)

workflow_execution_logs = Table(
    "workflow_execution_logs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("instance_id", UUID, ForeignKey("workflow_instances.id", ondelete="CASCADE"), nullable=False),
    time_column("at", required=True),
    Column("level", String(10), nullable=False),
    Column("event", String(100), nullable=False),
    Column("step_id", String(255)),
    Column("scope", Text, nullable=False, server_default=""),
    Column("visit", Integer),
    Column("attempt", Integer),
    json_column("actor"),
    json_column("metadata"),
    json_column("data"),
    Column("message", Text),
    one_of("level", LEVELS),
    Index("workflow_execution_logs_instance_idx", "instance_id", "id"),
    Index("workflow_execution_logs_at_idx", "at"),
)

workflow_event_deliveries = Table(
    "workflow_event_deliveries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", UUID, ForeignKey("workflow_events.id", ondelete="CASCADE"), nullable=False),
    Column("workflow_id", String(255), nullable=False),
    Column("status", String(20), nullable=False, server_default="pending"),
    Column("instance_id", UUID),
    json_column("reason"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Whether a process has claimed it and has not reported the outcome yet.
    Column("held", Boolean, nullable=False, server_default="false"),
    # How many claims ended without a report, and how many evaluations had to be stopped.
    Column("lapses", Integer, nullable=False, server_default="0"),
    Column("kills", Integer, nullable=False, server_default="0"),
    time_column("updated_at", required=True),
    UniqueConstraint("event_id", "workflow_id"),
    one_of("status", DELIVERY_STATUSES),
    Index("workflow_event_deliveries_status_idx", "status"),
    # When it may be tried next: after a failure that may pass, or when the process that claimed it did not come back.
    time_column("due_at", required=True),
    Index("workflow_event_deliveries_due_idx", "due_at", postgresql_where=text("status = 'pending'")),
)

workflow_event_interests = Table(
    "workflow_event_interests",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("shape", String(1000), primary_key=True),
    Column("paths", Text, primary_key=True),
    one_of("kind", INTERESTS),
)
"""What kinds of patterns are in use, so that an event looks for those only; see :mod:`store.matching`."""

workflow_event_waits = Table(
    "workflow_event_waits",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("instance_id", UUID, ForeignKey("workflow_instances.id", ondelete="CASCADE"), nullable=False),
    Column("step_id", String(255), nullable=False),
    Column("scope", Text, nullable=False, server_default=""),
    Column("visit", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("pattern", String(500), nullable=False),
    json_column("correlation", nullable=False),
    Column("correlation_key", String(64), nullable=False),
    Column("status", String(20), nullable=False, server_default="waiting"),
    Column("event_id", UUID, ForeignKey("workflow_events.id", ondelete="SET NULL")),
    time_column("waiting_since", required=True),
    time_column("deadline_at"),
    time_column("updated_at", required=True),
    one_of("status", WAIT_STATUSES),
    Index("workflow_event_waits_instance_idx", "instance_id"),
    Index("workflow_event_waits_event_idx", "event_id", postgresql_where=text("event_id IS NOT NULL")),
    Index(
        "workflow_event_waits_pattern_idx", "pattern", "correlation_key", postgresql_where=text("status = 'waiting'")
    ),
)

workflow_event_cursors = Table(
    "workflow_event_cursors",
    metadata,
    Column("name", String(500), primary_key=True),
    Column("position", BigInteger, nullable=False),
    time_column("updated_at", required=True),
)
"""How far each reader of the events has come."""

workflow_questions = Table(
    "workflow_questions",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("instance_id", UUID, ForeignKey("workflow_instances.id", ondelete="CASCADE"), nullable=False),
    Column("task_id", String(255), nullable=False),
    Column("step_id", String(255), nullable=False),
    Column("scope", Text, nullable=False, server_default=""),
    Column("visit", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text),
    json_column("options", nullable=False),
    json_column("option_labels"),
    json_column("schema", nullable=False),
    json_column("defaults", nullable=False),
    json_column("comment_required", nullable=False),
    Column("min_approvals", Integer, nullable=False),
    json_column("assignees"),
    # Who may answer, as keys that a user's own keys overlap with.
    Column("keys", ARRAY(Text), nullable=False),
    # Who started the instance, or changed its data, and may not answer where four eyes are asked for.
    json_column("excluded", nullable=False),
    Column("status", String(20), nullable=False, server_default="open"),
    json_column("claimed_by"),
    Column("votes", JSONB(none_as_null=True), nullable=False, server_default=text("'[]'::jsonb")),
    json_column("answer"),
    json_column("plan", nullable=False),
    json_column("notifiers"),
    time_column("asked_at", required=True),
    time_column("due_at"),
    time_column("next_at"),
    time_column("closed_at"),
    one_of("status", QUESTION_STATUSES),
    Index("workflow_questions_instance_idx", "instance_id"),
    Index("workflow_questions_open_idx", "asked_at", "id", postgresql_where=text("status = 'open'")),
    Index("workflow_questions_keys_idx", "keys", postgresql_using="gin", postgresql_where=text("status = 'open'")),
    # What somebody has decided: votes that contain theirs.
    Index("workflow_questions_votes_idx", "votes", postgresql_using="gin", postgresql_ops={"votes": "jsonb_path_ops"}),
    Index("workflow_questions_next_idx", "next_at", postgresql_where=text("status = 'open' AND next_at IS NOT NULL")),
)
"""What people are asked; the answers are kept here, and Airflow only shows the questions and is woken."""

workflow_notifications = Table(
    "workflow_notifications",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("instance_id", UUID, ForeignKey("workflow_instances.id", ondelete="CASCADE"), nullable=False),
    Column("question_id", UUID, ForeignKey("workflow_questions.id", ondelete="CASCADE")),
    Column("occasion", String(20), nullable=False),
    Column("notifier", String(250), nullable=False),
    Column("status", String(20), nullable=False, server_default="pending"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    time_column("created_at", required=True),
    time_column("due_at", required=True),
    one_of("status", NOTIFICATION_STATUSES),
    Index("workflow_notifications_instance_idx", "instance_id"),
    Index("workflow_notifications_question_idx", "question_id", postgresql_where=text("question_id IS NOT NULL")),
    Index("workflow_notifications_due_idx", "due_at", postgresql_where=text("status = 'pending'")),
)
"""What notifiers have to be sent: written with its cause, sent afterwards."""

workflow_wakeups = Table(
    "workflow_wakeups",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dag_id", String(255), nullable=False),
    Column("run_id", String(255), nullable=False),
    Column("task_id", String(255), nullable=False),
    Column("question_id", UUID),
    time_column("created_at", required=True),
    time_column("due_at", required=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Index("workflow_wakeups_due_idx", "due_at"),
)
"""Tasks that wait without a worker and are to be resumed; see :mod:`store.wakeups`."""

workflow_starts = Table(
    "workflow_starts",
    metadata,
    # The id of the instance, which is known before there is one.
    Column("id", UUID, primary_key=True),
    Column("token", String(64), nullable=False),
    json_column("about", nullable=False),
    time_column("created_at", required=True),
)
"""What is known about the starts of instances beside their input; see :mod:`store.starts`."""

workflow_run_requests = Table(
    "workflow_run_requests",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dag_id", String(255), nullable=False),
    Column("run_id", String(255), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("conf", JSONB, nullable=False),
    Column("user_name", String(255)),
    time_column("created_at", required=True),
    time_column("due_at", required=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("at_least", Boolean, nullable=False, server_default="false"),
    UniqueConstraint("dag_id", "run_id"),
    Index("workflow_run_requests_due_idx", "due_at"),
)
"""DAG runs of a particular revision that are to be made; see :mod:`store.run_requests`."""
