"""What steps report to OpenLineage, with Airflow's provider for it and its client, which writes events to a file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk import BaseOperator

from airflow_workflow_provider.operators.step import step_class

pytest.importorskip("openlineage.client", reason="OpenLineage is not installed")
pytest.importorskip("airflow.providers.openlineage", reason="Airflow's provider for OpenLineage is not installed")

INSTANCE = UUID(int=7)
ATTEMPT: Any = SimpleNamespace(
    session=SimpleNamespace(
        instance_id=INSTANCE,
        graph=SimpleNamespace(definition=SimpleNamespace(workflow_id="order", version="1.2.0")),
    ),
    call=SimpleNamespace(step_id="pay", scope="each[0]", visit=2, attempt=3, input={"pin": "4711"}),
)
SAID = {
    "workflowId": "order",
    "version": "1.2.0",
    "instanceId": str(INSTANCE),
    "stepId": "pay",
    "scope": "each[0]",
    "visit": 2,
    "attempt": 3,
}


class Plain(BaseOperator):
    """An operator that reports nothing."""


class Copying(BaseOperator):
    """An operator that reports a dataset."""

    def get_openlineage_facets_on_start(self) -> Any:
        from airflow.providers.openlineage.extractors import OperatorLineage
        from openlineage.client.event_v2 import OutputDataset

        return OperatorLineage(outputs=[OutputDataset("postgres://shop", "orders")])


def operator_of(kind: type[BaseOperator], attempt: Any = ATTEMPT) -> Any:
    operator: Any = step_class(kind)(task_id="pay")
    operator._workflow_attempt = attempt
    return operator


@pytest.mark.parametrize("moment", ["start", "complete", "failure"])
@pytest.mark.parametrize(("kind", "outputs"), [(Plain, []), (Copying, ["orders"])])
def test_each_event_of_an_attempt_names_it_beside_the_datasets_of_its_operator(
    kind: type[BaseOperator], outputs: list[str], moment: str, tmp_path: Path
) -> None:
    from airflow.providers.openlineage.extractors.base import DefaultExtractor
    from openlineage.client import OpenLineageClient
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.transport.file import FileConfig, FileTransport

    extractor = DefaultExtractor(operator_of(kind))
    found: Any = {
        "start": extractor.extract,
        "complete": lambda: extractor.extract_on_complete(None),
        "failure": lambda: extractor.extract_on_failure(None),
    }[moment]()
    sent = tmp_path / "events.jsonl"
    client = OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=str(sent), append=True)))
    client.emit(
        RunEvent(
            eventType=RunState.RUNNING,
            eventTime=datetime.now(UTC).isoformat(),
            run=Run(runId=str(UUID(int=1)), facets=found.run_facets),
            job=Job(namespace="airflow", name="order.pay", facets=found.job_facets),
            inputs=found.inputs,
            outputs=found.outputs,
            producer="https://example.org",
        )
    )
    (line,) = sent.read_text(encoding="utf-8").splitlines()
    event = json.loads(line)
    facet = event["run"]["facets"]["workflow"]
    assert {name: value for name, value in facet.items() if not name.startswith("_")} == SAID
    assert [each["name"] for each in event["outputs"]] == outputs
    assert "4711" not in line


@pytest.mark.parametrize("attempt", [None, SimpleNamespace(call=None)])
def test_a_task_that_runs_no_attempt_reports_what_its_operator_does(attempt: Any) -> None:
    assert operator_of(Plain, attempt).get_openlineage_facets_on_start() is None
    found = operator_of(Copying, attempt).get_openlineage_facets_on_complete(None)
    assert [each.name for each in found.outputs] == ["orders"]
    assert found.run_facets == {}
