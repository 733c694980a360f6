"""Texts of authors and senders are texts wherever they are shown: terminals, pictures, mails, logs."""

from __future__ import annotations

import ast
import io
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from airflow_workflow_provider.cli import console
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.diagram import mermaid, outline
from airflow_workflow_provider.model.plain import one_line, visible, visible_json
from airflow_workflow_provider.store.logs import LogRow

UNSEEN = [chr(number) for number in (*range(32), *range(0x7F, 0xA0)) if chr(number) not in "\n\t"]
UNSEEN += [*"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"]
NASTY = [
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[31mred",
    "\x9b31m",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "user\u202etxt.exe",
    "a\rb",
    "[red]x[/red]",
    "[link=https://evil.example]x[/link]",
    ":boom:",
]


@pytest.mark.parametrize("char", UNSEEN)
def test_unseen_characters_are_written_out(char: str) -> None:
    assert not set(visible(f"a{char}b")) & set(UNSEEN)
    assert one_line(f"a{char}b") == "a b"
    text = json.dumps({f"k{char}": f"a{char}b"}, ensure_ascii=False)
    assert not set(visible_json(text)) & set(UNSEEN)
    assert json.loads(visible_json(text)) == {f"k{char}": f"a{char}b"}


def test_texts_of_all_languages_stay_as_they_are() -> None:
    text = "naïve 日本語 עברית العربية 👩\u200d👩\u200d👧 e\u0301"
    assert visible(text) == one_line(text) == visible_json(text) == text
    assert visible("a\n\tb") == "a\n\tb"
    assert one_line(" a\n\n b\tc ") == "a b c"


@pytest.mark.parametrize("text", NASTY)
def test_a_terminal_shows_data_and_does_not_obey_them(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.print_table(["name"], [[text]], title=None)
    console.print_rows("table", {"name": "name"}, [{"name": text}])
    console.print_line(text)
    console.note(text)
    console.print_json({"name": text})
    console.print_error(Misuse(text, code="c", pointer=text, suggestion=text))
    console.print_diagnostics([Diagnostic("WF100", "error", f"/{text}", text, text)])
    captured = capsys.readouterr()
    assert not set(captured.out + captured.err) & set(UNSEEN)
    if "[" in text and "\x1b" not in text:
        assert captured.out.count(text) >= 4


def log_row(text: str) -> LogRow:
    return LogRow(
        id=1, instance_id=uuid4(), at=datetime.now(UTC), level="error", event="StepFailed", step_id=text, scope=text,
        visit=1, attempt=1, actor={"name": text}, metadata={}, data={text: text}, message=text,
    )  # fmt: skip


@pytest.mark.parametrize("text", [*NASTY, *(f"a{char}b" for char in UNSEEN)])
def test_what_is_printed_with_styles_is_data_too(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.text import Text

    from airflow_workflow_provider.cli import logs

    logs._print(log_row(text))
    for out in (console.console(), console.console(stderr=True)):
        out.print(Text(text, style="bold"), text)
        out.rule(text)
    console.print_table([text], [[text]], title=text)
    captured = capsys.readouterr()
    assert not set(captured.out + captured.err) & set(UNSEEN)


def test_styles_reach_a_terminal_though_texts_cannot_bring_their_own() -> None:
    from rich.text import Text

    made = console._harmless_console()
    shown = io.StringIO()
    made(file=shown, force_terminal=True, color_system="standard").print(Text("a\x1b[31mb", style="bold"))
    assert shown.getvalue() == "\x1b[1ma\\x1b[31mb\x1b[0m\n"


def test_nothing_but_the_console_writes_to_a_terminal() -> None:
    """A command that is added later prints as the others do."""
    folder = Path(console.__file__).parent
    found = []
    for file in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and file.name != "console.py":
                called = ast.unparse(node.func)
                if called in ("print", "Console") or called.endswith((".stdout.write", ".stderr.write")):
                    found.append(f"{file.name}:{node.lineno}: {called}")
    assert found == []


def test_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.print_error(Misuse("a\nerror other: b", code="c"))
    assert len(capsys.readouterr().err.splitlines()) == 1


def definition(text: str, label: str | None = None) -> WorkflowDefinition:
    steps = [
        {"stepId": "a", "name": text, "taskId": "noop", "next": [{"nextStepId": "b", "condition": label or "true"}]},
        {"stepId": "b", "taskId": "noop"},
    ]
    return WorkflowDefinition.model_validate({"workflowId": "w", "name": text, "version": "1.0.0", "steps": steps})


MERMAID = [
    'x"] --> y["z',
    'x"]\nclick s1 "javascript:alert(1)"',
    "x\u2028click s1 call alert()",
    "%%{init: {'securityLevel': 'loose'}}%%",
    "`**bold** <img src=x onerror=alert(1)>`",
    "$$\\href{javascript:alert(1)}{x}$$",
    "#quot;#59;",
    "]; s1 --> s2; [",
    "<script>alert(1)</script>",
    "end\nsubgraph x",
    "---\ntitle: x\n---",
    "\\",
]


@pytest.mark.parametrize("text", MERMAID)
def test_a_picture_has_the_same_lines_whatever_the_texts(text: str) -> None:
    drawn, plain = mermaid(definition(text, text)), mermaid(definition("plain", "plain"))
    assert len(drawn.splitlines()) == len(plain.splitlines())
    for one, other in zip(drawn.splitlines(), plain.splitlines(), strict=True):
        assert one.count('"') == other.count('"')
        inside = one.replace("<br/><small>noop</small>", "").split('"')[1::2]
        assert not set("".join(inside)) & set('%`$<>\\&"')
        # What stands outside of quotes is ours.
        assert one.split('"')[::2] == other.split('"')[::2]


@pytest.mark.parametrize("text", [*MERMAID, *NASTY])
def test_an_outline_has_the_same_lines_whatever_the_texts(text: str) -> None:
    assert len(outline(definition(text)).splitlines()) == len(outline(definition("plain")).splitlines())


@pytest.mark.airflow
class TestNotifiers:
    """What notifiers are told."""

    CONTEXT: ClassVar[dict[str, Any]] = {
        "occasion": "asked",
        "question": {
            "subject": "Pay\r\nBcc: everybody@example.com\r\n\r\n<h1>",
            "body": "<script>alert('x')</script> & \"more\"",
        },
        "workflow": {"id": "w", "error": None},
    }
    ARGUMENTS: ClassVar[dict[str, Any]] = {
        "from_email": "a@example.com",
        "to": ["b@example.com", "{{ question.subject }}"],
        "subject": "{{ question.subject }}",
        "html_content": "<p>{{ question.body }}</p>{{ question.body | e }}",
        "custom_headers": {"X-About": "{{ question.subject }}"},
        "files": None,
    }

    def test_headers_are_one_line_and_html_is_escaped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        from airflow_workflow_provider.workers.notifications import notify

        sent: list[Any] = []
        monkeypatch.setattr(SmtpNotifier, "notify", lambda made, _: sent.append(made))
        path = "airflow.providers.smtp.notifications.smtp.SmtpNotifier"
        notify({"mail": {"class": path, "arguments": self.ARGUMENTS}}, "mail", dict(self.CONTEXT))
        (made,) = sent
        one = "Pay Bcc: everybody@example.com <h1>"
        assert (made.subject, made.to, made.custom_headers) == (one, ["b@example.com", one], {"X-About": one})
        escaped = "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;more&#34;"
        assert made.html_content == f"<p>{escaped}</p>{escaped}"

    def test_every_other_field_is_one_line_also_one_that_is_added_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier
        from airflow.sdk import BaseNotifier

        from airflow_workflow_provider.workers import notifications

        class Chat(BaseNotifier):
            """As notifiers of chats, tickets and pagers are."""

            template_fields = ("title", "channel", "summary", "details", "text", "message", "body", "description")

            def __init__(self, **arguments: Any) -> None:
                super().__init__()
                for name, value in arguments.items():
                    setattr(self, name, value)

            def notify(self, context: Any) -> None:
                raise NotImplementedError

        nasty = "{{ question.subject }}"
        for kind in (SmtpNotifier, Chat):
            made: list[Any] = []
            monkeypatch.setattr(kind, "notify", lambda notifier, _, made=made: made.append(notifier))
            monkeypatch.setattr(notifications, "_class_of", lambda _, kind=kind: kind)
            arguments: dict[str, Any] = dict.fromkeys(kind.template_fields, nasty)
            arguments |= {"custom_headers": {nasty: nasty}} if kind is SmtpNotifier else {"details": {nasty: [nasty]}}
            notifications.notify({"n": {"class": "x", "arguments": arguments}}, "n", dict(self.CONTEXT))
            several = {field for field in kind.template_fields if set("\r\n") & set(str_of(getattr(made[0], field)))}
            expected = {"html_content"} if kind is SmtpNotifier else {"text", "message", "body", "description"}
            assert several == expected


def str_of(value: Any) -> str:
    """Return all texts in a value, one after the other."""
    if isinstance(value, dict):
        return "".join(str_of(key) + str_of(each) for key, each in value.items())
    return "".join(map(str_of, value)) if isinstance(value, list | tuple) else str(value)


def test_a_log_has_one_line_for_what_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    from types import SimpleNamespace

    from airflow_workflow_provider.store.delivering import Deliverer

    deliverer = Deliverer.__new__(Deliverer)
    deliverer._clock = lambda: datetime.now(UTC)
    deliverer._deliveries = SimpleNamespace(later=lambda *_: None)  # type: ignore[assignment]
    delivery: Any = SimpleNamespace(id=1, workflow_id="w", attempts=1, event=SimpleNamespace(id="e"), document=None)
    deliverer._reason = lambda *_: {"message": "x\n2027-01-01 [error] forged"}  # type: ignore[method-assign]
    with caplog.at_level(logging.WARNING):
        deliverer._again(delivery, ValueError())
    assert [len(record.getMessage().splitlines()) for record in caplog.records] == [1]
