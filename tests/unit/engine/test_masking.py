"""Rule L4: what a definition calls secret is masked wherever it turns up."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import Any
from urllib.parse import quote, urlencode
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.engine.instance_records import InstanceFacts
from airflow_workflow_provider.engine.masking import Masker, filled, filled_in, note_secrets
from airflow_workflow_provider.engine.phases import StepStatus
from airflow_workflow_provider.engine.secret_texts import MASK
from airflow_workflow_provider.engine.state import State
from airflow_workflow_provider.engine.step_records import StepRecord
from airflow_workflow_provider.engine.stored_state import read_state
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.json_schema.secrets import secret_paths
from airflow_workflow_provider.model.paths import matches


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
def test_l4_secrets_of_the_input_schema_are_masked_wherever_their_text_occurs(secret: dict[str, Any]) -> None:
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
    found = secret_paths(schema)
    for place in [("main", "key"), ("main", "child", "key"), ("main", *["child"] * 9, "key"), ("token",)]:
        assert any(matches(path, place) for path in found)
    assert not any(matches(path, ("main", "child")) for path in found)


SECRET = "correct horse 'battery'"
HIDDEN = {"type": "string", "writeOnly": True}


def below(schema: Any) -> dict[str, Any]:
    return {"properties": {"c": schema}}


WHEREVER: list[tuple[dict[str, Any], Any]] = [
    (below({"additionalProperties": HIDDEN}), {"c": {"db": SECRET}}),
    (below({"patternProperties": {r"^\p{L}+$": HIDDEN}}), {"c": {"größe": SECRET}}),
    (below({"prefixItems": [True, HIDDEN]}), {"c": ["main", SECRET]}),
    (below({"prefixItems": [True], "items": HIDDEN}), {"c": ["main", SECRET]}),
    (below({"items": HIDDEN}), {"c": [SECRET]}),
    (below({"contains": HIDDEN}), {"c": [1, SECRET]}),
    (below({"unevaluatedItems": HIDDEN}), {"c": [SECRET]}),
    (below({"unevaluatedProperties": HIDDEN}), {"c": {"a": SECRET}}),
    ({"unevaluatedProperties": {"format": "password"}}, {"any": SECRET}),
    ({"additionalProperties": {"properties": {"pw": HIDDEN}}}, {"any": {"pw": SECRET}}),
    ({"dependentSchemas": {"user": {"properties": {"pw": HIDDEN}}}}, {"user": "a", "pw": SECRET}),
    ({"if": {"properties": {"pw": HIDDEN}}}, {"pw": SECRET}),
    ({"then": {"properties": {"pw": HIDDEN}}}, {"pw": SECRET}),
    ({"else": {"properties": {"pw": HIDDEN}}}, {"pw": SECRET}),
    ({"not": {"properties": {"pw": HIDDEN}}}, {"pw": SECRET}),
    ({"anyOf": [True, {"allOf": [{"oneOf": [{"properties": {"pw": HIDDEN}}]}]}]}, {"pw": SECRET}),
    ({"$defs": {"s": {"$anchor": "s", **HIDDEN}}, **below({"$ref": "#s"})}, {"c": SECRET}),
    ({"$defs": {"a b/c": HIDDEN}, **below({"$ref": "#/$defs/a%20b~1c"})}, {"c": SECRET}),
    (
        {"$id": "https://x.example/", "$defs": {"s": {"$id": "secret", **HIDDEN}}, **below({"$ref": "secret"})},
        {"c": SECRET},
    ),
    ({"properties": {"pw": HIDDEN, "next": {"$ref": "#"}}}, {"next": {"next": {"next": {"pw": SECRET}}}}),
    (
        {"properties": {"map": {"additionalProperties": {"$ref": "#"}}, "pw": HIDDEN}},
        {"map": {"x": {"map": {"y": {"pw": SECRET}}}}},
    ),
    ({"$dynamicAnchor": "n", "properties": {"pw": HIDDEN, "next": {"$dynamicRef": "#n"}}}, {"next": {"pw": SECRET}}),
    (below({"writeOnly": True, "type": "object"}), {"c": {"deep": [{"er": SECRET}]}}),
    (below({"writeOnly": True, "type": "object"}), {"c": {SECRET: 1}}),
]


@pytest.mark.parametrize(("schema", "given"), WHEREVER)
def test_l4_a_secret_is_masked_wherever_a_schema_says_so(schema: dict[str, Any], given: Any) -> None:
    row = {"input": given, "error": {"message": f"not {SECRET}!", "details": [repr(given)]}, "output": {"got": SECRET}}

    assert "battery" not in str(masker(given, inputSchema=schema).mask(row))


@pytest.mark.parametrize(("schema", "given"), WHEREVER)
def test_l4_a_secret_of_a_form_is_masked_wherever_its_schema_says_so(schema: dict[str, Any], given: Any) -> None:
    state = State.new(InstanceFacts("i", "w", "1.0.0", started_at="2027-01-01T00:00:00Z"), {})
    state.steps["ask"] = StepRecord(StepStatus.COMPLETED, output={"form": given})
    note_secrets(state, schema)
    definition = WorkflowDefinition.model_validate(
        {"workflowId": "w", "name": "w", "version": "1.0.0", "steps": [{"stepId": "ask", "taskId": "form"}]}
    )
    noted = Masker(
        definition, {}, filled=filled_in(read_state(json.loads(json.dumps(state.to_json())), "the instance"))
    )
    now = Masker(definition, {}, filled=filled(schema, given))
    row = {"output": {"form": given, "comment": f"it is {SECRET}"}, "data": {"x": SECRET}}

    assert "battery" not in str(noted.mask(row))
    assert "battery" not in str(now.mask(row))


def test_l4_a_property_that_is_named_beside_a_secret_map_stays_readable() -> None:
    schema = below({"properties": {"region": {}}, "patternProperties": {"^x-": True}, "additionalProperties": HIDDEN})
    given = {"c": {"region": "eu", "x-y": "open", "token": "12", "other": 5}}

    found = masker(given, inputSchema=schema).mask({"input": given, "region": "12"})

    assert found == {"input": {"c": {"region": "eu", "x-y": "open", "token": MASK, "other": MASK}}, "region": "12"}


def test_l4_numbers_and_booleans_are_masked_at_their_path_and_long_numbers_everywhere() -> None:
    schema = {"properties": {"card": {"writeOnly": True}, "on": {"writeOnly": True}, "n": {"writeOnly": True}}}
    given = {"card": 4111111111111111, "on": True, "n": 7}
    row = {
        "input": given,
        "output": {"echo": 4111111111111111, "flag": True, "n2": 7},
        "message": "4111111111111111 is greater than 7, 14111111111111111 is not",
    }

    assert masker(given, inputSchema=schema).mask(row) == {
        "input": {"card": MASK, "on": MASK, "n": MASK},
        "output": {"echo": MASK, "flag": True, "n2": 7},
        "message": f"{MASK} is greater than 7, 14111111111111111 is not",
    }


def test_l4_metadata_is_masked_by_the_paths_that_are_its_names() -> None:
    found = masker({}, executionLog={"redact": ["input.user.pin"]}).mask_metadata({"user.pin": "1", "user.id": 2})

    assert found == {"user.pin": MASK, "user.id": 2}


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("users.*.pw", {"users": {"main": {"pw": 1}}}),
        ("users.0.pw", {"users": [{"pw": 1}]}),
        ("users[0].pw", {"users": [{"pw": 1}]}),
        ("users[*].pw", {"users": [{"pw": 1}]}),
        ("users.**.pw", {"users": {"a": [{"b": {"pw": 1}}]}}),
        ("**.pw", {"a": {"b": {"pw": 1}}}),
        ('users["net.pw"]', {"users": {"net.pw": 1}}),
        ("users['net.pw']", {"users": {"net.pw": 1}}),
        ('["net.pw"]', {"net.pw": 1}),
        ("input.users.*", {"users": {"x": 1}}),
        ("größe-x_1", {"größe-x_1": 1}),
    ],
)
def test_l4_what_a_path_says_is_masked(path: str, place: dict[str, Any]) -> None:
    assert "1" not in str(masker({}, executionLog={"redact": [path]}).mask({"input": place})).replace("x_1", "")


def test_l4_a_position_is_the_one_that_is_named() -> None:
    found = masker({}, executionLog={"redact": ["rows[1]"]}).mask({"input": {"rows": [1, 2, 3]}})

    assert found == {"input": {"rows": [1, MASK, 3]}}


def test_l4_the_secrets_of_a_doubling_schema_are_found_in_bounded_time() -> None:
    names = ("a", "b", "c")
    levels = {f"d{n}": {"properties": {x: {"$ref": f"#/$defs/d{n + 1}"} for x in names}} for n in range(40)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**levels, "d40": {"properties": {"pw": HIDDEN, "open": True}}}}
    given: Any = {"pw": SECRET, "open": 1}
    for level in range(40):
        given = {names[level % 3]: given}

    found = masker(given, inputSchema=schema).mask({"input": given, "output": SECRET})

    assert "battery" not in str(found)
    assert "'open': 1" in str(found)


PEM = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n-----END KEY-----\n"
SECRETS = [
    "hunter2!",
    'it\'s "long"\\1',
    "back\\slash9",
    "tab\there",
    "a\r\nline two",
    "größe ☃ 📦",
    "a&b<c>d",
    "p+q %7E/ü?",
    PEM,
]
WRAPPINGS: dict[str, Any] = {
    "itself": lambda s: s,
    "repr": repr,
    "ascii": ascii,
    "repr of an object": lambda s: repr({"a\"'": [s, "'"]}),
    "JSON": json.dumps,
    "JSON, UTF-8": lambda s: json.dumps(s, ensure_ascii=False),
    "JSON twice": lambda s: json.dumps(json.dumps({"a": s})),
    "JSON in repr": lambda s: repr(json.dumps([s])),
    "repr in JSON": lambda s: json.dumps(repr(s)),
    "JSON of browsers, upper case": lambda s: re.sub(
        r"\\u[0-9a-f]{4}", lambda m: "\\u" + m[0][2:].upper(), json.dumps(s)
    ),
    "percent": lambda s: quote(s, safe=""),
    "percent, lower case": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "path": quote,
    "form": lambda s: urlencode({"q": s}),
    "Base64": lambda s: base64.b64encode(s.encode()).decode(),
    "Base64 of URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
    "basic authentication": lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "bytes": lambda s: repr(s.encode()),
    "Base64 of MIME": lambda s: base64.encodebytes(s.encode()).decode(),
    "JSON in an address": lambda s: quote(json.dumps({"q": s}), safe=""),
    "JSON in Base64": lambda s: base64.b64encode(json.dumps(s).encode()).decode(),
    "HTML": html.escape,
    "character references": lambda s: html.escape(s).encode("ascii", "xmlcharrefreplace").decode(),
    "XML": lambda s: escape(s, {"'": "&apos;", '"': "&quot;"}),
    "CSV": lambda s: '"' + s.replace('"', '""') + '"',
    "SQL": lambda s: "'" + s.replace("'", "''") + "'",
    "line breaks of Windows": lambda s: "\r\n".join(s.splitlines()),
    "one line": lambda s: " ".join(s.split()),
    "without line breaks": lambda s: "".join(s.splitlines()),
    "cut": lambda s: f"{'x' * 80} {s[:-1]}",
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("secret", SECRETS)
def test_l4_a_secret_is_found_in_every_writing(secret: str, wrapping: str) -> None:
    schema = {"properties": {"pw": HIDDEN}}
    written = WRAPPINGS[wrapping](secret)

    found = masker({"pw": secret}, inputSchema=schema).mask(
        {"text": f"before {written} after"[: -6 if wrapping == "cut" else None]}
    )

    assert MASK in found["text"]
    assert written not in found["text"]
    pieces = [piece for piece in re.split(r"[^A-Za-z0-9+/=]+", written) if len(piece) >= 8 and piece != "x" * 80]
    assert [piece for piece in pieces if piece in found["text"] and piece not in {"dXNlcjp", "KEY-----"}] == []


@pytest.mark.parametrize("line", PEM.splitlines()[1:3])
def test_l4_each_line_of_a_secret_of_several_lines_is_secret(line: str) -> None:
    found = masker({"pw": PEM}, inputSchema={"properties": {"pw": HIDDEN}}).mask({"text": f"line 2: {line}"})

    assert found == {"text": f"line 2: {MASK}"}


@given(
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40).filter(
        lambda s: len(s.strip()) >= 6
    ),
    wrapping=st.sampled_from(
        [name for name in WRAPPINGS if name not in {"cut", "basic authentication", "JSON in Base64"}]
    ),
)
@settings(max_examples=200, deadline=None)
def test_l4_any_secret_is_found_in_any_writing(secret: str, wrapping: str) -> None:
    written = WRAPPINGS[wrapping](secret)

    found = masker({"pw": secret}, inputSchema={"properties": {"pw": HIDDEN}}).mask({"text": f"before {written} after"})

    assert MASK in found["text"]
