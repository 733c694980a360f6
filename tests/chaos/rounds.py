"""Rounds of faults: start instances, inject, serve, wait until all has ended, and check what must hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.configuration import METADATA_DATABASE
from airflow_workflow_provider.store.database import Database
from tests.chaos.faults import FAULTS
from tests.chaos.invariants import Violation, keys_of, last_change, unfinished, unpaid, violations
from tests.chaos.place import Place
from tests.chaos.workload import WORKFLOWS, Clients, insist, publish


@dataclass
class Round:
    """One round.

    :ivar prefix: of the keys of its starts
    :ivar recovery: seconds from the fault until its last instance has ended
    :ivar lost: what was accepted and is not there, or twice
    :ivar wrong: what else does not hold
    :ivar notes: what became of the fault, such as that its place was not reached
    """

    fault: str
    prefix: str = ""
    instances: int = 0
    recovery: float = 0.0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Rounds:
    """Runs rounds on an Airflow that runs.

    :param instances: started in each round
    :param seconds: within which all must have ended after the last fault
    :param together: rounds that follow each other before all has ended and is checked
    :param report: is told each round that was checked
    """

    place: Place
    seed: int
    instances: int
    seconds: float
    together: int = 1
    report: Callable[[Round], None] = lambda _: None

    def run(self, faults: Sequence[str]) -> list[Round]:
        """Run one round for each fault."""
        done: list[Round] = []
        environment = self.place.environment
        self.place.failpoints.mkdir(exist_ok=True)
        with (
            Database(environment.workflows_url(), retry_for=60) as workflows,
            Database(environment.postgres.url(METADATA_DATABASE), retry_for=60) as metadata,
        ):
            publish(workflows)
            for workflow in WORKFLOWS:
                self.place.client.wait_for_dag(workflow["workflowId"], seconds=300)
            clients = Clients(environment, self.place.random)
            known: set[str] = set()
            for begin in range(0, len(faults), self.together):
                names = faults[begin : begin + self.together]
                wave = self._wave(workflows, clients, [self._new(begin + at, name) for at, name in enumerate(names)])
                found = self._violations(workflows, metadata, clients)
                _blame(workflows, wave, [each for each in found if each.sentence not in known])
                known |= {each.sentence for each in found}
                for each in wave:
                    self.report(each)
                done += wave
        return done

    def _new(self, number: int, fault: str) -> Round:
        return Round(fault, f"s{self.seed}-r{number}", self.instances + max(self.instances // 4, 1))

    def _wave(self, workflows: Database, clients: Clients, rounds: list[Round]) -> list[Round]:
        """Run rounds one after the other, and wait until the instances of all of them have ended."""
        injected: list[float] = []
        over = threading.Event()
        server = threading.Thread(target=self._serve, args=(workflows, clients, over))
        server.start()
        try:
            for each in rounds:
                starting = threading.Thread(target=clients.start, args=(self.instances, each.prefix))
                starting.start()
                time.sleep(self.place.random.uniform(1, 5))
                injected.append(time.time())
                self.place.notes = each.notes
                FAULTS[each.fault](self.place)
                starting.join()
                if self.together > 1:
                    # What lasts beyond its injection meets the instances of this round and the next one.
                    time.sleep(self.place.random.uniform(1, 5))
            self._wait(workflows)
        finally:
            self.place.end()
            over.set()
            server.join()
        for each, at in zip(rounds, injected, strict=True):
            changed = insist(lambda: last_change(workflows, each.prefix))  # noqa: B023
            each.recovery = max((changed or at) - at, 0.0)
        return rounds

    def _wait(self, workflows: Database) -> None:
        """Wait until all has ended; faults that last are ended when half of the time is over."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < self.seconds:
            if insist(lambda: unfinished(workflows)) == 0:
                return
            if waited > min(self.seconds / 2, 30):
                self.place.end()
            time.sleep(1)

    def _serve(self, workflows: Database, clients: Clients, over: threading.Event) -> None:
        with self.place.environment.client() as client:
            while not over.wait(2):
                with suppress(WorkflowsError, OSError):
                    clients.serve(client, unpaid(workflows))

    def _violations(self, workflows: Database, metadata: Database, clients: Clients) -> list[Violation]:
        """Return what does not hold; a run may end a moment after its instance."""
        found: list[Violation] = []
        for _ in range(20):
            found = insist(lambda: violations(workflows, metadata, clients.accepted))
            if not found:
                break
            time.sleep(2)
        return found


def _blame(workflows: Database, wave: Sequence[Round], found: Sequence[Violation]) -> None:
    """Note each violation at the round whose key it names, or whose instance; else at the last one."""
    keys = insist(lambda: keys_of(workflows)) if found else {}
    for each in found:
        named = [each.sentence, *(keys.get(word, "") for word in each.sentence.split())]
        target = next((known for known in wave if any(f"{known.prefix}-" in word for word in named)), wave[-1])
        (target.lost if each.kind == "lost" else target.wrong).append(each.sentence)
