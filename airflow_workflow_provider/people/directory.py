"""Who is in which role and group, asked each time it matters, by replaceable resolvers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, Final, Protocol, runtime_checkable

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.questions import ASSIGNEE_KINDS
from airflow_workflow_provider.people.auth_manager import AuthManagerResolver
from airflow_workflow_provider.people.mapping import MappingResolver
from airflow_workflow_provider.people.query import QueryResolver
from airflow_workflow_provider.people.roles import spellings
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.tasks.questions import ANYONE, Assignees
from airflow_workflow_provider.vocabulary import ProblemCode

MAX_USERS: Final = 20
"""How many users people can choose from; of more they search for one."""


@dataclass(frozen=True)
class Person:
    """A user of Airflow.

    :param id: as the auth manager names them
    :param name: as Airflow shows them
    :param roles: those of the auth manager, and what the resolvers add
    :param groups: from the resolvers
    """

    id: str
    name: str
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()

    @property
    def keys(self) -> set[str]:
        """The keys of this person, with which the keys of questions are compared."""
        users = {f"user:{self.id}", f"user:{self.name}"}
        roles = {f"role:{name}" for role in self.roles for name in spellings(role)}
        return users | roles | {f"group:{group}" for group in self.groups} | {ANYONE}

    def is_same(self, other: Mapping[str, Any] | None) -> bool:
        """Return whether ``{"id", "name"}`` is this person."""
        return other is not None and (other.get("id") == self.id or other.get("name") == self.name)

    def to_json(self) -> dict[str, str]:
        """Return how logs and answers name the person."""
        return {"id": self.id, "name": self.name}


class Resolver(Protocol):
    """Resolves roles and groups of users; created without arguments if ``[workflows] resolvers`` names its class."""

    def memberships(self, user_id: str, user_name: str) -> tuple[Iterable[str], Iterable[str]]:
        """Return the roles and the groups of a user."""
        ...

    def knows(self, kind: str, name: str) -> bool | None:
        """Return whether there is a ``user``, ``role`` or ``group`` of a name; null if that is unknown."""
        ...


@runtime_checkable
class Lister(Protocol):
    """A resolver that also lists users, so that people can choose one."""

    def users(self, search: str, limit: int) -> Iterable[tuple[str, str]]:
        """Return users whose id or name contains a text, in any case: the name that questions use, and a full name."""
        ...


class Directory:
    """The combined results of all resolvers.

    :param resolvers: asked in this order
    """

    def __init__(self, resolvers: Sequence[Resolver]) -> None:
        self._resolvers = tuple(resolvers)

    @classmethod
    def configured(cls, settings: Settings | None = None) -> Directory:
        """Return the directory that ``[workflows]`` describes.

        :raises Misuse: a resolver cannot be used
        """
        settings = settings or load_settings()
        return cls([_resolver(name, settings) for name in settings.resolvers])

    def complete(self, person: Person) -> Person:
        """Return a person with the roles and groups that they have now."""
        roles, groups = set(person.roles), set(person.groups)
        for resolver in self._resolvers:
            more_roles, more_groups = resolver.memberships(person.id, person.name)
            roles.update(more_roles)
            groups.update(more_groups)
        return replace(person, roles=frozenset(roles), groups=frozenset(groups))

    def knows(self, kind: str, name: str) -> bool | None:
        """Return whether there is a ``user``, ``role`` or ``group`` of a name; null if that is unknown."""
        found = [resolver.knows(kind, name) for resolver in self._resolvers]
        if True in found:
            return True
        return None if None in found or not found else False

    def users(self, search: str = "") -> list[tuple[str, str]]:
        """Return users as far as they are known, at most :data:`MAX_USERS` a resolver; see :class:`Lister`."""
        listers = [each for each in self._resolvers if isinstance(each, Lister)]
        return [found for each in listers for found in each.users(search, MAX_USERS)]

    def unknown(self, assignees: Assignees | None) -> list[str]:
        """Return those of some assignees whom surely nobody knows, such as ``role 'aprover'``."""
        return [
            f"{kind} {name!r}"
            for key, kind in ASSIGNEE_KINDS.items()
            for name in (assignees or {}).get(key, ())
            if self.knows(kind, name) is False
        ]


def _resolver(name: str, settings: Settings) -> Resolver:
    if name == "auth_manager":
        return AuthManagerResolver()
    if name == "mapping":
        return MappingResolver(settings.people)
    if name == "sql":
        return QueryResolver(settings.people_conn_id, settings.people_sql)
    return _imported(name)()  # type: ignore[no-any-return]


@cache
def _imported(path: str) -> Any:
    module, _, name = path.replace(":", ".").rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        message = f"[workflows] resolvers: {path!r} cannot be imported: {error}"
        suggestion = "use auth_manager, mapping, sql, or the dotted path of a class"
        raise Misuse(message, code=ProblemCode.BAD_CONFIGURATION, suggestion=suggestion) from error
