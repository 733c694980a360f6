"""What the scenarios of several modules became in one Airflow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from airflow_workflow_provider.store.database import Database
from tests.support.airflow import RunningAirflow
from tests.support.scenarios import Outcome, Scenario, Scenarios

SECONDS = 2_400


@pytest.fixture(scope="session")
def outcomes(request: pytest.FixtureRequest, running_airflow: RunningAirflow) -> dict[str, Outcome]:
    """What became of the ``SCENARIOS`` of every chosen module that asks for it, by workflow id.

    All of them run at once, with ``CHILDREN`` as their child workflows: one module alone would wait at its end for a
    chain of workflows that leaves the machine idle. Each state on the way is kept in a table ``states_ever_stored``.
    """
    modules = {
        item.module
        for item in request.session.items
        if isinstance(item, pytest.Function) and "outcomes" in item.fixturenames
    }
    with Database(running_airflow.workflows_url) as database, every_state_kept(database):
        scenarios = Scenarios(running_airflow.client, database, running_airflow.scripts)
        return scenarios.run(_of(modules, "SCENARIOS"), also=_of(modules, "CHILDREN"), seconds=SECONDS)


@contextmanager
def every_state_kept(database: Database) -> Iterator[None]:
    """Have PostgreSQL copy each state of an instance at each write, but for huge ones, whoever writes it."""
    for statement in (
        "CREATE TABLE states_ever_stored (state jsonb NOT NULL)",
        "CREATE FUNCTION keep_state() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS "
        "$$ BEGIN INSERT INTO states_ever_stored VALUES (NEW.state); RETURN NULL; END $$",
        "CREATE TRIGGER keep_state AFTER INSERT OR UPDATE OF state ON workflow_instances FOR EACH ROW "
        "WHEN (pg_column_size(NEW.state) < 20000) EXECUTE FUNCTION keep_state()",
    ):
        with database.begin() as connection:
            connection.execute(text(statement))
    yield
    with database.begin() as connection:
        connection.execute(text("DROP TRIGGER keep_state ON workflow_instances"))


def _of(modules: Iterable[object], name: str) -> list[Scenario]:
    return [scenario for module in modules for scenario in getattr(module, name, ())]
