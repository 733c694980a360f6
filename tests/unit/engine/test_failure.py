"""Failures: error objects and what matches them (rules F1, F4, P2)."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_workflow_provider.engine.failure import (
    BUILT_IN_TYPES,
    MAX_DETAILS,
    Failure,
    delay_of,
    later,
    moment,
    next_delay,
    timestamp,
)
from airflow_workflow_provider.errors import StepFailure, TaskError
from airflow_workflow_provider.model.definition import RetryPolicy
from airflow_workflow_provider.vocabulary import ErrorType


class PaymentDeclined(TaskError):
    pass


class CardDeclined(PaymentDeclined):
    pass


class SlowAnswer(TimeoutError):
    pass


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def rng(seed: int = 1) -> random.Random:
    return random.Random(seed)  # noqa: S311 - jitter is no secret


def policy(**fields: Any) -> RetryPolicy:
    return RetryPolicy(**fields)


def failure_of(*causes: Failure) -> Failure:
    return Failure(ErrorType.BRANCH_FAILED, "1 of 2 branches failed", causes=causes)


def test_f1_the_error_object_has_the_seven_fields() -> None:
    failure = Failure.named("PaymentDeclined", "no", code="E42", details={"a": 1})

    assert failure.error_object("pay", 2, "2026-01-01T00:00:00.000000Z") == {
        "type": "PaymentDeclined",
        "code": "E42",
        "message": "no",
        "stepId": "pay",
        "attempt": 2,
        "details": {"a": 1},
        "at": "2026-01-01T00:00:00.000000Z",
    }


@pytest.mark.parametrize(
    ("raised", "type_"),
    [
        (KeyError("x"), "KeyError"),
        (PaymentDeclined("x"), "PaymentDeclined"),
        (TaskError("x", type="NoStock"), "NoStock"),
        (TaskError("x"), "TaskError"),
        (TimeoutError("x"), "TimeoutError"),
        (SlowAnswer("x"), "SlowAnswer"),
    ],
)
def test_f1_the_type_is_the_tasks_own_else_the_name_of_the_class(raised: Exception, type_: str) -> None:
    assert Failure.from_exception(raised).type == type_


@pytest.mark.parametrize(
    ("raised", "matching", "not_matching"),
    [
        (KeyError("x"), ["KeyError", "LookupError", "Exception", "TaskError", "*"], ["ValueError", "keyerror"]),
        (SlowAnswer("x"), ["SlowAnswer", "TimeoutError", "OSError", "TaskError"], ["ValidationError"]),
        (TimeoutError("x"), ["TimeoutError", "OSError", "Exception", "TaskError", "*"], ["ValueError"]),
        (CardDeclined("x"), ["CardDeclined", "PaymentDeclined", "TaskError", "Exception"], ["NoStock"]),
        (PaymentDeclined("x", type="NoStock"), ["NoStock", "PaymentDeclined", "TaskError"], ["CardDeclined"]),
        (TaskError("x", type="ConnectionError"), ["ConnectionError", "OSError", "TaskError"], ["TimeoutError"]),
        (TaskError("x", type="ValidationError"), ["ValidationError", "TaskError", "*"], ["ValueError"]),
        (StepFailure("x", type="ExpressionError"), ["ExpressionError", "*"], ["TaskError", "Exception"]),
        (StepFailure("x", type="FileNotFoundError"), ["FileNotFoundError", "OSError", "Exception"], ["ValueError"]),
        (StepFailure("x", type="Nobody"), ["Nobody", "TaskError", "*"], ["Exception"]),
    ],
)
def test_f1_a_match_looks_along_the_classes(raised: Exception, matching: list[str], not_matching: list[str]) -> None:
    failure = Failure.from_exception(raised)

    assert [name for name in matching if not failure.matches_type(name)] == []
    assert [name for name in not_matching if failure.matches_type(name)] == []


@pytest.mark.parametrize("name", sorted(BUILT_IN_TYPES))
def test_f1_a_built_in_type_matches_by_its_own_name_only(name: str) -> None:
    failure = Failure.named(name, "x")

    assert failure.matches_type(name)
    assert failure.matches_type("*") is (name != "Cancelled")
    assert not any(failure.matches_type(other) for other in ("TaskError", "Exception", "OSError", "BaseException"))


@pytest.mark.parametrize(
    ("error_type", "error_code", "matches"),
    [
        ("A", None, True),
        ("A", "1", True),
        ("A", "2", False),
        ("B", "1", False),
        (None, "1", True),
        (None, "*", True),
        ("*", "*", True),
        ("B", "*", False),
    ],
)
def test_f4_fields_that_are_present_must_match_together(
    error_type: str | None, error_code: str | None, matches: bool
) -> None:
    assert Failure.named("A", "x", code="1").matches(error_type, error_code) is matches


def test_f4_any_code_also_matches_no_code() -> None:
    failure = Failure.named("A", "x")

    assert failure.matches("A", "*")
    assert failure.matches(None, "*")
    assert not failure.matches(None, "1")


def test_p2_a_branch_failure_matches_by_its_causes_at_any_depth() -> None:
    failure = failure_of(Failure.named("A", "x", code="1"), failure_of(Failure.named("B", "x", code="2")))

    assert failure.matches("BranchFailed", None)
    assert failure.matches("A", "1")
    assert failure.matches("B", "2")
    assert failure.matches(None, "2")


def test_p2_type_and_code_must_belong_to_the_same_cause() -> None:
    failure = failure_of(Failure.named("A", "x", code="1"), Failure.named("B", "x", code="2"))

    assert not failure.matches("A", "2")
    assert not failure.matches("BranchFailed", "1")


def test_a_failure_survives_storage() -> None:
    failure = failure_of(Failure.from_exception(CardDeclined("x", code="E1", details={"a": [1]})))

    assert Failure.from_json(json.loads(json.dumps(failure.to_json()))) == failure


@pytest.mark.parametrize(
    "raised",
    [
        TaskError("nul \x00 and half a pair \ud800", code="\x00", details={"\x00": "\udfff", "o": object()}),
        TaskError("x", details={"nan": float("nan"), "inf": float("inf"), "set": {1}, "deep": [[[[]]]]}),
        TaskError("x", code=42, details=["no", "object"]),
        TaskError("x", details={"o": Unprintable()}),
        ValueError("\x00\ud800"),
        Unprintable(),
        TaskError("x" * 100_000, type="y" * 100_000, details={"z": "z" * 1_000_000}),
    ],
)
def test_f1_whatever_a_task_raises_becomes_bounded_json_that_postgres_takes(raised: Exception) -> None:
    text = json.dumps(Failure.from_exception(raised).error_object("s", 1, "now"), ensure_ascii=False, allow_nan=False)

    assert "\x00" not in text
    assert "\\u0000" not in text
    assert len(text.encode()) < MAX_DETAILS + 10_000


def test_f1_details_that_refer_to_themselves_are_no_trap() -> None:
    details: dict[str, Any] = {}
    details["self"] = details

    json.dumps(Failure.from_exception(TaskError("x", details=details)).details)


# Retry (F2)


def delays(policies: tuple[RetryPolicy, ...], types: list[str]) -> list[float | None]:
    counts = [0] * len(policies)
    found = [next_delay(policies, Failure.named(name, "x"), counts, rng()) for name in types]
    return [None if delay is None else delay.total_seconds() for delay in found]


def test_f2_max_attempts_counts_all_attempts_the_first_included() -> None:
    assert delays((policy(max_attempts=3, delay="PT5S"),), ["A", "A", "A"]) == [5, 5, None]
    assert delays((policy(),), ["A"]) == [None]
    assert delays((), ["A"]) == [None]


def test_f2_exponential_doubles_the_delay_up_to_the_cap() -> None:
    given = policy(max_attempts=9, delay="PT5S", strategy="exponential", max_delay="PT1M")

    assert delays((given,), ["A"] * 6) == [5, 10, 20, 40, 60, 60]


def test_f2_the_multiplier_replaces_the_two() -> None:
    assert delays((policy(max_attempts=9, delay="PT1S", strategy="exponential", multiplier=3.0),), ["A"] * 3) == [
        1,
        3,
        9,
    ]


def test_f2_linear_adds_the_delay_each_time_up_to_the_cap() -> None:
    given = policy(max_attempts=9, delay="PT5S", strategy="linear", max_delay="PT18S", multiplier=3.0)

    assert delays((given,), ["A"] * 5) == [5, 10, 15, 18, 18]


def test_f2_linear_counts_only_what_the_policy_matched() -> None:
    policies = (policy(max_attempts=9, delay="PT1S", strategy="linear", retry_on=("A",)), policy(max_attempts=9))

    assert delays(policies, ["A", "B", "A", "B", "A"]) == [1, 0, 2, 0, 3]


def test_f2_fixed_ignores_the_multiplier() -> None:
    assert delays((policy(max_attempts=9, delay="PT1S", multiplier=3.0),), ["A"] * 3) == [1, 1, 1]


def test_f2_jitter_stays_in_its_band_and_uses_all_of_it() -> None:
    given = policy(max_attempts=2, delay="PT100S", jitter=0.2)
    found = [delay_of(given, 1, rng(seed)).total_seconds() for seed in range(200)]

    assert min(found) >= 80
    assert max(found) <= 120
    assert min(found) < 85
    assert max(found) > 115


def test_f2_a_runaway_exponent_has_an_end() -> None:
    given = policy(max_attempts=1_000_000, delay="P1D", strategy="exponential", multiplier=1000.0)
    endless = policy(max_attempts=9, delay="P999999999D", max_delay="P999999999D", jitter=1.0)

    linear = policy(max_attempts=1_000_000, delay="P999999999D", strategy="linear")

    assert delay_of(given, 999_999, rng()) == timedelta(days=365)
    assert delay_of(linear, 999_999, rng()) == timedelta(days=365)
    assert later(datetime(2026, 1, 1, tzinfo=UTC), delay_of(endless, 9, rng())).year == 9999


def test_f2_retry_on_and_do_not_retry_on_the_second_wins() -> None:
    given = policy(max_attempts=3, retry_on=("OSError",), do_not_retry_on=("FileNotFoundError",))

    assert delays((given,), ["ConnectionError"]) == [0]
    assert delays((given,), ["FileNotFoundError"]) == [None]
    assert delays((given,), ["ValueError"]) == [None]


def test_f2_the_first_policy_that_matches_applies_and_counts_only_what_it_matched() -> None:
    policies = (
        policy(max_attempts=3, delay="PT1S", strategy="exponential", retry_on=("A",)),
        policy(max_attempts=2, delay="PT7S", retry_on=("*",)),
    )

    assert delays(policies, ["A", "B", "A", "A"]) == [1, 7, 2, None]
    assert delays(policies, ["B", "B"]) == [7, None]
    assert delays(policies, ["A", "A", "A"]) == [1, 2, None]


def test_f2_a_policy_that_is_used_up_is_not_replaced_by_a_later_one() -> None:
    policies = (policy(max_attempts=1, retry_on=("A",)), policy(max_attempts=9))

    assert delays(policies, ["A"]) == [None]


def test_f2_no_policy_matches() -> None:
    assert delays((policy(max_attempts=3, retry_on=("A",)),), ["B"]) == [None]


@pytest.mark.parametrize(
    "failure",
    [
        Failure.named("ValidationError", "x"),
        failure_of(Failure.named("ValidationError", "x")),
        failure_of(Failure.named("ValidationError", "x"), failure_of(Failure.named("ValidationError", "x"))),
    ],
)
def test_f2_a_validation_error_is_never_retried(failure: Failure) -> None:
    policies = (policy(max_attempts=3, retry_on=("ValidationError", "*")),)

    assert next_delay(policies, failure, [0], rng()) is None


def test_f2_a_region_is_retried_when_one_cause_is_no_validation_error() -> None:
    failure = failure_of(Failure.named("ValidationError", "x"), Failure.named("A", "x"))

    assert next_delay((policy(max_attempts=3),), failure, [0], rng()) == timedelta(0)


def test_p2_retry_on_matches_causes() -> None:
    failure = failure_of(Failure.named("A", "x"))

    assert next_delay((policy(max_attempts=3, retry_on=("A",)),), failure, [0], rng()) is not None
    assert next_delay((policy(max_attempts=3, do_not_retry_on=("A",)),), failure, [0], rng()) is None


# Moments


def test_moments_are_written_in_utc_whatever_their_zone() -> None:
    noon = datetime(2026, 1, 31, 12, 0, tzinfo=timezone(timedelta(hours=1)))

    assert timestamp(noon) == "2026-01-31T11:00:00.000000Z"
    assert moment(timestamp(noon)) == noon


def test_a_moment_past_the_end_of_the_calendar_is_its_end() -> None:
    assert moment(timestamp(later(datetime(2026, 1, 1, tzinfo=UTC), timedelta.max))).year == 9999


def own(name: str, *bases: type[BaseException]) -> type[BaseException]:
    """Return an exception class of a task's own."""
    return type(name, bases or (Exception,), {})


