"""What Airflow masks by value is not in the state of an instance either (rule L4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from airflow.sdk._shared.secrets_masker import _secrets_masker, mask_secret

from airflow_workflow_provider.dag.source import dag_of
from airflow_workflow_provider.engine.failure import Failure
from airflow_workflow_provider.engine.graph import DAG_SHAPE
from airflow_workflow_provider.hosts.ending import Ended
from airflow_workflow_provider.operators.task_runtime import without_secrets
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, instance_id
from airflow_workflow_provider.store.logs import Logs
from tests.support.airflow import AirflowInProcess
from tests.support.documents import step, workflow
from tests.support.store import publish

SECRET = "s3cr3t-of-a-connection"


@pytest.fixture(autouse=True)
def known() -> Iterator[None]:
    masker = _secrets_masker()
    before, replacer = set(masker.patterns), masker.replacer
    # Whatever other tests have told Airflow is no secret here.
    masker.patterns = set()
    mask_secret(SECRET)
    yield
    masker.patterns, masker.replacer = before, replacer


@pytest.mark.parametrize(
    "output",
    [
        SECRET,
        f"Bearer {SECRET}!",
        {"a": [{"b": SECRET}]},
        {SECRET: 1},
        [[SECRET], (SECRET,)],
        {"deep": json.loads("[" * 100 + json.dumps(SECRET) + "]" * 100)},
    ],
)
def test_outputs_and_failures_are_masked_by_value(output: Any) -> None:
    assert SECRET not in repr(without_secrets(Ended(output=output)))
    cause = Failure("X", f"cause {SECRET}", details={"d": output})
    failure = Failure("Y", f"about {SECRET}", details={"d": output}, causes=(cause,))
    cleared = without_secrets(Ended(failure=failure)).failure
    assert SECRET not in repr(cleared)
    assert cleared is not None
    assert (cleared.type, cleared.message, cleared.causes[0].message) == ("Y", "about ***", "cause ***")


@pytest.mark.parametrize(
    "output",
    [None, 7, 1.5, True, "text", {"password": "x", "token": "t", "n": None}, [], {}, ["a", {"secret": [1, False]}]],
)
def test_everything_else_stays_as_it_is(output: Any) -> None:
    assert without_secrets(Ended(output=output)).output == output


def test_what_is_too_deep_is_left_to_be_refused() -> None:
    deep: Any = SECRET
    for _ in range(5_000):
        deep = [deep]
    assert without_secrets(Ended(output=deep)).output


@pytest.mark.postgres
@pytest.mark.airflow
@pytest.mark.parametrize("inline", [False, True])
def test_a_step_that_gives_a_secret_stores_none(
    airflow_in_process: AirflowInProcess, database: Database, inline: bool
) -> None:
    # In pieces, so that the document and its input are clean: only what the step gives is not.
    made = {"type": "jsonata", "expression": "input.one & input.two"}
    steps = [
        step("give", "set", arguments={"token": made}),
        step("tell", "fail", arguments={"message": made}, onFailure={"action": "continue"}),
    ]
    if inline:
        steps = [step("each", forEach={"items": {"type": "jmespath", "expression": "[`1`]"}, "steps": steps})]
    document = workflow(*steps)
    revision = publish(database, document).revision
    dag = dag_of(revision=revision, definition=json.dumps(document), tasks="[]", dag_shape=DAG_SHAPE)
    run = airflow_in_process.run(dag, {"one": SECRET[:9], "two": SECRET[9:]})
    found = Instances(database).get(instance_id("example", run.run_id))
    kept = json.dumps([found.state.to_json(), found.output, found.error])
    assert found.status == "completed"
    assert SECRET not in kept
    # What the steps of an item gave is not kept behind it.
    assert inline or "***" in kept
    assert SECRET not in repr(Logs(database).read(found.id))
