"""``docs/public-api.md`` lists what users may import: it is there, documented, and the pages import nothing else."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "public-api.md").read_text(encoding="utf-8")
PUBLIC = re.findall(r"^\| `from (airflow_workflow_provider[\w.]*) import (\w+)` \|", PAGE, re.MULTILINE)
IMPORT = re.compile(r"from (airflow_workflow_provider[\w.]*) import ([\w, ]+)")


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_a_public_name_can_be_imported_and_has_a_docstring(module: str, name: str) -> None:
    if module.split(".")[1] in {"bundles", "triggers", "dag", "hooks"}:
        pytest.importorskip("airflow")

    assert getattr(import_module(module), name).__doc__


def test_documentation_and_examples_import_public_names_only() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.*"), ROOT / "dags" / "workflow_factory.py"]
    texts = {page: page.read_text(encoding="utf-8") for page in pages if page.suffix in {".md", ".py"}}
    used = {
        (module, name.strip())
        for page, text in texts.items()
        if "decisions" not in page.parts
        for module, names in IMPORT.findall(text)
        for name in names.split(",")
    }

    assert ("airflow_workflow_provider.tasks.registry", "workflow_task") in used
    assert used - set(PUBLIC) == set()


def test_the_entry_points_of_the_page_are_those_that_the_package_reads() -> None:
    from airflow_workflow_provider.tasks.registry import ENTRY_POINT_GROUP

    assert f"`{ENTRY_POINT_GROUP}`" in PAGE
    assert "workflow_simulator" in {each.name for each in entry_points(group="pytest11")}
