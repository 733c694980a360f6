"""``python -m tests.chaos``: rounds of faults on an Airflow of their own, with a report."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from airflow_workflow_provider.local.airflow import LocalEnvironment
from tests.chaos.disk import SmallDisk
from tests.chaos.faults import FAULTS, RARE, SHORT, possible
from tests.chaos.place import Place, variables
from tests.chaos.report import PAGE, append, page, read
from tests.chaos.rounds import Round, Rounds


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
    done: list[Round] = []

    def note(found: Round) -> None:
        done.append(found)
        _say(found)
        if options.results:
            append(options.results, found)

    try:
        with _place(dice) as place:
            Rounds(
                place,
                options.seed,
                6 if options.short else options.instances,
                options.seconds,
                options.together,
                note,
            ).run(_faults(options, place, dice))
    finally:
        if options.report and done:
            PAGE.write_text(page(read(options.results) if options.results else done), encoding="utf-8")
    return 1 if any(each.wrong or each.lost for each in done) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds; the faults take turns; by default one of each")
    parser.add_argument("--instances", type=int, default=8, help="instances started in each round, beside events")
    parser.add_argument("--together", type=int, default=1, help="rounds that follow each other before all has ended")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only these")
    parser.add_argument("--short", action="store_true", help="the short form: few faults, few instances")
    parser.add_argument("--seconds", type=float, default=900, help="within which all must end after the last fault")
    parser.add_argument("--results", type=Path, help="a file to which the results are added")
    parser.add_argument("--report", action="store_true", help=f"write {PAGE.name}")
    parser.add_argument("--page", type=Path, help=f"only write {PAGE.name} from such a file")
    return parser.parse_args()


def _faults(options: argparse.Namespace, place: Place, dice: random.Random) -> list[str]:
    """Return the fault of each round: all of them take turns, each turn in another order."""
    names = options.fault or [name for name in (SHORT if options.short else FAULTS) if name not in RARE]
    names = [name for name in names if possible(place, name)]
    found: list[str] = []
    rounds = len(names) if options.rounds is None else options.rounds
    while len(found) < rounds:
        found += dice.sample(names, len(names))
    return found[:rounds]


@contextmanager
def _place(dice: random.Random) -> Iterator[Place]:
    """Give a running Airflow."""
    with tempfile.TemporaryDirectory(prefix="airflow-workflows-chaos-") as folder:
        failpoints = Path(folder) / "failpoints"
        environment = LocalEnvironment(Path(folder) / "environment", variables=variables(failpoints))
        disk = SmallDisk.mounted(environment.postgres)
        try:
            environment.up()
            with environment.client() as client:
                yield Place(environment, client, dice, failpoints, disk)
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
