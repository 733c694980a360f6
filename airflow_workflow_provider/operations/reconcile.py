"""Comparing live instances with Airflow's DAG runs, and making them agree (rule I1).

Airflow tells of the end of a run once, and of the deletion of one never. So whoever missed it finds it here: every
live instance is compared with its run, page by page, and every active run with its instance. While all is well a look
changes nothing; any number of processes may look, one at a time does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from airflow_workflow_provider import metrics
from airflow_workflow_provider.airflow_db.ending import fail_run
from airflow_workflow_provider.airflow_db.run_states import active_runs, only_wait, run_states, why_failed
from airflow_workflow_provider.errors import Conflict, Misuse, StoreUnavailable, WorkflowsError
from airflow_workflow_provider.operations import run_again
from airflow_workflow_provider.operations.agreement import Deed, FoundRun, StoredInstance, decide
from airflow_workflow_provider.operations.ended_run import EndedRun
from airflow_workflow_provider.operations.settling import is_still_so, settle
from airflow_workflow_provider.store.comparing import Compared, Comparisons
from airflow_workflow_provider.store.instances import instance_id
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.vocabulary import LogEvent, ProblemCode

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from airflow_workflow_provider.airflow_db.run_states import RunState
    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.operations.context import OperationContext
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

PAGE: Final = 500
MOST_FINDINGS: Final = 1000
"""Findings of one look that are acted on and told; the next look finds the rest."""

BUSY: Final = ProblemCode.RECONCILER_BUSY
TOO_MANY: Final = ProblemCode.TOO_MANY_MISSING

Found = Literal["run-ended", "run-missing", "run-active"]
Outcome = Literal["mended", "would", "open"]

_FOUND: Final[dict[Deed, Found]] = {
    Deed.SETTLE: "run-ended",
    Deed.RECREATE: "run-missing",
    Deed.FAIL: "run-missing",
    Deed.END_RUN: "run-active",
}


@dataclass(frozen=True)
class Finding:
    """An instance and a run that do not agree.

    :param found: what was found
    :param deed: what is to be done about it
    :param outcome: ``mended``; ``would``, with ``dry_run``; ``open``: it could not be done now
    :param code: why it is open
    """

    instance_id: UUID
    workflow_id: str
    run_id: str
    found: Found
    deed: Deed
    outcome: Outcome
    code: str | None = None
    detail: str | None = None


@dataclass
class Look:
    """What one look has found.

    :ivar compared: instances that were compared with their runs
    """

    compared: int = 0
    findings: list[Finding] = field(default_factory=list)


class Reconciler:
    """Compares and mends.

    :param context: what operations work with
    """

    def __init__(self, context: OperationContext, database: Database) -> None:
        self._context = context
        self._database = database
        self._comparisons = Comparisons(database)

    def look(self, *, dry_run: bool = False, every: bool = False) -> Look:
        """Compare everything once and make agree what does not.

        :param dry_run: change nothing
        :param every: make runs again however many are missing
        :raises Conflict: ``reconciler-busy``: another process is at it
        :raises StoreUnavailable: the workflow database is not reached; what was done is done
        """
        with self._comparisons.alone() as got:
            if not got:
                message = "Another process compares instances with DAG runs at this moment"
                raise Conflict(message, code=BUSY, suggestion="try again in a minute")
            look = Look()
            todo = [*self._of_instances(look), *self._of_runs()]
            missing = sum(1 for _, deed in todo if deed in (Deed.RECREATE, Deed.FAIL))
            too_many = not every and missing > self._context.settings.missing_runs_limit
            if too_many:
                log.error("%s live instances have no DAG run; nothing is done about them by itself", missing)
            for compared, deed in todo[:MOST_FINDINGS]:
                finding = Finding(compared.id, compared.workflow_id, compared.run_id, _FOUND[deed], deed, "would")
                if too_many and deed in (Deed.RECREATE, Deed.FAIL):
                    finding = replace(finding, outcome="open", code=TOO_MANY, detail=_too_many(missing))
                elif not dry_run:
                    finding = self._mend(compared, finding)
                if finding.deed is not Deed.NOTHING:
                    look.findings.append(finding)
            if not dry_run:
                self._comparisons.note_look(sum(1 for each in look.findings if each.outcome == "open"))
            return look

    def agree(self, wanted: UUID) -> Finding | None:
        """Compare one instance at once, and make it agree with its run, before it is asked for something.

        :returns: None where they agree, or are about to
        """
        compared = self._comparisons.of([wanted]).get(wanted)
        if compared is None:
            return None
        run = run_states([_key(compared)]).get(_key(compared))
        # Airflow's own notice of an end is not waited for.
        deed = self._decide(compared, None if run is None else FoundRun(run.state))
        if deed not in _FOUND:
            return None
        return self._mend(compared, Finding(wanted, compared.workflow_id, compared.run_id, _FOUND[deed], deed, "would"))

    # What does not agree

    def _of_instances(self, look: Look) -> Iterator[tuple[Compared, Deed]]:
        for status in ("running", "suspended"):
            after = None
            while page := self._comparisons.live(status, after, PAGE):
                runs = run_states([_key(each) for each in page])
                look.compared += len(page)
                for each in page:
                    deed = self._decide(each, _found(runs.get(_key(each))))
                    if deed in _FOUND:
                        yield each, deed
                after = page[-1]

    def _of_runs(self) -> Iterator[tuple[Compared, Deed]]:
        after = 0
        while page := active_runs(after, PAGE):
            keys = {instance_id(run.dag_id, run.run_id): run for run in page}
            for found in self._comparisons.of(keys).values():
                if found.status != "failed":
                    continue
                run = FoundRun(keys[found.id].state, waits_only=only_wait(found.dag_id, found.run_id))
                deed = self._decide(found, run)
                if deed in _FOUND:
                    yield found, deed
            after = page[-1].id

    def _decide(self, compared: Compared, run: FoundRun | None) -> Deed:
        seen = StoredInstance(compared.status, compared.unchanged_for)
        return decide(seen, run, self._context.settings.on_missing_run)

    # What is done about it

    def _mend(self, compared: Compared, finding: Finding) -> Finding:
        """Do what is to be done about one instance; what fails there stops no other."""
        try:
            done = self._do(compared, finding.deed)
        except StoreUnavailable:
            raise
        except WorkflowsError as error:
            log.warning("Instance %s and its DAG run do not agree: %s", compared.id, error.message)
            return replace(finding, outcome="open", code=error.code, detail=error.message)
        except Exception as error:
            log.exception("Instance %s and its DAG run could not be made to agree", compared.id)
            return replace(finding, outcome="open", code=ProblemCode.INTERNAL_ERROR, detail=type(error).__name__)
        if not done:
            # It came to agree by itself meanwhile.
            return replace(finding, deed=Deed.NOTHING, outcome="mended")
        log.warning("Instance %s: %s, %s", compared.id, finding.found, finding.deed.value)
        metrics.count(metrics.RECONCILER_MENDED, found=finding.found)
        return replace(finding, outcome="mended")

    def _do(self, compared: Compared, deed: Deed) -> bool:
        if deed is Deed.SETTLE:
            return self._settle(compared)
        if deed is Deed.END_RUN:
            return self._end_run(compared)
        if deed is Deed.FAIL:
            return run_again.fail_without_run(self._context, compared.id)
        try:
            return run_again.make_again(self._context, compared.id)
        except Misuse:
            # Airflow will never accept it.
            return run_again.fail_without_run(self._context, compared.id)

    def _settle(self, compared: Compared) -> bool:
        key = _key(compared)
        run = run_states([key]).get(key)
        if run is None or run.state not in ("success", "failed"):
            return False
        succeeded = run.state == "success"
        reason = "" if succeeded else why_failed(*key)

        def note(machine: Machine, now: datetime) -> None:
            data = {"found": "run-ended", "did": "instance-ended", "state": run.state}
            machine.log.add("info", LogEvent.INSTANCE_RECONCILED, now, data=data)

        return settle(
            EndedRun(*key, {}, succeeded, reason),
            self._database,
            still_so=is_still_so,
            note=note,
            create=False,
        )

    def _end_run(self, compared: Compared) -> bool:
        with self._context.instances.locked(compared.id) as record:
            if record.status != "failed" or not fail_run(compared.dag_id, compared.run_id):
                return False
            record.log([LogEntry(LogEvent.INSTANCE_RECONCILED, data={"found": "run-active", "did": "run-ended"})])
        return True


def _found(run: RunState | None) -> FoundRun | None:
    return None if run is None else FoundRun(run.state, run.ended_for)


def _key(compared: Compared) -> tuple[str, str]:
    return compared.dag_id, compared.run_id


def _too_many(missing: int) -> str:
    return (
        f"{missing} live instances have no DAG run, more than [workflows] missing_runs_limit: do these two databases "
        "belong together? 'airflow-workflows reconcile --all' makes the runs again"
    )