@pytest.mark.parametrize("name", sorted(BUILT_IN_TYPES))
@pytest.mark.parametrize("base", [ValueError, TaskError])
def test_f1_a_class_of_a_task_is_a_task_error_whatever_it_is_called(name: str, base: type[BaseException]) -> None:
    raised = own(name, base)("x")
    policies = [policy(max_attempts=2, retry_on=[name])]

    for failure in (Failure.from_exception(raised), Failure.from_json(Failure.from_exception(raised).to_json())):
        assert failure.type == name
        assert all(failure.matches_type(each) for each in (name, "TaskError", "Exception", "*"))
        assert failure.matches_type("ValueError") is (base is ValueError)
        assert next_delay(policies, failure, [0], rng()) == timedelta()
        assert next_delay([policy(max_attempts=2)], failure_of(failure), [0], rng()) == timedelta()


@pytest.mark.parametrize("name", sorted(BUILT_IN_TYPES))
def test_f1_a_subclass_of_such_a_class_matches_it(name: str) -> None:
    failure = Failure.from_exception(own("Narrower", own(name))("x"))

    assert all(failure.matches_type(each) for each in ("Narrower", name, "TaskError", "*"))
    assert not failure.is_invalid_input


@pytest.mark.parametrize("name", sorted(BUILT_IN_TYPES))
def test_f1_without_a_class_the_name_stands_for_the_engine_s(name: str) -> None:
    for failure in (Failure.named(name, "x"), Failure.from_exception(StepFailure("x", type=name))):
        assert failure.matches_type(name)
        assert not failure.matches_type("TaskError")
        assert failure.is_invalid_input is (name == "ValidationError")


