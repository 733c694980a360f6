from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.flow import Flow, targets, workflow_targets
from airflow_workflow_provider.model.validate import parse_definition
from tests.support.documents import step, workflow


def _to(*names: str) -> list[dict[str, str]]:
    """Conditional transitions to all names but the last."""
    return [{"nextStepId": name, "condition": "data.x"} for name in names[:-1]] + [{"nextStepId": names[-1]}]


def _flow(*steps: dict[str, Any], **more: Any) -> Flow:
    definition = parse_definition(workflow(*steps, **more), checked=False)
    return Flow.of(definition.steps, named_before=workflow_targets(definition))


def test_t1_the_first_step_is_the_entry() -> None:
    assert _flow(step("a"), step("b")).entry == "a"
    assert Flow.of(()).entry is None


def test_t2_without_next_the_following_step_comes_next() -> None:
    flow = _flow(step("a"), step("b"), step("c"))

    assert [flow.default_next(name) for name in "abc"] == ["b", "c", None]
    assert [flow.successors(name) for name in "abc"] == [("b",), ("c",), ()]


def test_t2_a_choice_ends_after_each_of_its_targets() -> None:
    flow = _flow(step("check", next=_to("approve", "auto")), step("approve"), step("auto"))

    assert flow.successors("check") == ("approve", "auto")
    assert flow.default_next("approve") is None
    assert flow.default_next("auto") is None


def test_t2_a_success_does_not_run_into_its_own_error_handler() -> None:
    handler = {"errorHandler": {"conditions": [{"errorType": "*", "nextStepId": "refund"}]}}
    flow = _flow(step("charge", onFailure=handler), step("refund"))

    assert flow.successors("charge") == ()
    assert flow.handlers("charge") == ("refund",)


def test_t2_a_step_that_only_a_later_one_goes_back_to_is_reached_in_order() -> None:
    flow = _flow(step("a"), step("b"), step("c", next=_to("b", "end")))

    assert flow.default_next("a") == "b"


def test_t2_targets_of_the_workflow_count_as_named_before_the_list() -> None:
    flow = _flow(step("a"), step("clean"), onFailure={"nextStepId": "clean"})

    assert flow.default_next("a") is None


def test_t2_an_empty_next_ends_the_path() -> None:
    assert _flow(step("a", next=[]), step("b")).successors("a") == ()


def test_t4_end_and_fail_are_no_steps() -> None:
    flow = _flow(step("a", next=_to("end", "fail", "b", "b")), step("b"))

    assert flow.successors("a") == ("b",)


@pytest.mark.parametrize(("action", "named"), [("continue", ("b",)), ("stop", ()), ("retry", ())])
def test_f4_next_step_id_counts_with_continue_only(action: str, named: tuple[str, ...]) -> None:
    definition = parse_definition(
        workflow(step("a", onFailure={"action": action, "nextStepId": "b"}), step("b")), checked=False
    )

    assert targets(definition.steps[0]) == named


def test_f4_continue_without_a_step_goes_the_normal_way() -> None:
    flow = _flow(step("a", onFailure={"action": "continue"}), step("b"))

    assert flow.handlers("a") == ("b",)


def test_f7_the_workflows_next_step_id_counts_with_every_action() -> None:
    definition = parse_definition(workflow(step("a"), onFailure={"action": "stop", "nextStepId": "a"}), checked=False)

    assert workflow_targets(definition) == ("a",)
