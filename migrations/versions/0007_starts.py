"""What is known about the starts of instances, for which the conf of a DAG run is not trusted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Runs that events have started and whose first task has not run yet: their conf has no token, and there can be no other
# run of that id.
WAITING = """
    INSERT INTO workflow_starts (id, token, about)
    SELECT delivery.instance_id, '', jsonb_build_object(
        'event', jsonb_build_object(
            'specversion', '1.0', 'id', event.event_id, 'source', event.source, 'type', event.type,
            'subject', event.subject, 'data', event.data,
            'time', to_char(event.time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        ) || coalesce(event.attributes, '{}'),
        'correlationId', left(coalesce(event.attributes ->> 'correlationid', event.subject, event.event_id), 255)
    )
    FROM workflow_event_deliveries AS delivery
    JOIN workflow_events AS event ON event.id = delivery.event_id
    WHERE delivery.status = 'started' AND delivery.instance_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM workflow_instances AS instance WHERE instance.id = delivery.instance_id)
    ON CONFLICT DO NOTHING
"""


def upgrade() -> None:
    op.create_table(
        "workflow_starts",
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("about", JSONB(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name="workflow_starts_pkey"),
    )
    op.execute(WAITING)


def downgrade() -> None:
    op.drop_table("workflow_starts")
