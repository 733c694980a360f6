"""Comparing live instances with Airflow's DAG runs, and making them agree (rule I1).

Airflow reports the end of a run once, and the deletion of one never. A missed end is found here: every
live instance is compared with its run, page by page, and every active run with its instance. While all is well a look
changes nothing; any number of processes may look, one at a time does.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal

from airflow_workflow_provider import metrics
from airflow_workflow_provider.airflow_db.ending import fail_run
from airflow_workflow_provider.airflow_db.positions import positions_of
from airflow_workflow_provider.airflow_db.run_states import run_states, why_failed
from airflow_workflow_provider.errors import Conflict, Misuse, StoreUnavailable, WorkflowsError
from airflow_workflow_provider.operations import run_again
from airflow_workflow_provider.operations.agreement import Deed
from airflow_workflow_provider.operations.comparison import Comparison, key_of
from airflow_workflow_provider.operations.ended_run import EndedRun
from airflow_workflow_provider.operations.permission import UNRESTRICTED, Permission, Right
from airflow_workflow_provider.operations.rewinding import rewind
from airflow_workflow_provider.operations.settling import is_still_so, settle
from airflow_workflow_provider.store.comparing import Compared, Comparisons
from airflow_workflow_provider.store.logs import LogEntry
from airflow_workflow_provider.store.named import named
from airflow_workflow_provider.vocabulary import LogEvent, ProblemCode

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from airflow_workflow_provider.engine.machine import Machine
    from airflow_workflow_provider.operations.context import OperationContext
    from airflow_workflow_provider.store.database import Database

log = logging.getLogger(__name__)

MOST_FINDINGS: Final = 1000
"""Findings of one comparison that are acted on and reported; the next comparison finds the rest."""

BUSY: Final = ProblemCode.RECONCILER_BUSY
TOO_MANY: Final = ProblemCode.TOO_MANY_MISSING

Found = Literal["run-ended", "run-missing", "run-active", "database-restored", "task-waiting"]
Outcome = Literal["fixed", "would", "open"]

_FOUND: Final[dict[Deed, Found]] = {
    Deed.SETTLE: "run-ended",
    Deed.RECREATE: "run-missing",
    Deed.FAIL: "run-missing",
    Deed.END_RUN: "run-active",
    Deed.REWIND: "database-restored",
    Deed.WAKE: "task-waiting",
}


@dataclass(frozen=True)
class Finding:
    """An instance and a run that do not agree.

    :param found: what was found
    :param deed: what is to be done about it
    :param outcome: ``fixed``; ``would``, with ``dry_run``; ``open``: it could not be done now
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
    """The result of one check.

    :ivar compared: instances that were compared with their runs
    """

    compared: int = 0
    findings: list[Finding] = field(default_factory=list)


