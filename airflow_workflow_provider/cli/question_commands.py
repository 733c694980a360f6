"""The commands for people who answer questions."""

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
    "List and answer questions.",
    (
        Command(
            "list",
            "List your open questions, oldest first.",
            "questions:list_questions",
            (
                argument("--all", help="All questions that you can read.", action="store_true", default=False),
                ONE_WORKFLOW,
                ONE_INSTANCE,
                argument(
                    "--status",
                    help="Questions with this status instead of open ones; can be repeated.",
                    choices=("open", "answered", "expired", "withdrawn"),
                    action="append",
                    default=None,
                ),
                LIMIT,
                output(),
            ),
            "Uses the same API settings as 'run'; the questions are those of their user.",
        ),
        _command("show", "Show one question."),
        _command(
            "answer",
            "Answer a question.",
            argument("--decision", help="One of the question's options.", required=True, metavar="OPTION"),
            argument("--form", help="JSON text, or @file; '-' is standard input.", default=None, metavar="JSON"),
            argument("--comment", help="Comment on the decision.", default=None, metavar="TEXT"),
            details="An invalid answer changes nothing; every finding is printed.",
        ),
        _command("claim", "Reserve a question for yourself."),
        _command("release", "Release a question, so that all assignees can answer it."),
        _command(
            "delegate",
            "Pass a question to another user.",
            argument("--to", help="Id or name of the user.", required=True, metavar="USER"),
            argument("--reason", help="Reason.", default=None, metavar="TEXT"),
        ),
    ),
)
