"""Numbers that options give."""

from __future__ import annotations

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.vocabulary import ProblemCode


def from_one(value: int, option: str) -> int:
    """Return how many an option asks for.

    :raises Misuse: ``bad-limit``: it is less than one
    """
    if value < 1:
        message = f"{option} is {value}; expected a number from 1"
        raise Misuse(message, code=ProblemCode.BAD_LIMIT, pointer=option)
    return value
