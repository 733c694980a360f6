"""A scenario that was made of an instance repeats it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.hosts.simulation import Simulation
from airflow_workflow_provider.model.references import by_reference
from airflow_workflow_provider.model.scenario import Scenario, ScenarioFile
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.scenarios.recording import Ended, Recorded, scenario_of, without_path
from airflow_workflow_provider.scenarios.running import START, Runner
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.documents import load
from airflow_workflow_provider.tasks.mocks import Simulator
from tests.support.example_scenarios import CASES, CATALOGUE
from tests.support.examples import EXAMPLES


class Recording:
    """Runs a scenario and makes another one of what happened."""

    def __init__(self, document: Any) -> None:
        definition = parse_definition(document)
        self.runs: list[tuple[Graph, Simulation]] = []
        simulator = Simulator(CATALOGUE, by_reference([definition]))
        self.runner = Runner(simulator)
        count = simulator.ended

        def ended(graph: Graph, run: Simulation) -> None:
            count(graph, run)
            self.runs.append((graph, run))

        simulator.ended = ended
        self.graph = Graph.of(definition, tasks_of(definition, CATALOGUE))

    def record(self, scenario: Scenario) -> dict[str, Any]:
        """Return the scenario that was made."""
        self.runner.run("", self.graph.definition.workflow_id, scenario)
        _, run = self.runs[-1]
        assert run.final is not None
        ended = Ended(
            "again",
            run.status,
            run.final.input,
            None,
            run.output,
            run.error,
            START,
            run.ended_at,
            run.final,
        )
        rows = [
            Recorded(each.name, each.at, each.step_id, each.scope, each.visit, each.attempt, each.data)
            for each in run.events
        ]
        masker = Masker(self.graph.definition, run.final.input)
        document = scenario_of(self.graph, ended, rows, masker)
        if any(each.startswith("path:") for each in self.again(document)):
            document = without_path(document, run.final)
        return document

    def again(self, document: dict[str, Any]) -> list[str]:
        """Run the scenario that was made, and return what differs."""
        (scenario,) = ScenarioFile.model_validate(document, by_alias=True, by_name=False).scenarios
        result = self.runner.run("", document["workflow"], scenario)
        return [*result.failures, *([result.error] if result.error else [])]


@pytest.mark.parametrize(("workflow", "scenario"), CASES)
def test_a_recorded_scenario_repeats_what_happened(workflow: str, scenario: Scenario) -> None:
    recording = Recording(load(str(EXAMPLES / f"{workflow}.json")).document)

    document = recording.record(scenario)

    assert recording.again(document) == []


def test_l4_secrets_are_masked_and_attempts_keep_their_order() -> None:
    recording = Recording({
        "workflowId": "w",
        "name": "W",
        "version": "1.0.0",
        "inputSchema": {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}},
        "steps": [
            {
                "stepId": "call",
                "taskId": "remote",
                "retryPolicy": {"maxAttempts": 2},
                "output": {"type": "jmespath", "expression": "{echo: output.body}"},
            }
        ],
    })  # fmt: skip
    mocks = {"call": [{"error": {"type": "Down", "message": "not 4711"}}, {"output": {"body": "pin 4711"}}]}
    given = {"name": "n", "input": {"pin": "4711"}, "mocks": mocks, "expect": {}}

    document = recording.record(Scenario.model_validate(given, by_alias=True, by_name=False))

    (made,) = document["scenarios"]
    assert "4711" not in str(document)
    assert made["input"] == {"pin": "***"}
    assert [sorted(each) for each in made["mocks"]["call"]] == [["error"], ["kept"]]
    assert made["mocks"]["call"][1] == {"kept": {"echo": "pin ***"}}
    assert made["expect"]["path"] == ["call#1.1:failed", "call#1.2:completed"]
    assert recording.again(document) == []
