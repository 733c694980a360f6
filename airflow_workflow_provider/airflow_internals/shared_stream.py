"""Triggers that share one reader in a triggerer."""

from __future__ import annotations

from airflow.triggers.shared_stream import AdvanceItem, SharedStreamProducer

__all__ = ["AdvanceItem", "SharedStreamProducer"]
