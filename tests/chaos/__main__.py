"""``python -m tests.chaos``: rounds of faults on an Airflow of their own, with a report."""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
from pathlib import Path

from airflow_workflow_provider.local.airflow import LocalEnvironment
from tests.chaos.faults import FAULTS, SHORT
from tests.chaos.report import PAGE, page
from tests.chaos.rounds import VARIABLES, Round, run_rounds


def main() -> int:
    """Run; exit code 1 where something was wrong."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=len(FAULTS), help="rounds; the faults take turns")
    parser.add_argument("--instances", type=int, default=12, help="instances started in each round")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only these")
    parser.add_argument("--short", action="store_true", help="the short form: few faults, few instances")
    parser.add_argument("--seconds", type=float, default=420, help="within which a round must end")
    parser.add_argument("--report", action="store_true", help=f"write {PAGE.name}")
    options = parser.parse_args()
    names = options.fault or (list(SHORT) if options.short else list(FAULTS))
    dice = random.Random(options.seed)  # noqa: S311 - a seed makes rounds that can be repeated
    dice.shuffle(names)
    rounds = len(SHORT) if options.short else options.rounds
    faults = [names[number % len(names)] for number in range(rounds)]
    sys.stdout.write(f"seed {options.seed}\n")
    # Asked to end, it ends as for Ctrl-C: nothing that was started is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    done: list[Round] = []

    def note(found: Round) -> None:
        done.append(found)
        _say(found)

    with tempfile.TemporaryDirectory(prefix="airflow-workflows-chaos-") as folder:
        environment = LocalEnvironment(Path(folder) / "environment", variables=VARIABLES)
        try:
            environment.up()
            with environment.client() as client:
                run_rounds(
                    environment,
                    client,
                    faults,
                    seed=options.seed,
                    instances=6 if options.short else options.instances,
                    seconds=options.seconds,
                    report=note,
                )
        finally:
            environment.down()
            if options.report and done:
                PAGE.write_text(page(done, options.seed), encoding="utf-8")
    return 1 if any(each.wrong for each in done) else 0


def _say(found: Round) -> None:
    sys.stdout.write(f"{found.fault}: {found.instances} instances, {found.recovery:.0f} s, {len(found.wrong)} wrong\n")
    for sentence in found.wrong:
        sys.stdout.write(f"  {sentence}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
