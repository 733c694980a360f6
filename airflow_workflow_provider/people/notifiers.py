"""Which of Airflow's notifiers are called when: ``[workflows] notifiers``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

OCCASIONS: Final = ("asked", "reminder", "escalated", "failed", "completed", "overdue")


def listening(notifiers: Mapping[str, Any], occasion: str, names: Sequence[str] | None) -> list[str]:
    """Return the names of the notifiers for an occasion.

    :param notifiers: as they are configured, by name; one without ``on`` listens to every question
    :param names: those that a step chose; null for all
    """
    return [
        name
        for name, each in notifiers.items()
        if occasion in each.get("on", OCCASIONS[:3]) and (names is None or name in names)
    ]
