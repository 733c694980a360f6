"""Delivery of events: when a delivery is due, what patterns are in use, steps that wait for events, readers' places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOW = sa.text("now()")

# The shape of each pattern with wildcards: its literal segments replaced by x.
SHAPES = """
INSERT INTO workflow_event_interests (kind, shape, paths)
SELECT DISTINCT 'trigger', shape, ''
FROM workflow_definitions,
     jsonb_path_query(triggers, '$[*].eventPattern') AS pattern,
     LATERAL (
         SELECT string_agg(CASE WHEN token IN ('*', '**') THEN token ELSE 'x' END, '.' ORDER BY place) AS shape,
                bool_or(token IN ('*', '**')) AS wild
         FROM string_to_table(pattern #>> '{}', '.') WITH ORDINALITY AS part (token, place)
     ) AS shaped
WHERE wild
"""


def upgrade() -> None:
    op.add_column("workflow_events", sa.Column("attributes", JSONB(none_as_null=True), nullable=True))
    op.add_column("workflow_events", sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False))
    op.create_unique_constraint("workflow_events_sequence_key", "workflow_events", ["sequence"])
    op.create_index("workflow_events_type_idx", "workflow_events", ["type", "received_at"])
    op.create_index("workflow_events_received_idx", "workflow_events", ["received_at"])
    op.add_column(
        "workflow_event_deliveries",
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
    )
    op.create_index(
        "workflow_event_deliveries_due_idx",
        "workflow_event_deliveries",
        ["due_at"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.execute("ALTER INDEX workflow_definitions_triggers_idx SET (fastupdate = off)")
    op.create_table(
        "workflow_event_interests",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("shape", sa.String(length=1000), nullable=False),
        sa.Column("paths", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('trigger', 'wait')", name=op.f("workflow_event_interests_kind_check")),
        sa.PrimaryKeyConstraint("kind", "shape", "paths", name="workflow_event_interests_pkey"),
    )
    op.execute(SHAPES)
    op.create_table(
        "workflow_event_waits",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("instance_id", sa.UUID(), nullable=False),
        sa.Column("step_id", sa.String(length=255), nullable=False),
        sa.Column("scope", sa.Text(), server_default="", nullable=False),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.String(length=500), nullable=False),
        sa.Column("correlation", JSONB(none_as_null=True), nullable=False),
        sa.Column("correlation_key", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=20), server_default="waiting", nullable=False),
        sa.Column("event_id", sa.UUID(), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.CheckConstraint(
            "status IN ('waiting', 'received', 'ended')", name=op.f("workflow_event_waits_status_check")
        ),
        sa.ForeignKeyConstraint(
            ["instance_id"],
            ["workflow_instances.id"],
            name="workflow_event_waits_instance_id_fkey",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["workflow_events.id"], name="workflow_event_waits_event_id_fkey", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name="workflow_event_waits_pkey"),
    )
    op.create_index("workflow_event_waits_instance_idx", "workflow_event_waits", ["instance_id"])
    op.create_index(
        "workflow_event_waits_pattern_idx",
        "workflow_event_waits",
        ["pattern", "correlation_key"],
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_table(
        "workflow_event_cursors",
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("name", name="workflow_event_cursors_pkey"),
    )


def downgrade() -> None:
    op.drop_table("workflow_event_cursors")
    op.drop_table("workflow_event_waits")
    op.drop_table("workflow_event_interests")
    op.execute("ALTER INDEX workflow_definitions_triggers_idx RESET (fastupdate)")
    op.drop_index("workflow_event_deliveries_due_idx", "workflow_event_deliveries")
    op.drop_column("workflow_event_deliveries", "due_at")
    op.drop_index("workflow_events_received_idx", "workflow_events")
    op.drop_index("workflow_events_type_idx", "workflow_events")
    op.drop_constraint("workflow_events_sequence_key", "workflow_events")
    op.drop_column("workflow_events", "sequence")
    op.drop_column("workflow_events", "attributes")
