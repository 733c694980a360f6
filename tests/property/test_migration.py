"""A run that continues in another version ends where the definition says, whenever it is moved (rule I8)."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.model.validate import validate_document
from tests.conformance.hosts import options_of, run_simulated, tasks_of
from tests.property.definitions import Sample, Shape, samples
from tests.property.scheduling import ScheduledRun
from tests.property.test_hosts_agree import EXAMPLES, UNHURRIED, case_of
from tests.property.test_plan_agrees import ended, inline, unordered

Json = dict[str, Any]

MOST = 8
"""How often a run is tried to be moved: each compares two definitions."""


@dataclass
class MigratedRun(ScheduledRun):
    """A DAG run that is moved now and then.

    :param versions: what it is moved to, each in turn
    """

    versions: tuple[Graph, ...] = ()
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311
    moves: int = 0
    tried: int = 0

    def between(self) -> None:
        """Move the run with some probability."""
        if self.tried < MOST and self.chance.random() < 0.3:
            self.tried += 1
            self.moves += self.migrate(self.versions[self.moves % len(self.versions)])


def migrated(sample: Sample, seed: int, *documents: Json) -> MigratedRun:
    case = case_of(sample)
    versions = tuple(case_of(replace(sample, document=each)).graph for each in documents)
    chance = random.Random(seed)  # noqa: S311
    return MigratedRun(case.graph, case.input, tasks_of(case), options_of(case), versions=versions, chance=chance)


def lists_in(steps: list[Json]) -> list[list[Json]]:
    """Return every list of steps in a document."""
    found = [steps]
    for each in steps:
        for branch in each.get("parallelBranches") or ():
            found += lists_in(branch["steps"])
        if each.get("forEach"):
            found += lists_in(each["forEach"]["steps"])
    return found


def changed(document: Json, seed: int) -> Json:
    """Return another version: steps are added and removed anywhere."""
    chance = random.Random(seed)  # noqa: S311
    found = copy.deepcopy(document)
    found["version"] = "2.0.0"
    for number in range(chance.randint(1, 3)):
        steps = chance.choice(lists_in(found["steps"]))
        if len(steps) > 1 and chance.random() < 0.3:
            steps.pop(chance.randrange(len(steps)))
        else:
            steps.insert(chance.randint(0, len(steps)), {"stepId": f"added{number}", "taskId": "work"})
    return found


def timeless(value: Any) -> Any:
    """Return a result without its times: a step that waits for its next attempt begins it at once when it is moved."""
    if isinstance(value, dict):
        return {key: timeless(each) for key, each in value.items() if key != "at" and not key.endswith("At")}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@settings(UNHURRIED, max_examples=EXAMPLES // 20)
@given(samples(Shape(time=False)), st.integers(0, 2**32))
def test_i8_moving_to_a_version_of_the_same_steps_changes_nothing(sample: Sample, seed: int) -> None:
    run = migrated(sample, seed, {**sample.document, "version": "2.0.0"}, sample.document)
    observed = run.to_end()

    event(f"moves: {run.moves}")
    assert ended(run, observed) in (("success", "completed"), ("failed", "failed"))
    assert timeless(unordered(observed)) == timeless(unordered(run_simulated(case_of(sample))))


@settings(UNHURRIED, max_examples=EXAMPLES // 20)
@given(samples(), st.integers(0, 2**32))
def test_i8_run_and_instance_end_in_the_same_way_in_whatever_version(sample: Sample, seed: int) -> None:
    other = changed(sample.document, seed)
    assume(not validate_document(other).errors)
    run = migrated(sample, seed, other, sample.document)

    outcome = ended(run, run.to_end())
    event(f"moves: {run.moves}")
    assert outcome in (("success", "completed"), ("failed", "failed"))


@settings(UNHURRIED, max_examples=EXAMPLES // 30)
@given(samples(), st.integers(0, 2**32))
def test_i8_an_inline_run_and_its_instance_end_in_the_same_way_in_whatever_version(sample: Sample, seed: int) -> None:
    before = inline(sample)
    other = changed(before.document, seed)
    assume(not validate_document(other).errors)
    run = migrated(before, seed, other, before.document)

    assert ended(run, run.to_end()) in (("success", "completed"), ("failed", "failed"))
