"""Serializing a DAG as the dag-processor does before it stores it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.serialization.serialized_objects import DagSerialization

if TYPE_CHECKING:
    from airflow.sdk import DAG


def serialize(dag: DAG) -> None:
    """Serialize a DAG and forget the result: what that needs is then imported.

    :raises SerializationError: it cannot be serialized
    """
    DagSerialization.to_dict(dag)
