"""Hiding secrets takes no longer than reading them, however many there are and however they are named (rule L4)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_workflow_provider.engine.masking import Masker, filled
from airflow_workflow_provider.engine.secret_texts import LONGEST_SECRET, MASK
from airflow_workflow_provider.model.paths import MAX_REDACTED
from airflow_workflow_provider.model.validate import parse_definition, validate_document
from airflow_workflow_provider.store.journal import metadata_of

Json = dict[str, Any]

SECONDS = 8.0
"""Of processor time, on a slow machine; each of these took minutes, or had no end."""

ALL = {"properties": {"a": {"writeOnly": True}}}


def document(schema: Json | None = None, redact: list[str] | None = None) -> Json:
    return {
        "workflowId": "w",
        "name": "W",
        "version": "1.0.0",
        "steps": [{"stepId": "s", "taskId": "noop"}],
        "inputSchema": schema or {},
        "executionLog": {"redact": redact or []},
    }


def masker(given: Json, schema: Json | None = None, redact: list[str] | None = None, **more: Any) -> Masker:
    return Masker(parse_definition(document(schema, redact), checked=False), given, **more)


def nested(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


WORDS = [f"a text of some words that is longer than one that was cut {number}" for number in range(2_000)]
ROWS = [{"x": {"y": number, "c": 1}} for number in range(2_000)]

COSTLY: dict[str, Callable[[], tuple[Masker, Any]]] = {
    "5 MB of short secrets": lambda: _secret([f"secret-{n:08x}" for n in range(300_000)]),
    "secrets of one beginning": lambda: _secret([f"password-!{n}" for n in range(1_500)]),
    "one secret of 5 MB": lambda: _secret("x y" * 1_700_000),
    "a secret of many lines": lambda: _secret("\n".join(f"line number {n}" for n in range(300_000))),
    "secrets that are long when they are escaped": lambda: _secret([(str(n) + "<&'\"é\\\n") * 400 for n in range(9)]),
    "many numbers": lambda: _secret([*range(10_000, 40_000)]),
    "paths of every position": lambda: (masker({}, redact=[f"a.**.c[{n}]" for n in range(MAX_REDACTED)]), ROWS),
    "paths of one name": lambda: (masker({}, redact=[f"a{n}.**.c" for n in range(MAX_REDACTED)]), ROWS),
    "ten thousand paths": lambda: (masker({}, redact=[f"a{n}.b" for n in range(10_000)]), ROWS),
    "any number of anything": lambda: (masker({"a": nested(190, 1)}, redact=["**.x.**.x.**.x"]), nested(190, 1)),
    "lists of lists": lambda: (masker({"a": nested(190, 1)}, redact=["a" + "[*]" * 95 + ".x"]), nested(190, 1)),
    "a schema of many secrets": lambda: (masker({"a": ROWS}, _of_many()), ROWS),
    "a schema of many patterns": lambda: (
        masker({"a": {f"y{n}": WORDS[n] for n in range(500)}}, _of_patterns()),
        WORDS,
    ),
    "many forms": lambda: (masker({}, filled=filled(_of_many(), *ROWS)), ROWS),
}


def _secret(secret: Any) -> tuple[Masker, Any]:
    return masker({"a": secret}, ALL), {"words": WORDS, "numbers": "1234 56789 " * 50_000, "secret": secret}


def _of_many() -> Json:
    return {
        "properties": {f"p{n}": {"properties": {f"q{m}": {"writeOnly": True} for m in range(20)}} for n in range(500)}
    }


def _of_patterns() -> Json:
    return {"properties": {"a": {"patternProperties": {f"^x{n}": {"writeOnly": True} for n in range(1_000)}}}}


@pytest.mark.parametrize("name", COSTLY)
def test_hiding_secrets_is_over_in_time(name: str) -> None:
    began = time.process_time()
    made, value = COSTLY[name]()
    made.mask({"output": value})
    assert time.process_time() - began < SECONDS


def test_of_more_secrets_than_can_be_looked_for_none_is_readable() -> None:
    secrets = [f"secret-{n:06x}" for n in range(20_000)]
    found = json.dumps(masker({"a": secrets}, ALL).mask({"output": [*secrets, "a word", 7], "text": " ".join(secrets)}))
    assert "secret-" not in found
    assert "a word" not in found


def test_a_long_secret_is_masked_to_the_end_of_the_text_around_it() -> None:
    secret = "".join(f"{n:05d}" for n in range(LONGEST_SECRET))
    assert masker({"a": secret}, ALL).mask({"message": f"before {secret} after"}) == {"message": f"before {MASK}"}


def test_a_line_of_a_long_secret_is_secret_too() -> None:
    secret = "\n".join(f"line number {n}" for n in range(1_000))
    assert masker({"a": secret}, ALL).mask({"message": "see line number 999!"}) == {"message": f"see {MASK}!"}


def test_where_paths_cost_too_much_what_they_name_stays_hidden() -> None:
    redact = [f"a{n}.**.c[{n}]" for n in range(MAX_REDACTED)]
    found = masker({}, redact=redact).mask({"rows": ROWS, "z": {"a999": {"b": {"c": ["shown"] * 999 + ["hidden"]}}}})
    assert "hidden" not in json.dumps(found)


def test_too_many_paths_are_refused_and_hide_everything_where_they_are_stored() -> None:
    given = document(redact=[f"a{n}.b" for n in range(MAX_REDACTED + 1)])
    findings = [each for each in validate_document(given).diagnostics if each.severity == "error"]
    assert [(each.code, each.pointer) for each in findings] == [("WF503", "/executionLog/redact")]
    made = Masker(parse_definition(given, checked=False), {"x": "readable"})
    output: Any = {"output": {"x": "readable"}}
    assert made.mask(output) == {"output": MASK}


def test_metadata_are_looked_for_within_bounds() -> None:
    began = time.process_time()
    names = [f"a.b.c{n}" for n in range(5_000)]
    assert metadata_of(["x", *names], {"x": 1, "a": [{"b": [{}] * 100}] * 1_000}) == {"x": 1}
    assert time.process_time() - began < SECONDS
