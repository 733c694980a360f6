"""Looks for what must stay secret in everything that a run of faults has left behind (rule L4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_workflow_provider.local.airflow import LocalEnvironment
from airflow_workflow_provider.local.configuration import METADATA_DATABASE, Secrets
from airflow_workflow_provider.store.database import Database
from tests.chaos.workload import PLANTED
from tests.support.kept import CLEAR, columns

SCHEDULER_SHOWS = "Detected a task instance without a heartbeat"
"""Begins what Airflow's scheduler logs of a lost task, with the conf of its run: ``docs/security.md`` says so."""
SHORTEST = 8
"""Characters that a secret must have to be looked for: a shorter text is found anywhere."""


def readable_secrets(environment: LocalEnvironment) -> list[str]:
    """Return where a secret of an instance, or a password or key of the environment, is readable."""
    hidden = [each for each in Secrets.of(environment.layout).hidden() if len(each) >= SHORTEST]
    found: list[str] = []
    for place, text in _kept(environment):
        if PLANTED in text and not (isinstance(place, tuple) and place in CLEAR):
            found.append(f"the secret of an input is readable in {_name(place)}")
        if any(each in text for each in hidden):
            found.append(f"a secret of the configuration is readable in {_name(place)}")
    return list(dict.fromkeys(found))


def _name(place: Path | tuple[str, str]) -> str:
    """Return the name of a place; the logs of a task are one, whatever the run and the attempt."""
    if not isinstance(place, Path):
        return ".".join(place)
    return "/".join(part for part in place.parts if not part.startswith(("run_id=", "attempt=")))


def _kept(environment: LocalEnvironment) -> Iterator[tuple[Path | tuple[str, str], str]]:
    """Give everything that databases and logs keep, with its place."""
    for url in (environment.workflows_url(), environment.postgres.url(METADATA_DATABASE)):
        with Database(url, retry_for=60) as database:
            yield from columns(database).items()
    layout = environment.layout
    files = [environment.postgres.log_file, *layout.logs.rglob("*.log"), *(layout.home / "logs").rglob("*.log")]
    for file in files:
        yield file.relative_to(layout.folder) if file.is_relative_to(layout.folder) else file, _text(file)


def _text(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return "".join(line for line in lines if SCHEDULER_SHOWS not in line)
