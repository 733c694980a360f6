from __future__ import annotations

import pytest

from tests.fixtures.documents import check, found, workflow


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
