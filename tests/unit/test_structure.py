"""How the package is built is what its pages say."""

from __future__ import annotations

import importlib.util
import tomllib
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def structure() -> ModuleType:
    return script("structure")


def test_the_drawing_in_contributing_is_that_of_the_contract() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert structure().with_drawing(page) == page


def test_each_package_has_a_summary() -> None:
    found = structure()
    for line in found.drawing().splitlines():
        assert len(line.split("  ", 3)[-1].strip()) > 10, line


def test_circles_are_found() -> None:
    follow = {"a": ["b"], "b": ["c"], "c": ["a", "d"], "d": []}
    assert sorted(map(sorted, structure().strongly_connected(sorted(follow), follow))) == [["a", "b", "c"], ["d"]]


def test_lines_of_functions_are_counted_with_their_docstrings() -> None:
    module = 'def a():\n    """A.\n\n    B.\n    """\n\n    async def b():\n        pass\n\n\nx = 1\n'
    assert sorted(structure().function_lines(module)) == [("a", 8), ("b", 2)]


def test_there_is_no_import_circle() -> None:
    assert structure().circles() == []


def test_no_number_is_above_its_limit() -> None:
    assert structure().main() == 0


def test_the_contract_about_sql_names_every_other_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    packages = {package.strip().strip("()") for layer in layers for package in layer.split(":")}
    (sql,) = (each for each in contracts if each["name"] == "Only store and airflow_db speak SQL")
    named = {each.rpartition(".")[2] for each in sql["source_modules"]}
    assert named == packages - {"store", "airflow_db"}


@pytest.mark.parametrize(
    ("line", "modules"),
    [
        ("from airflow.models.dag import DagModel  # x", {"airflow.models.dag", "airflow.models.dag.DagModel"}),
        ("    from airflow import models, sdk", {"airflow", "airflow.models", "airflow.sdk"}),
        ("import airflow.models.dag as dag, json", {"airflow.models.dag", "json"}),
        ("from airflow.sdk.exceptions import (", {"airflow.sdk.exceptions"}),
    ],
)
def test_the_contract_about_airflow_reads_imports(line: str, modules: set[str]) -> None:
    assert set(script("contracts").modules_in(line)) == modules


def test_a_package_is_not_what_only_begins_like_it() -> None:
    within = script("contracts").within
    assert within("airflow.models.dag", "airflow.models")
    assert within("airflow.models", "airflow.models")
    assert not within("airflow.models_of", "airflow.models")
