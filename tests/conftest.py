"""What all tests share; each room's fixtures are a plugin in ``tests/support``."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler.loadfile import LoadFileScheduling

ROOT = Path(__file__).parents[1]

# Everybody who runs the suite tries the same examples; HYPOTHESIS_PROFILE=default looks for new ones. How long
# examples take says something of the machine.
settings.register_profile("suite", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

pytest_plugins = [
    "tests.support.airflow",
    "tests.support.api",
    "tests.support.api_servers",
    "tests.support.fab",
    "tests.support.log_fields",
    "tests.support.dag_runs",
    "tests.support.pgbouncer",
    "tests.support.postgres",
    "tests.support.roles",
    "tests.support.steering",
    "tests.support.store",
]


@cache
def group_of(file: str) -> str:
    """Return the group of a test file: the Airflow that its tests share, else the file itself."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if "mark.daemons" not in text:
        return file
    named = re.search(r'mark\.xdist_group\("(airflow[^"]*)"\)', text)
    return "airflow" if named is None else named[1]


LONG = ("tests/property", "tests/conformance", "tests/security", "tests/ui/test_front_end.py")
"""What computes for minutes: were they last, the other processors would wait for them at the end."""


AIRFLOWS = ("airflow-ui", "airflow", "airflow-3", "airflow-2")
"""The Airflows that tests share, those with the longest tests first: two of them run at the same time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of a running Airflow first: they wait a lot, and the others fill the time, the longest first."""

    def place(item: pytest.Item) -> tuple[int, bool]:
        group = (
            group_of(item.nodeid.partition("::")[0]) if "running_airflow" in getattr(item, "fixturenames", ()) else ""
        )
        return (AIRFLOWS.index(group) if group else len(AIRFLOWS)), not item.nodeid.startswith(LONG)

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """Give one worker all tests that share an Airflow, and each other file to one worker."""
    from xdist.scheduler.loadfile import LoadFileScheduling

    class ByGroup(LoadFileScheduling):  # type: ignore[misc]
        """Keeps the tests of a group together: they share fixtures."""

        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid.partition("::")[0])

    return ByGroup(config, log) if config.getoption("dist") == "loadfile" else None
