"""What operators do to instances in a real Airflow: suspend, resume, cancel, retry, restart, skip (rules I3, I5)."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import ADMIN
from tests.support.airflow import RunningAirflow
from tests.support.api import problem
from tests.support.documents import step
from tests.support.scenarios import Scenario
from tests.support.steering import SECONDS, Steering

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2")]

Json = dict[str, Any]

BROKEN: Json = {"error": {"type": "Broken", "message": "not today"}}
SLEEP: Json = {"sleep": 6}
DONE: Json = {"output": {"done": True}}
HOUR: Json = {"arguments": {"eventPattern": "never.comes"}, "timeout": "PT1H"}


def definition(*steps: Json, version: str = "1.0.0", **more: Any) -> Json:
    return {"name": "Steered", "version": version, "steps": list(steps), **more}


def branch(branch_id: str, *steps: Json) -> Json:
    return {"branchId": branch_id, "steps": list(steps)}


def test_i3_parallel_branches_are_held_until_the_instance_is_resumed(steering: Steering) -> None:
    wide = step(
        "p", parallelBranches=[branch("x", step("x1", "work"), step("x2")), branch("y", step("y1", "work"), step("y2"))]
    )
    scenario = Scenario("steer.suspend", definition(wide, step("q")), mocks={"x1": [SLEEP], "y1": [SLEEP]})
    instance = steering.start(scenario)
    steering.wait_for_start(instance, "x1", "y1")

    suspended = steering.do(instance, "suspend", reason="stock taking")
    assert (suspended["status"], "resume" in suspended["operations"]) == ("suspended", True)
    steering.wait_for(instance, x1="success", y1="success", x2="awaiting_input", y2="awaiting_input")
    held = steering.get(instance)
    assert (held["status"], sorted(held["state"]["activeSteps"])) == ("suspended", ["p", "x2", "y2"])
    assert {row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"} == {"p", "x1", "y1"}
    assert steering.do(instance, "suspend")["updatedAt"] == held["updatedAt"]

    steering.do(instance, "resume")
    done = steering.ended(instance)
    assert sorted(done["state"]["steps"]) == ["p", "q", "x1", "x2", "y1", "y2"]
    reported = [(row["event"], row["message"], row["data"]["via"]) for row in steering.actions(instance)]
    assert reported == [("instance.suspended", "stock taking", "api"), ("instance.resumed", None, "api")]
    assert {row["actor"]["name"] for row in steering.actions(instance)} == {"admin"}


def test_i3_a_region_that_waits_for_something_else_continues_when_it_is_resumed(steering: Steering) -> None:
    items = {
        "items": {"type": "jmespath", "expression": "`[0, 1]`"},
        "as": "n",
        "steps": [
            step("first", next=[{"nextStepId": "long", "condition": "n == 0"}, {"nextStepId": "middle"}]),
            step("long", "receive", next=[], **HOUR),
            step("middle", "work", next=[{"nextStepId": "short"}]),
            step("short", next=[]),
        ],
    }
    scenario = Scenario("steer.region", definition(step("each", forEach=items)), mocks={"middle": [SLEEP]})
    instance = steering.start(scenario)
    steering.wait_for_start(instance, "long", "middle")
    steering.do(instance, "suspend")
    steering.wait_for(instance, each="deferred")
    assert "short" not in {row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"}
    steering.do(instance, "resume")
    steering.wait_for_start(instance, "short")
    steering.do(instance, "cancel", reason="enough")
    assert steering.ended(instance, "failed")["error"]["type"] == "Cancelled"


def test_i3_the_time_of_a_suspended_instance_is_paused(steering: Steering) -> None:
    document = definition(step("wait", "receive", arguments=HOUR["arguments"]), settings={"timeout": "PT12S"})
    instance = steering.start(Scenario("steer.deadline", document))
    steering.wait_for(instance, wait="deferred")
    steering.do(instance, "suspend")
    was = steering.get(instance)["deadlineAt"]
    run = steering.get(instance)["runId"]

    def taken_up_again() -> bool | None:
        log = steering.airflow.task_log("steer.deadline", run, "wait")
        return True if log.count("Pausing task as DEFERRED") > 1 else None

    # The trigger times out with the instance's first deadline, and is waited for again.
    poll(taken_up_again, seconds=300, what="the wait to be taken up again")
    assert steering.get(instance)["status"] == "suspended"
    assert steering.do(instance, "resume")["deadlineAt"] > was
    assert steering.ended(instance, "failed")["error"]["type"] == "TimeoutError"


def test_i5_a_loop_is_held_between_two_steps(steering: Steering) -> None:
    again = {"next": [{"nextStepId": "count", "condition": "data.n < 3"}, {"nextStepId": "after"}]}
    counted = {"n": {"type": "cel", "expression": "has(data.n) ? data.n + 1 : 1"}}
    loop = definition(step("count", "set", arguments=counted), step("work", "work", **again), step("after"))
    instance = steering.start(Scenario("steer.loop", loop, mocks={"work": [SLEEP, DONE, DONE]}))
    steering.wait_for_start(instance, "work")
    steering.do(instance, "suspend")
    steering.wait_for(instance, **{"count.loop": "awaiting_input"})
    steering.do(instance, "resume")
    assert steering.ended(instance)["state"]["data"]["n"] == 3


def test_i5_a_failed_instance_is_retried_with_the_fix_of_a_newer_version(steering: Steering) -> None:
    broken = definition(step("a", "work"), step("b", "work", arguments={"x": 1}), step("c"))
    instance = steering.start(Scenario("steer.retry", broken, mocks={"a": [DONE], "b": [BROKEN]}))
    steering.ended(instance, "failed")
    assert steering.refused(instance, "suspend") == "instance-over"

    fixed = definition(step("a", "work"), step("b", "set", arguments={"fixed": True}), step("c"), version="1.1.0")
    steering.scenarios.publish([Scenario("steer.retry", fixed)])

    def attempt() -> Json | None:
        answer = steering.http.post(f"instances/{instance}/retry", json={"version": "newest", "reason": "fixed"})
        if answer.status_code == 409 and "Retry-After" in answer.headers:
            return None
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    poll(attempt, seconds=SECONDS, what="the newer version to be loaded")
    done = steering.ended(instance)
    assert (done["version"], done["state"]["steps"]["b"]["output"]) == ("1.1.0", {"fixed": True})
    begun = [row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"]
    assert begun == ["a", "b", "b", "c"]
    (action,) = steering.actions(instance)
    assert (action["event"], action["data"]["oldVersion"], action["data"]["version"]) == (
        "instance.retried", "1.0.0", "1.1.0",
    )  # fmt: skip


def test_i8_live_instances_continue_in_a_newer_version_with_the_questions_that_they_ask(steering: Steering) -> None:
    ask = step("ask", "approval", arguments={"subject": "Go?"})

    def versions(name: str, *before: Json, **more: Any) -> list[Scenario]:
        old = definition(*before, ask, step("z"), **more)
        new = definition(*before, ask, step("added", "set", arguments={"added": True}), version="1.1.0", **more)
        return [Scenario(name, each, mocks={"y1": [DONE]}) for each in (old, new)]

    wide = [step("p", parallelBranches=[branch("x", ask, step("x2")), branch("y", step("y1", "work"))]), step("z")]
    wider = [
        step(
            "p",
            parallelBranches=[
                branch("x", ask, step("added", "set", arguments={"added": True})),
                branch("y", step("y1", "work")),
            ],
        ),
        step("z2"),
    ]
    pairs = [
        versions("migrate.tasks", step("a")),
        versions("migrate.inline", step("a"), settings={"execution": "inline"}),
        [
            Scenario("migrate.wide", definition(*steps, version=number), mocks={"y1": [DONE]})
            for number, steps in (("1.0.0", wide), ("1.1.0", wider))
        ],
    ]
    steering.scenarios.publish([old for old, _ in pairs])
    instances = {old.workflow_id: steering.started(old.workflow_id) for old, _ in pairs}

    def question(instance: str) -> Json | None:
        found = steering.http.get("questions", params={"instanceId": instance, "status": "open"}).json()["items"]
        return found[0] if found else None

    asked = {each: poll(partial(question, each), seconds=SECONDS, what="a question") for each in instances.values()}
    steering.wait_for(instances["migrate.tasks"], ask="awaiting_input")
    steering.wait_for(instances["migrate.inline"], **{"workflow.steps": "awaiting_input"})
    steering.wait_for(instances["migrate.wide"], ask="awaiting_input", y1="success")
    steering.scenarios.publish([new for _, new in pairs])

    def moved(instance: str) -> Json | None:
        answer = steering.http.post(f"instances/{instance}/migrate", json={"reason": "to go further"})
        if answer.status_code == 409 and answer.json()["code"] in ("workflow-not-loaded", "step-running"):
            return None
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    for instance in instances.values():
        assert poll(partial(moved, instance), seconds=SECONDS, what="the newer version")["version"] == "1.1.0"
        question_id = asked[instance]["id"]
        assert steering.http.get(f"questions/{question_id}").json()["status"] == "open"
        answer = steering.http.post(f"questions/{question_id}/answer", json={"decision": "approve"})
        assert answer.status_code == 200, answer.text
    for name, instance in instances.items():
        done = steering.ended(instance)
        assert (done["version"], done["state"]["steps"]["added"]["output"]) == ("1.1.0", {"added": True})
        begun = [row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"]
        # Nothing ran twice.
        assert sorted(begun) == sorted(
            ["p", "ask", "y1", "added", "z2"] if name == "migrate.wide" else ["a", "ask", "added"]
        ), (steering.tasks(instance), steering.events(instance))
        (action,) = [row for row in steering.actions(instance) if row["event"] == "instance.migrated"]
        assert (action["message"], action["data"]["oldVersion"]) == ("to go further", "1.0.0")


def test_i5_a_version_that_does_not_fit_is_refused(steering: Steering) -> None:
    instance = steering.start(
        Scenario("steer.misfit", definition(step("a"), step("b", "work"), step("c")), mocks={"b": [BROKEN, DONE]})
    )
    steering.ended(instance, "failed")
    other = definition(step("a"), step("new"), step("b", "work"), step("c"), version="2.0.0")
    steering.scenarios.publish([Scenario("steer.misfit", other, mocks={"b": [BROKEN, DONE]})])

    def attempt() -> Json | None:
        answer = steering.http.post(f"instances/{instance}/retry", json={"version": "newest"})
        return None if "Retry-After" in answer.headers else problem(answer, 409, "version-incompatible")

    assert "['b']" in poll(attempt, seconds=SECONDS, what="the newer version to be loaded")["detail"]
    steering.do(instance, "retry")
    assert steering.ended(instance)["version"] == "1.0.0"


def test_i5_what_was_cancelled_in_branches_is_retried(steering: Steering) -> None:
    wide = step(
        "p",
        parallelBranches=[
            branch("x", step("x1", "work"), step("x2")),
            branch("y", step("y1", "receive", **HOUR)),
            branch("z", step("z1")),
        ],
    )
    instance = steering.start(
        Scenario("steer.cancelled", definition(wide, step("q")), mocks={"x1": [{"sleep": 60}, DONE]})
    )
    steering.wait_for_start(instance, "x1", "y1", "z1")
    steering.wait_for(instance, y1="deferred")
    steering.do(instance, "cancel", reason="too early")
    assert steering.ended(instance, "failed")["error"]["message"] == "Cancelled by admin: too early"
    steering.do(instance, "retry")
    steering.wait_for(instance, x2="success", y1="deferred", z1="success")
    steering.do(instance, "cancel")
    steering.ended(instance, "failed")
    # The branch that waits for an event cannot fail; a skip is for what failed or was stopped while it ran.
    steering.do(instance, "skip", stepId="y1", output={"came": True})
    done = steering.ended(instance)
    assert done["state"]["steps"]["p"]["output"]["branches"]["y"] == {"came": True}


def test_i5_a_completed_instance_is_restarted_from_a_step_with_another_input(steering: Steering) -> None:
    seen = {"type": "jmespath", "expression": "input.amount"}
    document = definition(
        step("a"), step("b", "set", arguments={"seen": seen}), step("c"),
        inputSchema={"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]},
    )  # fmt: skip
    instance = steering.start(Scenario("steer.restart", document, input={"amount": 1}))
    assert steering.ended(instance)["state"]["steps"]["b"]["output"] == {"seen": 1}
    refused = steering.http.post(f"instances/{instance}/restart", json={"input": {"amount": "much"}})
    assert problem(refused, 422, "invalid-input")["diagnostics"][0]["pointer"] == "/input/amount"
    assert steering.refused(instance, "restart", fromStepId="nowhere") == "unknown-step"

    again = steering.do(instance, "restart", fromStepId="b", input={"amount": 2}, reason="wrong amount")
    assert (again["status"], again["input"], again["completedAt"]) == ("running", {"amount": 2}, None)
    assert steering.refused(instance, "restart") == "instance-live"
    done = steering.ended(instance)
    assert done["state"]["steps"]["b"]["output"] == {"seen": 2}
    begun = [row["stepId"] for row in steering.log(instance) if row["event"] == "step.started"]
    assert begun == ["a", "b", "c", "b", "c"]

    steering.do(instance, "restart", input={"amount": 3})
    done = steering.ended(instance)
    assert done["state"]["steps"]["b"]["output"] == {"seen": 3}
    visits = [row["visit"] for row in steering.log(instance) if row["event"] == "step.started" and row["stepId"] == "a"]
    assert visits == [1, 2]
    assert steering.airflow.run(done["dagId"], done["runId"])["conf"]["amount"] == 3


def test_i5_a_failed_step_is_skipped_with_an_output(steering: Steering) -> None:
    chooses = [{"nextStepId": "c", "condition": "output.ok"}, {"nextStepId": "d"}]
    instance = steering.start(
        Scenario(
            "steer.skip",
            definition(step("a"), step("b", "work", next=chooses), step("c", next=[]), step("d")),
            mocks={"b": [BROKEN]},
        )
    )
    steering.ended(instance, "failed")
    answer = steering.http.post(f"instances/{instance}/skip", json={"output": {}})
    assert problem(answer, 422, "output-refused")["pointer"] == "/output"
    assert steering.get(instance)["status"] == "failed"
    steering.do(instance, "skip", output={"ok": True}, reason="done by hand")
    done = steering.ended(instance)
    assert done["state"]["steps"]["b"]["output"] == {"ok": True}
    assert (steering.tasks(instance)["c"], steering.tasks(instance)["d"]) == ("success", "skipped")
    (action,) = steering.actions(instance)
    assert (action["event"], action["stepId"], action["message"]) == ("step.skippedByHand", "b", "done by hand")


def test_f7_an_instance_is_cancelled_with_its_compensations(steering: Steering) -> None:
    wide = step(
        "p",
        parallelBranches=[
            branch("x", step("x1", "work")),
            branch("y", step("y1", compensation={"taskId": "undo"}), step("y2", "receive", **HOUR)),
        ],
    )
    document = definition(
        step("a", compensation={"taskId": "undo"}),
        wide,
        step("q"),
        onFailure={"action": "continue", "compensate": True, "nextStepId": "q"},
    )
    instance = steering.start(Scenario("steer.compensate", document, mocks={"x1": [{"sleep": 120}]}))
    steering.wait_for_start(instance, "x1", "y2")
    steering.wait_for(instance, y2="deferred")
    steering.do(instance, "cancel", compensate=True, reason="wrong customer")
    steering.do(instance, "cancel", compensate=True)
    done = steering.ended(instance, "failed")
    assert done["error"]["type"] == "Cancelled"
    assert [(each["stepId"], each["status"]) for each in done["error"]["details"]["compensated"]] == [
        ("y1", "completed"), ("a", "completed"),
    ]  # fmt: skip
    assert "q" not in done["state"]["steps"]
    assert len(steering.actions(instance)) == 1
    assert steering.refused(instance, "retry") == "compensated"
    assert "restart" in done["operations"]


# Each operation from each status

WAY = {
    "running": [{"nextStepId": "wait"}],
    "completed": [{"nextStepId": "end"}],
    "failed": [{"nextStepId": "broken"}],
}
CHOICE = definition(
    step(
        "choose", next=[{"nextStepId": "wait", "condition": "input.how == 'wait'"},
                        {"nextStepId": "broken", "condition": "input.how == 'fail'"}, {"nextStepId": "end"}],
    ),
    step("wait", "receive", next=[], **HOUR),
    step("broken", "work", next=[]),
)  # fmt: skip

EXPECTED = {
    ("running", "suspend"): "suspended", ("running", "resume"): "running", ("running", "cancel"): "failed",
    ("running", "retry"): 409, ("running", "restart"): 409, ("running", "skip"): 409,
    ("suspended", "suspend"): "suspended", ("suspended", "resume"): "running", ("suspended", "cancel"): "failed",
    ("suspended", "retry"): 409, ("suspended", "restart"): 409, ("suspended", "skip"): 409,
    ("completed", "suspend"): 409, ("completed", "resume"): 409, ("completed", "cancel"): 409,
    ("completed", "retry"): 409, ("completed", "restart"): "completed", ("completed", "skip"): 409,
    ("failed", "suspend"): 409, ("failed", "resume"): 409, ("failed", "cancel"): 409,
    ("running", "compensate"): 409, ("suspended", "compensate"): 409, ("completed", "compensate"): 409,
    ("failed", "compensate"): 409,
    ("failed", "retry"): "completed", ("failed", "restart"): "completed", ("failed", "skip"): "completed",
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(steering: Steering) -> dict[tuple[str, str], str]:
    """An instance for each operation, in the status that it starts from."""
    how = {"running": "wait", "suspended": "wait", "completed": "end", "failed": "fail"}
    steering.scenarios.publish([Scenario("steer.table", CHOICE, mocks={"broken": [BROKEN, DONE]})])
    found = {
        (status, operation): steering.started("steer.table", {"how": how[status]}) for status, operation in EXPECTED
    }
    for (status, _), instance in found.items():
        if status in ("completed", "failed"):
            steering.ended(instance, status)
        else:
            steering.wait_for(instance, wait="deferred")
        if status == "suspended":
            steering.do(instance, "suspend")
    return found


@pytest.mark.parametrize(("status", "operation"), EXPECTED)
def test_i5_every_operation_works_from_every_status_or_says_why_not(
    steering: Steering, prepared: dict[tuple[str, str], str], status: str, operation: str
) -> None:
    instance, expected = prepared[status, operation], EXPECTED[status, operation]
    before = steering.get(instance)
    assert before["status"] == status
    body: Json = {"output": {}} if operation == "skip" else {}
    if expected == 409:
        answer = steering.http.post(f"instances/{instance}/{operation}", json=body)
        refusal = problem(answer, 409, answer.json()["code"])
        assert refusal["code"] in ("instance-over", "not-failed", "instance-live", "nothing-owed")
        assert refusal["detail"]
        assert steering.get(instance) == before
        return
    assert operation in before["operations"] or steering.do(instance, operation, **body)["status"] == status
    first = steering.do(instance, operation, **body)
    if expected in ("running", "suspended"):
        assert first["status"] == expected
    else:
        steering.ended(instance, str(expected))


def test_i5_two_hundred_instances_are_cancelled_at_once(steering: Steering) -> None:
    document = definition(step("wait", "receive", **HOUR))
    steering.start(Scenario("steer.bulk", document))
    for _ in range(199):
        steering.started("steer.bulk")
    wanted = {"operation": "cancel", "filter": {"workflowId": "steer.bulk", "status": ["running"]}}

    def pages(**more: Any) -> list[Json]:
        found: list[Json] = []
        after: dict[str, str] = {}
        while True:
            answer = steering.http.post("instances/bulk", json={**wanted, **more, **after})
            assert answer.status_code == 200, answer.text
            found += answer.json()["items"]
            if answer.json()["next"] is None:
                return found
            after = {"after": answer.json()["next"]}

    would = pages(dryRun=True)
    assert [each["outcome"] for each in would] == ["would"] * 200
    assert steering.http.get("instances", params={"workflowId": "steer.bulk", "status": "failed"}).json()["items"] == []
    done = pages(reason="sale is over", limit=25)
    assert {each["outcome"] for each in done} == {"done"}
    assert {each["instanceId"] for each in done} == {each["instanceId"] for each in would}
    assert len(done) == 200
    assert pages() == []

    def look() -> bool | None:
        return True if not [run for run in steering.airflow.unfinished() if run[0] == "steer.bulk"] else None

    poll(look, seconds=SECONDS, what="the runs to end")
    (action,) = steering.actions(done[17]["instanceId"])
    assert (action["event"], action["message"]) == ("instance.cancelled", "sale is over")


def test_i5_instances_are_operated_from_the_command_line(
    steering: Steering,
    running_airflow: RunningAirflow,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    access = running_airflow.environment.access()
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_URL", access.address)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_USER", ADMIN)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_PASSWORD", access.password)

    def run(*words: str, code: int = 0) -> list[Json]:
        capsys.readouterr()
        assert main(["instances", *words, "--output", "json"]) == code
        return list(json.loads(capsys.readouterr().out))

    first = steering.start(Scenario("steer.cli", definition(step("wait", "receive", **HOUR))))
    ids = {first, *(steering.started("steer.cli") for _ in range(2))}
    steering.wait_for(first, wait="deferred")
    wanted = ("--workflow", "steer.cli", "--status", "running")
    assert {row["outcome"] for row in run("suspend", *wanted, "--dry-run")} == {"would"}
    assert main(["instances", "suspend", *wanted]) == 2
    assert "not-confirmed" in capsys.readouterr().err
    rows = run("suspend", *wanted, "--yes", "--reason", "night")
    assert ({row["instanceId"] for row in rows}, {row["outcome"] for row in rows}) == (ids, {"done"})
    assert run("suspend", *wanted, "--yes") == []
    (row,) = run("retry", first, code=1)
    assert (row["outcome"], row["code"]) == ("refused", "not-failed")
    assert {row["outcome"] for row in run("cancel", *ids)} == {"done"}
    actions = [(each["event"], each["message"], each["data"]["via"]) for each in steering.actions(first)]
    assert actions == [("instance.suspended", "night", "cli"), ("instance.cancelled", None, "cli")]
