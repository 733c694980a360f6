"""The table of the instances whose number is limited."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, String, Table, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import UUID

from airflow_workflow_provider.store.columns import metadata, time_column

workflow_places = Table(
    "workflow_places",
    metadata,
    Column("instance_id", UUID, ForeignKey("workflow_instances.id", ondelete="CASCADE"), primary_key=True),
    Column("workflow_id", String(255), nullable=False),
    Column("key", String(64), nullable=False),
    Column("most", Integer, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    time_column("queued_at", required=True),
    time_column("admitted_at"),
    Column("replaced_by", UUID),
    UniqueConstraint("sequence"),
    Index("workflow_places_key_idx", "workflow_id", "key", "sequence"),
    Index("workflow_places_queue_idx", "workflow_id", "key", "sequence", postgresql_where=text("admitted_at IS NULL")),
    Index("workflow_places_replaced_idx", "instance_id", postgresql_where=text("replaced_by IS NOT NULL")),
)
"""Instances whose number is limited: those that run, and the queue; see :mod:`store.places`."""
