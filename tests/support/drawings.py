"""Drawings of definitions in this repository: the editor, which draws by itself, is compared with them.

``python -m tests.support.drawings`` writes their file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.views.drawing import drawing_of
from tests.conformance.cases import FOLDER, definition_of, load_cases

ROOT: Final = Path(__file__).parents[2]
FILE: Final = ROOT / "ui" / "src" / "testing" / "drawings.json"
SHAPES: Final = ("next", "onFailure", "parallelBranches", "forEach", "compensation", "oneOf")
"""Keys that change what is drawn."""

Json = dict[str, Any]


def documents() -> Iterator[tuple[Path, Json]]:
    """Yield definitions with their files: the examples, and of the cases one for each rule and set of keys."""
    for path in sorted((ROOT / "examples").glob("**/*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict) and "steps" in found:
            yield path, found
    seen = set()
    for case in load_cases("simulate"):
        text = json.dumps(case.document)
        kind = (case.rule[0], *(key for key in SHAPES if f'"{key}"' in text))
        if len(kind) > 1 and kind not in seen:
            seen.add(kind)
            yield FOLDER / f"{case.name}.json", definition_of(case.document, "case")


def drawings() -> str:
    """Return the content of the file: a line for each definition, without what says nothing."""
    rows = []
    for path, document in documents():
        drawing = asdict(drawing_of(Graph.of(parse_definition(document, checked=False), {})))
        found = {
            name: [{key: value for key, value in each.items() if value not in (None, False, "")} for each in parts]
            for name, parts in drawing.items()
        }
        rows.append(json.dumps({"file": path.relative_to(ROOT).as_posix(), **found}, ensure_ascii=False))
    return "[\n" + ",\n".join(rows) + "\n]\n"


if __name__ == "__main__":
    FILE.write_text(drawings(), encoding="utf-8")
