"""scripts/package.py and scripts/lowest.py: what they look for in the distributions, and which versions they take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import lowest, package

ROOT = Path(__file__).parents[2]
WHEEL = [f"airflow_workflow_provider/{name}" for name in package.IN_WHEEL]
SOURCE = [f"airflow_workflow_provider-0.1.0/{name}" for name in package.IN_SOURCE]


def test_a_wheel_with_the_package_and_its_description_is_fine() -> None:
    names = [*WHEEL, "airflow_workflow_provider/engine/machine.py", "airflow_workflow_provider-0.1.0.dist-info/RECORD"]
    assert package.missing_in_wheel(names) == []
    assert package.foreign_in_wheel(names) == []


@pytest.mark.parametrize(
    "name",
    [
        "tests/conftest.py",
        "airflow_workflow_provider/tests/test_it.py",
        "airflow_workflow_provider/ui/node_modules/react/index.js",
        "airflow_workflow_provider/ui/static/main.ts",
        "scripts/package.py",
    ],
)
def test_what_a_wheel_should_not_have_is_found(name: str) -> None:
    assert package.foreign_in_wheel([*WHEEL, name]) == [name]


def test_what_a_distribution_lacks_is_found() -> None:
    assert package.missing_in_wheel(WHEEL[1:]) == ["py.typed"]
    assert package.missing_in_source(SOURCE) == [
        "airflow_workflow_provider/py.typed",
        "airflow_workflow_provider/ui/static/manifest.json",
    ]


@pytest.mark.parametrize("name", ["deploy/worker.env", ".local/x", "ui/node_modules/a.js", "scripts/__pycache__/a.pyc"])
def test_secrets_and_what_tools_left_are_found_in_a_source_distribution(name: str) -> None:
    name = f"airflow_workflow_provider-0.1.0/{name}"
    assert package.foreign_in_source([*SOURCE, name]) == [name]


def test_the_sbom_has_what_the_pages_contain_and_not_what_builds_them() -> None:
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text(encoding="utf-8"))
    found = {each["name"]: each for each in package.page_components(lock)}
    assert {"marked", "dompurify", "@xyflow/react", "@codemirror/view"} <= set(found)
    assert {"vite", "vitest", "@biomejs/biome"} & set(found) == set()
    assert found["@xyflow/react"]["purl"].startswith("pkg:npm/%40xyflow/react@")


def test_only_direct_dependencies_are_held_at_their_lower_bounds() -> None:
    resolved = "# by uv\npydantic==2.12.0\n    # via x\npydantic-core==2.41.1\npsycopg[binary]==3.2.9\nPyYAML==6.0.3\n"
    wanted = ["pydantic>=2.12", "psycopg[binary]>=3.2", "pyyaml>=6.0"]
    assert lowest.direct(resolved, wanted) == ["pydantic==2.12.0", "psycopg==3.2.9", "PyYAML==6.0.3"]
