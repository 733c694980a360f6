"""The built-in tasks ``approval`` and ``form``: their arguments, and valid answers (rule K3).

Pure: hosts ask the question, keep the answers and wait; this module defines what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from airflow_workflow_provider.engine.failure import Failure, timestamp
from airflow_workflow_provider.engine.schemas import completed
from airflow_workflow_provider.errors import StepFailure, Unprocessable
from airflow_workflow_provider.hosts.outcomes import Outcome
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.questions import ASSIGNEE_KINDS, contradictions, option_on_timeout, options_of
from airflow_workflow_provider.tasks.builtin import SimulatedCall, check_arguments
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

ANYONE: Final = "anyone"
"""The key of everyone with permission to answer in Airflow, where no assignees are named."""

MAX_COMMENT: Final = 4000

Json = dict[str, Any]
Assignees = dict[str, list[str]]
"""Names of ``users``, ``roles`` and ``groups``; each key may be missing."""


class AnswerRefused(Unprocessable):
    """An answer does not fit its question.

    :param findings: every way in which it does not, as ``{"pointer", "message"}`` with pointers into the answer
    """

    default_code = ProblemCode.INVALID_ANSWER

    def __init__(self, findings: list[dict[str, str]]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"The answer is invalid: {findings[0]['pointer'] or '/'}: {findings[0]['message']}{more}")
        self.findings = findings


@dataclass(frozen=True)
class Appointment:
    """Something to do about a question that is still open at a moment.

    :param assignees: who may also answer from that time; null for a reminder
    """

    at: datetime
    assignees: Assignees | None = None

    @property
    def kind(self) -> str:
        """``reminder`` or ``escalation``."""
        return "reminder" if self.assignees is None else "escalation"

    def to_json(self) -> Json:
        """Return it as JSON."""
        return {"at": timestamp(self.at), "assignees": self.assignees}


@dataclass(frozen=True)
class Ask:
    """What is asked, as the arguments of a step say it.

    :param kind: ``approval`` or ``form``
    :param options: the decisions; the first one is the approval
    :param option_labels: what people read instead of the names of options, by option
    :param schema: of the form; empty for none
    :param assignees: null where none are named: then everyone with permission to answer in Airflow
    :param on_timeout: the option that counts as decided when nobody answers in time; null where that fails the step
    :param plan: reminders and escalations, by time
    :param notifiers: names of those that are called; null for all
    """

    kind: str
    subject: str
    body: str | None
    options: tuple[str, ...]
    option_labels: Mapping[str, str]
    schema: Json
    defaults: Json
    assignees: Assignees | None
    min_approvals: int
    exclude_initiator: bool
    comment_required: tuple[str, ...]
    timeout: str | None
    due_at: datetime | None
    on_timeout: str | None
    fail_on_reject: bool
    plan: tuple[Appointment, ...]
    notifiers: tuple[str, ...] | None


def ask_of(kind: str, arguments: Mapping[str, Any], now: datetime) -> Ask:
    """Return what a step asks.

    :param arguments: of the task, all templates and transforms evaluated
    :param now: when it is asked
    :raises StepFailure: of type ``ValidationError``
    """
    check_arguments(kind, arguments)
    findings = _contradictions(kind, arguments)
    if findings:
        message = f"The arguments of task {kind!r} are invalid at {findings[0]['pointer']}: {findings[0]['message']}"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR, details={"errors": findings})
    plan = [Appointment(_after(now, each)) for each in arguments.get("reminders", ())]
    plan += [Appointment(_after(now, each["after"]), each["assignees"]) for each in arguments.get("escalations", ())]
    options = options_of(kind, arguments)
    return Ask(
        kind=kind,
        subject=arguments["subject"],
        body=arguments.get("body"),
        options=options,
        option_labels=arguments.get("optionLabels", {}),
        schema=arguments.get("schema", {}),
        defaults=arguments.get("defaults", {}),
        assignees=arguments.get("assignees"),
        min_approvals=arguments.get("minApprovals", 1),
        exclude_initiator=arguments.get("excludeInitiator", False),
        comment_required=tuple(arguments.get("commentRequired", ())),
        timeout=arguments.get("timeout"),
        due_at=_after(now, arguments["timeout"]) if "timeout" in arguments else None,
        on_timeout=option_on_timeout(options, arguments),
        fail_on_reject=arguments.get("failOnReject", False),
        plan=tuple(sorted(plan, key=lambda each: each.at)),
        notifiers=tuple(arguments["notifiers"]) if "notifiers" in arguments else None,
    )


def _after(now: datetime, duration: str) -> datetime:
    try:
        return now + parse_duration(duration)
    except (ValueError, OverflowError) as error:
        message = f"{duration!r} is not a valid time to wait for an answer: {error}"
        raise StepFailure(message, type=ErrorType.VALIDATION_ERROR) from error


def _contradictions(kind: str, arguments: Mapping[str, Any]) -> list[dict[str, str]]:
    found = [{"pointer": pointer_of(place), "message": message} for place, message in contradictions(kind, arguments)]
    if "schema" in arguments:
        found += [{**each, "pointer": f"/schema{each['pointer']}"} for each in _broken(arguments["schema"])]
    return found


def _broken(schema: Json) -> list[dict[str, str]]:
    from airflow_workflow_provider.model.checks.schemas import schema_findings as broken_at

    return [
        {"pointer": found.pointer, "message": found.message}
        for found in broken_at((), schema, objects=True)
        if found.severity == "error"
    ]


def keys_of(assignees: Assignees | None) -> list[str]:
    """Return the keys of who may answer, such as ``role:approver``; :data:`ANYONE` where nobody is named."""
    if assignees is None:
        return [ANYONE]
    return [f"{word}:{name}" for kind, word in ASSIGNEE_KINDS.items() for name in assignees.get(kind, ())]


def joined(assignees: Assignees | None, more: Assignees) -> Assignees | None:
    """Return the assignees of both; null, which is anyone, stays so."""
    if assignees is None:
        return None
    return {kind: list(dict.fromkeys([*assignees.get(kind, ()), *more.get(kind, ())])) for kind in ASSIGNEE_KINDS}


def check_answer(
    options: Sequence[str], comment_required: Sequence[str], schema: Json, decision: str, form: Any, comment: str | None
) -> Json:
    """Return the form of an answer with the schema's defaults, or refuse the answer.

    The form is checked with every decision that approves or submits, which is the first option; one who decides
    otherwise need not fill it in, but what is filled in must fit.

    :raises AnswerRefused: with everything that is wrong
    """
    findings = []
    if decision not in options:
        findings.append({"pointer": "/decision", "message": f"{decision!r} is not one of the options {list(options)}"})
    if decision in comment_required and not (comment or "").strip():
        findings.append({"pointer": "/comment", "message": f"{decision!r} needs a comment"})
    if comment is not None and len(comment) > MAX_COMMENT:
        findings.append({"pointer": "/comment", "message": f"it has more than {MAX_COMMENT} characters"})
    given = {} if form is None else form
    if not isinstance(given, dict):
        findings.append({"pointer": "/form", "message": "it must be a JSON object"})
    elif not schema and given:
        findings.append({"pointer": "/form", "message": "this question has no form"})
    elif schema and (given or decision == options[0]):
        try:
            given, misfits = completed(schema, given)
            findings += [{**each, "pointer": f"/form{each['pointer']}"} for each in misfits]
        except StepFailure as error:
            findings.append({"pointer": "/form", "message": error.message})
    if findings:
        raise AnswerRefused(findings)
    return given


def is_decided(votes: Sequence[Json], options: Sequence[str], min_approvals: int) -> bool:
    """Return whether the votes decide: enough approvals, or one for anything else."""
    approvals = sum(bool(vote["decision"] == options[0]) for vote in votes)
    return approvals >= min_approvals or approvals < len(votes)


def answer_without(ask: Ask, now: datetime) -> Json | None:
    """Return the answer that a question gets when its time is over; null where that fails the step."""
    if ask.on_timeout is None:
        return None
    return {"decision": ask.on_timeout, "form": {}, "comment": None, "by": None, "at": timestamp(now)}


def result_of(ask: Ask, answer: Json | None, votes: Sequence[Json]) -> Json:
    """Return the output of a step from the answer to its question, null for none in time.

    :raises StepFailure: of type ``TimeoutError``, or of type ``Rejected`` with the output in its details
    """
    if answer is None:
        message = f"Nobody answered within {ask.timeout or 'the time'}"
        raise StepFailure(message, type=ErrorType.TIMEOUT_ERROR, code=ProblemCode.NOT_ANSWERED)
    output = {**{key: answer[key] for key in ("decision", "form", "comment", "by", "at")}, "votes": list(votes)}
    if ask.fail_on_reject and output["decision"] != ask.options[0]:
        who = (output["by"] or {}).get("name")
        message = f"{output['decision']!r} was decided" + (f" by {who}" if who else "")
        message += f": {output['comment']}" if output["comment"] else ""
        raise StepFailure(message, type=ErrorType.REJECTED, code=output["decision"], details=output)
    return output


def simulate_question(kind: str, arguments: Mapping[str, Any], call: SimulatedCall) -> Outcome | None:
    """Ask people; without a world outside none of them ever answers."""
    asked = ask_of(kind, arguments, call.now)
    votes: list[Json] = []
    while (given := call.outside.answer(asked.due_at)) is not None:
        at, vote = given
        try:
            form = check_answer(
                asked.options, asked.comment_required, asked.schema, vote.decision, vote.form, vote.comment
            )
        except AnswerRefused as error:
            call.outside.refused(error)
            continue
        by = {"id": vote.by, "name": vote.by}
        votes.append({"by": by, "decision": vote.decision, "comment": vote.comment, "at": timestamp(at), "form": form})
        if is_decided(votes, asked.options, asked.min_approvals):
            return _decided(asked, votes[-1], votes, at)
    if asked.due_at is None:
        return call.past_its_deadline()
    return _decided(asked, answer_without(asked, asked.due_at), votes, asked.due_at)


def _decided(asked: Ask, answer: Json | None, votes: Sequence[Json], at: datetime) -> Outcome:
    try:
        output = result_of(asked, answer, votes)
    except StepFailure as exc:
        return Outcome(failure=Failure.from_exception(exc), ends_at=at)
    return Outcome(output=output, ends_at=at)
