"""What one look compares: pages of live instances with their runs, and runs with their instances (rule I1)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from airflow_workflow_provider.airflow_db.positions import newest_positions
from airflow_workflow_provider.airflow_db.run_states import (
    active_runs,
    awaiting_tasks,
    ended_runs,
    only_wait,
    run_states,
)
from airflow_workflow_provider.errors import StoreUnavailable, WorkflowsError
from airflow_workflow_provider.operations.agreement import (
    MISSING_GRACE,
    Deed,
    FoundRun,
    StoredInstance,
    decide,
)
from airflow_workflow_provider.operations.rewinding import is_restored
from airflow_workflow_provider.store.comparing import Compared
from airflow_workflow_provider.store.instances import instance_id

if TYPE_CHECKING:
    from airflow_workflow_provider.airflow_db.run_states import RunKey, RunState
    from airflow_workflow_provider.operations.context import OperationContext
    from airflow_workflow_provider.store.comparing import Comparisons

log = logging.getLogger(__name__)

PAGE: Final = 500
LOOK_BACK: Final = timedelta(minutes=5)
"""How far before the last look a run may have begun that no instance is known of, by two clocks that may differ."""

Todo = tuple[Compared, Deed]


@dataclass
class Comparison:
    """Finds what does not agree, and what is to be done about it.

    :ivar compared: live instances that were compared with their runs
    """

    context: OperationContext
    comparisons: Comparisons
    compared: int = 0

    def of_instances(self) -> Iterator[Todo]:
        """Compare live instances with their runs."""
        for status in ("running", "suspended"):
            after = None
            while page := self.comparisons.live(status, after, PAGE):
                self.compared += len(page)
                yield from self._of_page(page)
                after = page[-1]

    def of_runs(self) -> Iterator[Todo]:
        """Compare active runs with their instances, and those that ended lately with those that should be there."""
        after = 0
        while page := active_runs(after, PAGE):
            found = self._instances_of(page)
            keys = {instance_id(run.dag_id, run.run_id): run for run in page}
            stamps = newest_positions([keys[each.id].id for each in found])
            ended = [each for each in found if each.status in ("completed", "failed")]
            in_vain = self.in_vain([each for each in ended if each.status == "completed"])
            for each in ended:
                run = keys[each.id]
                is_ahead = self._is_ahead(each, stamps.get(run.id))
                waits = each.status == "failed" and not is_ahead and only_wait(each.dag_id, each.run_id)
                seen = FoundRun(run.state, None, waits, is_ahead, key_of(each) in in_vain)
                yield each, self.decide(each, seen)
            yield from self._unknown(page, found)
            after = page[-1].id
        yield from self._ended_unknown()

    def of_one(self, compared: Compared) -> Deed:
        """Compare one instance at once; Airflow's own notice of an end is not waited for."""
        run = run_states([key_of(compared)]).get(key_of(compared))
        found = None if run is None else FoundRun(run.state)
        deed = self.decide(compared, found)
        return Deed.REWIND if deed is Deed.SETTLE and self._is_restored(compared) else deed

    def decide(self, compared: Compared, run: FoundRun | None) -> Deed:
        """Return what is to be done about an instance and its run."""
        seen = StoredInstance(compared.status, compared.unchanged_for)
        return decide(seen, run, self.context.settings.on_missing_run)

    def in_vain(self, page: Sequence[Compared], *, since: timedelta = MISSING_GRACE) -> dict[RunKey, list[str]]:
        """Return the tasks of some instances' runs that wait for what their instances do not wait for any more.

        So they do after Airflow's database was restored from an older backup: what they waited for was there already.
        """
        found = awaiting_tasks([key_of(each) for each in page], since)
        waiting = [each for each in page if key_of(each) in found]
        if not waiting:
            return {}
        ids = [each.id for each in waiting]
        asked, held = self.comparisons.waiting_for(ids), self.comparisons.suspended(ids)
        in_vain = {
            key_of(each): [task for task in found[key_of(each)] if (each.id, task) not in asked]
            for each in waiting
            if each.id not in held
        }
        return {key: tasks for key, tasks in in_vain.items() if tasks}

    def _of_page(self, page: Sequence[Compared]) -> Iterator[Todo]:
        runs = run_states([key_of(each) for each in page])
        stamps = newest_positions([run.id for run in runs.values()])
        in_vain = self.in_vain([each for each in page if each.unchanged_for >= MISSING_GRACE])
        # What suspended them may have died before their runs were put back; their rows are newer than all positions.
        suspended = [each.id for each in page if each.status == "suspended"]
        restored = self.comparisons.restored_among(suspended) if suspended else set()
        for each in page:
            run = runs.get(key_of(each))
            if run is None:
                yield each, self.decide(each, None)
                continue
            found = FoundRun(run.state, run.ended_for, waits_in_vain=key_of(each) in in_vain)
            deed = self.decide(each, found)
            # The end of a run is that of its instance, unless the instance is older.
            stamp = stamps.get(run.id)
            unsure = deed is Deed.SETTLE or (each.id in restored and stamp is not None)
            if self._is_ahead(each, stamp) or (unsure and self._is_restored(each)):
                deed = self.decide(each, replace(found, is_ahead=True))
            yield each, deed

    def _is_ahead(self, compared: Compared, stamp: datetime | None) -> bool:
        """Return whether tasks have stored what the instance does not know.

        An instance changes after each task, so few have to be read: those of which Airflow heard later than they
        changed.
        """
        return stamp is not None and stamp > compared.updated_at and self._is_restored(compared)

    def _is_restored(self, compared: Compared) -> bool:
        try:
            return is_restored(self.context, compared.dag_id, compared.run_id)
        except StoreUnavailable:
            raise
        except WorkflowsError as error:
            log.debug("Instance %s cannot be compared with its tasks: %s", compared.id, error.message)
            return False

    # Runs without an instance

    def _unknown(self, page: Sequence[RunState], known: Sequence[Compared]) -> Iterator[Todo]:
        there = {key_of(each) for each in known}
        runs = [run for run in page if (run.dag_id, run.run_id) not in there]
        stamps = newest_positions([run.id for run in runs])
        ours = self.comparisons.workflows_among({run.dag_id for run in runs}) if runs else set()
        for run in runs:
            if run.dag_id in ours and (run.id in stamps or only_wait(run.dag_id, run.run_id)):
                yield lost(run), Deed.REWIND

    def _ended_unknown(self) -> Iterator[Todo]:
        _, ago = self.comparisons.last_look()
        if ago is None:
            return
        since, after = datetime.now(UTC) - ago - LOOK_BACK, 0
        while page := ended_runs(since, after, PAGE):
            stamps = newest_positions([run.id for run in page])
            ended = [run for run in page if run.id in stamps]
            yield from self._unknown(ended, self._instances_of(ended))
            after = page[-1].id

    def _instances_of(self, page: Sequence[RunState]) -> list[Compared]:
        return list(self.comparisons.of({instance_id(run.dag_id, run.run_id) for run in page}).values())


def key_of(compared: Compared) -> RunKey:
    """Return the run of an instance."""
    return compared.dag_id, compared.run_id


def lost(run: RunState) -> Compared:
    """Return the instance that a run should have."""
    now, none = datetime.now(UTC), timedelta(0)
    wanted = instance_id(run.dag_id, run.run_id)
    return Compared(wanted, run.dag_id, 0, run.dag_id, run.run_id, "running", now, now, none)
