"""People in a running Airflow: asked, reminded, answering at once and too late (rules K3, I3, L1)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import psutil
import pytest

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operations.answers import Actor, Answer, Answers
from airflow_workflow_provider.operations.permission import UNRESTRICTED
from airflow_workflow_provider.people.directory import Directory, Person
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.questions import Questions
from tests.support.airflow import RunningAirflow
from tests.support.api import API, problem

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow-2")]

Json = dict[str, Any]

ENDED = ("completed", "failed")
OPERATORS: Json = {"roles": ["op"]}
FINANCE: Json = {"groups": ["finance"]}
"""In the tests' Airflow that is the account ``user``."""

ADDRESS: Json = {
    "type": "object",
    "properties": {"street": {"type": "string", "minLength": 3}, "floor": {"type": "integer"}},
    "required": ["street"],
}


def ask(step_id: str, task_id: str = "approval", **arguments: Any) -> Json:
    more: Json = {key: arguments.pop(key) for key in ("next", "onFailure", "timeout_of_step") if key in arguments}
    return {"stepId": step_id, "taskId": task_id, "arguments": {"subject": f"About {step_id}", **arguments}, **more}


def branch(branch_id: str, *steps: Json) -> Json:
    return {"branchId": branch_id, "steps": list(steps)}


WORKFLOWS: dict[str, list[Json]] = {
    "people.role": [ask("a", assignees=OPERATORS)],
    "people.four-eyes": [ask("a", excludeInitiator=True)],
    "people.two": [ask("a", assignees={**OPERATORS, **FINANCE}, minApprovals=2, commentRequired=["reject"])],
    "people.form": [ask("a", "form", schema=ADDRESS, assignees=FINANCE)],
    "people.late": [ask("a", timeout="PT6S", onTimeout="reject")],
    "people.rejected": [
        ask(
            "a",
            failOnReject=True,
            onFailure={"errorHandler": {"conditions": [{"errorType": "Rejected", "nextStepId": "sorry"}]}},
            next=[],
        ),
        {"stepId": "sorry", "taskId": "set", "arguments": {"sorry": True}},
    ],
    "people.loop": [
        ask(
            "a",
            options=["again", "stop"],
            next=[{"nextStepId": "a", "condition": "output.decision == 'again'"}, {"nextStepId": "end"}],
        )
    ],
    "people.parallel": [
        {
            "stepId": "p",
            "taskId": "noop",
            "parallelBranches": [
                branch("x", ask("x1"), {"stepId": "x2", "taskId": "noop"}),
                branch("y", ask("y1")),
            ],
        }
    ],
    "people.each": [
        {
            "stepId": "f",
            "taskId": "noop",
            "forEach": {
                "items": {"type": "jmespath", "expression": "input.names"},
                "as": "name",
                "steps": [ask("q", subject={"type": "jmespath", "expression": "name"})],
            },
        }
    ],
    "people.mixed": [
        {
            "stepId": "p",
            "taskId": "noop",
            # Stopped as a whole, so that one task runs both branches.
            "failFast": True,
            "parallelBranches": [
                branch("x", {"stepId": "x1", "taskId": "receive", "arguments": {"eventPattern": "people.never"}}),
                branch("y", ask("y1"), {"stepId": "y2", "taskId": "fail", "arguments": {"type": "Enough"}}),
            ],
        }
    ],
    "people.reminded": [
        ask(
            "a",
            assignees=OPERATORS,
            reminders=["PT1S"],
            escalations=[{"after": "PT2S", "assignees": {"users": ["user"]}}],
        )
    ],
    "people.suspended": [ask("a"), {"stepId": "b", "taskId": "noop"}],
    "people.unknown": [
        ask("a", assignees={"roles": ["nobody"]}, onFailure={"action": "continue", "nextStepId": "b"}, next=[]),
        {"stepId": "b", "taskId": "noop"},
    ],
}


def document_of(workflow_id: str) -> Json:
    return {"workflowId": workflow_id, "name": workflow_id, "version": "1.0.0", "steps": WORKFLOWS[workflow_id]}


