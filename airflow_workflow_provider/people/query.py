"""Roles and groups from a database."""

from __future__ import annotations

from collections.abc import Iterable

from airflow_workflow_provider.errors import Misuse, StoreUnavailable
from airflow_workflow_provider.vocabulary import ProblemCode


class QueryResolver:
    """Runs ``[workflows] people_sql`` on a connection of Airflow: one row a membership, its kind and its name.

    :param conn_id: of a database with a DB-API hook
    :param sql: a statement with the one parameter ``%(user)s``, which gives rows such as ``('role', 'approver')``
    """

    def __init__(self, conn_id: str, sql: str) -> None:
        if not conn_id or not sql:
            message = "[workflows] resolvers has 'sql', but people_conn_id or people_sql is empty"
            raise Misuse(message, code=ProblemCode.BAD_CONFIGURATION, pointer="[workflows] people_sql")
        self._conn_id, self._sql = conn_id, sql

    def memberships(self, user_id: str, user_name: str) -> tuple[Iterable[str], Iterable[str]]:
        """Return what the database says of a user's id and, where that differs, of their name.

        :raises StoreUnavailable: the database does not answer, so nobody can be let in for what it says
        """
        found: dict[str, list[str]] = {"role": [], "group": []}
        for user in dict.fromkeys((user_id, user_name)):
            for kind, name in self._rows(user):
                found.setdefault(str(kind), []).append(str(name))
        return found["role"], found["group"]

    def knows(self, kind: str, name: str) -> bool | None:  # noqa: ARG002
        """Return null: the statement answers for users, not for names."""
        return None

    def _rows(self, user: str) -> list[tuple[str, str]]:
        from airflow.sdk import BaseHook

        try:
            hook = BaseHook.get_connection(self._conn_id).get_hook()  # type: ignore[no-untyped-call]
            return list(hook.get_records(self._sql, parameters={"user": user}))
        except Exception as error:
            message = f"The people's database {self._conn_id!r} did not answer: {type(error).__name__}"
            raise StoreUnavailable(message, code=ProblemCode.PEOPLE_UNAVAILABLE) from error
