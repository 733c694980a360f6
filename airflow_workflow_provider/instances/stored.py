"""How far an instance has come, as far as one process has stored it."""

from __future__ import annotations

from dataclasses import dataclass


class StateRestored(Exception):
    """What is stored of an instance is older than what this process has stored: the database was restored."""


@dataclass(frozen=True)
class Stored:
    """What was stored last.

    :param position: number of the latest activation; 0 where nothing was stored
    :param is_over: whether the instance has ended
    """

    position: int = 0
    is_over: bool = False
