"""The requests of ``docs/api.md``, sent one after the other, get the answers that stand there."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import Api, load_dag

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
ANYTHING = "…"


def blocks() -> list[tuple[str, dict[str, str], str]]:
    """First line, headers and body of each ``http`` block."""
    found = []
    for block in re.findall(r"```http\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        head, _, body = block.partition("\n\n")
        first, *headers = head.strip().splitlines()
        found.append((first, dict(line.split(": ", 1) for line in headers), body.strip()))
    return found


def agrees(expected: Any, found: Any) -> bool:
    if expected == ANYTHING:
        return found is not None
    if isinstance(expected, dict):
        return isinstance(found, dict) and all(key in found and agrees(expected[key], found[key]) for key in expected)
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(agrees, expected, found))
    return bool(expected == found)


def test_the_page_is_true(api: Api) -> None:
    client = api.as_role("admin")
    everything = blocks()
    instance = ""
    assert len(everything) >= 12
    for request, answer in zip(everything[::2], everything[1::2], strict=True):
        method, address = request[0].split(" ")
        place = "http://testserver" + address.replace("{id}", instance)
        got = client.request(method, place, content=request[2].encode() or None, headers=request[1])
        status = int(answer[0].split(" ")[1])
        assert got.status_code == status, (request[0], got.text)
        assert agrees(json.loads(answer[2]), got.json()), (request[0], got.text)
        for name, value in answer[1].items():
            assert got.headers[name].startswith(value.removesuffix(ANYTHING)), (request[0], name)
        if method == "PUT":
            load_dag(json.loads(request[2]), got.json()["revision"])
        if status == 201 and "input" in got.json():
            instance = got.json()["id"]
