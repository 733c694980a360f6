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
from tests.chaos.rounds import Round

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
NOT_REACHED = "not reached"


def append(results: Path, found: Round) -> None:
    """Add a round to a file of results."""
    with results.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(found)) + "\n")


def read(results: Path) -> list[Round]:
    """Return the rounds of a file of results."""
    return [Round(**json.loads(line)) for line in results.read_text(encoding="utf-8").splitlines()]


def page(rounds: Sequence[Round]) -> str:
    """Return the page."""
    instances = sum(each.instances for each in rounds)
    lost, wrong = (sum(len(getattr(each, name)) for each in rounds) for name in ("lost", "wrong"))
    never = sorted(set(FAULTS) - {each.fault for each in rounds if NOT_REACHED not in each.notes})
    return f"""# Reliability

`make chaos` injects faults into a real Airflow and PostgreSQL while instances run. After the faults it checks:

- every accepted start and every accepted event has exactly one instance,
- every instance has ended, in agreement with its DAG run,
- every result is stored once, and every compensation has run once,
- each completed visit of a failed instance is compensated,
- no question and no wait is open on an ended instance,
- the execution log has no gaps.

The instances wait, ask people, receive events, branch, have items, call sub-workflows, and fail with compensations.
Clients repeat what is not accepted, with the same key; they answer questions, and run compensations that are owed.
`tests/chaos` has the tables of faults and of what must hold.

## The last run

{len(rounds)} rounds, {instances} instances: {lost} lost, {wrong} wrong. Seeds: {", ".join(_seeds(rounds))}.

"Lost" counts starts and events that have no instance, or two; "wrong" everything else that does not hold. The times are
from the fault until the last instance of the round had ended. They include the work itself and faults that followed
before that, and depend on the machine. Airflow's time limits were lowered for the run, see `tests/chaos/place.py`.

| Fault | Rounds | Instances | Lost | Wrong | Seconds until all had ended, median | most |
|---|---|---|---|---|---|---|
{_table(each for each in rounds if not each.fault.startswith(AT))}

Processes that were killed at a [failpoint](#failpoints):

| Failpoint | Rounds | Killed in | Instances | Lost | Wrong | Seconds until all had ended, median | most |
|---|---|---|---|---|---|---|---|
{_table((each for each in rounds if each.fault.startswith(AT)), points=True)}

{_never(never)}{_sentences(rounds)}## Failpoints

A failpoint is a place between two writes. It does nothing unless the environment variable `{VARIABLE}` names
a folder, which only tests set. A file there with the name of a failpoint kills the first process that comes to it.

| Failpoint | Where it is |
|---|---|
{chr(10).join(f"| `{name}` | {meaning} |" for name, meaning in FAILPOINTS.items())}
"""


def _seeds(rounds: Sequence[Round]) -> list[str]:
    return list(dict.fromkeys(each.prefix.split("-")[0].removeprefix("s") for each in rounds))


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
    more = f"Not injected, or not reached, in this run: {', '.join(names)}.\n" if names else ""
    return f"{more}Clocks that are stepped are not among the faults.\n\n"


def _sentences(rounds: Sequence[Round]) -> str:
    found = [f"- {each.fault}: {sentence}" for each in rounds for sentence in (*each.lost, *each.wrong)]
    return "What did not hold:\n\n{}\n\n".format("\n".join(found)) if found else ""
