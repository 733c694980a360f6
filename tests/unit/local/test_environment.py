"""A local environment lets its user in, also on a busy machine."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from airflow_workflow_provider.local.airflow import Access, LocalEnvironment
from airflow_workflow_provider.local.client import RequestRefused
from airflow_workflow_provider.vocabulary import ProblemCode


class Busy:
    """A client whose first requests fail.

    :param failures: the codes with which they fail
    """

    def __init__(self, *failures: ProblemCode) -> None:
        self.failures = list(failures)

    def __enter__(self) -> Busy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def new_token(self) -> str:
        if self.failures:
            message = "No answer"
            raise RequestRefused(message, code=self.failures.pop(0))
        return "token-of-the-busy"


class Environment(LocalEnvironment):
    """An environment of which nothing runs but its client."""

    busy: Busy

    def client(self, username: str = "admin") -> Any:  # noqa: ARG002
        return self.busy

    def access(self) -> Access:
        return Access("http://127.0.0.1:1", "admin", "password")

    def variables(self, component: str | None = None) -> dict[str, str]:  # noqa: ARG002
        return {}


def _environment(folder: Path, *failures: ProblemCode) -> Environment:
    made = Environment(folder)
    made.busy = Busy(*failures)
    return made


def test_a_healthy_server_that_is_too_busy_to_answer_is_asked_for_a_token_again(tmp_path: Path) -> None:
    made = _environment(tmp_path, ProblemCode.AIRFLOW_NOT_REACHABLE)
    assert made._let_in().username == "admin"
    assert "token-of-the-busy" in made.layout.environment.read_text()


def test_a_refused_token_is_not_asked_for_again(tmp_path: Path) -> None:
    made = _environment(tmp_path, ProblemCode.AIRFLOW_REFUSED)
    with pytest.raises(RequestRefused):
        made._let_in()
