"""A child process that answers what is no reply ends; who asked gets an error of ours, and nothing else stops."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_workflow_provider.bounded import messages
from airflow_workflow_provider.bounded.limits import Limits
from airflow_workflow_provider.bounded.pool import Pool
from airflow_workflow_provider.errors import LimitExceeded

ECHO = "airflow_workflow_provider.bounded.doors:renewed"


@pytest.fixture
def pool() -> Iterator[Pool]:
    made = Pool(Limits(seconds=5, processes=1))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("reply", "which"),
    [
        (b"[1, 2]", "died"),
        (b'"worn"', "died"),
        (b"null", "died"),
        (b"{nothing", "died"),
        (b"\xff\xfe", "died"),
        (b"[" * 100_000, "depth"),
    ],
)
def test_what_is_no_reply_ends_the_child(reply: bytes, which: str, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    receive = messages.receive

    def broken(source: Any, limit: int, deadline: float | None = None) -> Any:
        found = receive(source, limit, deadline)
        if "ready" in found:
            return found
        return receive(_Said(struct.pack(">Q", len(reply)) + reply), limit)

    monkeypatch.setattr(messages, "receive", broken)
    with pytest.raises(LimitExceeded) as caught:
        pool.call(ECHO, (), {}, who="eve", what="a test")
    assert caught.value.which == which


class _Said:
    """A socket from which what was said comes."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def recv(self, most: int) -> bytes:
        part, self._said = self._said[:most], self._said[most:]
        return part
