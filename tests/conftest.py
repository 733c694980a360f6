"""What all tests share; each room's fixtures are a plugin in ``tests/fixtures``."""

from __future__ import annotations

pytest_plugins = [
    "tests.fixtures.airflow",
    "tests.fixtures.api",
    "tests.fixtures.pgbouncer",
    "tests.fixtures.postgres",
    "tests.fixtures.roles",
    "tests.fixtures.store",
]
