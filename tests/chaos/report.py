"""The report of rounds, as a page; their results are kept in a file, so that several runs make one report."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from airflow_workflow_provider.failpoints import FAILPOINTS, VARIABLE
from tests.chaos.faults import AT, FAULTS
from tests.chaos.place import NOT_REACHED
from tests.chaos.rounds import Round

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
UNKNOWN = {"commit": "unknown", "machine": "unknown", "day": "unknown"}
"""What a result says that does not say on what it ran: never what this program runs on."""
SCAN = "scan for secrets"
"""Not a fault: what is done after the rounds of each run."""


def append(results: Path, found: Round) -> None:
    """Add a round to a file of results."""
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(found)) + "\n")


def read(results: Path) -> list[Round]:
    """Return the rounds of a file of results."""
    lines = results.read_text(encoding="utf-8").splitlines()
    return [Round(**{**UNKNOWN, **json.loads(line)}) for line in lines]


def page(results: Sequence[Round]) -> str:
    """Return the page."""
    rounds = [each for each in results if each.fault != SCAN]
    instances = sum(each.instances for each in rounds)
    lost, wrong = (sum(len(getattr(each, name)) for each in rounds) for name in ("lost", "wrong"))
    never = [name for name in FAULTS if name not in {each.fault for each in rounds if NOT_REACHED not in each.notes}]
    return f"""# Reliability

`make chaos` injects faults into a real Airflow and PostgreSQL while instances run. After the faults it checks:

- every accepted start and every accepted event has exactly one instance,
- every instance has ended, in agreement with its DAG run,
- every result is stored once, and every compensation has run once,
- each completed visit of a failed instance is compensated,
- no question and no wait is open on an ended instance,
- the execution log has no gaps: it has a start and an end, each completed visit has begun, and the visits of a step
  are counted from one.

At the end it looks for the secrets of the inputs, and for passwords and keys of the configuration, in every column of
both databases and in every log. Only the columns that [security](security.md) names may have them.

The instances wait, ask people, receive events, branch, have items, call sub-workflows, and fail with compensations.
Clients repeat what is not accepted, with the same key; they answer questions, and run compensations that are owed.
`tests/chaos` has the tables of faults and of what must hold.

## What was found

{len(rounds)} rounds, {instances} instances: {lost} lost, {wrong} wrong. {_scans(results)}

| | |
|---|---|
| Days | {_all(each.day for each in results)} |
| Commits | {_all(f"`{each.commit}`" for each in results)} |
| Machine | {_all(each.machine for each in results)} |
| Seeds | {_all(_seed(each) for each in results)} |

"Lost" counts starts and events that have no instance, or two; "wrong" everything else that does not hold. The times are
from the fault until the last instance of the round had ended. They include the work itself and faults that followed
before that, and depend on the machine. Airflow's time limits were lowered for the run, see `tests/chaos/place.py`.
Most instances run [inline](operations.md#inline-workflows). A stepped clock is that of Airflow's processes; the clock
of PostgreSQL stays right. Workers are those of the LocalExecutor, which supervise the tasks.

| Fault | Rounds | Instances | Lost | Wrong | Seconds until all had ended, median | most |
|---|---|---|---|---|---|---|
{_table(each for each in rounds if not each.fault.startswith(AT))}

Processes that were killed at a [failpoint](#failpoints):

| Failpoint | Rounds | Killed in | Instances | Lost | Wrong | Seconds until all had ended, median | most |
|---|---|---|---|---|---|---|---|
{_table((each for each in rounds if each.fault.startswith(AT)), points=True)}

{_never(never)}{_sentences(results)}## Failpoints

A failpoint is a place between two writes. It does nothing unless the environment variable `{VARIABLE}` names
a folder, which only tests set. A file there with the name of a failpoint kills the first process that comes to it.

| Failpoint | Where it is |
|---|---|
{chr(10).join(f"| `{name}` | {meaning} |" for name, meaning in FAILPOINTS.items())}
"""


def _all(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))


def _seed(found: Round) -> str:
    return found.prefix.partition("-")[0].removeprefix("s")


def _scans(results: Sequence[Round]) -> str:
    found = [each for each in results if each.fault == SCAN]
    secrets = sum(len(each.wrong) for each in found)
    return f"Scans for secrets: {len(found)}, readable: {secrets}." if found else "No scan for secrets."


def _table(rounds: Iterable[Round], *, points: bool = False) -> str:
    by_fault: dict[str, list[Round]] = defaultdict(list)
    for each in rounds:
        by_fault[each.fault].append(each)
    lines = []
    for fault, found in sorted(by_fault.items()):
        times = [each.recovery for each in found]
        reached = [str(sum(1 for each in found if NOT_REACHED not in each.notes))] if points else []
        cells = [
            f"`{fault.removeprefix(AT)}`" if points else fault,
            str(len(found)),
            *reached,
            str(sum(each.instances for each in found)),
            str(sum(len(each.lost) for each in found)),
            str(sum(len(each.wrong) for each in found)),
            f"{median(times):.0f}",
            f"{max(times):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _never(names: Sequence[str]) -> str:
    return f"Not injected, or not reached, so far: {', '.join(names)}.\n\n" if names else ""


def _sentences(rounds: Sequence[Round]) -> str:
    found = [
        f"- {each.fault}, at `{each.commit}`: {sentence}" for each in rounds for sentence in (*each.lost, *each.wrong)
    ]
    return "What did not hold:\n\n{}\n\n".format("\n".join(found)) if found else ""
