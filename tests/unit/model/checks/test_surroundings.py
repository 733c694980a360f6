from __future__ import annotations

import pytest

from tests.support.documents import check, found, step, workflow


@pytest.mark.parametrize(
    "pattern",
    [
        "order.created",
        "*",
        "**",
        "order.*",
        "**.created",
        "a.*.b.**",
        "s3://bucket/key.csv",
        "my asset",
        "s3://a/../b",
        "Ä",
    ],
)
def test_e1_patterns_are_segments_or_asset_names(pattern: str) -> None:
    assert found(workflow(triggers=[{"eventPattern": pattern}])) == []


@pytest.mark.parametrize("pattern", ["", " ", "a..b", ".a", "a.", "order*", "a.**b", "***", " a", "a\n", "x" * 501])
def test_e1_patterns_of_another_form_are_refused(pattern: str) -> None:
    assert found(workflow(triggers=[{"eventPattern": pattern}])) == [("WF501", "/triggers/0/eventPattern")]


def test_e2_a_pattern_that_never_acts_is_warned_of() -> None:
    result = check(workflow(triggers=[{"eventPattern": "a"}, {"eventPattern": "b"}, {"eventPattern": "a"}]))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF502", "/triggers/2/eventPattern")]


def test_e3_a_triggers_transform_sees_the_events_data() -> None:
    transforms = [
        {"type": "jsonata", "expression": "{'id': orderId, 'source': $event.source}"},
        {"type": "jmespath", "expression": "{id: orderId}"},
        {"type": "jsonata", "expression": "$evnt.source"},
        {"type": "jsonata", "expression": "{"},
    ]
    triggers = [{"eventPattern": f"p{number}", "transform": each} for number, each in enumerate(transforms)]

    assert found(workflow(triggers=triggers)) == [
        ("WF303", "/triggers/2/transform/expression"),
        ("WF301", "/triggers/3/transform/expression"),
    ]


@pytest.mark.parametrize("key", ["metadata", "redact"])
@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", " a", "a. b"])
def test_l2_l4_paths_are_dotted_names(key: str, path: str) -> None:
    assert found(workflow(executionLog={key: ["userId", "customer.email", path]})) == [
        ("WF503", f"/executionLog/{key}/2")
    ]


@pytest.mark.parametrize("key", ["metadata", "redact"])
@pytest.mark.parametrize("path", ["$.users.pw", "/users/pw", "#/users", "users[]", "us*", "users[-1]", "a b.c"])
def test_l2_l4_paths_of_other_languages_are_refused(key: str, path: str) -> None:
    assert found(workflow(executionLog={key: [path]})) == [("WF503", f"/executionLog/{key}/0")]


@pytest.mark.parametrize("path", ["users.*.pw", "users[0].pw", "users.0.pw", "**.pw", "users.**", 'a["b.c"]', "x[*].y"])
def test_l4_paths_with_wildcards_are_for_redact(path: str) -> None:
    single = path in ("users[0].pw", "users.0.pw", 'a["b.c"]')
    assert found(workflow(executionLog={"redact": [path]})) == []
    assert found(workflow(executionLog={"metadata": [path]})) == (
        [] if single else [("WF503", "/executionLog/metadata/0")]
    )


@pytest.mark.parametrize("path", ["*", "**", "[0]", "*.*", "[*].**"])
def test_l4_a_path_without_a_name_is_refused(path: str) -> None:
    assert found(workflow(executionLog={"redact": [path]})) == [("WF503", "/executionLog/redact/0")]


@pytest.mark.parametrize(
    ("path", "warned"),
    [
        ("input.user.pw", False),
        ("input.user.pww", True),
        ("input.usr", True),
        ("input.user.pw.deeper", True),
        ("input.users[0].pw", False),
        ("input.users.pw", False),
        ("input.users.pin", True),
        ("input.tokens.anything", False),
        ("input.tokens.*", False),
        ("input.name[0]", True),
        ("input.free.any.where", False),
        ("usr", False),
        ("steps.s.output.token", False),
        ("steps.nowhere.output.token", True),
    ],
)
def test_l4_a_path_that_can_match_nothing_is_warned_of(path: str, warned: bool) -> None:
    user = {"type": "object", "properties": {"pw": {"type": "string"}}, "additionalProperties": False}
    schema = {
        "type": "object",
        "$defs": {"user": user},
        "properties": {
            "user": {"$ref": "#/$defs/user"},
            "users": {"type": "array", "items": {"$ref": "#/$defs/user"}},
            "tokens": {"type": "object", "additionalProperties": {"type": "string"}},
            "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "free": {"type": "object"},
        },
        "additionalProperties": False,
    }
    result = check(workflow(step("s"), inputSchema=schema, executionLog={"redact": [path]}))

    assert [(each.code, each.severity) for each in result.diagnostics] == ([("WF503", "warning")] if warned else [])
