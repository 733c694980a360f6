"""The table of the hosts of the components."""

from __future__ import annotations

from sqlalchemy import Column, Interval, String, Table

from airflow_workflow_provider.store.columns import metadata, time_column

workflow_hosts = Table(
    "workflow_hosts",
    metadata,
    Column("host", String(255), primary_key=True),
    Column("version", String(50), primary_key=True),
    Column("ahead", Interval, nullable=False),
    time_column("seen_at", required=True),
)
"""The hosts of the components, each with its version and its clock; see :mod:`store.hosts`."""