class People:
    """Talks to a running Airflow as each of its users."""

    def __init__(self, running: RunningAirflow) -> None:
        self._running = running
        self._clients: dict[str, httpx.Client] = {}

    def __getitem__(self, user: str) -> httpx.Client:
        if user not in self._clients:
            with self._running.environment.client(user) as account:
                account.login()
                token = account._http.headers["Authorization"]
            self._clients[user] = httpx.Client(
                base_url=self._running.client.address, headers={"Authorization": token}, trust_env=False, timeout=120
            )
        return self._clients[user]

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    def call(self, user: str, method: str, path: str, **body: Any) -> httpx.Response:
        return self[user].request(method, f"{API}/{path}", json=body if method != "GET" else None)

    def start(self, workflow_id: str, user: str = "admin", **given: Any) -> str:
        answer = self.call(user, "POST", f"definitions/{workflow_id}/instances", input=given)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def instance(self, identifier: str) -> Json:
        return dict(self.call("admin", "GET", f"instances/{identifier}").json())

    def until(self, identifier: str, *statuses: str) -> Json:
        def look() -> Json | None:
            found = self.instance(identifier)
            return found if found["status"] in statuses else None

        return poll(look, seconds=300, what=f"instance {identifier} to be {statuses}")

    def asked(self, identifier: str, number: int = 1, user: str = "admin") -> list[Json]:
        def look() -> list[Json] | None:
            found = self.questions(identifier, user)
            return found if len(found) == number else None

        return poll(look, seconds=300, what=f"{number} questions of {identifier}")

    def questions(self, identifier: str, user: str = "admin", **query: Any) -> list[Json]:
        names = {"instanceId": identifier, "mine": "false", **query}
        return list(self[user].get(f"{API}/questions", params=names).json()["items"])

    def answer(self, user: str, question: Json, decision: str, **more: Any) -> httpx.Response:
        return self.call(user, "POST", f"questions/{question['id']}/answer", decision=decision, **more)

    def log(self, identifier: str, event: str) -> list[Json]:
        rows = self.call("admin", "GET", f"instances/{identifier}/log").json()["items"]
        return [row for row in rows if row["event"] == event]


@pytest.fixture(scope="module")
def people(running_airflow: RunningAirflow) -> Iterator[People]:
    made = People(running_airflow)
    for workflow_id in WORKFLOWS:
        answer = made.call("admin", "PUT", f"definitions/{workflow_id}", **document_of(workflow_id))
        assert answer.status_code in (200, 201), answer.text
    poll(lambda: True if running_airflow.client.dag_ids() >= set(WORKFLOWS) else None, seconds=300, what="the DAGs")
    yield made
    made.close()


def test_k3_who_has_the_role_answers_and_others_may_not(people: People) -> None:
    instance = people.start("people.role")
    (question,) = people.asked(instance)
    suspended = people.until(instance, "suspended")

    assert suspended["state"]["steps"]["a"]["status"] == "waiting"
    assert problem(people.answer("user", question, "approve"), 403, "not-asked")
    assert people.answer("viewer", question, "approve").status_code == 403
    assert (
        problem(people.answer("operator", question, "perhaps"), 422, "invalid-answer")["diagnostics"][0]["pointer"]
        == "/decision"
    )
    assert people.questions(instance, "user", mine="true") == []
    assert [each["id"] for each in people.questions(instance, "operator", mine="true")] == [question["id"]]
    given = people.answer("operator", question, "approve", comment="fine")
    assert (given.status_code, given.json()["status"]) == (200, "answered")

    ended = people.until(instance, *ENDED)
    output = ended["output"]
    assert (ended["status"], output["decision"], output["comment"]) == ("completed", "approve", "fine")
    assert output["by"] == {"id": "operator", "name": "operator"}
    assert problem(people.answer("operator", question, "approve"), 409, "question-answered")
    (row,) = people.log(instance, "question.answered")
    assert (row["actor"], row["data"]["via"], row["data"]["decision"]) == (output["by"], "api", "approve")


