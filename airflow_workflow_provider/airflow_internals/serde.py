"""Airflow's serialization of the values that a deferred task keeps."""

from __future__ import annotations

from airflow.sdk.serde import deserialize, serialize

__all__ = ["deserialize", "serialize"]
