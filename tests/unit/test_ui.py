"""The built front end and how it is served."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from airflow_workflow_provider.api.models import DisplayStatus
from airflow_workflow_provider.store.statuses import DELIVERY_STATUSES, QUESTION_STATUSES
from airflow_workflow_provider.ui.apps import NAMES, react_apps
from airflow_workflow_provider.ui.static import STATIC, Bundle, StaticFiles, read_bundle
from airflow_workflow_provider.vocabulary import LogEvent

ROOT = Path(__file__).parents[2]
MOST_BYTES = {"main": 200 * 1024, "editor": 160 * 1024}
"""Compressed; the workbench is loaded only where somebody edits."""
TEXTS = ROOT / "ui" / "src" / "texts"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    for name, text in {
        "main-a1.js": "main",
        "editor-b2.js": "editor",
        "workflows.svg": "<svg/>",
        ".sources": "x",
    }.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "manifest.json").write_text(json.dumps({"main": "main-a1.js", "editor": "editor-b2.js"}))
    found = read_bundle(tmp_path)
    assert found is not None
    return found


def ask(bundle: Bundle | None, path: str, method: str = "GET") -> httpx.Response:
    """Ask an application of which the front end's files are a part, below another as Airflow has it."""

    async def inner(_: Any) -> PlainTextResponse:
        return PlainTextResponse("inner", status_code=401)

    app = Starlette(routes=[Route("/{path:path}", inner, methods=["GET", "POST"])])
    app.add_middleware(StaticFiles, bundle=bundle)
    outer = Starlette()
    outer.mount("/workflows", app)

    async def answer() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(outer), base_url="http://airflow") as client:
            return await client.request(method, path)

    return asyncio.run(answer())


def test_files_are_served_to_everybody_and_kept_forever_where_the_name_has_the_hash(bundle: Bundle) -> None:
    served = ask(bundle, "/workflows/ui/main-a1.js")
    assert (served.status_code, served.text) == (200, "main")
    assert served.headers["Content-Type"].startswith("text/javascript")
    assert "immutable" in served.headers["Cache-Control"]
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    icon = ask(bundle, "/workflows/ui/workflows.svg")
    assert icon.headers["Content-Type"] == "image/svg+xml"
    assert "immutable" not in icon.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["", "manifest.json", ".sources", "main-old.js", "../static.py", "..%2fstatic.py", "a/b.js", "%00.js"]
)
def test_nothing_else_is_served(bundle: Bundle, name: str) -> None:
    assert ask(bundle, f"/workflows/ui/{name}").status_code in {401, 404}


def test_everything_else_is_for_the_application(bundle: Bundle) -> None:
    assert ask(bundle, "/workflows/api/v1/definitions").text == "inner"
    assert ask(bundle, "/workflows/ui/main-a1.js", "POST").text == "inner"


def test_without_a_build_airflow_is_shown_nothing(tmp_path: Path) -> None:
    assert read_bundle(tmp_path) is None
    assert ask(None, "/workflows/ui/main-a1.js").status_code == 404


def test_airflow_gets_what_to_show_and_where(bundle: Bundle) -> None:
    apps = react_apps("/workflows", bundle)
    assert {app["destination"]: app["name"] for app in apps} == NAMES
    assert len({app["url_route"] for app in apps}) == len(apps)
    # Relative: Airflow may be served below a path.
    assert {app["bundle_url"] for app in apps} == {"workflows/ui/main-a1.js"}
    assert {app["icon"] for app in apps} == {"workflows/ui/workflows.svg"}


def test_the_script_names_its_components_as_airflow_knows_them() -> None:
    main = (ROOT / "ui" / "src" / "main.tsx").read_text()
    assert set(re.findall(r"^  (\w+): framed\(", main, re.MULTILINE)) == set(NAMES.values())


def test_what_is_built_is_small_and_complete() -> None:
    bundle = read_bundle()
    assert bundle is not None, "run make ui"
    for name, most in MOST_BYTES.items():
        assert len(gzip.compress((STATIC / getattr(bundle, name)).read_bytes())) <= most, name
    for name in ("workflows.svg", "workflows-dark.svg"):
        assert bundle.file(name) is not None
    # What each is found by on the page.
    assert b"WorkflowsShared={}" in bundle.files[bundle.main]
    assert b".WorkflowsEditor=" in bundle.files[bundle.editor]


def test_the_lock_file_names_the_packages_of_every_platform() -> None:
    lock = json.loads((ROOT / "ui" / "package-lock.json").read_text())["packages"]
    wanted = {name for package in lock.values() for name in package.get("optionalDependencies", {})}
    assert wanted
    found = {path.rpartition("node_modules/")[2] for path in lock}
    assert wanted - found == set()
    assert [path for path, package in lock.items() if path and "integrity" not in package] == []


def test_the_package_build_makes_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "custom" in project["tool"]["hatch"]["build"]["hooks"]
    assert "airflow_workflow_provider/ui/static/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_event_of_the_log_and_every_status_has_a_text(language: str) -> None:
    texts = json.loads((TEXTS / f"{language}.json").read_text())

    for event in LogEvent:
        family, name = event.split(".")
        assert texts["event"][family][name], event
    assert {*get_args(DisplayStatus), *QUESTION_STATUSES, *DELIVERY_STATUSES} <= set(texts["status"])
