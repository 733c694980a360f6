"""How many compensations an instance owes that ended before they had run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TABLE = "workflow_instances"

# Instances that failed before there was this column: what their steps had done stands, unless onFailure had begun.
FILL = """
UPDATE workflow_instances AS instance
SET compensations_owed = jsonb_array_length(instance.state -> 'completed')
FROM workflow_definition_versions AS version
WHERE instance.status = 'failed'
  AND jsonb_typeof(instance.state -> 'completed') = 'array'
  AND COALESCE(instance.state -> 'failure', 'null') = 'null'
  AND version.workflow_id = instance.workflow_id
  AND version.version = instance.version
  AND version.document #> '{onFailure,compensate}' = 'true'
"""


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("compensations_owed", sa.Integer(), server_default="0", nullable=False))
    op.execute(FILL)
    op.create_index(
        "workflow_instances_owed_idx",
        TABLE,
        ["started_at", "id"],
        postgresql_where=sa.text("compensations_owed > 0"),
    )


def downgrade() -> None:
    op.drop_index("workflow_instances_owed_idx", TABLE)
    op.drop_column(TABLE, "compensations_owed")
