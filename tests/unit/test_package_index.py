"""The text of the package index: no link that leads nowhere."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#)[^)]*\)")


@pytest.fixture(scope="module")
def build_hooks() -> Any:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_files_beside_the_readme_are_named_but_not_linked(build_hooks: Any) -> None:
    readme = (ROOT / "README.md").read_text()
    text = build_hooks.index_text(readme)
    assert LINK.search(readme)
    assert LINK.search(text) is None
    assert "![" not in text
    assert text.startswith("# airflow-workflow-provider\n")
    assert len(text) > len(readme) * 0.6


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("see [this](docs/a.md) and [that](https://example.com/x)", "see this and [that](https://example.com/x)"),
        ("![a picture](docs/a.png)\n\ntext", "text"),
        ("[a `code` name](b.py)", "a `code` name"),
        ("[below](#below)", "[below](#below)"),
        ("an array [1] (of one)", "an array [1] (of one)"),
    ],
)
def test_only_links_to_files_become_words(build_hooks: Any, given: str, expected: str) -> None:
    assert build_hooks.index_text(given) == expected