def test_k3_four_eyes_exclude_who_started_the_instance(people: People) -> None:
    instance = people.start("people.four-eyes", "operator")
    (question,) = people.asked(instance)

    assert people.questions(instance, "operator", mine="true") == []
    assert [each["id"] for each in people.questions(instance, "user", mine="true")] == [question["id"]]
    assert problem(people.answer("operator", question, "approve"), 403, "initiator-excluded")
    assert people.answer("admin", question, "approve").status_code == 200
    assert people.until(instance, *ENDED)["status"] == "completed"


def test_k3_four_eyes_exclude_who_changed_the_data_too(people: People) -> None:
    instance = people.start("people.four-eyes", "admin")
    people.asked(instance)
    assert people.call("admin", "POST", f"instances/{instance}/cancel").status_code == 200
    restarted = people.call("operator", "POST", f"instances/{instance}/restart", input={"amount": 1})
    assert restarted.status_code == 200, restarted.text
    (question,) = people.asked(instance)

    for user in ("admin", "operator"):
        assert problem(people.answer(user, question, "approve"), 403, "initiator-excluded")
        assert people.questions(instance, user, mine="true") == []
    assert people.answer("user", question, "approve").status_code == 200
    assert people.until(instance, *ENDED)["status"] == "completed"


def test_k3_two_of_several_approve(people: People) -> None:
    instance = people.start("people.two")
    (question,) = people.asked(instance)

    first = people.answer("operator", question, "approve")
    assert (first.status_code, first.json()["status"], len(first.json()["votes"])) == (200, "open", 1)
    assert problem(people.answer("operator", question, "approve"), 409, "already-voted")
    assert problem(people.answer("admin", question, "approve"), 403, "not-asked")
    assert people.answer("user", question, "approve").json()["status"] == "answered"
    assert [vote["by"]["id"] for vote in people.until(instance, *ENDED)["output"]["votes"]] == ["operator", "user"]


def test_k3_one_rejection_decides_and_may_need_a_comment(people: People) -> None:
    instance = people.start("people.two")
    (question,) = people.asked(instance)

    assert people.answer("operator", question, "approve").status_code == 200
    refused = problem(people.answer("user", question, "reject"), 422, "invalid-answer")
    assert [each["pointer"] for each in refused["diagnostics"]] == ["/comment"]
    assert people.answer("user", question, "reject", comment="too much").json()["status"] == "answered"
    assert people.until(instance, *ENDED)["output"]["decision"] == "reject"


def test_k3_a_form_is_checked_before_it_is_accepted(people: People) -> None:
    instance = people.start("people.form")
    (question,) = people.asked(instance)

    refused = problem(
        people.answer("user", question, "submit", form={"street": "x", "floor": "2"}), 422, "invalid-answer"
    )
    assert sorted(each["pointer"] for each in refused["diagnostics"]) == ["/form/floor", "/form/street"]
    assert people.answer("user", question, "submit", form={"street": "Main"}).status_code == 200
    assert people.until(instance, *ENDED)["output"]["form"] == {"street": "Main"}


def test_k3_airflow_s_own_form_obeys_the_same_rules(people: People) -> None:
    instance = people.start("people.form")
    (question,) = people.asked(instance)
    people.until(instance, "suspended")
    path = f"/api/v2/dags/people.form/dagRuns/{question['runId']}/taskInstances/a/-1/hitlDetails"

    def send(user: str, **fields: Any) -> httpx.Response:
        body = {"chosen_options": ["submit"], "params_input": {"street": "Main", "floor": None, **fields}}
        return people[user].patch(path, json=body)

    shown = poll(lambda: a.json() if (a := people["user"].get(path)).is_success else None, seconds=300, what="the form")
    assert (shown["subject"], shown["options"], set(shown["params"])) == (
        "About a",
        ["submit"],
        {"street", "floor", "comment"},
    )
    assert send("operator").status_code == 403
    refused = send("user", street="x")
    assert (refused.status_code, refused.json()["detail"]) == (
        422,
        "The answer is invalid: /form/street: 'x' is too short",
    )
    accepted = send("user", comment="here")
    assert (accepted.status_code, accepted.json()["responded_by"]) == (200, {"id": "user", "name": "user"})
    assert send("user").status_code == 409
    output = people.until(instance, *ENDED)["output"]
    assert (output["form"], output["comment"]) == ({"street": "Main"}, "here")
    assert people["user"].get(path).json()["responded_by_user"] == {"id": "user", "name": "user"}
    (row,) = people.log(instance, "question.answered")
    assert row["data"]["via"] == "airflow"


