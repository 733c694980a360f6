"""The outcome of a call of a task.

Apart from the hosts, so that the built-in tasks are known without the engine: ``validate`` needs no engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_workflow_provider.engine.failure import Failure


@dataclass(frozen=True)
class Outcome:
    """What one call of a task gives.

    :param output: the raw result
    :param failure: the failure instead of a result
    :param ends_at: when the call ends; None for at once
    :param kept: whether the result is what the step keeps, its ``output`` applied already
    :param unknown: why nobody knows what the call gives; the simulation ends there
    """

    output: Any = None
    failure: Failure | None = None
    ends_at: datetime | None = None
    kept: bool = False
    unknown: str | None = None
