"""Every snippet of ``docs/ui.md`` is valid, and the page names what there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from airflow_workflow_provider.model.definition import UiContext, UiFormat
from airflow_workflow_provider.model.ui import COMPONENT_LAYOUTS, LAYOUTS, OPTIONS, default_components
from tests.support.documents import found, workflow

PAGE = (Path(__file__).parents[2] / "docs" / "ui.md").read_text(encoding="utf-8")
JSON_SNIPPETS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


@pytest.mark.parametrize("snippet", JSON_SNIPPETS, ids=lambda snippet: next(iter(snippet)))
def test_every_snippet_is_valid(snippet: dict[str, Any]) -> None:
    components = snippet.get("uiComponents") or [snippet]
    assert found(workflow(uiComponents=components)) == []


def test_the_component_of_a_package_is_one(tmp_path: Path) -> None:
    pytest.importorskip("airflow")
    from airflow_workflow_provider.api.ui_registry import kind_of

    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {"__file__": str(tmp_path / "ui.py")}
    (tmp_path / "static").mkdir()
    exec(snippet, names)  # noqa: S102 - our own page
    kind = kind_of(names["SHIPMENT_MAP"])
    assert (kind.layout, kind.module) == ("card", "/shipping/shipment-map.js")
    assert UiContext.model_validate(dict(kind.context), strict=False).items[0].label == "Last seen"


def test_the_page_names_every_layout_option_format_and_component() -> None:
    named = set(re.findall(r"`([a-zA-Z-]+)`", PAGE)) | set(re.findall(r"`context\.([a-z]+)`", PAGE))
    assert {*LAYOUTS, *OPTIONS, *get_args(UiFormat), *COMPONENT_LAYOUTS} <= named
    table = re.findall(r"^\| `([\w-]+)` \| [\w ]+ \| (\w+) \|$", PAGE, re.MULTILINE)
    assert table == [(each.component_id, COMPONENT_LAYOUTS[each.component_id]) for each in default_components()]
