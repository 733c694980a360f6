"""Roles and groups that the configuration lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


class MappingResolver:
    """Reads ``[workflows] people``: by user, their roles and groups.

    :param people: ``{"ada": {"roles": ["approver"], "groups": ["finance"]}}``
    """

    def __init__(self, people: Mapping[str, Mapping[str, Sequence[str]]]) -> None:
        self._people = people

    def memberships(self, user_id: str, user_name: str) -> tuple[Iterable[str], Iterable[str]]:
        """Return what is listed for a user, by id or name."""
        found = [self._people[key] for key in {user_id, user_name} if key in self._people]
        return [r for each in found for r in each.get("roles", ())], [
            g for each in found for g in each.get("groups", ())
        ]

    def users(self, search: str, limit: int) -> Iterable[tuple[str, str]]:
        """Return the users that are listed."""
        found = sorted(name for name in self._people if search.casefold() in name.casefold())
        return [(name, name) for name in found[:limit]]

    def knows(self, kind: str, name: str) -> bool | None:
        """Return whether it is listed."""
        if kind == "user":
            return name in self._people
        return any(name in each.get(f"{kind}s", ()) for each in self._people.values())
