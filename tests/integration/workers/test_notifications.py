"""Notifiers are told: by mail to a real server, again after a failure, never of what happened before (L4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select, update

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.manual_override import cancel
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instances, Record
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.store.notifications import add_notifications
from airflow_workflow_provider.store.questions import Question, Questions
from airflow_workflow_provider.store.tables import workflow_notifications as notifications
from airflow_workflow_provider.workers.notifications import BACKOFF, Notifier
from airflow_workflow_provider.workers.reminders import Reminder
from tests.integration.api.test_secrets import GIVEN, SCHEMA, readable_in, written
from tests.support.documents import step, workflow
from tests.support.people import ask_all, start

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ASKING = workflow(
    step(
        "approve",
        "approval",
        arguments={
            "subject": {"type": "jsonata", "expression": "'Order ' & input.orderId & ' of ' & input.customer"},
            "assignees": {"roles": ["op"]},
            "reminders": ["PT1H"],
            "escalations": [{"after": "PT2H", "assignees": {"users": ["boss"]}}],
        },
    ),
    inputSchema={"type": "object", "properties": {"customer": {"type": "string", "writeOnly": True}}},
)
INPUT = {"orderId": "A-1", "customer": "Ada Lovelace"}
MAIL: dict[str, Any] = {
    "class": "airflow.providers.smtp.notifications.smtp.SmtpNotifier",
    "on": ["asked", "reminder", "escalated", "failed"],
    "arguments": {
        "smtp_conn_id": "test_mail",
        "from_email": "workflows@example.com",
        "to": "approvers@example.com",
        "subject": "{{ occasion }}: {{ question.subject if question else workflow.error.type }}",
        "html_content": "<p>{{ workflow.id }} {{ workflow.url | e }} {{ question.url | e }}</p>",
    },
}


class Mailbox:
    """What a mail server was sent."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        self.mails.append(BytesParser(EmailMessage, policy=default).parsebytes(envelope.content))
        return "250 OK"

    @property
    def subjects(self) -> list[str]:
        return [str(each["Subject"]) for each in self.mails]


