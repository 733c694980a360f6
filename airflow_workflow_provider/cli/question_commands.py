"""The commands for who is asked something."""

from __future__ import annotations

from typing import Final

from airflow_workflow_provider.cli.shapes import (
    LIMIT,
    ONE_INSTANCE,
    ONE_WORKFLOW,
    Argument,
    Command,
    Group,
    argument,
    output,
)

_WHICH: Final = argument("question_id", help="Id of the question.", metavar="ID")


def _command(name: str, help: str, *own: Argument, details: str | None = None) -> Command:
    return Command(name, help, f"questions:{name}", (_WHICH, *own, output()), details)


QUESTIONS: Final = Group(
    "questions",
    "See what is asked of you, and answer.",
    (
        Command(
            "list",
            "List the open questions that ask you, the longest open first.",
            "questions:list_questions",
            (
                argument("--all", help="All that you may read.", action="store_true", default=False),
                ONE_WORKFLOW,
                ONE_INSTANCE,
                argument(
                    "--status",
                    help="Those of this status instead of the open ones; may be given several times.",
                    choices=("open", "answered", "expired", "withdrawn"),
                    action="append",
                    default=None,
                ),
                LIMIT,
                output(),
            ),
            "The API is found as by 'run'; you are the user whom it signs in.",
        ),
        _command("show", "Show one question."),
        _command(
            "answer",
            "Answer a question.",
            argument("--decision", help="One of the question's options.", required=True, metavar="OPTION"),
            argument("--form", help="JSON text, or @file; '-' is standard input.", default=None, metavar="JSON"),
            argument("--comment", help="Why you decide so.", default=None, metavar="TEXT"),
            details="An answer that does not fit changes nothing, and every finding is printed.",
        ),
        _command("claim", "Reserve a question: nobody else may answer it."),
        _command("release", "Let everybody answer again who is asked."),
        _command(
            "delegate",
            "Hand a question to another user.",
            argument("--to", help="Id or name of the user.", required=True, metavar="USER"),
            argument("--reason", help="Why.", default=None, metavar="TEXT"),
        ),
    ),
)
