"""The package build's own parts: the front end, built where it is missing, and the text of the package index."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "scripts"))

import build_ui


class FrontEndHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the front end before a wheel, an editable installation or a source distribution is made."""

    def dependencies(self) -> list[str]:
        """Return the packages that the build needs: a Node.js where the system has none."""
        return [] if build_ui.current() or build_ui.has_node() else [build_ui.NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build what is missing."""
        if not build_ui.current():
            build_ui.build()


def index_text(readme: str) -> str:
    """Return the text of ``README.md`` for a package index, where files beside it cannot be reached.

    Pictures are left out and links to files become their words; the source distribution has the pages.
    """
    without = re.sub(r"^!\[[^\]]*\]\((?!https?:)[^)]*\)\n+", "", readme, flags=re.MULTILINE)
    without = re.sub(r"!\[[^\]]*\]\((?!https?:)[^)]*\)", "", without)
    return re.sub(r"(?<!!)\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", without)


class IndexTextHook(MetadataHookInterface):
    """Describes the package by its README without the links that would lead nowhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description."""
        text = index_text((Path(self.root) / "README.md").read_text(encoding="utf-8"))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
