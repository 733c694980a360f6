"""Rounds of faults: start instances, inject, serve, wait until all has ended, and check what must hold."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.local.configuration import METADATA_DATABASE
from airflow_workflow_provider.store.database import Database
from tests.chaos.faults import FAULTS, reaching
from tests.chaos.in_flight import in_flight, wait_for_the_end
from tests.chaos.invariants import Violation, keys_of, last_change, unpaid, violations
from tests.chaos.machine import commit, machine, today
from tests.chaos.place import NOT_REACHED, Place
from tests.chaos.workload import Clients, insist, publish

LASTING: Final = 60.0
"""Seconds for which a fault lasts that ends by itself, such as a failpoint that nobody has come to."""


@dataclass
class Round:
    """One round.

    :ivar prefix: of the keys of its starts
    :ivar instances: that were accepted: starts, and events that start one
    :ivar recovery: seconds from the fault until its last instance has ended
    :ivar lost: what was accepted and is not there, or twice
    :ivar wrong: what else does not hold
    :ivar notes: what became of the fault, such as that its place was not reached
    :ivar commit: of the code that ran
    :ivar machine: on which it ran
    :ivar day: on which it ran
    """

    fault: str
    prefix: str = ""
    instances: int = 0
    recovery: float = 0.0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    commit: str = field(default_factory=commit)
    machine: str = field(default_factory=machine)
    day: str = field(default_factory=today)


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
            publish(workflows, self.place.workflows)
            for workflow in self.place.workflows:
                insist(partial(self.place.client.wait_for_dag, workflow["workflowId"], seconds=300))
            clients = Clients(environment, self.place.random, self.place.workflows)
            known: set[str] = set()
            stuck: frozenset[str] = frozenset()
            for begin in range(0, len(faults), self.together):
                names = faults[begin : begin + self.together]
                wave = [self._new(begin + at, name) for at, name in enumerate(names)]
                wait = partial(self._wait, workflows, metadata, without=stuck)
                stuck |= self._wave(workflows, clients, wave, wait)
                found = self._violations(workflows, metadata, clients, stuck)
                _blame(workflows, wave, [each for each in found if each.sentence not in known])
                known |= {each.sentence for each in found}
                for each in wave:
                    self.report(each)
                done += wave
        return done

    def _new(self, number: int, fault: str) -> Round:
        return Round(fault, f"s{self.seed}-r{number}")

    def _wave(
        self, workflows: Database, clients: Clients, rounds: list[Round], wait: Callable[[], frozenset[str]]
    ) -> frozenset[str]:
        """Run rounds one after the other, and wait until all of them have ended; return what has not."""
        injected: list[float] = []
        over = threading.Event()
        server = threading.Thread(target=self._serve, args=(workflows, clients, over), daemon=True)
        server.start()
        try:
            for each in rounds:
                wanted = (self.instances, each.prefix, reaching(each.fault))
                starting = threading.Thread(target=clients.start, args=wanted, daemon=True)
                starting.start()
                time.sleep(self.place.random.uniform(1, 5))
                injected.append(time.time())
                inject(self.place, each)
                starting.join()
                if self.together > 1:
                    # What lasts beyond its injection meets the instances of this round and the next one.
                    time.sleep(self.place.random.uniform(1, 5))
            left = wait()
        finally:
            self.place.end()
            over.set()
            server.join()
        for each, at in zip(rounds, injected, strict=True):
            changed = insist(lambda: last_change(workflows, each.prefix))  # noqa: B023
            each.instances = clients.accepted.number(each.prefix)
            each.recovery = max((changed or at) - at, 0.0)
        return left

    def _wait(self, workflows: Database, metadata: Database, without: frozenset[str]) -> frozenset[str]:
        """Wait until all has ended; faults that last are ended when half of the time is over."""

        def meanwhile(waited: float) -> None:
            if waited > min(self.seconds / 2, LASTING):
                self.place.end()

        look = partial(insist, partial(in_flight, workflows, metadata))
        return wait_for_the_end(look, self.seconds, without=without, meanwhile=meanwhile)

    def _serve(self, workflows: Database, clients: Clients, over: threading.Event) -> None:
        with self.place.environment.client() as client:
            while not over.wait(2):
                with suppress(WorkflowsError, OSError):
                    clients.serve(client, unpaid(workflows))

    def _violations(
        self, workflows: Database, metadata: Database, clients: Clients, stuck: frozenset[str]
    ) -> list[Violation]:
        """Return what does not hold: all has ended by now, or will not."""
        found: list[Violation] = []
        for _ in range(20):
            found = insist(lambda: violations(workflows, metadata, clients.accepted, self.place.ended))
            if not found:
                break
            time.sleep(2)
        return [*found, *_never_ended(stuck, found)]


def inject(place: Place, of: Round) -> None:
    """Inject the fault of a round; one that cannot be injected ends no other round."""
    place.notes = of.notes
    try:
        FAULTS[of.fault](place)
    except (WorkflowsError, OSError) as error:
        of.notes += [NOT_REACHED, f"given up: {getattr(error, 'code', type(error).__name__)}"]


def _never_ended(stuck: Iterable[str], found: Sequence[Violation]) -> Iterator[Violation]:
    """Give what has not ended in time, without what another sentence names."""
    for name in sorted(stuck):
        if not any(name in each.sentence for each in found):
            yield Violation("wrong", f"{name} has not ended in time")


def _blame(workflows: Database, wave: Sequence[Round], found: Sequence[Violation]) -> None:
    """Note each violation at the round whose key it names, or whose instance; else at the last one."""
    keys = insist(lambda: keys_of(workflows)) if found else {}
    for each in found:
        named = [each.sentence, *(keys.get(word, "") for word in each.sentence.split())]
        target = next((known for known in wave if any(f"{known.prefix}-" in word for word in named)), wave[-1])
        (target.lost if each.kind == "lost" else target.wrong).append(each.sentence)
