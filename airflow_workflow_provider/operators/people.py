"""The operators behind ``approval`` and ``form``, and how Airflow shows what they ask (rule K3).

The question, its votes and its answer are rows of our own tables; only our service accepts an answer. Airflow's UI
shows its row of a required action, and the task waits in Airflow's state ``awaiting_input`` until it is woken: it
occupies neither a worker nor a triggerer slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast
from uuid import UUID

from airflow.sdk import Param
from airflow.sdk.exceptions import TaskAwaitingInput

from airflow_workflow_provider.airflow_internals.task_process import show_required_action
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.operators.asking import question_of
from airflow_workflow_provider.operators.builtin import BuiltInOperator
from airflow_workflow_provider.people.directory import Directory
from airflow_workflow_provider.people.notifiers import listening
from airflow_workflow_provider.plan.params import REQUIRED, params_of, without_blanks
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.notifications import add_notifications
from airflow_workflow_provider.store.questions import NewQuestion, Question, QuestionRecord, Questions
from airflow_workflow_provider.tasks.questions import Ask, answer_without, ask_of, result_of
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import Context


COMMENT: Final = "comment"
"""The field of Airflow's form that takes the comment."""

LATER: Final = timedelta(seconds=1)
"""Time between the end of a question and the moment at which its task is woken for it."""

SHORTEST: Final = timedelta(seconds=5)
"""A task that continues before the scheduler has parked it is taken for one that was killed."""


def time_until(due: datetime | None) -> timedelta | None:
    """Return how long to leave a task parked until a moment; null where none comes."""
    return None if due is None else max(due - datetime.now(UTC) + LATER, SHORTEST)


class AwaitingAnswer(TaskAwaitingInput):
    """Parks a task until a question is answered, or its time is over.

    :param question: what is waited for
    """

    def __init__(self, question: Question) -> None:
        super().__init__(method_name="answered", timeout=time_until(question.due_at))
        self.question = question


class QuestionOperator(BuiltInOperator):
    """Asks people, and waits for their answer."""

    uses_store = True
    ui_color = "#fdf6d8"

    def run(self, context: Context) -> Any:
        """Ask, or find that it was asked and answered already."""
        ask = ask_of(self.name, self.arguments, datetime.now(UTC))
        unknown = Directory.configured().unknown(ask.assignees)
        if unknown:
            message = f"Task {self.name!r} names unknown assignees: {', '.join(unknown)}"
            raise StepFailure(
                message,
                type=ErrorType.VALIDATION_ERROR,
                code=ProblemCode.UNKNOWN_ASSIGNEE,
                details={"unknown": unknown},
            )
        with Database.configured() as database:
            new = _new(context, ask)
            questions = Questions(database)
            notified = listening(load_settings().notifiers, "asked", ask.notifiers)
            asked = questions.ask(
                new, lambda connection, found: add_notifications(connection, "asked", notified, *found)
            )
            return self._outcome(questions, asked, ask)

    def answered(self, context: Context, event: Any = None) -> Any:  # noqa: ARG002 - the store knows
        """Return the answer, wait on where there is none yet, or do what is to be done without one.

        :raises StepFailure: of type ``TimeoutError`` or ``Rejected``
        """
        ask = ask_of(self.name, self.arguments, datetime.now(UTC))
        with Database.configured() as database:
            questions = Questions(database)
            return self._outcome(questions, questions.get(_new(context, ask).id), ask)

    def _outcome(self, questions: Questions, question: Question, ask: Ask) -> Any:
        if question.is_due:
            question = questions.change(question.id, lambda _, found: self._expire(found, ask))
        if question.status == "open":
            raise AwaitingAnswer(question)
        if question.status == "withdrawn":
            message = "The question was withdrawn"
            raise StepFailure(message, type=ErrorType.CANCELLED)
        return result_of(ask, question.answer, question.votes)

    def _expire(self, found: QuestionRecord, ask: Ask) -> Question:
        if not found.question.is_due:
            return found.question
        found.set(status="expired", answer=answer_without(ask, datetime.now(UTC)), next_at=None)
        return found.question


def _new(context: Context, ask: Ask) -> NewQuestion:
    values = cast("dict[str, Any]", context)
    return question_of(ask, values["workflow"], values["ti"].task_id)


class ApprovalOperator(QuestionOperator):
    """Asks for a decision."""

    name = "approval"
    custom_operator_name: ClassVar[str] = "Approval"


class FormOperator(QuestionOperator):
    """Asks for a form to be filled in."""

    name = "form"
    custom_operator_name: ClassVar[str] = "Form"


def withdraw(question: Question) -> None:
    """Ask nobody any more."""
    with Database.configured() as database:
        Questions(database).withdraw(question.id)


def show_in_airflow(ti_id: UUID, question: Question, mask: Callable[[Any], Any]) -> None:
    """Have Airflow show a question among its required actions; of one try of a task it can show only one.

    :param mask: hides the instance's secrets, which Airflow does not know (rule L4)
    """
    shown = mask({"subject": question.subject, "body": question.body, "params": form_of(question)})
    show_required_action(ti_id, options=question.options, **shown)


def form_of(question: Question) -> dict[str, Any]:
    """Return the fields of Airflow's form: those of the question's own and, beside them, a comment."""
    properties = params_of(question.schema)
    params = {
        name: Param(question.defaults.get(name, None if default is REQUIRED else default), **schema)
        for name, (default, schema) in properties.items()
    }
    needs = f" (needed for: {', '.join(question.comment_required)})" if question.comment_required else ""
    params.setdefault(
        COMMENT, Param(None, type=["string", "null"], title="Comment", description=f"Reason for your decision{needs}")
    )
    return {name: param.serialize() for name, param in params.items()}


def answer_in_form(question: Question, given: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """Return form and comment of an answer that was given in Airflow's form."""
    form = dict(given)
    comment = None if COMMENT in question.schema.get("properties", {}) else form.pop(COMMENT, None)
    return without_blanks(question.schema, form), comment
