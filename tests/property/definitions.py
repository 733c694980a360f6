"""Random valid definitions with random outcomes, for properties that hold of every definition.

What a definition may hold is chosen by :class:`Shape`, so that a slow host can be given small ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from airflow_workflow_provider.model.definition import RESERVED_TARGETS, Step
from airflow_workflow_provider.model.flow import Flow

Json = dict[str, Any]

TYPES: Final = ("A", "B", "ConnectionError", "ValidationError")
"""Types of the errors that mocked tasks raise."""

MATCHES: Final = (
    *("A", "B", "*", "TaskError", "OSError", "ValidationError"),
    *("BranchFailed", "TimeoutError", "ExpressionError", "WorkerLost", "Cancelled"),
)
CODES: Final = ("1", "2")
CONDITIONS: Final = (
    "input.n > 1",
    "has(data.k) && data.k > 1",
    "has(output.k) && output.k == 2",
    "attempt > 1",
    "error != null && error.type == 'A'",
    "has(variables.v) && variables.v != null",
)
FAILING_CONDITION: Final = "data.missing > 1"
ITEM_CONDITIONS: Final = (*CONDITIONS, "item > 1")
FAILING_TRANSFORM: Final = "abs(input.text)"
OUTPUTS: Final = ("{k: output.k, shaped: attempt}", "output.k", "{k: sum([data.k || `0`, `1`])}")
ASSIGNS: Final = ("output.k", "data.k", "variables.v", "data")
COUNTS: Final = ("input.n", "output.k", "length(input.xs)", "input.text")
SHARES: Final = ("`40`", "sum([output.k, `33.4`])", "`100.5`")
SELECTIONS: Final = ("'work'", "attempt == `1` && 'spare' || 'work'", "input.text")
TIMEOUTS: Final = ("join('', ['PT', to_string(sum([input.n, attempt])), 'S'])", "'PT0S'", "input.n")
"""What settings are computed from; some of it gives nothing that they can be."""

ENTROPY: Final = 400
"""Choices of one definition; those beyond are the plainest."""

INPUT: Final = {"n": 2, "text": "x", "xs": [1, 2, 3]}


@dataclass(frozen=True)
class Shape:
    """What definitions may hold.

    :param steps: most steps in one list
    :param depth: how deep regions nest
    :param total: most steps altogether
    :param loops: whether transitions may go back
    :param items: whether there may be a forEach
    :param time: whether there may be waits, delays and timeouts
    """

    steps: int = 5
    depth: int = 2
    total: int = 16
    loops: bool = True
    items: bool = True
    time: bool = True


@dataclass(frozen=True)
class Sample:
    """A definition with an input and the outcomes of its tasks."""

    document: Json
    mocks: Json
    input: Json = field(default_factory=lambda: dict(INPUT))


@st.composite
def samples(draw: st.DrawFn, shape: Shape = Shape()) -> Sample:
    """Draw a valid definition and the outcomes of its tasks."""
    return _Drawing(draw(st.binary(min_size=ENTROPY, max_size=ENTROPY)), shape).sample()


class _Drawing:
    """Turns bytes into a definition, a byte a choice: one draw is fast, and zeros are the plainest choice there is."""

    def __init__(self, entropy: bytes, shape: Shape) -> None:
        self._entropy = iter(entropy)
        self._shape = shape
        self._count = 0
        self._mocks: Json = {}

    def sample(self) -> Sample:
        document: Json = {"workflowId": "random", "name": "Random", "version": "1.0.0"}
        handler = self._workflow_handler()
        steps = self._steps(0, inside_item=False, named=handler)
        ids = {step["stepId"] for step in steps}
        document["steps"] = steps
        settings: Json = {"maxIterations": self._int(2, 5)}
        if self._shape.time and self._one_in(8):
            settings["timeout"] = f"PT{self._int(1, 20)}S"
            if self._one_in(3):
                settings["onTimeout"] = "alert"
        if self._shape.time and self._one_in(8):
            settings["deadline"] = f"PT{self._int(1, 20)}S"
        document["settings"] = settings
        if handler is not None:
            document["onFailure"] = _with_known_targets(handler, ids)
        if self._one_in(6):
            expression = self._of(("{result: output.k}", "output", FAILING_TRANSFORM))
            document["output"] = {"type": "jmespath", "expression": expression}
        return Sample(document, {key: value for key, value in self._mocks.items() if key in _names(steps)})

    # Choices

    def _int(self, least: int, most: int) -> int:
        return least + next(self._entropy, 0) % (most - least + 1)

    def _one_in(self, many: int) -> bool:
        return self._int(0, many - 1) == many - 1

    def _of(self, values: tuple[str, ...] | list[str]) -> str:
        return values[self._int(0, len(values) - 1)]

    # Step lists

    def _steps(self, depth: int, *, inside_item: bool, named: Json | None = None) -> list[Json]:
        size = self._int(1, self._shape.steps) if depth or self._one_in(6) else self._int(3, max(self._shape.steps, 3))
        ids: list[str] = []
        while len(ids) < size and (self._count < self._shape.total or not ids):
            ids.append(f"s{self._count}")
            self._count += 1
        steps = [self._step(ids, position, depth, inside_item=inside_item) for position in range(len(ids))]
        before = tuple(_targets(named)) if named is not None else ()
        return _reachable(steps, before)

    def _step(self, ids: list[str], position: int, depth: int, *, inside_item: bool) -> Json:
        step: Json = {"stepId": ids[position], "taskId": "work"}
        room = depth < self._shape.depth and self._count < self._shape.total
        kind = self._int(0, 9)
        if kind >= 8 and room:
            self._branches(step, depth, inside_item=inside_item)
        elif kind == 7 and room and self._shape.items:
            self._items(step, depth)
        elif kind == 6 and self._shape.time:
            step.update(taskId="wait", arguments={"duration": f"PT{self._int(1, 9)}S"})
        if step["taskId"] == "work":
            self._outcomes(step["stepId"])
            if self._one_in(10):
                step["taskId"] = {"oneOf": ["work", "spare"], "select": self._transform(SELECTIONS)}
        targets = self._targets(ids, position)
        if self._one_in(3):
            self._next(step, targets, ITEM_CONDITIONS if inside_item else CONDITIONS)
        if self._one_in(2):
            step["onFailure"] = self._on_failure(targets)
        self._more(step)
        return step

    def _targets(self, ids: list[str], position: int) -> list[str]:
        """Return what a step may name, the likelier ones several times."""
        forward, back = ids[position + 1 :], ids[: position + 1] if self._shape.loops else []
        return [*forward[:1] * 4, *forward[1:] * 2, *back, "end", *(["fail"] if self._one_in(4) else [])]

    def _next(self, step: Json, targets: list[str], conditions: tuple[str, ...]) -> None:
        entries: list[Json] = [
            {"nextStepId": self._of(targets), "condition": self._condition(conditions)} for _ in range(self._int(0, 2))
        ]
        if not self._one_in(6):
            entries.append({"nextStepId": self._of(targets)})
        step["next"] = entries

    def _condition(self, conditions: tuple[str, ...]) -> str:
        return FAILING_CONDITION if self._one_in(16) else self._of(conditions)

    def _transform(self, expressions: tuple[str, ...]) -> Json:
        return {"type": "jmespath", "expression": FAILING_TRANSFORM if self._one_in(10) else self._of(expressions)}

    def _on_failure(self, targets: list[str]) -> Json:
        handler: Json = {"action": self._of(("continue", "continue", "stop", "retry"))}
        if handler["action"] == "continue" and self._one_in(2):
            handler["nextStepId"] = self._of(targets)
        conditions = [self._error_condition(targets) for _ in range(self._int(0, 2))]
        if conditions:
            handler["errorHandler"] = {"conditions": conditions}
        return handler

    def _error_condition(self, targets: list[str]) -> Json:
        condition: Json = {"nextStepId": self._of(targets)}
        kind = self._int(0, 2)
        if kind != 1:
            condition["errorType"] = self._of(MATCHES)
        if kind != 0:
            condition["errorCode"] = self._of((*CODES, "*"))
        return condition

    def _more(self, step: Json) -> None:
        if self._one_in(4):
            step["retryPolicy"] = self._policies()
        if self._shape.time and self._one_in(5):
            step["timeout"] = self._setting(f"PT{self._int(1, 12)}S", TIMEOUTS)
            if self._one_in(3):
                step["onTimeout"] = "alert"
        if self._one_in(5):
            step["output"] = self._transform(OUTPUTS)
        if self._one_in(4):
            step["assign"] = {"v": self._transform(ASSIGNS)}
        if self._one_in(4):
            step["compensation"] = {"taskId": "undo"}
            if "undo" not in self._mocks:
                self._outcomes("undo")

    def _policies(self) -> Json | list[Json]:
        policies = [self._policy() for _ in range(self._int(1, 2))]
        return policies if len(policies) > 1 else policies[0]

    def _policy(self) -> Json:
        policy: Json = {"maxAttempts": self._int(2, 3)}
        if self._shape.time:
            policy["delay"] = f"PT{self._int(0, 3)}S"
            policy["strategy"] = self._of(("fixed", "linear", "exponential"))
        for key in ("retryOn", "doNotRetryOn"):
            if self._one_in(4):
                policy[key] = [self._of(MATCHES)]
        return policy

    def _branches(self, step: Json, depth: int, *, inside_item: bool) -> None:
        step["parallelBranches"] = [
            {
                "branchId": f"b{number}",
                "steps": [] if self._one_in(8) else self._steps(depth + 1, inside_item=inside_item),
            }
            for number in range(self._int(1, 3))
        ]
        if self._one_in(4):
            step["failFast"] = True
        if self._one_in(4):
            step["join"] = {"atLeast": self._int(1, len(step["parallelBranches"]))}

    def _items(self, step: Json, depth: int) -> None:
        step["forEach"] = {
            "items": {"type": "jmespath", "expression": self._of(("input.xs", "[input.n]", "input.text", "`[]`"))},
            "steps": self._steps(depth + 1, inside_item=True),
            "maxConcurrency": self._setting(self._int(1, 3), COUNTS),
        }
        kind = self._int(0, 3)
        if kind < 3:
            step["forEach"]["toleratedFailures"] = self._setting(self._int(0, 1), COUNTS)
        if kind > 1:
            step["forEach"]["toleratedFailurePercentage"] = self._setting(self._int(0, 100), SHARES)

    def _setting(self, written: Any, expressions: tuple[str, ...]) -> Any:
        return self._transform(expressions) if self._one_in(5) else written

    def _outcomes(self, name: str) -> None:
        self._mocks[name] = [self._outcome() for _ in range(self._int(1, 4))]

    def _outcome(self) -> Json:
        if self._int(0, 4) != 4:
            return {"output": {"k": self._int(0, 3)}}
        error: Json = {"type": "Cancelled" if self._one_in(20) else self._of(TYPES)}
        if self._one_in(2):
            error["code"] = self._of(CODES)
        return {"error": error}

    def _workflow_handler(self) -> Json | None:
        if self._int(0, 1) == 0:
            return None
        targets = ["end", "fail", *(f"s{number}" for number in range(self._shape.steps))]
        handler: Json = {"action": self._of(("stop", "continue"))}
        if self._one_in(2):
            handler["compensate"] = True
        if self._int(0, 2) != 0:
            handler["nextStepId"] = self._of(targets)
        conditions = [self._error_condition(targets) for _ in range(self._int(0, 1))]
        if conditions:
            handler["errorHandler"] = {"conditions": conditions}
        return handler


def _targets(handler: Json) -> list[str]:
    conditions = handler.get("errorHandler", {}).get("conditions", ())
    named = [*(condition["nextStepId"] for condition in conditions), handler.get("nextStepId")]
    return [target for target in named if target is not None and target not in RESERVED_TARGETS]


def _with_known_targets(handler: Json, ids: set[str]) -> Json:
    """Return a handler whose targets exist, or are ``end``."""

    def known(target: str) -> str:
        return target if target in ids or target in RESERVED_TARGETS else "end"

    found = dict(handler)
    if "nextStepId" in found:
        found["nextStepId"] = known(found["nextStepId"])
    if "errorHandler" in found:
        conditions = found["errorHandler"]["conditions"]
        found["errorHandler"] = {
            "conditions": [{**each, "nextStepId": known(each["nextStepId"])} for each in conditions]
        }
    return found


def _reachable(steps: list[Json], named_before: tuple[str, ...]) -> list[Json]:
    """Return the steps without those that nothing leads to (rule T7)."""
    while True:
        flow = Flow.of([_skeleton(step) for step in steps], named_before=named_before)
        seen: set[str] = set()
        todo = [steps[0]["stepId"], *(target for target in named_before if target in flow.steps)]
        while todo:
            step_id = todo.pop()
            if step_id not in seen:
                seen.add(step_id)
                todo += [*flow.successors(step_id), *flow.handlers(step_id)]
        if len(seen) == len(steps):
            return steps
        steps = [step for step in steps if step["stepId"] in seen]


def _skeleton(step: Json) -> Step:
    return Step.model_validate({key: step[key] for key in ("stepId", "taskId", "next", "onFailure") if key in step})


def _names(steps: list[Json]) -> set[str]:
    found: set[str] = set()
    for step in steps:
        found.add(step["stepId"])
        if "compensation" in step:
            found.add(step["compensation"]["taskId"])
        for branch in step.get("parallelBranches", ()):
            found |= _names(branch["steps"])
        if "forEach" in step:
            found |= _names(step["forEach"]["steps"])
    return found