def test_k3_when_the_time_is_over_an_option_decides_and_an_answer_is_late(people: People) -> None:
    instance = people.start("people.late")
    ended = people.until(instance, *ENDED)

    assert (ended["output"]["decision"], ended["output"]["by"]) == ("reject", None)
    (question,) = people.questions(instance, status="expired")
    assert problem(people.answer("admin", question, "approve"), 409, "question-expired")


def test_k3_a_rejection_can_be_an_error(people: People) -> None:
    instance = people.start("people.rejected")
    (question,) = people.asked(instance)

    assert people.answer("admin", question, "reject").status_code == 200
    ended = people.until(instance, *ENDED)
    assert (ended["status"], ended["output"]) == ("completed", {"sorry": True})
    assert ended["state"]["steps"]["a"]["error"]["type"] == "Rejected"


def test_k3_of_two_answers_at_once_one_wins(people: People) -> None:
    instance = people.start("people.two")
    (question,) = people.asked(instance)
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(lambda user: people.answer(user, question, "reject", comment="no"), ("operator", "user"))
        )

    assert sorted(each.status_code for each in answers) == [200, 409]
    assert len(people.until(instance, *ENDED)["output"]["votes"]) == 1


def test_k3_each_visit_of_a_loop_asks_again(people: People) -> None:
    instance = people.start("people.loop")

    def closed(question: str) -> bool | None:
        return None if question in [each["id"] for each in people.questions(instance)] else True

    for decision in ("again", "again", "stop"):
        (question,) = people.asked(instance)
        people.until(instance, "suspended")
        assert people.answer("admin", question, decision).status_code == 200
        poll(
            partial(closed, question["id"]),
            seconds=300,
            what="the question to be closed",
        )
    ended = people.until(instance, *ENDED)
    assert (ended["status"], ended["output"]["decision"]) == ("completed", "stop")
    assert ended["state"]["steps"]["a"]["visit"] == 3


def test_i3_an_instance_is_suspended_while_every_path_waits_for_people(people: People) -> None:
    instance = people.start("people.parallel")
    questions = {each["stepId"]: each for each in people.asked(instance, 2)}
    people.until(instance, "suspended")

    assert people.answer("admin", questions["x1"], "approve").status_code == 200
    poll(
        lambda: True if "x2" in [row["stepId"] for row in people.log(instance, "step.completed")] else None,
        seconds=300,
        what="the next step",
    )
    people.until(instance, "suspended")
    assert people.answer("admin", questions["y1"], "approve").status_code == 200
    assert people.until(instance, *ENDED)["status"] == "completed"


def test_i5_an_instance_is_operated_while_its_question_is_open(people: People) -> None:
    instance = people.start("people.suspended")
    (question,) = people.asked(instance)
    people.until(instance, "suspended")

    bodies: dict[str, Json] = {"retry": {}, "restart": {}, "skip": {"output": {}}}
    for operation, body in bodies.items():
        refused = people.call("admin", "POST", f"instances/{instance}/{operation}", **body)
        assert refused.status_code == 409, (operation, refused.text)
    assert people.call("admin", "POST", f"instances/{instance}/suspend", reason="audit").status_code == 200
    assert people.answer("admin", question, "approve").status_code == 200
    poll(lambda: people.log(instance, "step.completed") or None, seconds=300, what="the end of the step that asked")
    held = people.instance(instance)
    assert (held["status"], held["currentStepId"], "b" in held["state"]["steps"]) == ("suspended", "b", False)
    assert people.call("admin", "POST", f"instances/{instance}/resume").status_code == 200
    assert people.until(instance, *ENDED)["status"] == "completed"


