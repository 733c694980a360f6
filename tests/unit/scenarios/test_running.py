"""Scenario files: what a scenario may say, how it is compared, and which ways it covers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from airflow_workflow_provider.cli.main import main

ROOT = Path(__file__).parents[3]


class Folder:
    """A folder with definitions and scenarios.

    :param path: the folder
    """

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path = path
        self._capsys = capsys

    def define(self, *steps: dict[str, Any], workflow_id: str = "w", **more: Any) -> None:
        """Write a definition."""
        document = {"workflowId": workflow_id, "name": "W", "version": "1.0.0", "steps": list(steps), **more}
        (self.path / f"{workflow_id}.json").write_text(json.dumps(document), encoding="utf-8")

    def scenario(self, *scenarios: dict[str, Any], workflow: str = "w") -> None:
        """Write a scenario file; a scenario without a name gets one."""
        named = [{"name": f"s{number}", "expect": {}, **each} for number, each in enumerate(scenarios)]
        document = {"workflow": workflow, "scenarios": named}
        (self.path / f"{workflow}.scenario.json").write_text(json.dumps(document), encoding="utf-8")

    def test(self, *options: str, code: int = 0) -> dict[str, Any]:
        """Run the scenarios, and return the report."""
        assert main(["test", str(self.path), "--output", "json", *options]) == code
        report: dict[str, Any] = json.loads(self._capsys.readouterr().out)
        return report

    def failures(self, *scenarios: dict[str, Any]) -> list[str]:
        """Run scenarios of which one fails, and return how."""
        self.scenario(*scenarios)
        (found,) = [each for each in self.test(code=1)["scenarios"] if not each["passed"]]
        failures: list[str] = found["failures"] if found["error"] is None else [found["error"]]
        return failures


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    return Folder(tmp_path, capsys)


CALL = {"stepId": "call", "taskId": "remote"}
ASK = {"stepId": "ask", "taskId": "approval", "arguments": {"subject": "?", "minApprovals": 2}}


def test_two_scenarios_of_one_name_are_refused_in_a_sentence(folder: Folder) -> None:
    folder.define(CALL)

    (failure,) = folder.failures({"name": "twice"}, {"name": "twice"})

    assert "Two scenarios are named 'twice'" in failure
    assert "must be" not in failure


def test_the_scenarios_of_the_examples_pass_and_cover_every_way_of_each_example_that_has_some(
    capsys: pytest.CaptureFixture[str],
) -> None:
    files = sorted((ROOT / "examples").glob("*.scenario.*"))

    code = main(["test", *map(str, files), "--output", "json"])

    report = json.loads(capsys.readouterr().out)
    covered = {each["workflowId"]: each["percent"] for each in report["coverage"]["workflows"]}
    assert (code, report["failed"]) == (0, 0)
    assert len(files) >= 9
    assert {covered[file.name.partition(".")[0]] for file in files} == {100.0}


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        ({"status": "failed"}, "status: expected failed, got completed"),
        ({"path": ["call", "call"]}, "path: expected call call, got call#1.1:completed"),
        ({"path": ["call#1.2"]}, "path: expected call#1.2, got call#1.1:completed"),
        ({"steps": {"call": None}}, "steps.call: expected not to run, got completed"),
        ({"output": {"a": 1}}, 'output: expected {"a": 1}, got {"a": 1, "b": [2]}'),
        ({"output": None}, 'output: expected null, got {"a": 1, "b": [2]}'),
        ({"outputIncludes": {"b": [3]}}, "output.b[0]: expected 3, got 2"),
        ({"outputIncludes": {"c": 1}}, "output.c: expected 1, but it is missing"),
        ({"outputIncludes": {"c": None}}, "output.c: expected null, but it is missing"),
        ({"error": {"type": "X"}}, "status: expected failed, got completed"),
        ({"data": {"a": True}}, "data.a: expected true, got 1"),
        ({"variables": {"v": 1}}, "variables.v: expected 1, but it is missing"),
        ({"log": ["instance.started"]}, "log: expected"),
        ({"elapsed": "PT1S"}, "elapsed: expected 0:00:01, got 0:00:00"),
    ],
)
def test_what_is_not_as_expected_fails_the_scenario(folder: Folder, expect: dict[str, Any], reason: str) -> None:
    folder.define(CALL)

    failures = folder.failures({"mocks": {"call": [{"output": {"a": 1, "b": [2]}}]}, "expect": expect})

    assert failures[0].startswith(reason)


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ({"expect": {"steps": {"cal": None}}}, "did you mean 'call'?"),
        ({"expect": {"path": ["cal"]}}, "did you mean 'call'?"),
        ({"answers": {"cal": [{"decision": "approve"}]}}, "did you mean 'call'?"),
        ({"mocks": {"cal": [{"output": {}}]}}, "did you mean 'call'?"),
        ({"mocks": {"call": [{"output": {}, "error": {}}]}}, "An outcome has exactly one of"),
        ({"mocks": {"call": []}}, "at least 1 entry"),
        ({"mocks": {"call": [{"output": {}, "duration": "P1M"}]}}, "years or months"),
        ({"input": {}, "event": {"type": "a"}}, "A scenario has one of 'input' and 'event'"),
        ({"event": {"type": "a"}}, "No trigger of 'w' matches 'a'"),
        ({"event": {"type": ""}}, "Not a CloudEvent"),
        ({"expect": {"path": ["call:"]}}, "'call:' is no entry of a path"),
        ({"expect": {"path": None}}, "Null expects nothing"),
        ({"expect": {"outputIncludes": None}}, "Null expects nothing"),
        ({"expects": {}}, "did you mean 'expect'"),
        ({"start": "2026-01-01T00:00:00"}, "/scenarios/0/start"),
    ],
)
def test_a_scenario_that_cannot_be_run_is_an_error_with_its_reason(
    folder: Folder, scenario: dict[str, Any], reason: str
) -> None:
    folder.define(CALL)

    (failure,) = folder.failures(scenario)

    assert reason in failure


def test_a_task_without_a_mock_fails_the_scenario(folder: Folder) -> None:
    folder.define(CALL)

    assert folder.failures({}) == ["task 'remote' cannot run in a simulation and has no mock: it returns {}"]


def test_one_invalid_definition_fails_only_its_own_scenarios(folder: Folder) -> None:
    folder.define({"stepId": "a", "taskId": "noop"})
    folder.define({"stepId": "a", "taskId": "noop", "next": [{"nextStepId": "b"}]}, workflow_id="broken")
    folder.scenario({})
    folder.scenario({}, workflow="broken")
    folder.scenario({}, workflow="v")

    scenarios = folder.test(code=1)["scenarios"]

    reasons = {each["workflow"]: each["error"] for each in scenarios}
    assert reasons["w"] is None
    assert "WF201 at /steps/0/next/0/nextStepId" in reasons["broken"]
    assert "There is no definition 'v'" in reasons["v"]


def test_every_kind_of_way_is_counted_and_drawn(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.define(
        {
            "stepId": "each",
            "taskId": "noop",
            "forEach": {
                "items": {"type": "jmespath", "expression": "input.items"},
                "steps": [{"stepId": "one", "taskId": "remote"}],
            },
        },
        {
            "stepId": "par",
            "taskId": "noop",
            "parallelBranches": [
                {"branchId": "b", "steps": [{"stepId": "in-b", "taskId": "noop"}]},
                {"branchId": "c", "steps": []},
            ],
        },
        {
            "stepId": "pay",
            "taskId": "noop",
            "compensation": {"taskId": "noop"},
            "next": [{"nextStepId": "stop", "condition": "input.items.size() > 1"}, {"nextStepId": "end"}],
        },
        {
            "stepId": "stop",
            "taskId": "fail",
            "arguments": {"message": "no"},
            "onFailure": {"errorHandler": {"conditions": [{"errorType": "Other", "nextStepId": "end"}]}},
        },
        {"stepId": "sorry", "taskId": "noop", "next": []},
        onFailure={"compensate": True, "nextStepId": "sorry"},
    )
    folder.scenario(
        {"input": {"items": [1, 2]}, "mocks": {"one": [{"output": {}}]}, "expect": {"status": "failed"}},
        {"input": {"items": [1]}, "mocks": {"one": [{"output": {}}]}},
    )
    file = tmp_path / "coverage.txt"

    (covered,) = folder.test("--coverage", str(file))["coverage"]["workflows"]

    taken = {way: times for way, times in covered["ways"].items() if times}
    assert taken == {
        "each/next/0": 2,
        "each/items/0": 3,
        "one/next/0": 3,
        "par/next/0": 2,
        "par/branch/b": 2,
        "par/branch/c": 2,
        "in-b/next/0": 2,
        "pay/next/0": 1,
        "pay/next/1": 1,
        "pay/compensation/0": 1,
        "fail.on_failure/failure/0": 1,
        "sorry/next/0": 1,
    }
    assert covered["missed"] == ["stop/next/0", "stop/failure/0"]
    assert covered["totals"]["handlers"] == {"taken": 1, "of": 2}
    assert covered["steps"]["one"] == 3

    assert main(["graph", str(folder.path / "w.json"), "--coverage", str(file)]) == 0
    chart = capsys.readouterr().out
    edges = [line.strip() for line in chart.splitlines() if " --> " in line or " -->|" in line or " -. " in line]
    red = [edges[int(line.split()[1])] for line in chart.splitlines() if "linkStyle" in line]
    assert len(red) == 2
    assert all("\N{MULTIPLICATION SIGN}0" in line and line.startswith("s6 ") for line in red)
    assert main(["graph", str(folder.path / "w.json"), "--coverage", str(file), "--format", "text"]) == 0
    assert "[c] \N{MULTIPLICATION SIGN}2" in capsys.readouterr().out


def test_the_ways_of_sub_workflows_are_counted_too(folder: Folder) -> None:
    folder.define({"stepId": "call", "taskId": "workflow:child"})
    folder.define({"stepId": "inner", "taskId": "noop"}, workflow_id="child")
    folder.scenario({})

    workflows = folder.test()["coverage"]["workflows"]

    assert {each["workflowId"]: each["percent"] for each in workflows} == {"w": 100.0, "child": 100.0}


def test_less_coverage_than_asked_for_is_exit_code_1(folder: Folder) -> None:
    folder.define(
        {"stepId": "a", "taskId": "noop", "next": [{"nextStepId": "end", "condition": "input.x"}, {"nextStepId": "b"}]},
        {"stepId": "b", "taskId": "noop"},
    )
    folder.scenario({"input": {"x": True}})

    assert folder.test("--fail-under", "33.3")["coverage"]["percent"] == 33.3
    folder.test("--fail-under", "33.4", code=1)


@pytest.mark.parametrize("options", [["--fail-under", "101"], ["--fail-under", "nan"]])
def test_a_bound_that_is_no_percentage_is_misuse(folder: Folder, options: list[str]) -> None:
    folder.define(CALL)
    folder.scenario({})

    assert main(["test", str(folder.path), *options]) == 2


def test_a_folder_without_scenarios_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(tmp_path)]) == 2
    assert "error no-scenarios" in capsys.readouterr().err


def test_the_junit_report_has_each_scenario_and_is_xml_whatever_the_texts_say(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.define(CALL)
    mocks = {"call": [{"output": {"text": "]]>\u0001<&\"'"}}]}
    folder.scenario(
        {"name": 'passes & "quotes" <', "mocks": mocks},
        {"name": "fails", "mocks": mocks, "expect": {"output": {}}},
        {"name": "error", "mocks": {"nothing": [{"output": {}}]}},
    )
    file = tmp_path / "junit.xml"

    folder.test("--junit", str(file), code=1)

    root = ET.parse(file).getroot()  # noqa: S314 - our own file
    assert {key: root.get(key) for key in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases == {'passes & "quotes" <': [], "fails": ["failure"], "error": ["error"]}
    properties = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert properties["coverage.w@1.0.0.transitions"] == "1/1"
    assert main(["test", str(folder.path), "--output", "junit"]) == 1
    assert ET.fromstring(capsys.readouterr().out).tag == "testsuites"  # noqa: S314 - our own text


def test_e5_a_step_receives_the_first_event_that_fits_and_each_event_once(folder: Folder) -> None:
    receive = {"taskId": "receive", "arguments": {"eventPattern": "paid.*", "correlation": {"no": 7}}}
    folder.define(
        {"stepId": "first", "output": {"type": "jmespath", "expression": "{first: output.id}"}, **receive},
        {"stepId": "second", "output": {"type": "jmespath", "expression": "{second: output.id}"}, **receive},
    )
    events = [
        {"after": "PT3S", "event": {"id": "c", "type": "paid.c", "data": {"no": 7}}},
        {"after": "PT1S", "event": {"id": "a", "type": "paid.a", "data": {"no": 8}}, "ignored": True},
        {"after": "PT2S", "event": {"id": "b", "type": "paid.b", "data": {"no": 7.0}}},
    ]
    folder.scenario({"events": events, "expect": {"data": {"first": "b", "second": "c"}, "elapsed": "PT3S"}})

    folder.test()


def test_e5_an_event_counts_five_minutes_before_a_step_waits_and_no_longer(folder: Folder) -> None:
    folder.define(
        {"stepId": "pause", "taskId": "wait", "arguments": {"duration": "PT10M"}},
        {"stepId": "in", "taskId": "receive", "arguments": {"eventPattern": "a", "timeout": "PT1M"}},
    )
    at = {"name": "in time", "events": [{"after": "PT5M", "event": {"type": "a"}}], "expect": {"elapsed": "PT10M"}}
    late = {"name": "too early", "events": [{"after": "PT4M59S", "event": {"type": "a"}, "ignored": True}]}
    folder.scenario(at, {**late, "expect": {"error": {"type": "TimeoutError"}}})

    folder.test()


def test_e5_branches_beside_each_other_receive_the_same_event_and_no_step_the_one_that_started(folder: Folder) -> None:
    receive = {"taskId": "receive", "arguments": {"eventPattern": "a", "timeout": "PT1H"}}
    branches = [{"branchId": name, "steps": [{"stepId": f"in-{name}", **receive}]} for name in ("x", "y")]
    folder.define(
        {"stepId": "par", "taskId": "noop", "parallelBranches": branches},
        triggers=[{"eventPattern": "a"}],
    )
    start = {"type": "a", "id": "start", "data": {}}
    folder.scenario(
        {"event": start, "events": [{"event": start, "ignored": True}], "expect": {"status": "failed"}},
        {"event": start, "events": [{"event": {"type": "a", "id": "other"}}], "expect": {"elapsed": "PT0S"}},
    )

    folder.test()


def test_k3_people_vote_until_it_is_decided(folder: Folder) -> None:
    folder.define(ASK)
    votes = [
        {"after": "PT1H", "by": "ada", "decision": "approve"},
        {"after": "PT3H", "by": "bob", "decision": "approve"},
    ]
    expect = {"data": {"decision": "approve"}, "elapsed": "PT3H"}
    folder.scenario({"answers": {"ask": votes}, "expect": expect})

    folder.test()

    late = {"after": "PT9H", "by": "eve", "decision": "reject"}
    assert folder.failures({"answers": {"ask": [*votes, late]}, "expect": expect}) == [
        "answers/ask: no question asked for the last of them"
    ]


RECEIVE = {"stepId": "in", "taskId": "receive", "arguments": {"eventPattern": "a", "timeout": "PT1M"}}


@pytest.mark.parametrize(
    ("steps", "event", "reason"),
    [
        ([RECEIVE], {"event": {"type": "b"}}, "no step received it"),
        ([RECEIVE], {"event": {"type": "a"}, "after": "PT2M"}, "no step received it"),
        ([{"stepId": "a", "taskId": "noop"}], {"event": {"type": "a"}}, "no step received it"),
        ([RECEIVE], {"event": {"type": "a"}, "ignored": True}, "a step received it"),
        (
            [
                {
                    "stepId": "par",
                    "taskId": "noop",
                    "failFast": True,
                    "parallelBranches": [
                        {"branchId": "x", "steps": [RECEIVE]},
                        {"branchId": "y", "steps": [{"stepId": "no", "taskId": "fail"}]},
                    ],
                    "onFailure": {"action": "continue"},
                },
                {"stepId": "pause", "taskId": "wait", "arguments": {"duration": "PT1H"}},
            ],
            {"event": {"type": "a"}, "after": "PT30S"},
            "no step received it",
        ),
    ],
    ids=["of another type", "too late", "without a step", "that is to be ignored", "of a step that was stopped"],
)
def test_e5_an_event_that_is_not_received_as_written_fails_the_scenario(
    folder: Folder, steps: list[dict[str, Any]], event: dict[str, Any], reason: str
) -> None:
    folder.define(*steps)
    first = {"events": [{"after": "PT0S", "event": {"type": "c"}, "ignored": True}, event]}

    for status in ("completed", "failed"):
        folder.scenario({**first, "expect": {"status": status}})
        report = folder.test(code=1)["scenarios"][0]
        assert any(failure.startswith(f"events[1]: {reason}") for failure in report["failures"]), report


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"decision": "maybe"}, "'maybe' is not one of the options"),
        ({"decision": "approve", "form": {"a": 1}}, "this question has no form"),
        ({"decision": "approve", "after": "PT2H"}, "which is too late"),
    ],
)
def test_k3_an_answer_that_nobody_could_give_fails_the_scenario(
    folder: Folder, answer: dict[str, Any], reason: str
) -> None:
    ask = {"stepId": "ask", "taskId": "approval", "arguments": {"subject": "?", "timeout": "PT1H"}}
    folder.define(ask)

    failures = folder.failures({"answers": {"ask": [answer]}, "expect": {"status": "failed"}})

    assert any(reason in failure for failure in failures)


def test_what_a_step_keeps_can_be_given_instead_of_the_result_of_its_task(folder: Folder) -> None:
    folder.define({**CALL, "output": {"type": "jmespath", "expression": "{got: output.body}"}})
    folder.scenario(
        {"mocks": {"call": [{"kept": {"got": 1}}]}, "expect": {"output": {"got": 1}}},
        {"mocks": {"call": [{"output": {"body": 1}}]}, "expect": {"output": {"got": 1}}},
    )

    folder.test()


def test_the_schema_accepts_the_scenarios_of_the_examples() -> None:
    import jsonschema

    from airflow_workflow_provider.model.yaml_text import loads_yaml

    schema = json.loads((ROOT / "schema/scenario.schema.json").read_text(encoding="utf-8"))
    for file in (ROOT / "examples").glob("*.scenario.*"):
        text = file.read_text(encoding="utf-8")
        document = json.loads(text) if file.suffix == ".json" else loads_yaml(text)
        jsonschema.Draft202012Validator(schema).validate(document)
