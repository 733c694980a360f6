"""Runs the migrations on the connection that ``airflow_workflow_provider.store.migrate`` hands over."""

from __future__ import annotations

from alembic import context

from airflow_workflow_provider.store.migrate import COMPARISON
from airflow_workflow_provider.store.tables import VERSION_TABLE, metadata

connection = context.config.attributes.get("connection")
if connection is None:
    message = "these migrations run through 'airflow-workflows db migrate', which holds a lock around them"
    raise SystemExit(message)

context.configure(connection=connection, target_metadata=metadata, version_table=VERSION_TABLE, **COMPARISON)
with context.begin_transaction():
    context.run_migrations()
