"""Rule L4: what a definition calls secret is masked wherever it turns up."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.masking import MASK, Masker, secret_paths
from airflow_workflow_provider.model.definition import WorkflowDefinition


def masker(input_data: dict[str, Any], **more: Any) -> Masker:
    document = {
        "workflowId": "w",
        "name": "w",
        "version": "1.0.0",
        "steps": [{"stepId": "a", "taskId": "noop"}],
        **more,
    }
    return Masker(WorkflowDefinition.model_validate(document), input_data)


@pytest.mark.parametrize(
    "path",
    ["input.card.number", "card.number", "data.card.number", "output.card.number", "steps.pay.output.card.number"],
)
def test_l4_redact_masks_the_path_in_every_document(path: str) -> None:
    row = {"input": {"card": {"number": 4111, "brand": "visa"}}, "output": {"card": {"number": [1, 2]}}}
    found = masker({}, executionLog={"redact": [path]}).mask(row)
    assert found == {"input": {"card": {"number": MASK, "brand": "visa"}}, "output": {"card": {"number": MASK}}}


def test_l4_redact_reaches_into_arrays() -> None:
    found = masker({}, executionLog={"redact": ["cards.number"]}).mask({"input": {"cards": [{"number": 1}, {"n": 2}]}})
    assert found == {"input": {"cards": [{"number": MASK}, {"n": 2}]}}


@pytest.mark.parametrize("secret", [{"writeOnly": True}, {"format": "password"}])
def test_l4_secrets_of_the_input_schema_are_masked_wherever_their_text_turns_up(secret: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"login": {"properties": {"word": {"type": "string", **secret}}}}}
    given = {"login": {"word": "hunter22"}}
    row = {"input": given, "error": {"message": "login with hunter22 failed"}, "output": {"echo": ["hunter22"]}}
    assert masker(given, inputSchema=schema).mask(row) == {
        "input": {"login": {"word": MASK}},
        "error": {"message": f"login with {MASK} failed"},
        "output": {"echo": [MASK]},
    }


def test_l4_a_short_secret_is_masked_at_its_path_only() -> None:
    schema = {"properties": {"pin": {"type": "string", "writeOnly": True}}}
    found = masker({"pin": "12"}, inputSchema=schema).mask({"input": {"pin": "12"}, "output": {"total": "12"}})
    assert found == {"input": {"pin": MASK}, "output": {"total": "12"}}


def test_l4_the_original_is_left_alone() -> None:
    row = {"input": {"a": "x"}}
    masker({}, executionLog={"redact": ["a"]}).mask(row)
    assert row == {"input": {"a": "x"}}


def test_l4_secret_paths_follow_references_and_alternatives_and_end() -> None:
    schema: dict[str, Any] = {
        "$defs": {"Account": {"properties": {"key": {"writeOnly": True}, "child": {"$ref": "#/$defs/Account"}}}},
        "properties": {"main": {"$ref": "#/$defs/Account"}},
        "oneOf": [{"properties": {"token": {"format": "password"}}}],
    }
    found = set(secret_paths(schema))
    assert {("main", "key"), ("main", "child", "key"), ("token",)} <= found
