"""How the package is built is what its pages say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def structure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structure", ROOT / "scripts" / "structure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawing_in_contributing_is_that_of_the_contract() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert structure().with_drawing(page) == page


def test_each_room_says_what_it_is() -> None:
    found = structure()
    for line in found.drawing().splitlines():
        assert len(line.split("  ", 3)[-1].strip()) > 10, line


def test_circles_are_found() -> None:
    follow = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": []}
    assert sorted(map(sorted, structure().strongly_connected(sorted(follow), follow))) == [["a", "b", "c"], ["d"]]
