"""A run's conf carries long integers exactly, though Airflow's protocol has 64 bits (rules X2, X3)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.instances.run_conf import (
    ABOUT,
    INTEGERS,
    about_of,
    check_carried,
    conf_of,
    has_long_integers,
    input_of,
    transportable,
)

EDGES = [2**63, -(2**63), -(2**63) - 1, 2**64 - 1, 2**64, 10**300 - 1, 1e300, -1.5e20, -0.0, 2.0**64, 1]
NUMBER = st.sampled_from(EDGES) | st.integers()
VALUE = st.recursive(
    NUMBER | st.just("1") | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "a/b", "~", "", "0"]), inner),
    max_leaves=4,
)
INPUT = st.dictionaries(st.sampled_from(["x", "y/z", "0", "~1"]), VALUE, max_size=3)


def same(left: Any, right: Any) -> bool:
    """Whether two values are one text: 1 and 1.0 are not."""
    return json.dumps(left) == json.dumps(right)


def as_jsonb(value: Any) -> Any:
    """A value as PostgreSQL gives it back: a double without a fraction is an integer."""
    if isinstance(value, float) and value.is_integer() and abs(value) > 2**53:
        return int(value)
    if isinstance(value, dict):
        return {key: as_jsonb(part) for key, part in value.items()}
    return [as_jsonb(part) for part in value] if isinstance(value, list) else value


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(INPUT, st.sampled_from([{}, {"start": "token"}]))
def test_x3_what_goes_in_comes_out_through_airflows_protocol(data: dict[str, Any], about: dict[str, Any]) -> None:
    conf = conf_of(data, about)
    carried = msgspec.msgpack.decode(msgspec.msgpack.encode(as_jsonb(conf)))
    assert same(input_of(carried), data)
    assert about_of(carried) == about


def test_x3_an_input_without_long_integers_is_its_own_conf() -> None:
    data = {"a": [2**64 - 1, -(2**63), 1.5, True], "b": {"c": None}}
    assert same(conf_of(data, {}), data)


def test_x3_as_deep_as_data_may_be() -> None:
    data: dict[str, Any] = {"n": 2**64}
    for _ in range(190):
        data = {"in": [data]} if len(str(data)) % 2 else {"in": data}
    assert input_of(conf_of(data, {})) == data


@pytest.mark.parametrize(
    "digits", ["7", "x", "١٨", 7, None, "9" * 5000, "1e999", "-1e+20", str(-(2**64)), "1_0", "nan"]
)
def test_e4_digits_of_another_number_do_not_count(digits: Any) -> None:
    conf = {"n": 2**64 - 1, ABOUT: {INTEGERS: {"/n": digits, "/m": str(2**64)}}}
    assert same(input_of(conf), {"n": 2**64 - 1})


@pytest.mark.parametrize("about", [None, [], "x", {INTEGERS: []}, {INTEGERS: "x"}])
def test_e4_what_users_write_there_does_no_harm(about: Any) -> None:
    assert input_of({"n": 1.5, ABOUT: about}) == {"n": 1.5}
    assert about_of({ABOUT: about}) == {}


def test_e4_a_conf_that_airflow_cannot_carry_is_a_validation_error_with_the_place() -> None:
    with pytest.raises(StepFailure) as caught:
        check_carried({"a": [1, {"b": -(2**63) - 1}], ABOUT: {"x": 2**70}})
    assert caught.value.error_type == "ValidationError"
    assert caught.value.details is not None
    assert [each["pointer"] for each in caught.value.details["errors"]] == ["/a/1/b"]


def test_x5_what_airflow_shows_of_an_output_has_long_integers_as_text() -> None:
    output = {"n": 2**64, "list": [2**64 - 1]}
    assert has_long_integers(output)
    assert not has_long_integers(output["list"])
    assert transportable(output) == {"n": str(2**64), "list": [2**64 - 1]}
    assert output["n"] == 2**64
