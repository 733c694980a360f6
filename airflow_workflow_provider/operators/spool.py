"""Results of finished attempts on the worker's disk, until the workflow database has them (rule I2).

A process can die, or be killed because it reaches nobody, after its work is done and before the result is stored. The
next try on the same worker finds the result here, stores it, and does not do the work again.
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

from airflow_workflow_provider.engine.failure import Failure, moment, timestamp
from airflow_workflow_provider.hosts.ending import Ended, Kept
from airflow_workflow_provider.operators.sealing import Seal
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.jsontext import dumps, loads

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import ActivationRef

log = logging.getLogger(__name__)

SUFFIX: Final = ".result"
FORMAT: Final = 1
DAY: Final = timedelta(days=1)


class Spool:
    """The results that one worker keeps of one instance.

    A disk that cannot be written to, or a file that cannot be read, never fails a step: the result is then kept in
    memory only.

    :param folder: of all results of this worker
    :param instance: the instance
    :param seal: encrypts them; without one they are plain text
    :param lifetime: for how long a result that nobody comes for is kept
    """

    def __init__(
        self, folder: Path, instance: UUID, seal: Seal | None = None, lifetime: timedelta = timedelta(days=7)
    ) -> None:
        self._folder = folder
        self._instance = instance
        self._seal = seal or Seal()
        self._lifetime = lifetime

    @classmethod
    def configured(cls, instance: UUID) -> Spool:
        """Return the spool of ``[workflows] spool_folder``, encrypted by Airflow's Fernet keys where there are any."""
        settings = load_settings()
        return cls(settings.spool_folder, instance, Seal.configured(), 2 * settings.infrastructure_patience + DAY)

    def keep(self, activation: ActivationRef, kept: Kept) -> None:
        """Write a result so that it survives this process, and a power failure."""
        content = {
            "format": FORMAT,
            "attempt": self._name_of(activation),
            "at": timestamp(kept.at),
            "failure": None if kept.ended.failure is None else kept.ended.failure.to_json(),
            "output": kept.ended.output,
        }
        try:
            data = dumps(content).encode()
        except (TypeError, ValueError, RecursionError):
            # What is not JSON becomes an OutputError when it is stored; there is nothing to lose.
            return
        try:
            self._write(self._path(activation), self._seal.close(data))
            self._forget_old(kept.at)
        except (OSError, ValueError) as error:
            log.warning("A result is not kept on this worker's disk, only in memory: %s", error)

    def find(self, activation: ActivationRef) -> Kept | None:
        """Return the result of an attempt that is kept here, or None."""
        try:
            content = loads(self._seal.open(self._path(activation).read_bytes()))
            if (content["format"], content["attempt"]) != (FORMAT, self._name_of(activation)):
                return None
            failure = None if content["failure"] is None else Failure.from_json(content["failure"])
            return Kept(Ended(output=content["output"], failure=failure), moment(content["at"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("A result on this worker's disk cannot be read (%s)", type(error).__name__)
            return None

    def drop(self, activation: ActivationRef) -> None:
        """Forget a result: it is stored, or nobody waits for it."""
        with suppress(OSError):
            self._path(activation).unlink(missing_ok=True)

    def _forget_old(self, now: datetime) -> None:
        """Delete what nobody came for: another worker has taken the attempt over, or nothing runs it any more."""
        oldest = (now - self._lifetime).timestamp()
        with os.scandir(self._folder) as entries:
            old = [entry.path for entry in entries if SUFFIX in entry.name and entry.stat().st_mtime < oldest]
        for path in old:
            Path(path).unlink(missing_ok=True)

    def _name_of(self, activation: ActivationRef) -> list[Any]:
        return [
            str(self._instance),
            activation.scope,
            activation.step_id,
            activation.visit,
            str(activation.kind),
            activation.attempt,
        ]

    def _path(self, activation: ActivationRef) -> Path:
        # Step ids and scopes may be longer than a file's name can be.
        digest = hashlib.sha256(dumps(self._name_of(activation)).encode()).hexdigest()
        return self._folder / f"{digest}{SUFFIX}"

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all, readable by this account only."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
