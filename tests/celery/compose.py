"""What docker-compose.yml says: commands and environments of its services, without an engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
HOME = "/opt/airflow"
"""Where the image has ``AIRFLOW_HOME``."""


def load() -> dict[str, Any]:
    """Return the file's document."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return found


def interpolated(text: str, given: Mapping[str, str]) -> str:
    """Fill in ``${NAME:-default}`` as Compose does, and ``$$`` for the shell."""
    filled = re.sub(r"(?<!\$)\$\{(\w+):-([^}]*)\}", lambda found: given.get(found[1]) or found[2], text)
    return filled.replace("$$", "$")


def variables(file: Path) -> dict[str, str]:
    """Return what an env file says."""
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines())


class Compose:
    """The services of a deployment.

    :param folder: of the deployment, where ``deploy/*.env`` are
    :param given: what stands in the file ``.env``
    """

    def __init__(self, folder: Path, given: Mapping[str, str]) -> None:
        self.folder = folder
        self.given = given
        self.services: dict[str, Any] = load()["services"]

    def command(self, service: str) -> list[str]:
        """Return a service's command."""
        return [interpolated(word, self.given) for word in self.services[service]["command"]]

    def restarts(self, service: str) -> bool:
        """Return whether a service that ends is started again."""
        return bool(self.services[service].get("restart") == "unless-stopped")

    def environment(self, service: str, home: Path) -> dict[str, str]:
        """Return a service's environment, with another folder in place of the image's home."""
        found: dict[str, str] = {}
        for file in self.services[service]["env_file"]:
            found |= variables(self.folder / file)
        for name, value in self.services[service].get("environment", {}).items():
            found[name] = interpolated(value, self.given).replace(HOME, str(home))
        return found
