"""``questions …`` through the REST API, as different users."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from airflow_workflow_provider.store.logs import Logs
from tests.integration.cli.test_database_commands import Cli
from tests.support.api import Api
from tests.support.documents import step, workflow
from tests.support.people import ask_all

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

FORM = {
    "type": "object",
    "properties": {"street": {"type": "string", "minLength": 3}, "floor": {"type": "integer"}},
    "required": ["street"],
}
ASKING = workflow(
    step(
        "all",
        parallelBranches=[
            {"branchId": "a", "steps": [step("release", "approval", arguments={"subject": "Release?", "body": "Now"})]},
            {"branchId": "b", "steps": [step("address", "form", arguments={"subject": "Where?", "schema": FORM})]},
            {
                "branchId": "c",
                "steps": [
                    step("both", "approval", arguments={"subject": "Both?", "minApprovals": 2, "timeout": "PT1H"})
                ],
            },
            {
                "branchId": "d",
                "steps": [step("ops", "approval", arguments={"subject": "Op?", "assignees": {"roles": ["op"]}})],
            },
        ],
    ),
    workflowId="asking",
)


class Caller(Cli):
    """Runs commands as a user."""

    def __init__(self, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(capsys)
        self._monkeypatch = monkeypatch

    def as_user(self, name: str) -> Caller:
        self._monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_USER", name)
        return self


@pytest.fixture
def cli(served: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Caller:
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_URL", served)
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_PASSWORD", "made-up")
    return Caller(capsys, monkeypatch).as_user("user")


@pytest.fixture
def asked(api: Api) -> Any:
    """The ids of questions of an instance, by step."""
    api.publish(ASKING)
    instance = api.as_role("admin").post("definitions/asking/instances", json={}).json()["id"]
    questions = {name: str(each.id) for name, each in ask_all(api.database, UUID(instance)).items()}
    return SimpleNamespace(instance=instance, **questions)


def test_k3_my_questions_are_listed_and_all_that_i_may_read(cli: Caller, asked: Any) -> None:
    mine = cli.json("questions", "list")
    assert [each["stepId"] for each in mine] == ["release", "address", "both"]
    assert [each["stepId"] for each in cli.json("questions", "list", "--all")] == ["release", "address", "both", "ops"]
    assert [each["stepId"] for each in cli.as_user("op").json("questions", "list")][-1] == "ops"
    assert [each["id"] for each in cli.json("questions", "list", "--limit", "2")] == [asked.release, asked.address]
    table = cli("questions", "list", "--workflow", "asking", "--instance", asked.instance)
    assert "Where?" in table
    assert asked.both in table
    assert cli.json("questions", "list", "--workflow", "other") == []
    assert cli.json("questions", "list", "--status", "answered", "--status", "expired") == []


def test_k3_a_list_goes_over_pages(cli: Caller, asked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_workflow_provider.cli.questions.PAGE", 1)
    assert [each["id"] for each in cli.json("questions", "list")] == [asked.release, asked.address, asked.both]


def test_k3_a_question_is_shown_and_answered(cli: Caller, asked: Any, api: Api) -> None:
    shown = cli("questions", "show", asked.both)
    assert "Both?" in shown
    assert "may answer        yes" in shown
    assert cli.json("questions", "show", asked.release)["options"] == ["approve", "reject"]
    said = cli("questions", "answer", asked.release, "--decision", "approve", "--comment", "go")
    assert said == "answered: approve\n"
    assert cli.json("questions", "show", asked.release)["answer"]["comment"] == "go"
    assert "comment" in cli("questions", "show", asked.release)
    (row,) = [each for each in Logs(api.database).read(UUID(asked.instance)) if each.event == "question.answered"]
    assert row.actor == {"id": "user", "name": "user"}
    assert row.data is not None
    assert row.data["via"] == "cli"
    assert cli("questions", "answer", asked.both, "--decision", "approve") == "open, 1 of 2 votes\n"


def test_k3_every_finding_of_a_refused_answer_is_printed(cli: Caller, asked: Any, api: Api) -> None:
    cli(
        "questions",
        "answer",
        asked.address,
        "--decision",
        "perhaps",
        "--form",
        '{"street": "x", "floor": "2"}',
        code=2,
    )
    assert cli.err.startswith("error invalid-answer: ")
    for place in ("/decision", "/form/street", "/form/floor"):
        assert f"  {place}  " in cli.err
    assert api.as_role("user").get(f"questions/{asked.address}").json()["status"] == "open"


def test_k3_a_form_comes_from_a_file_or_standard_input(
    cli: Caller, asked: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "form.json"
    file.write_text('{"street": "x"}')
    cli("questions", "answer", asked.address, "--decision", "submit", "--form", f"@{file}", code=2)
    assert "/form/street" in cli.err
    given = io.TextIOWrapper(io.BytesIO(json.dumps({"street": "Main", "floor": 2}).encode()))
    monkeypatch.setattr("sys.stdin", given)
    changed = cli.json("questions", "answer", asked.address, "--decision", "submit", "--form", "-")
    assert changed["answer"]["form"] == {"street": "Main", "floor": 2}


def test_k3_questions_are_claimed_released_and_handed_on(cli: Caller, asked: Any) -> None:
    assert cli("questions", "claim", asked.release) == "open, claimed by user\n"
    cli.as_user("op")("questions", "answer", asked.release, "--decision", "approve", code=1)
    assert cli.err.startswith("error question-claimed: user has claimed the question - ask them to release it")
    assert cli.as_user("user")("questions", "release", asked.release) == "open\n"
    cli("questions", "delegate", asked.release, "--to", "nobody", code=2)
    assert cli.err.startswith("error unknown-user at /to: ")
    to_op = cli.json("questions", "delegate", asked.release, "--to", "op", "--reason", "on leave")
    assert to_op["claimedBy"]["name"] == "op"
    assert "claimed by        op" in cli("questions", "show", asked.release)
    assert cli.as_user("op").json("questions", "answer", asked.release, "--decision", "reject")["status"] == "answered"


def test_k3_what_is_not_permitted_or_not_there_exits_1(cli: Caller, asked: Any) -> None:
    cli("questions", "answer", asked.ops, "--decision", "approve", code=1)
    assert cli.err.startswith("error not-asked: You are not an assignee; the question is for role:op")
    cli("questions", "show", str(UUID(int=1)), code=1)
    assert cli.err.startswith("error not-found")
    cli.as_user("viewer")("questions", "claim", asked.release, code=1)
    assert cli.err.startswith("error forbidden")


def test_a_token_is_used_instead_of_logging_in(
    cli: Caller, asked: Any, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_WORKFLOWS_API_PASSWORD")
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_TOKEN", api.token("op"))
    assert cli.json("questions", "show", asked.ops)["mayAnswer"] is True
    monkeypatch.setenv("AIRFLOW_WORKFLOWS_API_TOKEN", "not-a-token")
    cli("questions", "show", asked.ops, code=1)
    assert cli.err.startswith("error not-authenticated: ")


def test_wrong_words_exit_2(cli: Caller, asked: Any) -> None:
    for arguments in (
        ("show", "x"),
        ("claim", "x"),
        ("list", "--instance", "x"),
        ("list", "--limit", "0"),
        ("answer", asked.address, "--decision", "submit", "--form", "[]"),
        ("answer", asked.address, "--decision", "submit", "--form", "{"),
        ("answer", asked.address, "--decision", "submit", "--form", "@nowhere.json"),
    ):
        cli("questions", *arguments, code=2)
        assert cli.err.startswith("error ")
