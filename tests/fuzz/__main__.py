"""``python -m tests.fuzz``: many mutated definitions, inputs, events and expressions."""

from __future__ import annotations

import argparse
import random
import sys

from tests.fuzz.cases import MOST_MEMORY, Tally, fuzz, memory
from tests.fuzz.targets import TARGETS


def main() -> int:
    """Run; exit code 1 where something was found."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="of all targets together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    options = parser.parse_args()
    targets = options.target or list(TARGETS)
    number, first = options.cases // len(targets), options.seed * 10**6
    bad, before = 0, memory()
    for target in targets:
        tally = Tally()
        for found in fuzz(target, range(first, first + number), tally):
            bad += 1
            sys.stdout.write(f"{found.target} {found.seed}: {found.what[:500]}\n  {found.case[:2000]}\n")
        sys.stdout.write(f"{target}: {tally.cases} cases, the longest {tally.longest:.2f} s\n")
        sys.stdout.flush()
    grown = memory() - before
    sys.stdout.write(f"{bad} findings; the process has grown by {grown >> 20} MiB\n")
    return 1 if bad or grown > MOST_MEMORY else 0


if __name__ == "__main__":
    sys.exit(main())
