"""Values of an environment stand for placeholders in the texts of a document."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.environment import resolved, unresolved, values_of
from airflow_workflow_provider.model.validate import parse_definition, parse_task, validate_document, validate_task
from tests.support.documents import step, workflow

VALUES: dict[str, Any] = {
    "URL": "https://a.example/ü",
    "LIMIT": 500,
    "RATE": 0.25,
    "ON": True,
    "NOTHING": None,
    "LIST": ["a", {"b": 1}],
    "QUOTED": 'a "quoted" \\ text\n',
    "NESTED": "${env:URL}",
}


LONG = "a" * 101


def of(document: Any, values: dict[str, Any] | None = None) -> Any:
    return json.loads(resolved(json.dumps(document), VALUES if values is None else values))


@pytest.mark.parametrize("name", sorted(set(VALUES) - {"NESTED"}))
def test_a_text_that_is_a_placeholder_becomes_the_value(name: str) -> None:
    assert of({"a": [f"${{env:{name}}}"]}) == {"a": [VALUES[name]]}


def test_texts_numbers_and_booleans_stand_inside_a_text() -> None:
    text = "${env:URL}/${env:LIMIT}?r=${env:RATE}&on=${env:ON}&q=${env:QUOTED}"
    assert of(text) == 'https://a.example/ü/500?r=0.25&on=true&q=a "quoted" \\ text\n'


@pytest.mark.parametrize(
    "document",
    ["${env:OTHER}", "x ${env:LIST}", "x ${env:NOTHING}", {"${env:URL}": 1}, "${env:}", "${env:URL }", "$${env:NO}"],
)
def test_what_has_no_value_stays_and_is_found(document: Any) -> None:
    assert of(document) == document
    assert [each.code for each in unresolved(document)] == ["WF128"]


def test_a_value_is_not_read_for_placeholders() -> None:
    assert of("${env:NESTED}") == "${env:URL}"
    assert len(list(unresolved({"a": of("${env:NESTED}")}))) == 1


@pytest.mark.parametrize("text", ["${ENV:URL}", "$ {env:URL}", "{env:URL}", "${workflow.input.x}", "env:URL", "${x}"])
def test_other_texts_are_no_placeholders(text: str) -> None:
    assert of(text) == text
    assert list(unresolved(text)) == []


def test_the_layout_and_the_other_texts_stay() -> None:
    text = '{\n  "b" :\t"\\u00fc ${env:LIMIT}",\n  "a": [ "\\/", "${env:LIMIT}" ,1.50]}\n'
    assert resolved(text, VALUES) == '{\n  "b" :\t"ü 500",\n  "a": [ "\\/", 500 ,1.50]}\n'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(['"', "\\", "${env:A}", "a: ${env:B}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(document=JSON, value=st.text())
def test_only_texts_with_placeholders_change(document: Any, value: str) -> None:
    def expected(given: Any) -> Any:
        if isinstance(given, dict):
            return {key: expected(each) for key, each in given.items()}
        if isinstance(given, list):
            return [expected(each) for each in given]
        return given.replace("${env:A}", value) if isinstance(given, str) else given

    assert of(document, {"A": value}) == expected(document)


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "apiKey", "API_KEY", "client_secret", "Token", "a-b", "1A", "", "a" * 101]
)
def test_a_name_that_is_invalid_or_of_a_secret_is_refused(name: str) -> None:
    with pytest.raises(Misuse) as caught:
        values_of({"OK": 1, name: "x-1"}, "staging.env.json")
    assert caught.value.code == "bad-environment"
    assert caught.value.pointer == f"staging.env.json#/{name}"
    assert "x-1" not in caught.value.message


@pytest.mark.parametrize("document", [[], "a", None, {f"A{number}": 1 for number in range(1001)}])
def test_an_environment_is_an_object_of_some_values(document: Any) -> None:
    with pytest.raises(Misuse, match=r"at most 1,000 values"):
        values_of(document, "staging.env.json")


def test_a_placeholder_is_an_error_in_its_place_and_not_also_of_the_wrong_type() -> None:
    found = validate_document(workflow(step("a", timeout="${env:N}", arguments={"u": "${env:U}/x"}))).diagnostics
    assert sorted((each.code, each.pointer) for each in found if each.severity == "error") == [
        ("WF128", "/steps/0/arguments/u"),
        ("WF128", "/steps/0/timeout"),
    ]
    task = {"taskId": "t", "name": "T", "operator": "noop", "description": "${env:U}"}
    assert [each.code for each in validate_task(task).diagnostics if each.severity == "error"] == ["WF128"]


def test_what_was_stored_before_is_still_read() -> None:
    """A document that was published when this text meant nothing still runs, as it is."""
    arguments = {"u": "${env:U}"}
    definition = parse_definition(workflow(step("a", "set", arguments=arguments)), checked=False)
    assert definition.steps[0].arguments == arguments
    task = parse_task({"taskId": "t", "name": "T", "operator": "set", "arguments": arguments}, checked=False)
    assert task.arguments == arguments