class Reconciler:
    """Compares and fixes.

    :param context: what operations work with
    """

    def __init__(self, context: OperationContext, database: Database) -> None:
        self._context = context
        self._database = database
        self._comparisons = Comparisons(database)

    def look(self, permission: Permission = UNRESTRICTED, *, dry_run: bool = False, every: bool = False) -> Look:
        """Compare everything once and fix what does not agree.

        :param permission: to operate workflows; the result has the findings on workflows that the caller can read
        :param dry_run: change nothing
        :param every: make runs again however many are missing
        :raises Forbidden: the caller may not operate workflows
        :raises Conflict: ``reconciler-busy``: another process is at it
        :raises StoreUnavailable: the workflow database is not reached; what was done is done
        """
        permission.require_general(Right.OPERATE, "workflows")
        if not dry_run:
            permission.record("workflow.reconcile", all=every)
        with self._comparisons.alone() as got:
            if not got:
                message = "Another process compares instances with DAG runs at this moment"
                raise Conflict(message, code=BUSY, suggestion="try again in a minute")
            comparison = Comparison(self._context, self._comparisons)
            found = [*comparison.of_instances(), *comparison.of_runs()]
            todo = [(compared, deed) for compared, deed in found if deed in _FOUND]
            look = Look(comparison.compared)
            missing = sum(1 for _, deed in todo if deed in (Deed.RECREATE, Deed.FAIL))
            too_many = not every and missing > self._context.settings.missing_runs_limit
            if too_many:
                log.error("%s live instances have no DAG run; they are not handled automatically", missing)
            for compared, deed in todo[:MOST_FINDINGS]:
                finding = Finding(compared.id, compared.workflow_id, compared.run_id, _FOUND[deed], deed, "would")
                if too_many and deed in (Deed.RECREATE, Deed.FAIL):
                    finding = replace(finding, outcome="open", code=TOO_MANY, detail=_too_many(missing))
                elif not dry_run:
                    finding = self._fix(compared, finding)
                if finding.deed is not Deed.NOTHING:
                    look.findings.append(finding)
            if not dry_run:
                self._comparisons.note_look(sum(1 for each in look.findings if each.outcome == "open"))
            readable = permission.permitted(Right.READ_INSTANCES, {each.workflow_id for each in look.findings})
            look.findings = [each for each in look.findings if each.workflow_id in readable]
            return look

    def agree(self, wanted: UUID) -> Finding | None:
        """Compare one instance at once, and make it agree with its run, before it is asked for something.

        :returns: None where they agree, or are about to
        """
        compared = self._comparisons.of([wanted]).get(wanted)
        if compared is None:
            return None
        deed = Comparison(self._context, self._comparisons).of_one(compared)
        if deed not in _FOUND:
            return None
        return self._fix(compared, Finding(wanted, compared.workflow_id, compared.run_id, _FOUND[deed], deed, "would"))

    # Changes

    def _fix(self, compared: Compared, finding: Finding) -> Finding:
        """Do what is to be done about one instance; what fails there stops no other."""
        with named(instance_id=compared.id, workflow_id=compared.workflow_id, run_id=compared.run_id):
            return self._tried(compared, finding)

    def _tried(self, compared: Compared, finding: Finding) -> Finding:
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
            # It agrees by now.
            return replace(finding, deed=Deed.NOTHING, outcome="fixed")
        log.warning("Instance %s: %s, %s", compared.id, finding.found, finding.deed.value)
        metrics.count(metrics.RECONCILER_FIXED, found=finding.found)
        return replace(finding, outcome="fixed")

    def _do(self, compared: Compared, deed: Deed) -> bool:
        if deed is Deed.SETTLE:
            return self._settle(compared)
        if deed is Deed.END_RUN:
            return self._end_run(compared)
        if deed is Deed.REWIND:
            return rewind(self._context, compared.dag_id, compared.run_id)
        if deed is Deed.WAKE:
            return self._wake(compared)
        if deed is Deed.FAIL:
            return run_again.fail_without_run(self._context, compared.id)
        try:
            return run_again.make_again(self._context, compared.id)
        except Misuse:
            # Airflow will never accept it.
            return run_again.fail_without_run(self._context, compared.id)

    def _settle(self, compared: Compared) -> bool:
        key = key_of(compared)
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
            positions=positions_of,
            note=note,
            create=False,
        )

    def _wake(self, compared: Compared) -> bool:
        in_vain = Comparison(self._context, self._comparisons).in_vain([compared])
        tasks = in_vain.get(key_of(compared), [])
        if not tasks:
            return False
        data = {"found": "task-waiting", "did": "task-woken", "tasks": sorted(tasks)}
        with self._context.instances.locked(compared.id) as record:
            for task_id in tasks:
                record.wake([task_id], self._comparisons.last_question(compared.id, task_id))
            record.log([LogEntry(LogEvent.INSTANCE_RECONCILED, data=data)])
        return True

    def _end_run(self, compared: Compared) -> bool:
        with self._context.instances.locked(compared.id) as record:
            if record.status != "failed" or not fail_run(compared.dag_id, compared.run_id):
                return False
            record.log([LogEntry(LogEvent.INSTANCE_RECONCILED, data={"found": "run-active", "did": "run-ended"})])
        return True


def _too_many(missing: int) -> str:
    return (
        f"{missing} live instances have no DAG run, more than [workflows] missing_runs_limit: do these two databases "
        "belong together? 'airflow-workflows reconcile --all' creates the runs again"
    )
