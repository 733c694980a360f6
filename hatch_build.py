"""The package build's part for the front end: it is built where it is missing, and shipped in the wheel."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

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
