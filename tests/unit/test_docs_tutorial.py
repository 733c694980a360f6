"""The snippets of the quick start and the tutorial, applied one after the other as a reader would."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.reader import BLOCK, Reader

ROOT = Path(__file__).parents[2]


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("in_a_folder")
def test_the_quick_start_works(capsys: pytest.CaptureFixture[str]) -> None:
    reader = Reader(capsys, "hello-order.json")
    for block in BLOCK.findall((ROOT / "docs" / "quick-start.md").read_text("utf-8")):
        reader.follow(*block)

    assert reader.simulated == 1


@pytest.mark.usefixtures("in_a_folder")
def test_the_tutorial_works(capsys: pytest.CaptureFixture[str], workflow_simulator: Any) -> None:
    reader = Reader(capsys, "order.json")
    for block in BLOCK.findall((ROOT / "docs" / "tutorial.md").read_text("utf-8")):
        reader.follow(*block)

    assert reader.simulated >= 8
    (test,) = reader.tests
    names: dict[str, Any] = {}
    exec(compile(test, "docs/tutorial.md", "exec"), names)  # noqa: S102 - our own page
    names["test_an_unpaid_order_releases_its_stock"](workflow_simulator)


def test_the_definition_of_the_readme_is_that_of_the_quick_start() -> None:
    pages = [(ROOT / name).read_text("utf-8") for name in ("README.md", "docs/quick-start.md")]
    first, second = (json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0]) for page in pages)

    assert first == second
