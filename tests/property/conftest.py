"""What the property tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_workflow_provider.engine import failure

FEW_DETAILS = 2_000


@pytest.fixture(autouse=True, scope="module")
def small_errors() -> Iterator[None]:
    """Omit the details of errors early.

    In random loops errors that are handled by errors reach the limit, a state then has megabytes, and a single sample
    took more time than all others together. With a lower limit many samples reach it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(failure, "MAX_DETAILS", FEW_DETAILS)
        yield