def test_f1_what_was_stored_before_keeps_its_meaning() -> None:
    engine, task = Failure.named("ValidationError", "x").to_json(), Failure.from_exception(KeyError("x")).to_json()
    for stored in (engine, task):
        del stored["raised"]

    assert Failure.from_json(engine).is_invalid_input
    assert Failure.from_json(task).matches_type("TaskError")


@pytest.mark.parametrize("strategy", ["fixed", "linear", "exponential"])
@pytest.mark.parametrize("jitter", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("longest", ["PT0S", "PT3S", "PT7S", "PT40S"])
def test_f2_no_delay_is_longer_than_max_delay(strategy: str, jitter: float, longest: str) -> None:
    given = policy(max_attempts=9, delay="PT7S", strategy=strategy, jitter=jitter, max_delay=longest)
    delays = [delay_of(given, count, rng(seed)) for count in range(1, 9) for seed in range(40)]
    limit = timedelta(seconds=int(longest[2:-1]))

    assert max(delays) <= limit
    assert limit == timedelta() or min(delays) < limit


def test_f2_without_max_delay_jitter_goes_both_ways() -> None:
    delays = [delay_of(policy(max_attempts=9, delay="PT7S", jitter=0.5), 1, rng(seed)) for seed in range(60)]

    assert min(delays) < timedelta(seconds=5) < timedelta(seconds=9) < max(delays) <= timedelta(seconds=10.5)


def error(type_: str, **details: Any) -> dict[str, Any]:
    return Failure(type_, "x", details=details).error_object("s", 1, "2026-01-01T00:00:00.000000Z")


def test_f4_the_error_that_is_handled_is_kept_beside_details_of_its_own() -> None:
    failure = Failure("MailDown", "x", details={"line": 3, "cause": "quota"})

    assert failure.while_handling(None) is failure
    assert failure.while_handling(error("NoCarrier", zone="north")).details == {
        "line": 3,
        "ownCause": "quota",
        "cause": error("NoCarrier", zone="north"),
    }


def test_f4_a_chain_of_causes_stays_small() -> None:
    handled = error("First")
    for number in range(100):
        failure = Failure("Again", "x", details={"n": number, "blob": "y" * MAX_DETAILS}).while_handling(handled)
        handled = failure.error_object("s", 1, "2026-01-01T00:00:00.000000Z")

    found, cause = [], handled["details"].get("cause")
    while cause is not None:
        found.append(cause["details"].get("omitted"))
        cause = cause["details"].get("cause")
    assert found == [f"the details are larger than {MAX_DETAILS:,} bytes"] * 10
