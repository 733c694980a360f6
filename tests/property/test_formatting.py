"""A formatted document means the same, and formatting it again changes nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.model.formatting import formatted
from airflow_workflow_provider.model.json_text import loads_document

EXAMPLES = Path(__file__).parents[2] / "examples"
FILES = sorted(file.relative_to(EXAMPLES).as_posix() for file in EXAMPLES.rglob("*.json") if file.name.count(".") == 1)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
KEYS = st.sampled_from(["stepId", "taskId", "next", "nextStepId", "condition", "steps", "forEach", "x", "onFailure"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | TEXTS, inner, max_size=5),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["workflowId", "taskId", "name", "version", "steps", "settings", "triggers", "arguments"]) | TEXTS,
    VALUES,
)


def ordered(value: Any) -> Any:
    """Return a value in which the order of keys counts."""
    if isinstance(value, dict):
        return [[key, ordered(each)] for key, each in value.items()]
    return [ordered(each) for each in value] if isinstance(value, list) else value


@given(DOCUMENTS)
def test_whatever_a_document_says_its_meaning_stays_and_formatting_is_idempotent(document: dict[str, Any]) -> None:
    text = formatted(document)

    read = loads_document(text)
    assert read == document
    assert digest(read) == digest(document)
    assert formatted(read) == text


@pytest.mark.parametrize("name", FILES)
def test_examples_keep_what_their_authors_define_in_its_order(name: str) -> None:
    document = json.loads((EXAMPLES / name).read_text(encoding="utf-8"))

    read = loads_document(formatted(document))

    assert read == document
    assert ordered(read.get("inputSchema")) == ordered(document.get("inputSchema"))
    steps = document.get("steps", [])
    assert [ordered(each.get("arguments")) for each in read.get("steps", [])] == [
        ordered(each.get("arguments")) for each in steps
    ]


def test_keys_are_in_the_order_of_the_format_and_short_values_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "w.json"
    document = {
        "steps": [{"next": [{"condition": "true", "nextStepId": "end"}], "taskId": "noop", "stepId": "a"}],
        "unknown": {"b": 1, "a": 2},
        "version": "1.0.0",
        "workflowId": "w",
        "$schema": "s",
    }
    file.write_text(json.dumps(document), encoding="utf-8")

    assert main(["fmt", "--check", str(tmp_path)]) == 1
    assert json.loads(file.read_text(encoding="utf-8")) == document
    assert main(["fmt", str(tmp_path)]) == 0
    assert main(["fmt", "--check", str(tmp_path)]) == 0

    capsys.readouterr()
    assert (
        file.read_text(encoding="utf-8")
        == """\
{
  "$schema": "s",
  "workflowId": "w",
  "version": "1.0.0",
  "steps": [{"stepId": "a", "taskId": "noop", "next": [{"nextStepId": "end", "condition": "true"}]}],
  "unknown": {"b": 1, "a": 2}
}
"""
    )


@pytest.mark.parametrize(
    "text", ["{", '{"workflowId": "w", "workflowId": "v"}', "[]", '{"a": 1}', '{"taskId": "\\ud800"}']
)
def test_what_is_no_document_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "w.json"
    file.write_text(text, encoding="utf-8")

    assert main(["fmt", str(tmp_path)]) == 1
    assert file.read_text(encoding="utf-8") == text


def test_what_has_exactly_one_fix_is_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "w.json"
    document = {
        "workflowId": "w",
        "name": "W",
        "version": "1.0.0",
        "stesp": [
            {"stepId": "first", "taskId": "nopo", "next": [{"nextStepId": "reviewOrdr", "conditon": "true"}]},
            {
                "stepId": "reviewOrder",
                "taskId": "noop",
                "next": [{"nextStepId": "x"}],
                "onFailure": {"action": "contniue"},
            },
        ],
    }
    file.write_text(json.dumps(document), encoding="utf-8")

    assert main(["validate", str(file), "--fix"]) == 1

    first, second = json.loads(file.read_text(encoding="utf-8"))["steps"]
    assert first == {
        "stepId": "first",
        "taskId": "noop",
        "next": [{"nextStepId": "reviewOrder", "condition": "true"}],
    }
    assert second["onFailure"] == {"action": "continue"}
    assert second["next"] == [{"nextStepId": "x"}], "what may be meant in several ways is left to the author"
    captured = capsys.readouterr()
    assert captured.err.count("fixed ") == 5
    assert "WF201" in captured.out
    assert main(["validate", "-", "--fix"]) == 2


def test_a_key_is_not_renamed_to_one_that_is_there(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    step = {"stepId": "a", "taskId": "noop"}
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": [step], "stesp": []}
    file.write_text(json.dumps(document), encoding="utf-8")

    assert main(["validate", str(file), "--fix"]) == 1

    assert json.loads(file.read_text(encoding="utf-8")) == document


def test_of_two_keys_that_are_meant_to_be_one_none_is_renamed(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    step = {"stepId": "a", "taskIdd": "noop", "taskID": "set"}
    document = {"workflowId": "w", "name": "W", "version": "1.0.0", "steps": [step], "ouptut": None, "stesp": []}
    file.write_text(json.dumps({**document, "versoin": "2.0.0"}), encoding="utf-8")

    assert main(["validate", str(file), "--fix"]) == 1

    fixed = json.loads(file.read_text(encoding="utf-8"))
    assert fixed["steps"] == [step]
    assert "output" in fixed, "another finding is fixed all the same"
