"""The statuses and kinds that the tables allow."""

from __future__ import annotations

from typing import Final

STATUSES: Final = ("running", "completed", "failed", "suspended")
LIVE: Final = ("running", "suspended")
"""Those of an instance that has not ended."""
LEVELS: Final = ("debug", "info", "error")
DELIVERY_STATUSES: Final = ("pending", "started", "dead")
WAIT_STATUSES: Final = ("waiting", "received", "ended")
INTERESTS: Final = ("trigger", "wait")
QUESTION_STATUSES: Final = ("open", "answered", "expired", "withdrawn")
NOTIFICATION_STATUSES: Final = ("pending", "sent", "failed")
