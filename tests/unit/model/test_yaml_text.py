from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.yaml_text import MAX_BYTES, loads_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [true, null, ~, 1.5, -2e3]", {"a": 1, "b": [True, None, None, 1.5, -2000.0]}),
        ("day: 2026-01-01\nat: 12:30:00\nanswer: no\non: yes", None),
        ("version: 1.10\nhex: 0x1F\noctal: 0o7\nold: 017\ninf: .inf", None),
        ("text: '1'\nlong: |\n  two\n  lines\n", {"text": "1", "long": "two\nlines\n"}),
        ("", None),
        ("a:", {"a": None}),
        ('{"json": {"is": ["yaml"]}}', {"json": {"is": ["yaml"]}}),
    ],
)
def test_only_what_json_writes_so_is_no_text(text: str, value: Any) -> None:
    found = loads_yaml(text)

    if "day" in text:
        assert found == {"day": "2026-01-01", "at": "12:30:00", "answer": "no", "on": "yes"}
    elif "version" in text:
        assert found == {"version": 1.1, "hex": "0x1F", "octal": "0o7", "old": "017", "inf": ".inf"}
    else:
        assert found == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: [", "WF100"),
        ("a: &x 1\nb: *x", "WF100"),
        ("a: &x [1]", "WF100"),
        ("a: !!python/object:os.system x", "WF112"),
        ("a: !!binary aGk=", "WF112"),
        ("<<: {a: 1}", "WF112"),
        ("? [1]\n: 2", "WF112"),
        ("a: 1\na: 2", "WF101"),
        ("a: 1\n---\nb: 2", "WF100"),
        ("a: 1e400", "WF102"),
        ("a: \x01", "WF100"),
        (b"\xff\xfe\xff", "WF100"),
        ("[" * 300, "WF103"),
        ("a" * (MAX_BYTES + 1), "WF104"),
    ],
)
def test_what_json_cannot_say_is_refused(text: str | bytes, code: str) -> None:
    with pytest.raises(InvalidDefinition) as refused:
        loads_yaml(text)

    assert [each.code for each in refused.value.diagnostics] == [code]
