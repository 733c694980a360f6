"""JSON for PostgreSQL: what cannot be stored, and when two documents are the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_workflow_provider.model.digests import digest
from airflow_workflow_provider.model.json_text import value_findings
from airflow_workflow_provider.store.jsontext import clean, dumps, loads

texts = st.text(st.characters(codec=None) | st.sampled_from("\x00\\u0\ud800\udc00é"))
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\x00\x00", "\ufffd\ufffd"),
        ("\\u0000", "\\u0000"),  # six characters, no NUL
        ("\\\x00", "\\\ufffd"),
        ("\\\\u0000\x00", "\\\\u0000\ufffd"),
        ("\ud83d\ude00", "\ufffd\ufffd"),  # two halves that never were one character
        ("\U0001f600 é", "\U0001f600 é"),
    ],
)
def test_what_postgresql_cannot_store_becomes_the_replacement_character(text: str, stored: str) -> None:
    assert json.loads(dumps({text: [text]})) == {stored: [stored]}
    assert clean(text) == stored


@given(documents)
def test_dumps_changes_nothing_else(document: object) -> None:
    stored = json.loads(dumps(document).encode())
    assert not value_findings(stored)
    if not value_findings(document):
        assert stored == document


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [float("-inf")]}])
def test_numbers_that_json_does_not_have_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(value)


def test_numbers_that_somebody_wrote_manually_can_be_read() -> None:
    long, large = "7" * 5000, "1" + "0" * 400 + ".5"
    read = loads(f'{{"long": {long}, "large": {large}, "small": 12, "double": 0.5}}')
    assert read == {"long": long, "large": large, "small": 12, "double": 0.5}
    assert json.loads(dumps(read)) == read


def test_d4_the_same_content_has_the_same_digest_however_it_is_written() -> None:
    one = {"a": 1, "b": [1e22, 0.1, True, None, "é"], "$schema": "./workflow.schema.json"}
    other = json.loads('{"b": [10000000000000000000000, 1e-1, true, null, "\\u00e9"], "a": 1.0}')
    assert digest(one) == digest(other)
    assert digest(one) != digest({**one, "a": True})
    assert digest(one) != digest({**one, "b": one["b"][::-1]})
    assert digest({"a": {"$schema": 1}}) != digest({"a": {}})
