"""Finds and reads scenario files, and the definitions and tasks beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.json_text import loads_data
from airflow_workflow_provider.model.scenario import ScenarioFile
from airflow_workflow_provider.model.structure import read
from airflow_workflow_provider.model.yaml_text import ENDINGS, loads_yaml
from airflow_workflow_provider.tasks.documents import read_bytes
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic

SUFFIXES: Final = tuple(f".scenario{ending}" for ending in (".json", *ENDINGS))
"""What the names of scenario files end with."""


@dataclass(frozen=True)
class ReadFile:
    """A scenario file.

    :param scenarios: what it says; None where it is refused
    :param diagnostics: why
    """

    file: str
    scenarios: ScenarioFile | None
    diagnostics: tuple[Diagnostic, ...] = ()


def find(paths: Iterable[str]) -> Iterator[str]:
    """Yield scenario files: those that are named, and those in folders and the folders in them, each once.

    :raises Misuse: a path does not exist
    """
    seen: set[str] = set()
    for path in paths:
        place = Path(path)
        if not place.exists():
            message = f"There is no file or folder {path!r}"
            raise Misuse(message, code=ProblemCode.CANNOT_READ)
        inside = sorted(str(file) for file in place.rglob("*.scenario.*") if file.name.endswith(SUFFIXES))
        for file in inside if place.is_dir() else [path] if path.endswith(SUFFIXES) else []:
            if file not in seen:
                seen.add(file)
                yield file


def read_scenarios(file: str) -> ReadFile:
    """Read a scenario file; what is wrong with it is among the diagnostics.

    :raises Misuse: it cannot be read
    """
    text = read_bytes(file)
    try:
        document = loads_yaml(text) if file.endswith(ENDINGS) else loads_data(text)
    except InvalidDefinition as error:
        return ReadFile(file, None, error.diagnostics)
    reading = read(ScenarioFile, document)
    found = tuple(reading.diagnostics)
    return ReadFile(file, None if found else reading.model, found)
