"""An instance that is played again leads to the same, and to elsewhere where another version does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.hosts.simulation import Simulation
from airflow_workflow_provider.model.references import by_reference
from airflow_workflow_provider.model.scenario import Scenario
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.scenarios.comparing import Comparison, compared
from airflow_workflow_provider.scenarios.recording import Ended, Recorded, path_lines
from airflow_workflow_provider.scenarios.replaying import Record, given_by, play
from airflow_workflow_provider.scenarios.running import START, Runner
from airflow_workflow_provider.tasks.calls import tasks_of
from airflow_workflow_provider.tasks.documents import load
from airflow_workflow_provider.tasks.mocks import Simulator
from tests.support.example_scenarios import CASES, CATALOGUE
from tests.support.examples import EXAMPLES


def flow(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": list(steps), **more}


def step(step_id: str, task_id: str = "remote", **more: Any) -> dict[str, Any]:
    return {"stepId": step_id, "taskId": task_id, **more}


def jmespath(expression: str) -> dict[str, str]:
    return {"type": "jmespath", "expression": expression}


class Instance:
    """An instance that ran in memory."""

    def __init__(self, document: Any, scenario: Scenario, *children: Any) -> None:
        self.definition = parse_definition(document)
        self.graph = Graph.of(self.definition, tasks_of(self.definition, CATALOGUE))
        runs: list[Simulation] = []
        simulator = Simulator(CATALOGUE, by_reference([self.definition, *map(parse_definition, children)]))
        runner = Runner(simulator)
        simulator.ended = lambda _, run: runs.append(run)
        result = runner.run("", self.definition.workflow_id, scenario)
        assert result.error is None
        run = runs[-1]
        assert run.final is not None
        self.ended = Ended(
            "i", run.status, run.final.input, run.final.event, run.output, run.error, START, run.ended_at, run.final
        )
        masker = Masker(self.definition, run.final.input)
        self.rows = [
            Recorded(
                each.name, each.at, each.step_id, each.scope, each.visit, each.attempt, masker.mask(dict(each.data))
            )
            for each in run.events
        ]
        self.notes: list[str] = []

    def against(self, document: Any, mocks: dict[str, Any] | None = None) -> Comparison:
        """Compare with another version."""
        definition = parse_definition(document)
        graph = Graph.of(definition, tasks_of(definition, CATALOGUE))
        return self.against_graph(graph, mocks or {})

    def against_graph(self, graph: Graph, mocks: dict[str, Any]) -> Comparison:
        record = Record(self.graph, given_by(self.graph, self.rows, self.ended.state))
        old, _ = play(Simulator(CATALOGUE), record, self.graph, self.ended, given=self.ended.input, mocks={})
        new, self.notes = play(Simulator(CATALOGUE), record, graph, self.ended, given=self.ended.input, mocks=mocks)
        own, other = Masker(self.definition, self.ended.input), Masker(graph.definition, self.ended.input)
        path = path_lines(self.graph, self.ended, self.rows)
        return compared(old, new, self.ended, path, lambda document: other.mask(own.mask(document)))


def ran(document: Any, mocks: dict[str, Any] | None = None, **given: Any) -> Instance:
    scenario = {"name": "n", "mocks": mocks or {}, "expect": {}, **given}
    return Instance(document, Scenario.model_validate(scenario, by_alias=True, by_name=False))


def lines(comparison: Comparison) -> list[tuple[str, str | None, str | None]]:
    return [(each["change"], each["old"], each["new"]) for each in comparison.path]


@pytest.mark.parametrize(("workflow", "scenario"), CASES)
def test_an_instance_is_the_same_in_its_own_version_and_in_one_with_another_number(
    workflow: str, scenario: Scenario
) -> None:
    document = load(str(EXAMPLES / f"{workflow}.json")).document
    instance = Instance(document, scenario)

    own = instance.against_graph(instance.graph, {})
    other = instance.against({**document, "version": "99.0.0"})

    assert (own.outcome, own.unlike, own.stopped) == ("same", (), None)
    assert (other.outcome, other.unlike, other.stopped) == ("same", (), None)
    assert instance.notes == []
    assert {each["change"] for each in own.path} <= {"same"}


PRICE = step("price", next=[{"nextStepId": "big", "condition": "output.amount > 100"}, {"nextStepId": "small"}])
BIG, SMALL = step("big", "set", arguments={"size": "L"}, next=[{"nextStepId": "end"}]), step("small", "set")


def test_another_condition_leads_to_another_path_and_output() -> None:
    instance = ran(flow(PRICE, BIG, SMALL), {"price": [{"output": {"amount": 150}}]})
    limit = {**PRICE, "next": [{"nextStepId": "big", "condition": "output.amount > 200"}, {"nextStepId": "small"}]}

    found = instance.against(flow(limit, BIG, SMALL))

    assert found.outcome == "different"
    assert lines(found) == [
        ("same", "price#1.1:completed", "price#1.1:completed"),
        ("changed", "big#1.1:completed", "small#1.1:completed"),
    ]
    assert found.output == ({"pointer": "/size", "change": "removed", "old": "L"},)
    assert found.error == ()


def test_a_handler_that_was_added_takes_the_recorded_failure_and_the_retry_after_it() -> None:
    call = step("call", retryPolicy={"maxAttempts": 2})
    mocks = {"call": [{"error": {"type": "Down", "message": "x"}}, {"error": {"type": "Down", "message": "y"}}]}
    instance = ran(flow(call), mocks)
    assert instance.ended.status == "failed"

    handled = {**call, "onFailure": {"action": "stop", "errorHandler": {"conditions": [
        {"errorType": "Down", "nextStepId": "later"}]}}}  # fmt: skip
    found = instance.against(flow(handled, step("later", "noop")))

    assert found.outcome == "different"
    assert found.status == {"old": "failed", "new": "completed"}
    assert lines(found)[-1] == ("added", None, "later#1.1:completed")
    assert [each["change"] for each in found.error] == ["changed"]


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (step("first"), None),
        (step("first", "elsewhere"), "the instance ran task 'remote', and nobody knows what 'elsewhere' gives"),
        (step("renamed"), "the instance has no result of this call"),
        (step("first", output=jmespath("{b: output.a}")), None),
    ],
)
def test_what_was_not_recorded_stops_the_replay_there(after: dict[str, Any], why: str | None) -> None:
    instance = ran(flow(step("first"), step("last", "noop")), {"first": [{"output": {"a": 1}}]})

    found = instance.against(flow(after, step("last", "noop")))

    if why is None:
        assert (found.outcome, found.stopped) == ("same", None)
        return
    assert found.stopped == f"{after['stepId']}#1.1: {why}"
    assert found.outcome == ("unknown" if after["stepId"] == "first" else "different")
    assert "same" not in {each["change"] for each in found.path}
    given = instance.against(flow(after, step("last", "noop")), {after["stepId"]: [{"output": {"a": 1}}]})
    assert given.stopped is None
    assert given.outcome == ("same" if after["stepId"] == "first" else "different")


def test_k5_the_result_of_one_task_is_not_that_of_another_that_is_selected() -> None:
    def choosing(expression: str) -> dict[str, Any]:
        return step("pay", task_id={"oneOf": ["card", "cash"], "select": jmespath(expression)})

    instance = ran(flow(choosing("'card'")), {"card": [{"output": {"k": 1}}]})

    assert instance.against(flow(choosing("'card'"))).outcome == "same"
    stopped = instance.against(flow(choosing("'cash'"))).stopped
    assert stopped is not None
    assert "the instance ran task 'card'" in stopped


def test_an_output_that_is_computed_in_another_way_is_not_guessed() -> None:
    instance = ran(flow(step("a", output=jmespath("{b: output.a}"))), {"a": [{"output": {"a": 1, "c": 2}}]})

    same = instance.against(flow(step("a", output=jmespath("{b: output.a}"))))
    other = instance.against(flow(step("a", output=jmespath("{b: output.c}"))))

    assert same.outcome == "same"
    assert (other.outcome, other.output) == ("unknown", ())
    assert other.stopped is not None
    assert other.stopped.startswith("a#1.1: 'output' of the step has changed since")


def test_one_more_attempt_than_the_instance_had_is_unknown() -> None:
    call = step("call", retryPolicy={"maxAttempts": 1})
    instance = ran(flow(call), {"call": [{"error": {"type": "Down", "message": "x"}}]})

    found = instance.against(flow({**call, "retryPolicy": {"maxAttempts": 2}}))

    assert found.stopped == "call#1.2: the instance has no result of this call"
    assert lines(found) == [("same", "call#1.1:failed", "call#1.1:failed"), ("added", None, "call#1.2:running")]


def test_items_get_the_results_of_their_own() -> None:
    items = {"items": jmespath("input.xs"), "steps": [step("each")]}
    document = flow(step("all", "noop", forEach=items, output=jmespath("{all: output.items[].n}")))
    instance = ran(document, {"each": [{"output": {"n": n}} for n in (10, 20, 30)]}, input={"xs": [1, 2, 3]})

    found = instance.against(document)
    serial = {**items, "maxConcurrency": 1}
    one_by_one = instance.against(flow(step("all", "noop", forEach=serial, output=jmespath("{all: output.items[].n}"))))

    assert found.outcome == "same"
    assert one_by_one.output == ()
    assert one_by_one.status == {"old": "completed", "new": "completed"}


@pytest.mark.parametrize("mocked", [{"output": {"own": 1}}, {"error": {"type": "Down", "message": "m"}}])
def test_the_own_task_of_a_step_with_items_gives_what_it_gave(mocked: dict[str, Any]) -> None:
    items = {"items": jmespath("input.xs"), "steps": [step("each")]}
    mocks = {"all": [mocked], "each": [{"output": {"n": 1}}]}

    for level, outcome in (("info", "same"), ("error", "unknown")):
        document = flow(step("all", forEach=items), executionLog={"level": level})
        found = ran(document, mocks, input={"xs": [1, 2]}).against(document)

        assert found.outcome == outcome
        assert (found.stopped or "").startswith("all#1.1:") == (outcome == "unknown")


def test_a_call_with_other_arguments_takes_the_recorded_result_and_says_so() -> None:
    instance = ran(flow(step("a", arguments={"n": 1})), {"a": [{"output": {}}]})

    found = instance.against(flow(step("a", arguments={"n": 2})))

    assert found.outcome == "same"
    assert instance.notes == ["a#1.1 has other arguments; the recorded result is taken anyway"]


def test_l4_secrets_are_compared_and_not_shown() -> None:
    schema = {"type": "object", "properties": {"pin": {"type": "string", "writeOnly": True}}}
    shown = flow(step("a", "set", arguments={"x": jmespath("input.pin")}), inputSchema=schema)
    instance = ran(shown, input={"pin": "471147"})

    found = instance.against(flow(step("a", "set", arguments={"x": "plain"}), inputSchema=schema))
    masked = instance.against(
        flow(step("a", "set", arguments={"x": jmespath("join('-', [input.pin, input.pin])")}), inputSchema=schema)
    )
    hidden = instance.against(flow(step("a", "set", arguments={"x": "t"}), inputSchema=schema,
                                   executionLog={"redact": ["x"]}))  # fmt: skip

    assert found.output == ({"pointer": "/x", "change": "changed", "old": "***", "new": "plain"},)
    assert masked.outcome == "different"
    assert hidden.output == (
        {"pointer": "", "change": "changed", "old": "a masked value", "new": "another masked value"},
    )
    assert "471147" not in str([found.to_json(), masked.to_json(), hidden.to_json()])


def test_an_instance_that_cannot_be_repeated_is_never_the_same() -> None:
    instance = ran(flow(step("a"), step("b")), {"a": [{"output": {}}], "b": [{"output": {}}]})
    # At the level error the log has no results; the state knows the latest visit only.
    instance.rows = []
    del instance.ended.state.steps["a"]

    found = instance.against(flow(step("a"), step("b")))

    assert found.outcome == "unknown"
    assert found.unlike == ("not followed to its end: a#1.1: the instance has no result of this call",)


def test_the_state_gives_what_the_log_does_not_have() -> None:
    instance = ran(flow(step("a"), step("b")), {"a": [{"output": {"x": 1}}], "b": [{"output": {}}]})
    instance.rows = []

    assert instance.against(flow(step("a"), step("b"))).outcome == "same"


@pytest.mark.parametrize(
    "data", [{}, {"value": 1}, {"error": "text"}, {"error": {"details": 7, "code": 7}}, {"output": [1]}]
)
@pytest.mark.parametrize("event", ["step.failed", "step.completed", "region.started", "compensation.failed"])
def test_rows_that_were_changed_manually_do_not_break_it(event: str, data: dict[str, Any]) -> None:
    instance = ran(flow(step("a")), {"a": [{"output": {"x": 1}}]})
    instance.rows = [replace(each, event=event, data=data) for each in instance.rows if each.step_id]

    assert instance.against(flow(step("a"))).outcome in {"same", "different", "unknown"}


def test_f4_the_failure_of_a_sub_workflow_keeps_its_causes_and_compensations_are_repeated() -> None:
    child = {**flow(step("broken", "fail", arguments={"type": "Down", "message": "m"})), "workflowId": "other"}
    document = flow(
        step("book", compensation={"taskId": "cancel"}, next=[{"nextStepId": "child"}]),
        step("child", "workflow:other", onFailure={"errorHandler": {"conditions": [
            {"errorType": "Down", "nextStepId": "give"}]}}),
        step("give", "fail", arguments={"type": "GivenUp", "message": "no"}),
        onFailure={"action": "stop", "compensate": True},
    )  # fmt: skip
    mocks: dict[str, Any] = {"book": [{"output": {}}], "cancel": [{"output": {}}]}
    scenario = {"name": "n", "mocks": mocks, "expect": {}}
    instance = Instance(document, Scenario.model_validate(scenario, by_alias=True, by_name=False), child)
    assert [row.event for row in instance.rows if "compensation." in row.event]

    found = instance.against(document)

    assert (found.outcome, found.unlike, found.stopped) == ("same", (), None)
    assert [new for _, _, new in lines(found)] == ["book#1.1:completed", "child#1.1:failed", "give#1.1:failed"]
    other = instance.against({**document, "steps": [
        {**document["steps"][0], "compensation": {"taskId": "refund"}}, *document["steps"][1:]]})  # fmt: skip
    assert other.outcome == "unknown"
    assert other.stopped is not None
    assert other.stopped.startswith("compensation of book#1.1: the instance ran task 'cancel'")
