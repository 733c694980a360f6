"""Permissions: Airflow's auth manager decides, by the workflow's DAG."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails

from airflow_workflow_provider.airflow_db.audit import write_row
from airflow_workflow_provider.airflow_db.lookups import teams_of
from airflow_workflow_provider.airflow_internals.auth_manager import auth_manager
from airflow_workflow_provider.errors import Forbidden, NotFound
from airflow_workflow_provider.model.grants import Publisher
from airflow_workflow_provider.operations.permission import Right
from airflow_workflow_provider.people.directory import Person
from airflow_workflow_provider.settings import load_settings

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.base_auth_manager import ResourceMethod
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser


IN_AIRFLOW: Final[dict[Right, tuple[ResourceMethod, DagAccessEntity | None]]] = {
    Right.READ: ("GET", None),
    Right.EDIT: ("PUT", None),
    Right.READ_INSTANCES: ("GET", DagAccessEntity.RUN),
    Right.READ_LOG: ("GET", DagAccessEntity.TASK_LOGS),
    Right.START: ("POST", DagAccessEntity.RUN),
    Right.OPERATE: ("PUT", DagAccessEntity.RUN),
    Right.ANSWER: ("PUT", DagAccessEntity.HITL_DETAIL),
}
"""Each right in terms of Airflow's permissions: a method, and a part of the workflow's DAG."""


class Access:
    """The permissions of one user.

    :param user: who is signed in
    """

    def __init__(self, user: BaseUser) -> None:
        self.user = user

    @property
    def user_name(self) -> str:
        """The user's name as Airflow shows it."""
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
        """The user with the roles that the auth manager reports; the directory knows more."""
        return Person(str(self.user.get_id()), self.user_name, frozenset(roles_of(self.user)))

    def may(self, right: Right, workflow_id: str | None) -> bool:
        """Return whether the user has a right on a workflow; with null on workflows in general."""
        return self._may(right, workflow_id, teams_of([workflow_id] if workflow_id else []))

    def require(self, right: Right, workflow_id: str, missing: NotFound | None = None) -> None:
        """Require a right on a workflow.

        :param missing: what is said where the user may not even read it, as if it did not exist
        :raises NotFound: the user may not read it
        :raises Forbidden: the user may read it, but not this
        """
        teams = teams_of([workflow_id])
        reads = Right.READ if IN_AIRFLOW[right][1] is None else Right.READ_INSTANCES
        if not (self._may(Right.READ, workflow_id, teams) and self._may(reads, workflow_id, teams)):
            raise missing or NotFound(f"There is no workflow {workflow_id!r}", pointer=workflow_id)
        if not self._may(right, workflow_id, teams):
            raise _forbidden(right, f"workflow {workflow_id!r}")

    def require_general(self, right: Right, what: str) -> None:
        """Require a right on workflows in general.

        :param what: what is asked for, for the message
        :raises Forbidden: the user does not have it
        """
        if not self.may(right, None):
            raise _forbidden(right, what)

    def require_asset(self, method: ResourceMethod, what: str) -> None:
        """Require a permission on Airflow's assets: events start workflows as asset events do.

        :param what: what it is asked for, for the message
        :raises Forbidden: the user does not have it
        """
        if not self._may_asset(method):
            message = f"You may not {what}"
            raise Forbidden(message)

    def require_events(self) -> None:
        """Require the right to publish events.

        :raises Forbidden: the user does not have it
        """
        self.require_asset("POST", "publish events")

    def record(self, event: str, *, workflow_id: str | None = None, run_id: str | None = None, **extra: Any) -> None:
        """Write a row of Airflow's audit log, committed at once: it stays where what follows fails.

        The same rows that Airflow's own routes write. Written here rather than with Airflow's ``action_logging``, which
        copies the request's body: an input may hold secrets that only the workflow's definition names (rule L4).

        :param event: such as ``workflow.start``
        :param extra: more about it, never from a body as it is
        """
        given = {key: value for key, value in extra.items() if value is not None}
        write_row(event, self.user_name, given, workflow_id, run_id)

    @property
    def publisher(self) -> Publisher:
        """What the steps of a definition may do that this user publishes: what the user may do."""
        return Publisher(
            may_start=lambda workflow_id: self.may(Right.START, workflow_id),
            may_publish_events=lambda: self.may_publish_events,
        )

    @property
    def may_publish_events(self) -> bool:
        """Whether the user has the right to publish events."""
        return self._may_asset("POST")

    def _may_asset(self, method: ResourceMethod) -> bool:
        return bool(auth_manager().is_authorized_asset(method=method, user=self.user))

    def permitted(self, right: Right, workflow_ids: Iterable[str]) -> set[str]:
        """Return the workflows on which the user has a right."""
        wanted = list(workflow_ids)
        teams = teams_of(wanted)
        return {each for each in wanted if self._may(right, each, teams)}

    def _may(self, right: Right, workflow_id: str | None, teams: dict[str, str | None]) -> bool:
        details = DagDetails(id=workflow_id, team_name=teams.get(workflow_id)) if workflow_id else None
        method, entity = IN_AIRFLOW[right]
        on_dag = auth_manager().is_authorized_dag(method=method, access_entity=entity, details=details, user=self.user)
        return bool(on_dag) and (right is not Right.EDIT or self._may_publish)

    @cached_property
    def _may_publish(self) -> bool:
        """Whether the user may edit ``[workflows] publish_resource``, if publishing takes more than editing DAGs."""
        resource = load_settings().publish_resource
        return not resource or bool(
            auth_manager().is_authorized_custom_view(method="PUT", resource_name=resource, user=self.user)
        )


def roles_of(user: BaseUser) -> tuple[str, ...]:
    """Return the names of a user's roles, as far as the auth manager reports them.

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


def _forbidden(right: Right, what: str) -> Forbidden:
    return Forbidden(f"You may not {right.value} {what}")
