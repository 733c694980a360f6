"""Answering questions: who may, what counts, and what follows, in one transaction (rules K3, I3, L1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow_workflow_provider.engine.calls import ActivationRef
from airflow_workflow_provider.engine.failure import timestamp
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.masking import Masker, filled, note_secrets
from airflow_workflow_provider.errors import Conflict, Forbidden, Misuse
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.tasks.questions import check_answer, is_decided
from airflow_workflow_provider.vocabulary import LogEvent, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.people.directory import Directory, Person
    from airflow_workflow_provider.store.instances import Record
    from airflow_workflow_provider.store.questions import Question, QuestionRecord, Questions

Json = dict[str, Any]

ENDED: Final = {
    "answered": (ProblemCode.QUESTION_ANSWERED, "It was answered already"),
    "expired": (ProblemCode.QUESTION_EXPIRED, "The time to answer it is over"),
    "withdrawn": (ProblemCode.QUESTION_WITHDRAWN, "Nobody waits for its answer any more"),
}


@dataclass(frozen=True)
class Actor:
    """Who does something.

    :param via: the way by which it comes: ``ui``, ``api``, ``cli`` or ``airflow``
    """

    person: Person
    via: str = "api"


@dataclass(frozen=True)
class Answer:
    """What somebody answers.

    :param decision: one of the question's options
    :param form: what was filled in
    """

    decision: str
    form: Any = None
    comment: str | None = None


@dataclass(frozen=True)
class Answers:
    """Takes answers, claims and delegations.

    :param directory: tells roles and groups, asked anew each time
    :param graph_of: gives the graph of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    """

    questions: Questions
    directory: Directory
    graph_of: Callable[[str, int], Graph]
    mask: Callable[[Any], Any] = lambda value: value

    def may_answer(self, question: Question, person: Person) -> bool:
        """Tell whether a person, roles and groups known, may answer a question now."""
        return question.is_waited_for and self.refusal(question, person) is None

    @staticmethod
    def refusal(question: Question, person: Person) -> ProblemCode | None:
        """Return why a person, roles and groups known, may not answer a question while it is open; None if they may."""
        if any(map(person.is_same, question.excluded)):
            return ProblemCode.INITIATOR_EXCLUDED
        if person.keys.isdisjoint(question.keys):
            return ProblemCode.NOT_ASKED
        if question.claimed_by is not None and not person.is_same(question.claimed_by):
            return ProblemCode.QUESTION_CLAIMED
        if any(person.is_same(vote["by"]) for vote in question.votes):
            return ProblemCode.ALREADY_VOTED
        return None

    def answer(self, wanted: UUID, by: Actor, answer: Answer) -> Question:
        """Count a person's answer; when it decides, the step goes on.

        :returns: the question as it is now
        :raises Conflict: it is not open any more, somebody else has claimed it, or this person has voted
        :raises Forbidden: it does not ask this person
        :raises AnswerRefused: the answer does not fit
        """
        person, at = self.directory.complete(by.person), timestamp(datetime.now(UTC))

        def work(record: Record, found: QuestionRecord) -> Question:
            question = found.question
            vote = {"by": person.to_json(), "decision": answer.decision, "comment": answer.comment, "at": at}
            if any(vote.items() <= each.items() for each in question.votes):
                # Stored in the moment when the connection was lost.
                return question
            machine = self._open(record, question)
            self._let(question, person)
            form = check_answer(
                question.options,
                question.comment_required,
                question.schema,
                answer.decision,
                answer.form,
                answer.comment,
            )
            votes = [*question.votes, {**vote, "form": form}]
            note_secrets(machine.state, question.schema)
            decided = is_decided(votes, question.options, question.min_approvals)
            if decided:
                found.set(status="answered", votes=votes, answer={**vote, "form": form}, next_at=None)
                self._go_on(record, machine, question)
            else:
                found.set(votes=votes, claimed_by=None)
                record.save()
            said = {"decision": answer.decision, "form": form, "comment": answer.comment}
            self._log(
                record, machine, question, LogEvent.QUESTION_ANSWERED if decided else LogEvent.QUESTION_VOTED, by, said
            )
            return found.question

        answered = self.questions.change(wanted, work)
        failpoint("answer.stored")
        return answered

    def claim(self, wanted: UUID, by: Actor) -> Question:
        """Reserve a question for a person: until it is released nobody else may answer it.

        :raises Conflict: somebody else has claimed it, it is not open, or it takes several people
        :raises Forbidden: it does not ask this person
        """
        person = self.directory.complete(by.person)

        def work(record: Record, found: QuestionRecord) -> Question:
            machine = self._open(record, found.question)
            if person.is_same(found.question.claimed_by):
                return found.question
            self._let(found.question, person)
            if found.question.min_approvals > 1:
                message = f"The question takes {found.question.min_approvals} people: nobody can have it alone"
                raise Conflict(message, code=ProblemCode.QUESTION_SHARED)
            found.set(claimed_by=person.to_json())
            self._log(record, machine, found.question, LogEvent.QUESTION_CLAIMED, by, {})
            return found.question

        return self.questions.change(wanted, work)

    def release(self, wanted: UUID, by: Actor) -> Question:
        """Let everybody who is asked answer again.

        :raises Conflict: somebody else has claimed it, or it is not open
        """
        person = self.directory.complete(by.person)

        def work(record: Record, found: QuestionRecord) -> Question:
            machine = self._open(record, found.question)
            if found.question.claimed_by is None:
                return found.question
            self._let(found.question, person)
            found.set(claimed_by=None)
            self._log(record, machine, found.question, LogEvent.QUESTION_RELEASED, by, {})
            return found.question

        return self.questions.change(wanted, work)

    def delegate(self, wanted: UUID, by: Actor, to: str, reason: str | None = None) -> Question:
        """Hand a question to another user: it is theirs, as if they had been asked and had claimed it.

        :param to: id or name of the user
        :raises Conflict: somebody else has claimed it, or it is not open
        :raises Forbidden: it does not ask this person
        :raises Misuse: there is no such user, or it is who may not answer
        """
        person = self.directory.complete(by.person)
        if self.directory.knows("user", to) is False:
            message = f"There is no user {to!r}"
            raise Misuse(message, code=ProblemCode.UNKNOWN_USER, pointer="/to")

        def work(record: Record, found: QuestionRecord) -> Question:
            question = found.question
            machine = self._open(record, question)
            self._ask(question, person)
            if f"user:{to}" in question.keys and (
                question.min_approvals > 1 or to == (question.claimed_by or {}).get("id")
            ):
                # Theirs already; stored, perhaps, in the moment when the connection was lost.
                return question
            self._let(question, person)
            if any(to in (each.get("id"), each.get("name")) for each in question.excluded):
                message = f"{to!r} started the instance, or changed its data, and may not answer"
                raise Misuse(message, code=ProblemCode.INITIATOR_EXCLUDED, pointer="/to")
            claimed = {"id": to, "name": to} if question.min_approvals == 1 else None
            found.set(keys=list(dict.fromkeys([*question.keys, f"user:{to}"])), claimed_by=claimed)
            self._log(record, machine, question, LogEvent.QUESTION_DELEGATED, by, {"to": to, "reason": reason})
            return found.question

        return self.questions.change(wanted, work)

    def _open(self, record: Record, question: Question) -> Machine:
        """Return the machine of a question that somebody still waits for.

        :raises Conflict: nobody does
        """
        status = "expired" if question.is_due else question.status
        machine = Machine(self.graph_of(record.stored.workflow_id, record.stored.revision), record.state)
        if status == "open" and not machine.is_live(
            ActivationRef(question.scope, question.step_id, question.visit, attempt=question.attempt)
        ):
            status = "withdrawn"
        if status != "open":
            code, reason = ENDED[status]
            message = f"Question {question.id} cannot be answered: {reason}"
            raise Conflict(message, code=code)
        return machine

    def _ask(self, question: Question, person: Person) -> None:
        """Check that the person is an assignee.

        :raises Forbidden: they are not
        """
        code = self.refusal(question, person)
        if code is ProblemCode.INITIATOR_EXCLUDED:
            message = "You started the instance, or changed its data; somebody else has to answer (four eyes)"
            raise Forbidden(message, code=code)
        if code is ProblemCode.NOT_ASKED:
            message = f"You are not asked; the question is for {', '.join(question.keys)}"
            raise Forbidden(message, code=code)

    def _let(self, question: Question, person: Person) -> None:
        """Check that the person is an assignee and that nobody else has claimed or answered.

        :raises Forbidden: they are not asked
        :raises Conflict: somebody else has claimed it, or they have voted
        """
        self._ask(question, person)
        code = self.refusal(question, person)
        if question.claimed_by is not None and code is ProblemCode.QUESTION_CLAIMED:
            message = f"{question.claimed_by['name']} has claimed the question"
            raise Conflict(message, code=code, suggestion="ask them to release it")
        if code is ProblemCode.ALREADY_VOTED:
            message = "You have voted already"
            raise Conflict(message, code=code)

    @staticmethod
    def _go_on(record: Record, machine: Machine, question: Question) -> None:
        """Have the step go on that asked; the instance runs again (rule I3)."""
        machine.answered(str(question.id), datetime.now(UTC))
        record.status = machine.status
        record.save()
        record.wake([question.task_id], question.id)

    def _log(
        self, record: Record, machine: Machine, question: Question, event: LogEvent, by: Actor, said: Json
    ) -> None:
        forms = filled(question.schema, said.get("form", {}))
        masker = Masker(machine.graph.definition, record.stored.input, self.mask, forms)
        said = masker.mask({"question": str(question.id), **said})
        entry = LogEntry(
            event,
            step_id=question.step_id,
            scope=question.scope,
            visit=question.visit,
            attempt=question.attempt,
            actor=by.person.to_json(),
            data={**said, "via": by.via},
            message=said.get("comment") or said.get("reason"),
        )
        record.log([entry])
