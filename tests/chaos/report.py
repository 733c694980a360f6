"""The report of rounds, as a page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.chaos.rounds import Round

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def page(rounds: Sequence[Round], seed: int) -> str:
    """Return the page."""
    by_fault: dict[str, list[Round]] = defaultdict(list)
    for each in rounds:
        by_fault[each.fault].append(each)
    rows = [
        f"| {fault} | {len(found)} | {sum(each.instances for each in found)} | "
        f"{sum(len(each.wrong) for each in found)} | {median(each.recovery for each in found):.0f} | "
        f"{max(each.recovery for each in found):.0f} |"
        for fault, found in sorted(by_fault.items())
    ]
    total = f"{len(rounds)} rounds, {sum(each.instances for each in rounds)} instances"
    return f"""# Reliability

`make chaos` injects faults into a real Airflow and PostgreSQL while instances run. After each round it checks: every
accepted start and event has exactly one instance; every instance has ended in agreement with its DAG run; every
result is stored once; no question or wait is open on an ended instance; the execution log has no gaps. A round starts
instances of workflows that wait, ask people, receive events, branch and call sub-workflows; clients repeat what is not
accepted. `tests/chaos` has the tables of faults and of what must hold.

The last run (seed {seed}): {total}.

| Fault | Rounds | Instances | Wrong | Seconds until all had ended, median | most |
|---|---|---|---|---|---|
{chr(10).join(rows)}

The times include the work itself and depend on the machine. Airflow's time limits were lowered for the run, see
`tests/chaos/rounds.py`.
"""
