"""``python -m tests.chaos``: rounds of faults on an Airflow of their own, with a report."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from airflow_workflow_provider.local.airflow import LocalEnvironment
from tests.chaos.clock import SteppedClock
from tests.chaos.disk import SmallDisk
from tests.chaos.faults import FAULTS, RARE, SHORT, possible, turns
from tests.chaos.place import Place, variables
from tests.chaos.planted import readable_secrets
from tests.chaos.report import PAGE, SCAN, append, page, read
from tests.chaos.rounds import Round, Rounds
from tests.chaos.workload import FEW, WORKFLOWS


def main() -> int:
    """Run; exit code 1 where something was lost or wrong."""
    options = _options()
    if options.page:
        PAGE.write_text(page(read(options.page)), encoding="utf-8")
        return 0
    # Asked to end, it ends as for Ctrl-C: nothing that was started is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    dice = random.Random(options.seed)  # noqa: S311 - a seed makes rounds that can be repeated
    sys.stdout.write(f"seed {options.seed}\n")
    before = read(options.results) if options.proceed and options.results.exists() else []
    done: list[Round] = []

    def note(found: Round) -> None:
        done.append(found)
        _say(found)
        if options.results:
            append(options.results, found)

    instances = 2 if options.short else options.instances
    try:
        with _place(dice, short=options.short) as place:
            rounds = Rounds(place, options.seed, instances, options.seconds, options.together, note)
            try:
                rounds.run(_faults(options, place, dice, before))
            finally:
                note(Round(SCAN, f"s{options.seed}", wrong=readable_secrets(place.environment)))
    finally:
        if options.report and done:
            PAGE.write_text(page([*before, *done]), encoding="utf-8")
    return 1 if any(each.wrong or each.lost for each in done) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds; the faults take turns; by default one of each")
    parser.add_argument("--long", action="store_true", help="with the faults that take minutes, each less often")
    parser.add_argument("--instances", type=int, default=8, help="instances started in each round, beside events")
    parser.add_argument("--together", type=int, default=1, help="rounds that follow each other before all has ended")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only these")
    parser.add_argument("--short", action="store_true", help="the short form: few faults, few instances")
    parser.add_argument("--seconds", type=float, default=900, help="within which all must end after the last fault")
    parser.add_argument("--results", type=Path, help="a file to which the results are added")
    parser.add_argument(
        "--continue",
        dest="proceed",
        action="store_true",
        help="count the rounds in that file, and begin with the faults that it has least",
    )
    parser.add_argument("--report", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--page", type=Path, help=f"only write {PAGE.name} from such a file")
    found = parser.parse_args()
    if found.proceed and found.results is None:
        parser.error("--continue needs --results")
    return found


def _faults(options: argparse.Namespace, place: Place, dice: random.Random, before: Sequence[Round]) -> list[str]:
    """Return the fault of each round that is still to be run."""
    names = options.fault or [name for name in (SHORT if options.short else FAULTS) if options.long or name not in RARE]
    names = [name for name in names if possible(place, name)]
    seen = Counter(each.fault for each in before if each.fault in FAULTS)
    missing = len(names) if options.rounds is None else options.rounds - seen.total()
    return turns(names, seen, missing, dice)


@contextmanager
def _place(dice: random.Random, *, short: bool) -> Iterator[Place]:
    """Give a running Airflow."""
    with tempfile.TemporaryDirectory(prefix="airflow-workflows-chaos-") as folder:
        failpoints = Path(folder) / "failpoints"
        clock = SteppedClock.built(Path(folder))
        environment = LocalEnvironment(Path(folder) / "environment", variables=variables(failpoints, clock))
        disk = SmallDisk.mounted(environment.postgres)
        try:
            environment.up()
            with environment.client() as client:
                yield Place(environment, client, dice, failpoints, disk, clock, FEW if short else WORKFLOWS)
        finally:
            environment.remove()
            if disk is not None:
                disk.unmount()


def _say(found: Round) -> None:
    count = f"{len(found.lost)} lost, {len(found.wrong)} wrong"
    notes = f" ({', '.join(found.notes)})" if found.notes else ""
    sys.stdout.write(f"{found.fault}{notes}: {found.instances} instances, {found.recovery:.0f} s, {count}\n")
    for sentence in (*found.lost, *found.wrong):
        sys.stdout.write(f"  {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