def test_k3_each_item_asks_its_own_question(people: People) -> None:
    instance = people.start("people.each", names=["Ada", "Grace", "Edsger"])
    questions = {each["subject"]: each for each in people.asked(instance, 3)}
    people.until(instance, "suspended")

    for name in ("Grace", "Edsger", "Ada"):
        assert people.answer("admin", questions[name], "approve", comment=name).status_code == 200
    ended = people.until(instance, *ENDED)
    assert ended["status"] == "completed", ended["error"]
    assert [each["comment"] for each in ended["output"]["items"]] == ["Ada", "Grace", "Edsger"]


def test_k3_an_assignee_whom_nobody_knows_is_an_error_that_can_be_routed(people: People) -> None:
    ended = people.until(people.start("people.unknown"), *ENDED)

    error = ended["state"]["steps"]["a"]["error"]
    assert (ended["status"], error["type"], error["code"]) == ("completed", "ValidationError", "unknown-assignee")


def test_k3_an_answer_reaches_a_region_that_waits_for_an_event_too(people: People) -> None:
    instance = people.start("people.mixed")
    (question,) = people.asked(instance)
    assert people.instance(instance)["status"] == "running"

    assert people.answer("admin", question, "approve").status_code == 200
    ended = people.until(instance, *ENDED)
    assert (ended["status"], ended["error"]["type"]) == ("failed", "BranchFailed")


def test_k3_after_a_time_others_may_answer_too(people: People) -> None:
    instance = people.start("people.reminded")
    people.asked(instance)
    (question,) = poll(
        lambda: people.questions(instance, "user", mine="true") or None, seconds=300, what="the escalation"
    )

    assert question["assignees"] == {"users": ["user"], "roles": ["op"], "groups": []}
    assert people.answer("user", question, "approve").status_code == 200
    assert people.until(instance, *ENDED)["status"] == "completed"
    assert len(people.log(instance, "question.reminded")) == len(people.log(instance, "question.escalated")) == 1


def test_an_answer_survives_the_api_server(people: People, running_airflow: RunningAirflow) -> None:
    instance, late = people.start("people.role"), people.start("people.form")
    (question,), (form,) = people.asked(instance), people.asked(late)
    people.until(instance, "suspended")
    people.until(late, "suspended")
    graph = Graph.of(parse_definition(document_of("people.role")))
    # The answer is stored as it is just before a server dies: before anybody has told the task.
    with Database(running_airflow.workflows_url) as database:
        answers = Answers(Questions(database), Directory([]), lambda *_: graph)
        operator = Person("operator", "operator", frozenset({"op"}))
        server = next(each for each in running_airflow.environment.status().daemons if each.name == "api-server")
        process = psutil.Process(server.pid)
        killed = [process, *process.children(recursive=True)]
        for each in killed:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(killed, timeout=30)
        answers.answer(UUID(question["id"]), Actor(operator, UNRESTRICTED), Answer("approve"))
    running_airflow.environment.up()

    assert people.until(instance, *ENDED)["output"]["by"]["id"] == "operator"
    assert people.answer("user", form, "submit", form={"street": "Main"}).status_code == 200
    assert people.until(late, *ENDED)["status"] == "completed"


def test_k3_a_claimed_question_is_its_owner_s_until_it_is_released_or_handed_on(people: People) -> None:
    instance = people.start("people.four-eyes")
    (question,) = people.asked(instance)
    path = f"questions/{question['id']}"

    assert people.call("operator", "POST", f"{path}/claim").json()["claimedBy"]["id"] == "operator"
    assert problem(people.answer("user", question, "approve"), 409, "question-claimed")
    assert problem(people.call("operator", "POST", f"{path}/delegate", to="nobody"), 422, "unknown-user")
    assert people.call("operator", "POST", f"{path}/delegate", to="user").json()["claimedBy"]["id"] == "user"
    assert problem(people.answer("operator", question, "approve"), 409, "question-claimed")
    assert people.answer("user", question, "approve").status_code == 200
    assert people.until(instance, *ENDED)["status"] == "completed"


def test_i1_what_is_asked_is_withdrawn_when_the_instance_is_cancelled(people: People) -> None:
    instance = people.start("people.role")
    (question,) = people.asked(instance)

    assert people.call("admin", "POST", f"instances/{instance}/cancel").status_code == 200
    assert problem(people.answer("operator", question, "approve"), 409, "question-withdrawn")
    assert people.questions(instance) == []
