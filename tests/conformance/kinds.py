"""Which conformance cases a real Airflow has to run: some of each kind.

Every case runs in memory, on two hosts. What a real Airflow adds is how a definition becomes tasks and how these are
scheduled, and that depends on the constructs of a definition, not on the values in its expressions. So each construct
that a rule's cases use, each event of their logs and each end of theirs is seen in Airflow at least once; the cases
that add nothing to that are listed in ``in_memory.json``, each with those that stand for it. A case that is not listed
runs in Airflow. ``WORKFLOWS_AIRFLOW_CASES=all`` runs the listed ones there, too.

``python -m tests.conformance.kinds`` writes the list.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from airflow_workflow_provider.tasks.builtin import BUILTINS
from tests.conformance.cases import Case, load_cases
from tests.conformance.hosts import run_simulated

FILE: Final = Path(__file__).parent / "in_memory.json"
VALUES: Final = frozenset(
    {"stepId", "name", "description", "arguments", "inputTransform", "outputTransform", "metadata", "branchId", "steps"}
)
"""Fields of steps whose values mean the same to every host."""

Feature = tuple[str, ...]


def runs_in_airflow(case: Case) -> bool:
    """Tell whether a case needs nothing that only a simulation can set: bounds, and an event of its own."""
    return not case.options and case.event is None


def cases_in_airflow() -> list[Case]:
    """Return the cases that are run in a real Airflow."""
    left_out = {} if os.environ.get("WORKFLOWS_AIRFLOW_CASES") == "all" else listed()
    return [case for case in load_cases("airflow") if runs_in_airflow(case) and case.name not in left_out]


def listed() -> dict[str, list[str]]:
    """Return the cases that are run in memory only, each with cases in Airflow that show the same."""
    found: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def features(case: Case) -> frozenset[Feature]:
    """Return what a case would show in Airflow: its rule, with each construct, event, status and error type."""
    observed = run_simulated(case)
    found = {("document", key) for key in case.document}
    found |= set(_constructs(case.document["steps"], ""))
    found |= {("event", name) for name in observed.log or ()}
    found |= {("attempt", line["status"]) for line in observed.path or ()}
    found.add(("end", observed.status, str((observed.error or {}).get("type"))))
    return frozenset((case.rule, *feature) for feature in found)


def _constructs(steps: Sequence[Any], place: str) -> Iterator[Feature]:
    """Yield the fields of steps and of the objects in them, and the built-in tasks, by where they stand."""
    for step in (each for each in steps if isinstance(each, Mapping)):
        task = str(step.get("taskId", ""))
        yield place, "task", task if task in BUILTINS else task.partition(":")[0] if ":" in task else ""
        for name, value in step.items():
            if name in VALUES or name == "taskId":
                continue
            yield place, name
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, Mapping):
                    yield from ((place, name, key) for key in part if key not in VALUES)
                    yield from _constructs(part.get("steps", ()), f"{place}/{name}")


def in_memory_only(cases: Sequence[Case]) -> dict[str, list[str]]:
    """Return what :func:`listed` is to say: the choice covers every feature, those with the rarest ones first."""
    known = {case.name: features(case) for case in cases}
    left, chosen = set().union(*known.values()), list[str]()
    while left:
        best = max(sorted(known), key=lambda name: len(known[name] & left))
        chosen.append(best)
        left -= known[best]
    return {
        name: sorted(_standing_for(found, {each: known[each] for each in chosen}))
        for name, found in sorted(known.items())
        if name not in chosen
    }


def _standing_for(wanted: frozenset[Feature], known: Mapping[str, frozenset[Feature]]) -> Iterator[str]:
    left = set(wanted)
    while left:
        best = max(sorted(known), key=lambda name: len(known[name] & left))
        yield best
        left -= known[best]


if __name__ == "__main__":
    every = [case for case in load_cases("airflow") if runs_in_airflow(case)]
    FILE.write_text(json.dumps(in_memory_only(every), indent=2) + "\n", encoding="utf-8")
