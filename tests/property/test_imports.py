"""Any state machine, workflow or document becomes a definition that validates, or the report says why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.tasks.imported import Imported
from tests.support.imports import imported
from tests.unit.importing.conductor_cases import CASES as CONDUCTOR
from tests.unit.importing.openworkflow_cases import CASES as OPEN_WORKFLOW
from tests.unit.importing.stepfunctions_cases import CASES as STEP_FUNCTIONS

NAMES = st.sampled_from(["A", "B", "end", "../up", "Größe", "", "a b", "0"])
PATHS = st.sampled_from(
    ["$", "$.a", "$.a[0].b", "$.a[*]", "$$.Map.Item.Value", "$x", "$..a", "$.a[?(@.b)]", "nonsense", "States.UUID()"]
)
ERRORS = st.lists(st.sampled_from(["States.ALL", "States.Timeout", "Mine", ""]), min_size=1, max_size=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)
PAYLOADS = st.dictionaries(st.sampled_from(["a", "b.$", "c"]), PATHS | VALUES, max_size=3)
RULES = st.fixed_dictionaries(
    {"Variable": PATHS, "Next": NAMES},
    optional={"StringEquals": st.text(max_size=3), "NumericLessThan": st.integers(), "IsPresent": st.booleans()},
)


def states(machines: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {"Type": st.sampled_from(["Task", "Pass", "Choice", "Wait", "Succeed", "Fail", "Parallel", "Map", "Odd"])},
        optional={
            "Next": NAMES,
            "End": st.booleans(),
            "Default": NAMES,
            "Resource": st.text(max_size=8),
            "Result": VALUES,
            "Parameters": PAYLOADS,
            "ResultSelector": PAYLOADS,
            "InputPath": PATHS | st.none(),
            "OutputPath": PATHS,
            "ResultPath": PATHS | st.none(),
            "ItemsPath": PATHS,
            "Seconds": VALUES,
            "TimeoutSeconds": VALUES,
            "Choices": st.lists(RULES, min_size=1, max_size=2),
            "Retry": st.lists(
                st.fixed_dictionaries(
                    {"ErrorEquals": ERRORS}, optional={"MaxAttempts": st.integers(), "BackoffRate": st.floats(-1, 5)}
                ),
                max_size=2,
            ),
            "Catch": st.lists(
                st.fixed_dictionaries({"ErrorEquals": ERRORS, "Next": NAMES}, optional={"ResultPath": PATHS}),
                max_size=2,
            ),
            "Branches": st.lists(machines, min_size=1, max_size=2),
            "ItemProcessor": machines,
            "QueryLanguage": st.sampled_from(["JSONPath", "JSONata"]),
            "Assign": PAYLOADS,
            "Comment": VALUES,
        },
    )


def machine(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.builds(
        lambda found: {"StartAt": next(iter(found)), "States": found},
        st.dictionaries(NAMES, states(inner), min_size=1, max_size=3),
    )


MACHINES = machine(machine(st.just({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})))


def check(found: Imported) -> None:
    json.dumps(found.as_json())
    if not found.valid:
        refused = [each.message for each in found.conversion.entries if each.result == "refused"]
        assert refused or any(each.severity == "error" for _, each in found.diagnostics)


@given(MACHINES)
def test_any_state_machine_validates_or_is_reported(source: Any) -> None:
    check(imported("stepfunctions", source))


ALL = [
    *(("stepfunctions", case.source) for case in STEP_FUNCTIONS),
    *(("conductor", case.source) for case in CONDUCTOR),
    *(("open-workflow", case.source) for case in OPEN_WORKFLOW),
]


def places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        keys = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        found += [(part, key) for key in keys]
        waiting += [part[key] for key in keys]
    return found


@pytest.mark.parametrize("dialect", ["stepfunctions", "conductor", "open-workflow"])
@given(data=st.data())
def test_a_source_with_one_wrong_value_is_reported_and_never_fails(dialect: str, data: st.DataObject) -> None:
    sources = [source for name, source in ALL if name == dialect]
    source = json.loads(json.dumps(data.draw(st.sampled_from(sources))))
    holder, key = data.draw(st.sampled_from(places(source)))
    holder[key] = data.draw(VALUES)
    check(imported(dialect, source))