class MailServer(Controller):
    """A mail server on a port that the operating system chooses."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    found = Mailbox()
    server = MailServer(found, hostname="127.0.0.1", port=0)
    server.start()
    insecure = {"disable_ssl": True, "disable_tls": True}
    connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port, "extra": insecure}
    monkeypatch.setenv("AIRFLOW_CONN_TEST_MAIL", json.dumps(connection))
    yield found
    server.stop()


def notifier(database: Database, configured: dict[str, Any] | None = None) -> Notifier:
    definition = parse_definition(ASKING)
    return Notifier(database, configured or {"mail": MAIL}, lambda *_: definition)


def asked(database: Database) -> Question:
    question = ask_all(database, start(database, ASKING, INPUT))["approve"]
    with database.begin() as connection:
        add_notifications(connection, "asked", ["mail"], question.instance_id, question.id)
    return question


def reported(database: Database) -> list[tuple[str, str, int]]:
    query = select(notifications.c.occasion, notifications.c.status, notifications.c.attempts)
    return [tuple(row) for row in database.run(lambda connection: connection.execute(query).all())]


@pytest.mark.parametrize("base", ["https://airflow.example.com", "https://example.com/team/airflow/"])
def test_a_question_is_mailed_once_and_its_secrets_are_not(
    database: Database, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base)
    question = asked(database)
    teller = notifier(database)

    assert [teller.work(), teller.work()] == [1, 0]
    assert mailbox.subjects == ["asked: Order A-1 of ***"]
    assert mailbox.mails[0]["To"] == "approvers@example.com"
    (mail,) = mailbox.mails
    assert isinstance(mail, EmailMessage)
    body = mail.get_body()
    assert body is not None
    pages = f"{base.rstrip('/')}/plugin/workflows"
    places = f"{ASKING['workflowId']} {pages}/instance/{question.instance_id} {pages}/task/{question.id}"
    assert " ".join(body.get_content().split()) == f"<p>{places}</p>"
    assert reported(database) == [("asked", "sent", 1)]


def test_reminders_and_escalations_come_when_they_are_due(database: Database, mailbox: Mailbox) -> None:
    question = asked(database)
    reminder, teller = Reminder(database, {"mail": MAIL}), notifier(database)
    hours = lambda number: datetime.now(UTC) + timedelta(hours=number)  # noqa: E731 - a word, not a function

    def look(now: datetime) -> list[str]:
        with database.begin() as connection:
            # What PostgreSQL's clock says is not ours to set.
            from airflow_workflow_provider.store.tables import workflow_questions as questions

            due = questions.c.next_at <= now
            connection.execute(update(questions).where(due).values(next_at=datetime.now(UTC) - timedelta(seconds=1)))
        reminder.work(now)
        while teller.work():
            pass
        return mailbox.subjects[1:]

    assert look(hours(0.5)) == []
    assert look(hours(1.5)) == ["reminder: Order A-1 of ***"]
    assert Questions(database).get(question.id).keys == ["role:op"]
    assert look(hours(2.5))[1:] == ["escalated: Order A-1 of ***"]
    now = Questions(database).get(question.id)
    assert (now.keys, now.next_at, now.plan) == (["role:op", "user:boss"], None, [])
    assert now.assignees == {"users": ["boss"], "roles": ["op"], "groups": []}
    events = [row.event for row in Logs(database).read(question.instance_id)]
    assert events[-2:] == ["question.reminded", "question.escalated"]


def test_what_cannot_be_sent_is_tried_again_and_given_up_in_the_end(database: Database) -> None:
    question = asked(database)
    teller = notifier(database, {"mail": {"class": "no.such.Notifier"}})

    assert teller.work() == 1
    assert reported(database) == [("asked", "pending", 1)]
    assert teller.work() == 0
    with database.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=1)
        connection.execute(update(notifications).values(due_at=long_ago, attempts=(BACKOFF.attempts or 0) - 1))
    assert teller.work() == 1
    assert reported(database) == [("asked", "failed", BACKOFF.attempts)]
    assert Questions(database).get(question.id).status == "open"
    assert [BACKOFF.delay(each) for each in (1, 2, 9, 10)] == [
        timedelta(seconds=10),
        timedelta(seconds=20),
        timedelta(seconds=2560),
        None,
    ]


def test_the_end_of_an_instance_is_reported_once_and_history_is_not(database: Database, mailbox: Mailbox) -> None:
    from airflow_workflow_provider.people.notifiers import listening
    from airflow_workflow_provider.store.notifications import Notifications

    def end(run_id: str) -> None:
        instance = start(database, ASKING, INPUT, run_id=run_id)

        def work(record: Record) -> None:
            machine = Machine(Graph.of(parse_definition(ASKING)), record.state)
            cancel(machine, "enough", datetime.now(UTC))
            record.status, record.error = machine.status, machine.state.error
            record.completed_at = datetime.now(UTC)
            record.save()

        Instances(database).update(instance, work)

    end("before")
    ends = Notifications(database)
    for _ in range(2):
        ends.add_ends(lambda occasion: listening({"mail": MAIL}, occasion, None))
    assert reported(database) == []
    end("after")
    for _ in range(2):
        ends.add_ends(lambda occasion: listening({"mail": MAIL}, occasion, None))
    assert notifier(database).work() == 1
    assert mailbox.subjects == ["failed: Cancelled"]


def test_l4_no_planted_secret_is_mailed(database: Database, mailbox: Mailbox) -> None:
    from airflow_workflow_provider.people.notifiers import listening
    from airflow_workflow_provider.store.notifications import Notifications

    whole = {"type": "jsonata", "expression": "$string(input)"}
    document = workflow(
        step("ask", "approval", arguments={"subject": "S", "body": whole}),
        workflowId="planted.mail",
        inputSchema=SCHEMA,
        executionLog={"redact": ['"p redacted".*.pin']},
    )
    definition = parse_definition(document)
    question = ask_all(database, start(database, document, GIVEN))["ask"]
    ends = Notifications(database)
    ends.add_ends(lambda occasion: listening({"mail": MAIL}, occasion, None))
    with database.begin() as connection:
        add_notifications(connection, "asked", ["mail"], question.instance_id, question.id)

    def fail(record: Record) -> None:
        machine = Machine(Graph.of(definition), record.state)
        cancel(machine, written()[:3900], datetime.now(UTC))
        record.status, record.error = machine.status, machine.state.error
        record.completed_at = datetime.now(UTC)
        record.save()

    Instances(database).update(question.instance_id, fail)
    ends.add_ends(lambda occasion: listening({"mail": MAIL}, occasion, None))
    content = "{{ workflow | tojson }} {{ workflow }} {{ question | tojson }} {{ question }}"
    everything = {**MAIL, "arguments": {**MAIL["arguments"], "html_content": content}}
    assert Notifier(database, {"mail": everything}, lambda *_: definition).work() == 2
    assert len(mailbox.mails) == 2
    mails = [
        str(each["Subject"]) + str(part.get_payload(decode=True)) for each in mailbox.mails for part in each.walk()
    ]
    assert any("***" in each for each in mails)
    assert [readable_in(each) for each in mails if readable_in(each)] == []
