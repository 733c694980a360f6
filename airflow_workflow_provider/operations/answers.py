"""Answering questions: who may, what counts, and what follows, in one transaction (rules K3, I3, L1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from airflow_workflow_provider.engine.calls import ActivationRef, Options
from airflow_workflow_provider.engine.failure import timestamp
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.masking import Masker, filled, note_secrets
from airflow_workflow_provider.errors import Conflict, Forbidden, Misuse, NotFound
from airflow_workflow_provider.failpoints import failpoint
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.people.directory import MAX_USERS
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.tasks.questions import check_answer, is_decided
from airflow_workflow_provider.vocabulary import LogEvent, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.operations.permission import Permission
    from airflow_workflow_provider.people.directory import Directory, Person
    from airflow_workflow_provider.store.instances import Record
    from airflow_workflow_provider.store.questions import Question, QuestionRecord, Questions

Json = dict[str, Any]

ENDED: Final = {
    "answered": (ProblemCode.QUESTION_ANSWERED, "It has already been answered"),
    "expired": (ProblemCode.QUESTION_EXPIRED, "Its deadline has passed"),
    "withdrawn": (ProblemCode.QUESTION_WITHDRAWN, "Its step no longer waits for an answer"),
}


@dataclass(frozen=True)
class Actor:
    """The user of an operation.

    :param permission: checked by the operation
    :param via: the interface that was used: ``ui``, ``api``, ``cli`` or ``airflow``
    """

    person: Person
    permission: Permission
    via: str = "api"


@dataclass(frozen=True)
class Answer:
    """An answer to a question.

    :param decision: one of the question's options
    :param form: what was filled in
    """

    decision: str
    form: Any = None
    comment: str | None = None


@dataclass(frozen=True)
class Answers:
    """Takes answers, claims and delegations.

    :param directory: returns roles and groups, asked again each time
    :param graph_of: gives the graph of a workflow's revision
    :param mask: masks more than definitions ask for, such as Airflow's secrets masker
    :param options: the machine's bounds and defaults, as for every other operation on the instance
    :param agree: makes an instance agree with its DAG run: a question of an instance that has ended takes no answer,
        even if that end was not reported yet
    """

    questions: Questions
    directory: Directory
    graph_of: Callable[[str, int], Graph]
    mask: Callable[[Any], Any] = lambda value: value
    options: Options = field(default_factory=Options)
    agree: Callable[[UUID], object] = lambda _: None

    def may_answer(self, question: Question, person: Person) -> bool:
        """Return whether a person, roles and groups known, may answer a question now."""
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
        """Count a person's answer; when it decides, the step continues.

        :returns: the question as it is now
        :raises Conflict: it is not open any more, somebody else has claimed it, or this person has voted
        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may not answer for its workflow, or is not an assignee
        :raises AnswerRefused: the answer does not fit
        """
        self._permit(wanted, "answer", by)
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
                self._resume_step(record, machine, question)
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
        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may not answer for its workflow, or is not an assignee
        """
        self._permit(wanted, "claim", by)
        person = self.directory.complete(by.person)

        def work(record: Record, found: QuestionRecord) -> Question:
            machine = self._open(record, found.question)
            if person.is_same(found.question.claimed_by):
                return found.question
            self._let(found.question, person)
            if found.question.min_approvals > 1:
                message = f"The question needs {found.question.min_approvals} people, so nobody can claim it"
                raise Conflict(message, code=ProblemCode.QUESTION_SHARED)
            found.set(claimed_by=person.to_json())
            self._log(record, machine, found.question, LogEvent.QUESTION_CLAIMED, by, {})
            return found.question

        return self.questions.change(wanted, work)

    def release(self, wanted: UUID, by: Actor) -> Question:
        """Let all assignees answer again.

        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may not answer for its workflow, or is not an assignee
        :raises Conflict: somebody else has claimed it, or it is not open
        """
        self._permit(wanted, "release", by)
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
        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may not answer for its workflow, or is not an assignee
        :raises Misuse: there is no such user, or it is who may not answer
        """
        self._permit(wanted, "delegate", by)
        person = self.directory.complete(by.person)
        if self.directory.knows("user", to) is False:
            message = f"There is no user {to!r}"
            raise Misuse(message, code=ProblemCode.UNKNOWN_USER, pointer="/to")

        def work(record: Record, found: QuestionRecord) -> Question:
            question = found.question
            machine = self._open(record, question)
            _check_asked(question, self.refusal(question, person))
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

    def candidates(self, wanted: UUID, by: Actor, search: str = "") -> list[tuple[str, str]]:
        """Return users to whom a person can delegate a question, each with the name that people know, by that name.

        :param search: a part of the name, in any case
        :raises Conflict: somebody else has claimed it, or they have voted
        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may not answer for its workflow, or is not an assignee
        """
        question = self._answerable(wanted, by)
        person = self.directory.complete(by.person)
        self._let(question, person)
        names = (question.assignees or {}).get("users", ())
        named = [(name, name) for name in names if search.casefold() in name.casefold()]
        found = dict([*named, *self.directory.users(search)])
        out = [person.to_json(), *question.excluded]
        left = [each for each in found.items() if not any(_is_one_of(each, other) for other in out)]
        return sorted(left, key=lambda each: each[1].casefold())[:MAX_USERS]

    def _permit(self, wanted: UUID, action: str, by: Actor) -> None:
        """Check that the user may answer for the workflow of a question, and write it to the audit log.

        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may read it, but not answer for its workflow
        """
        stored = self._answerable(wanted, by)
        named = {"workflow_id": stored.workflow_id, "run_id": stored.run_id}
        by.permission.record(f"workflow.question.{action}", **named, question=str(wanted))
        self.agree(stored.instance_id)

    def _answerable(self, wanted: UUID, by: Actor) -> Question:
        """Return a question for whose workflow the user may answer.

        :raises NotFound: there is no such question, or the user may not read it
        :raises Forbidden: the user may read it, but not answer for its workflow
        """
        stored = self.questions.get(wanted)
        missing = NotFound(f"There is no question {wanted}", pointer=str(wanted))
        by.permission.require(Right.ANSWER, stored.workflow_id, missing)
        return stored

    def _open(self, record: Record, question: Question) -> Machine:
        """Return the machine of a question that somebody still waits for.

        :raises Conflict: nobody does
        """
        status = "expired" if question.is_due else question.status
        graph = self.graph_of(record.stored.workflow_id, record.stored.revision)
        machine = Machine(graph, record.state, self.options)
        if status == "open" and not machine.is_live(
            ActivationRef(question.scope, question.step_id, question.visit, attempt=question.attempt)
        ):
            status = "withdrawn"
        if status != "open":
            code, reason = ENDED[status]
            message = f"Question {question.id} cannot be answered: {reason}"
            raise Conflict(message, code=code)
        return machine

    def _let(self, question: Question, person: Person) -> None:
        """Check that the person is an assignee and that nobody else has claimed or answered.

        :raises Forbidden: they are not asked
        :raises Conflict: somebody else has claimed it, or they have voted
        """
        code = self.refusal(question, person)
        _check_asked(question, code)
        if question.claimed_by is not None and code is ProblemCode.QUESTION_CLAIMED:
            message = f"{question.claimed_by['name']} has claimed the question"
            raise Conflict(message, code=code, suggestion="ask them to release it")
        if code is ProblemCode.ALREADY_VOTED:
            message = "You have already voted"
            raise Conflict(message, code=code)

    @staticmethod
    def _resume_step(record: Record, machine: Machine, question: Question) -> None:
        """Resume the step that asked; the instance runs again (rule I3)."""
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


def _is_one_of(candidate: tuple[str, str], person: Json) -> bool:
    """Return whether a candidate is a person whose id or name is known."""
    return any(each in (person.get("id"), person.get("name")) for each in candidate)


def _check_asked(question: Question, refusal: ProblemCode | None) -> None:
    """Check that a person is an assignee.

    :param refusal: why they may not answer, if they may not
    :raises Forbidden: they are not
    """
    if refusal is ProblemCode.INITIATOR_EXCLUDED:
        message = "You started the instance, or changed its data; somebody else has to answer (four eyes)"
        raise Forbidden(message, code=refusal)
    if refusal is ProblemCode.NOT_ASKED:
        message = f"You are not an assignee; the question is for {', '.join(question.keys)}"
        raise Forbidden(message, code=refusal)
