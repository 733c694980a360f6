"""Waiting for unavailable infrastructure, by ``[workflows] infrastructure_patience``; the same wherever it is needed.

What holds a result, or the end of a wait, keeps trying in its process. What has nothing to lose gives its worker slot
back after half a minute, and Airflow tries the task again at growing delays, for the same time altogether.
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypeVar

import tenacity

from airflow_workflow_provider.errors import StoreUnavailable
from airflow_workflow_provider.settings import Settings, load_settings

if TYPE_CHECKING:
    from tenacity import RetryCallState

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST: Final = timedelta(seconds=1)
"""The first delay between two tries."""

GROWTH: Final = 2
"""How many times as long as the one before each delay is, up to the longest."""


def longest_delay(settings: Settings) -> timedelta:
    """Return the longest delay between two tries."""
    return max(settings.infrastructure_retry_delay, FIRST)


def tries_within(settings: Settings) -> int:
    """Return how many tries at growing delays fill the time for which infrastructure may be unavailable."""
    patience, longest = settings.infrastructure_patience, longest_delay(settings)
    growing = math.ceil(math.log2(min(longest, patience + FIRST) / FIRST))
    rest = patience - FIRST * (2.0**growing - 1)
    return growing + max(math.ceil(rest / longest), 0)


def delay_after(try_number: int, settings: Settings) -> timedelta:
    """Return the delay after a try that failed for the infrastructure's sake: growing, capped, with jitter.

    :param try_number: 1 for the first
    """
    growing = FIRST * float(GROWTH ** min(max(try_number - 1, 0), 40))
    return min(growing, longest_delay(settings)) * random.uniform(0.5, 1)  # noqa: S311 - jitter is no secret


def patiently(work: Callable[[], T], what: str, settings: Settings | None = None) -> T:
    """Do what needs the workflow database, again and again while that is unavailable, as long as it may be unavailable.

    :param work: can be repeated: where it was done and only the answer was lost, it finds that
    :param what: what waits, for the log
    :param settings: for callers that ask often; by default as they are configured now
    :raises StoreUnavailable: the database was unavailable for longer
    """
    settings = settings or load_settings()
    longest = longest_delay(settings).total_seconds()

    def report(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("%s waits for the workflow database (try %s): %s", what, state.attempt_number, error)

    trying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(StoreUnavailable),
        wait=tenacity.wait_exponential(multiplier=FIRST.total_seconds(), max=longest)
        + tenacity.wait_random(0, FIRST.total_seconds()),
        stop=tenacity.stop_before_delay(settings.infrastructure_patience),
        before_sleep=report,
        reraise=True,
    )
    return trying(work)
