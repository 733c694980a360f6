"""Rule E1: which events a pattern means; a table in the manner of EventBridge's documentation."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.model.patterns import candidates, candidates_of_shape, matches, shape_of

TABLE = [
    # literal
    ("order.created", "order.created", True),
    ("order.created", "order.deleted", False),
    ("order.created", "Order.Created", False),
    ("order.created", "order.created.v2", False),
    ("order.created", "my.order.created", False),
    ("order", "order", True),
    ("order", "orders", False),
    # one segment
    ("order.*", "order.created", True),
    ("order.*", "order", False),
    ("order.*", "order.created.v2", False),
    ("*.created", "order.created", True),
    ("*.created", "created", False),
    ("*", "order", True),
    ("*", "order.created", False),
    ("*.*", "order.created", True),
    ("order.*.paid", "order.item.paid", True),
    ("order.*.paid", "order.paid", False),
    ("order.*.paid", "order.a.b.paid", False),
    # any number of segments
    ("**", "order", True),
    ("**", "order.created.v2", True),
    ("order.**", "order", True),
    ("order.**", "order.created", True),
    ("order.**", "order.created.v2.beta", True),
    ("order.**", "orders.created", False),
    ("**.created", "created", True),
    ("**.created", "com.example.order.created", True),
    ("**.created", "com.example.order.created.v2", False),
    ("com.**.created", "com.created", True),
    ("com.**.created", "com.example.order.created", True),
    ("com.**.created", "org.example.created", False),
    ("**.order.**", "order", True),
    ("**.order.**", "com.example.order.created.v2", True),
    ("**.order.**", "com.example.invoice.created", False),
    ("**.a.**.b", "a.x.a.y.b", True),
    ("**.a.**.b", "b.a", False),
    ("**.*", "order", True),
    ("*.**", "order", True),
    ("**.**", "order", True),
    # nothing else is special
    ("order.create?", "order.created", False),
    ("order.[a-z]+", "order.created", False),
    ("s3://bucket/key.json", "s3://bucket/key.json", True),
    ("order+x", "order+x", True),
    ("a..b", "a..b", True),
    ("a.*.b", "a..b", True),
    ("größe.*", "größe.geändert", True),
]


@pytest.mark.parametrize(("pattern", "event_type", "expected"), TABLE)
def test_e1_the_matching_table(pattern: str, event_type: str, expected: bool) -> None:
    assert matches(pattern, event_type) is expected
    shape = shape_of(pattern)
    assert (pattern in candidates(event_type, [shape] if shape else [])) is expected


def test_a_shape_is_a_pattern_without_its_words() -> None:
    assert shape_of("orders.*.paid.**") == "x.*.x.**"
    assert shape_of("orders.paid") is None


def test_shapes_leave_few_patterns_to_look_up() -> None:
    assert candidates_of_shape("x.*", "order.created") == {"order.*"}
    assert candidates_of_shape("**.x.**", "a.b.a") == {"**.a.**", "**.b.**"}
    assert candidates_of_shape("x.*", "order") == frozenset()
    longest = ".".join("abcdefgh"[number % 8] + str(number) for number in range(64))
    assert len(candidates_of_shape("**.x.**.x.**", longest)) == 64 * 63 // 2
