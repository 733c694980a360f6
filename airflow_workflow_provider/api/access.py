"""Who may do what: Airflow's auth manager decides, on the workflow's DAG."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

from airflow_workflow_provider.airflow_db.lookups import teams_of
from airflow_workflow_provider.airflow_internals.auth_manager import auth_manager
from airflow_workflow_provider.api.problems import Refused
from airflow_workflow_provider.errors import NotFound
from airflow_workflow_provider.model.grants import Publisher
from airflow_workflow_provider.people.directory import Person
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser


class Right(Enum):
    """What somebody wants to do with a workflow, as Airflow's permissions say it: a method and a part of the DAG."""

    READ = ("GET", None, "read")
    EDIT = ("PUT", None, "edit")
    READ_INSTANCES = ("GET", DagAccessEntity.RUN, "read the instances of")
    READ_LOG = ("GET", DagAccessEntity.TASK_LOGS, "read the logs of")
    START = ("POST", DagAccessEntity.RUN, "start")
    OPERATE = ("PUT", DagAccessEntity.RUN, "operate")
    ANSWER = ("PUT", DagAccessEntity.HITL_DETAIL, "answer for")

    def __init__(self, method: ResourceMethod, entity: DagAccessEntity | None, words: str) -> None:
        self.method: ResourceMethod = method
        self.entity = entity
        self.words = words


class Access:
    """What one user may do.

    :param user: who is signed in
    """

    def __init__(self, user: BaseUser) -> None:
        self.user = user

    @property
    def user_name(self) -> str:
        """How Airflow shows the user."""
        return self.user.get_name()

    @property
    def roles(self) -> tuple[str, ...]:
        """The user's roles, see :func:`roles_of`."""
        return roles_of(self.user)

    @property
    def actor(self) -> dict[str, Any]:
        """The user, as the execution log keeps it."""
        return {"id": str(self.user.get_id()), "name": self.user_name}

    @property
    def person(self) -> Person:
        """The user with the roles that the auth manager tells; the directory knows more."""
        return Person(str(self.user.get_id()), self.user_name, frozenset(roles_of(self.user)))

    def may(self, right: Right, workflow_id: str | None) -> bool:
        """Tell whether the user has a right on a workflow; with null on workflows in general."""
        return self._may(right, workflow_id, teams_of([workflow_id] if workflow_id else []))

    def require(self, right: Right, workflow_id: str, missing: NotFound | None = None) -> None:
        """Let the user go on only with a right on a workflow.

        :param missing: what is said where the user may not even read it, as if it did not exist
        :raises NotFound: the user may not read it
        :raises Refused: 403: the user may read it, but not this
        """
        teams = teams_of([workflow_id])
        reads = Right.READ_INSTANCES if right.entity is not None else Right.READ
        if not (self._may(Right.READ, workflow_id, teams) and self._may(reads, workflow_id, teams)):
            raise missing or NotFound(f"There is no workflow {workflow_id!r}", pointer=workflow_id)
        if not self._may(right, workflow_id, teams):
            raise _forbidden(right, f"workflow {workflow_id!r}")

    def require_general(self, right: Right, what: str) -> None:
        """Let the user go on only with a right on workflows in general.

        :param what: what is asked for, for the message
        :raises Refused: 403
        """
        if not self.may(right, None):
            raise _forbidden(right, what)

    def require_asset(self, method: ResourceMethod, what: str) -> None:
        """Let the user go on only with a permission on Airflow's assets: events start workflows as asset events do.

        :param what: what it is asked for, for the message
        :raises Refused: 403
        """
        if not self._may_asset(method):
            raise Refused(403, f"You may not {what}", code=ProblemCode.FORBIDDEN)

    @property
    def publisher(self) -> Publisher:
        """What the steps of a definition may do that this user publishes: what the user may do."""
        return Publisher(
            may_start=lambda workflow_id: self.may(Right.START, workflow_id),
            may_publish_events=lambda: self._may_asset("POST"),
        )

    def _may_asset(self, method: ResourceMethod) -> bool:
        return bool(auth_manager().is_authorized_asset(method=method, user=self.user))

    def permitted(self, right: Right, workflow_ids: Iterable[str]) -> set[str]:
        """Return the workflows on which the user has a right."""
        wanted = list(workflow_ids)
        teams = teams_of(wanted)
        return {each for each in wanted if self._may(right, each, teams)}

    def _may(self, right: Right, workflow_id: str | None, teams: dict[str, str | None]) -> bool:
        details = DagDetails(id=workflow_id, team_name=teams.get(workflow_id)) if workflow_id else None
        on_dag = auth_manager().is_authorized_dag(
            method=right.method, access_entity=right.entity, details=details, user=self.user
        )
        return bool(on_dag) and (right is not Right.EDIT or self._may_publish)

    @cached_property
    def _may_publish(self) -> bool:
        """Whether the user may edit ``[workflows] publish_resource``, if publishing takes more than editing DAGs."""
        resource = load_settings().publish_resource
        return not resource or bool(
            auth_manager().is_authorized_custom_view(method="PUT", resource_name=resource, user=self.user)
        )


def roles_of(user: BaseUser) -> tuple[str, ...]:
    """Return the names of a user's roles, as far as the auth manager tells them.

    SimpleAuthManager has one role a user, ``viewer``, ``user``, ``op`` or ``admin``, and does not care about its case:
    here it is in lower case. FAB's roles have the names that its administrators gave them. Of other auth managers
    nothing is known.
    """
    role = getattr(user, "role", None)
    if isinstance(role, str):
        return (role.lower(),) if role else ()
    roles = getattr(user, "roles", None)
    names = (getattr(each, "name", each) for each in roles) if isinstance(roles, list | tuple) else ()
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str)))


def _forbidden(right: Right, what: str) -> Refused:
    return Refused(403, f"You may not {right.words} {what}", code=ProblemCode.FORBIDDEN)
