"""How the steps of a version run is settled when it is published (rule T8)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.instances.graphs import graph_at, resolved_at
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.publishing import Publishing
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.documents import step, workflow

pytestmark = pytest.mark.postgres

DEFAULT = "AIRFLOW__WORKFLOWS__DEFAULT_EXECUTION"


class NoAirflow:
    def dag_exists(self, dag_id: str) -> bool:  # noqa: ARG002
        return False

    def record(self, event: str, **more: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("own", "configured", "expected"),
    [(None, None, False), (None, "inline", True), ("tasks", "inline", False), ("inline", "tasks", True)],
)
def test_t8_the_default_is_that_of_the_publication(
    database_url: str, monkeypatch: pytest.MonkeyPatch, own: str | None, configured: str | None, expected: bool
) -> None:
    if configured is not None:
        monkeypatch.setenv(DEFAULT, configured)
    document = workflow(step("a"), step("b"), **({} if own is None else {"settings": {"execution": own}}))
    with Database(database_url) as database:
        definitions, tasks = Definitions(database), Tasks(database)
        publishing = Publishing(definitions, tasks, NoAirflow(), lambda _: "noop", None)
        revision = publishing.publish(parse_definition(document), document).revision

        for later in ("tasks", "inline"):
            monkeypatch.setenv(DEFAULT, later)
            assert publishing.publish(parse_definition(document), document).outcome == "unchanged"
            graph = graph_at(definitions, tasks, "example", revision)
            assert graph.runs_inline is expected
            assert (len(plan_of(graph).nodes) == 1) is expected
        assert definitions.get("example").document == document
        assert resolved_at(definitions, tasks, "example", revision).document.get("settings", {}).get("execution") == (
            "inline" if expected else own
        )
