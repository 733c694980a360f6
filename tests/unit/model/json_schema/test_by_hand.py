"""Schemas that no publication let in: from rows changed by hand, and from before a rule."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.model.json_schema.defaults import with_defaults
from airflow_workflow_provider.model.json_schema.patterns import PatternError, compile_pattern, stored_pattern
from airflow_workflow_provider.model.json_schema.secrets import secret_paths
from airflow_workflow_provider.model.json_schema.soundness import flaws
from airflow_workflow_provider.model.json_schema.validation import schema_findings

KEYWORDS = [
    *("type", "properties", "patternProperties", "additionalProperties", "unevaluatedProperties", "propertyNames"),
    *("items", "prefixItems", "unevaluatedItems", "contains", "minContains", "minItems", "uniqueItems"),
    *("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependentRequired"),
    *("$ref", "$dynamicRef", "$id", "$anchor", "$dynamicAnchor", "$defs", "$schema"),
    *("default", "enum", "const", "minimum", "exclusiveMinimum", "multipleOf", "minLength", "maxLength", "pattern"),
    *("format", "required", "minProperties", "maxProperties", "writeOnly"),
]
NONSENSE: list[Any] = [
    *(None, 7, -1, 1.5, True, "x", "[", [], ["x"], [7], [[]], {}, {"a": 7}, {"a": [7]}, {"a": {"type": 7}}),
    *({"[": {}}, {"$ref": 7}),
]
VALUES: list[Any] = [{"a": {"a": 1}}, [1, [2]], "x", 7, None, {}]


@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_keyword_with_a_value_that_no_keyword_has_is_a_finding_not_an_error(keyword: str) -> None:
    for value in NONSENSE:
        one = {keyword: value}
        for schema in (one, {"properties": {"a": one}}, {"allOf": [one], "items": one}):
            for given in VALUES:
                with_defaults(schema, given)
                assert isinstance(schema_findings(schema, given), list)
            secret_paths(schema)
            flaws(schema, 5)


@pytest.mark.parametrize("schema", [7, "x", ["x"], {"type": 7}, {"minimum": "x"}, {"properties": [1]}])
def test_the_finding_says_that_the_schema_cannot_be_used(schema: Any) -> None:
    (found,) = schema_findings(schema, 3 if "minimum" in str(schema) else {"a": 1})
    assert found["message"].startswith("the schema cannot be used: /")


@pytest.mark.parametrize(
    ("pattern", "fits", "fails"),
    [
        (r"^(?P<area>\d+)-(?P=area)$", "12-12", "12-13"),
        (r"\A[A-Z]+\Z", "ABC", "AbC"),
        (r"(?i)^yes$", "YES", "no"),
        (r"^(?i:y)es$", "Yes", "yES"),
        (r"^a#b\-c$", "a#b-c", "a#b"),
    ],
)
def test_a_stored_pattern_from_before_keeps_its_meaning_but_cannot_be_published(
    pattern: str, fits: str, fails: str
) -> None:
    assert stored_pattern(pattern).search(fits)
    assert not stored_pattern(pattern).search(fails)
    assert schema_findings({"pattern": pattern}, fits) == []
    assert schema_findings({"pattern": pattern}, fails) != []
    with pytest.raises(PatternError):
        compile_pattern(pattern)
    assert [flaw.path for flaw in flaws({"pattern": pattern}, 5)] == [("pattern",)]


def test_what_is_no_pattern_anywhere_stays_refused() -> None:
    for pattern in ("(", "[z-a]", "a{2,1}", "(?P<n", "((a{1000}){1000}){1000}"):
        with pytest.raises(PatternError):
            stored_pattern(pattern)


def test_a_stored_pattern_from_before_has_an_end_too() -> None:
    (found,) = schema_findings({"pattern": r"(?P<x>(?:a|aa)+)+\Z"}, "a" * 60 + "c")
    assert "too many steps" in found["message"]
