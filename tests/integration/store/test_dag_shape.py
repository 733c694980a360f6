"""A DAG run keeps the tasks that it began with: the shape of its DAG is settled when the version is published."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from airflow_workflow_provider.engine.graph import DAG_SHAPE, DAG_SHAPE_OF_CATCHES
from airflow_workflow_provider.instances.graphs import graph_at, resolved_at
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.documents import step, workflow

pytestmark = pytest.mark.postgres

AS_AN_EARLIER_RELEASE = text(
    "INSERT INTO workflow_definition_versions (id, workflow_id, version, revision, document, digest, created_at)"
    " SELECT gen_random_uuid(), 'older', version, :next, document, digest, created_at"
    " FROM workflow_definition_versions WHERE revision = :revision"
)


def test_a_version_keeps_the_shape_of_the_release_that_published_it(database_url: str) -> None:
    document = workflow(step("a"), step("b"))
    with Database(database_url) as database:
        definitions, tasks = Definitions(database), Tasks(database)
        revision = definitions.publish(parse_definition(document), document).revision
        with database.begin() as connection:
            connection.execute(AS_AN_EARLIER_RELEASE, {"revision": revision, "next": revision + 1})

        for workflow_id, shape in (("example", DAG_SHAPE), ("older", DAG_SHAPE_OF_CATCHES)):
            assert resolved_at(definitions, tasks, workflow_id, revision + 1).dag_shape == shape
            assert graph_at(definitions, tasks, workflow_id, revision + 1).dag_shape == shape
