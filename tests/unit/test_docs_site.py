"""The documentation is a site: every link and anchor leads somewhere, and a browser loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.slow
def test_every_page_of_the_documentation_is_on_the_site(site: Path) -> None:
    pages = {path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    pages = {page.with_name("index.html") if page.name == "README.html" else page for page in pages}

    assert pages <= {path.relative_to(site) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_a_page_loads_only_files_of_the_site(site: Path) -> None:
    loaded = re.compile(
        r"""<(?:script|img|iframe)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b[^>]*\bhref=["']?(?:https?:)?//"""
    )
    allowed = re.compile(r"""<link\b[^>]*\brel=["']?canonical""")
    for page in site.rglob("*.html"):
        found = [
            tag
            for tag in re.findall(r"<(?:script|img|iframe|link)\b[^>]*>", page.read_text("utf-8"))
            if loaded.match(tag)
        ]
        assert [tag for tag in found if not allowed.match(tag)] == [], page


@pytest.mark.slow
def test_examples_with_a_second_word_after_the_fence_are_blocks(site: Path) -> None:
    page = (site / "docs" / "diagnostics.html").read_text(encoding="utf-8")

    assert len(re.findall(r'<h3 id="wf\d{3}">', page)) == len(
        re.findall(r"^### WF", (ROOT / "docs" / "diagnostics.md").read_text("utf-8"), re.MULTILINE)
    )
    assert "```" not in page


def pages_of(entries: list[Any]) -> Iterator[str]:
    """Yield the pages below an entry of the navigation, in order."""
    for entry in entries:
        for value in entry.values() if isinstance(entry, dict) else (entry,):
            yield from pages_of(value) if isinstance(value, list) else (value,)


def test_llms_txt_names_every_page_of_the_navigation_in_order_with_one_sentence() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"]
    text = (ROOT / "docs" / "llms.txt").read_text("utf-8")

    listed = re.findall(r"^- \[([^\]]+)\]\(([\w./-]+)\): (.+)$", text, re.MULTILINE)

    assert len(listed) == len(re.findall(r"^- ", text, re.MULTILINE))
    assert [page for _, page, _ in listed] == list(pages_of(nav))
    assert [said for _, _, said in listed if not re.fullmatch(r"[A-Z][^.!?]+(\.[^ ][^.!?]+)*\.", said)] == []
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == [
        name for entry in nav for name, value in entry.items() if isinstance(value, list)
    ]


@pytest.mark.slow
def test_every_link_of_llms_txt_leads_to_a_page_of_the_site(site: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (site / "llms.txt").read_text(encoding="utf-8"))

    assert len(links) > 50
    assert [link for link in links if not (site / link).is_file() or not link.endswith(".html")] == []


def test_the_index_of_decisions_lists_every_record_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    records = {path.name: path.read_text("utf-8").partition("\n")[0][2:] for path in folder.glob("*.md")}
    del records["README.md"]

    listed = re.findall(r"^- \[(.*)\]\(([\w-]+\.md)\)$", (folder / "README.md").read_text("utf-8"), re.MULTILINE)

    assert listed == [(title, name) for name, title in sorted(records.items())]


def test_every_file_of_the_repository_that_a_page_names_is_there() -> None:
    named = re.compile(
        r"`((?:airflow_workflow_provider|dags|docs|examples|migrations|schema|scripts|tests|ui)/[\w./-]+)`"
    )
    pages = [*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")]
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in pages
        for name in named.findall(path.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }

    assert found == set()
