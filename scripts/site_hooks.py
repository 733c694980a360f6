"""Hooks for MkDocs: the site has the layout of the repository.

The pages link to each other, to examples and to schemas by relative paths, as repositories show them. So the site
gets every page and every file that a page may link to at its path in the repository, and no link is rewritten.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent

PUBLISHED = (
    "*.md",
    "LICENSE",
    "Dockerfile",
    "docker-compose.yml",
    "docs/**/*.md",
    "docs/images/*.png",
    "examples/**/*",
    "schema/*.json",
    "ui/README.md",
    "deploy/**/*",
    "dags/*.py",
)
"""What the site holds, as patterns below the repository's root."""

LLMS = ROOT / "docs" / "llms.txt"
"""The pages with one sentence each, for assistants; its links are paths in the repository."""

PAGE_LINK = re.compile(r"(?<=\]\()([\w./-]+)\.md(?=\))")
SECOND_WORD = re.compile(r"^(```\w+) [^\n{]+$", re.MULTILINE)
PRIVATE_SUFFIXES = (".env", ".pyc")


def published() -> list[Path]:
    """Return the files of the site, each once, in a stable order."""
    found = {path for pattern in PUBLISHED for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if path.suffix not in PRIVATE_SUFFIXES)


def on_files(files: Files, *, config: Any) -> Files:
    """Replace what MkDocs found in ``docs_dir`` by the repository's files; keep what the theme brings."""
    for file in [each for each in files if each.abs_src_path and Path(each.abs_src_path).is_relative_to(ROOT / "docs")]:
        files.remove(file)
    for path in published():
        name = path.relative_to(ROOT).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_config(config: Any) -> Any:
    """Add the decision records to the navigation, by their titles."""
    concepts = next(section["Concepts"] for section in config.nav if "Concepts" in section)
    for index, entry in enumerate(concepts):
        if "Decisions" in entry:
            records = sorted(path for path in (ROOT / "docs" / "decisions").glob("*.md") if path.name != "README.md")
            concepts[index] = {
                "Decisions": [
                    entry["Decisions"],
                    *({title_of(path): path.relative_to(ROOT).as_posix()} for path in records),
                ]
            }
    return config


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Drop the second word after a code fence, which tests read and Python-Markdown does not understand."""
    return SECOND_WORD.sub(r"\1", markdown)


def on_post_build(*, config: Any) -> None:
    """Write ``llms.txt`` at the root of the site, where assistants look for it, with links to the site's pages."""
    text = PAGE_LINK.sub(lambda found: f"{page_of(found[1])}.html", LLMS.read_text(encoding="utf-8"))
    (Path(config.site_dir) / "llms.txt").write_text(text, encoding="utf-8")


def page_of(name: str) -> str:
    """Return the address of a page without its suffix; MkDocs makes a folder's index of its README."""
    return "index".join(name.rsplit("README", 1)) if name.endswith("README") else name


def title_of(page: Path) -> str:
    """Return the heading of a page."""
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
