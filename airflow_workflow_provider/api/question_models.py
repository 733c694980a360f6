"""Requests and responses about questions to people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from airflow_workflow_provider.api.models import ApiModel, Body, Text, WorkflowName
from airflow_workflow_provider.store.questions import MAX_PAGE
from airflow_workflow_provider.tasks.questions import MAX_COMMENT

QuestionStatus = Literal["open", "answered", "expired", "withdrawn"]
Refusal = Literal["forbidden", "not-asked", "initiator-excluded", "question-claimed", "already-voted"]
Comment = Annotated[str, StringConstraints(max_length=MAX_COMMENT, pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=250, pattern=r"^[^\x00]*$")]


class User(ApiModel):
    """A user of Airflow."""

    id: str
    name: str


class Myself(User):
    """The user of the request, with the roles and groups that count for questions."""

    roles: list[str]
    groups: list[str]


class Assignees(ApiModel):
    """Who may answer: any of these."""

    users: list[str] = Field(default_factory=list)
    roles: list[str] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)


class Vote(ApiModel):
    """The vote of one person."""

    by: User
    decision: str
    form: dict[str, Any]
    comment: str | None
    at: datetime


class GivenAnswer(ApiModel):
    """The decision."""

    decision: str
    form: dict[str, Any]
    comment: str | None
    by: User | None = Field(description="Null if the timeout decided")
    at: datetime


class Question(ApiModel):
    """A question that a step asks people."""

    id: UUID
    workflow_id: str
    workflow_name: str
    instance_id: UUID
    correlation_id: str | None = Field(description="Business identifier of the instance")
    started_by: str | None = Field(description="Name of the user who started the instance; null if nobody did")
    dag_id: str
    run_id: str
    task_id: str = Field(description="The Airflow task that waits for the answer")
    step_id: str
    scope: str
    visit: int
    attempt: int
    kind: Literal["approval", "form"]
    subject: str
    body: str | None = Field(description="Markdown")
    options: list[str] = Field(description="The possible decisions; the first one is the approval")
    option_labels: dict[str, str] = Field(description="What people read instead of the names of options, by option")
    form_schema: dict[str, Any] | None = Field(alias="schema", description="JSON Schema of the form; null for none")
    defaults: dict[str, Any]
    comment_required: list[str]
    min_approvals: int
    assignees: Assignees | None = Field(description="Null for all users with permission to answer in Airflow")
    claimed_by: User | None
    asked_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    status: QuestionStatus
    votes: list[Vote]
    own_vote: Vote | None = Field(description="What you answered; null if you did not")
    answer: GivenAnswer | None
    may_answer: bool = Field(description="Whether you may answer it now")
    refusal: Refusal | None = Field(
        description="Why you may not answer it although it is open: `forbidden` by Airflow's permissions, `not-asked`, "
        "`initiator-excluded` (four eyes: you started the instance or changed its data), `question-claimed` by "
        "someone else, `already-voted`; null if you may"
    )


class QuestionDetail(Question):
    """A question with the request that it is about."""

    input: dict[str, Any] = Field(description="Input of the instance")
    input_schema: dict[str, Any] | None = Field(
        description="`inputSchema` of the workflow, its keys in the order of the author; null for none"
    )


class Candidate(ApiModel):
    """A user to whom a question can be handed."""

    user: str = Field(description="What `delegate` takes as `to`")
    name: str = Field(description="The name that people know")


class CandidateList(ApiModel):
    """Users to whom a question can be handed, by name."""

    items: list[Candidate]


class QuestionPage(ApiModel):
    """Some questions, the longest open first; of those that you answered the newest first."""

    items: list[Question]
    next: str | None = Field(description="`after` of the next page; null after the last")


class QuestionQuery(ApiModel):
    """A filter of questions; absent fields do not restrict."""

    model_config = ConfigDict(extra="forbid")

    mine: bool = Field(True, description="Only your questions; else all that you can read")
    workflow_id: WorkflowName | None = None
    instance_id: UUID | None = None
    answered: bool = Field(False, description="Only questions that you answered, newest first; replaces `mine`")
    status: list[QuestionStatus] | None = Field(
        None, description="Any of these; default: `open`, and with `answered` each of them"
    )
    after: Text | None = Field(None, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=MAX_PAGE)


class CandidateQuery(ApiModel):
    """A search for users."""

    model_config = ConfigDict(extra="forbid")

    search: Annotated[str, StringConstraints(max_length=250, pattern=r"^[^\x00]*$")] = Field(
        "", description="A part of the name, in any case"
    )


class AnswerBody(Body):
    """An answer."""

    decision: Name = Field(description="One of the question's `options`")
    form: dict[str, Any] | None = Field(None, description="Checked against the question's `schema`")
    comment: Comment | None = None


class DelegateBody(Body):
    """The user who is to answer instead."""

    to: Name = Field(description="Id or name of a user")
    reason: Comment | None = None
