"""Markers of pages that are ordered by a time and an id: stable while rows are added and removed."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from uuid import UUID

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.vocabulary import ProblemCode


def write_cursor(moment: datetime, identifier: UUID) -> str:
    """Return the mark behind a row."""
    return base64.urlsafe_b64encode(f"{moment.isoformat()}|{identifier}".encode()).decode()


def read_cursor(text: str) -> tuple[datetime, UUID]:
    """Return the row that a mark stands behind.

    :raises Misuse: no page gave this mark
    """
    try:
        moment, _, identifier = base64.urlsafe_b64decode(text.encode()).decode().partition("|")
        return datetime.fromisoformat(moment), UUID(identifier)
    except (ValueError, binascii.Error):
        message = "The page marker cannot be read"
        raise Misuse(
            message, code=ProblemCode.BAD_PAGE, suggestion="use the 'next' of the page before as it is"
        ) from None
