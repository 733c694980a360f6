"""What a source may be, and what is refused before anything of it is read."""

from __future__ import annotations

import json

import pytest

from airflow_workflow_provider.importing.draft import file_identifier, identifier
from airflow_workflow_provider.importing.report import NotImportable
from airflow_workflow_provider.importing.sources import MAX_BYTES, read_source


def test_yaml_is_read_by_its_core_schema() -> None:
    text = b"""
on: yes
empty:
words: [no, 'true', true, 1, -2.5, 1e3, "007", ~]
base: &base {a: 1}
same: *base
text: |
  two
  lines
1: key
"""
    assert read_source(text) == {
        "on": "yes",
        "empty": None,
        "words": ["no", "true", True, 1, -2.5, 1000.0, "007", None],
        "base": {"a": 1},
        "same": {"a": 1},
        "text": "two\nlines\n",
        "1": "key",
    }


def bomb() -> bytes:
    levels = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for name, before in zip("bcdefghij", "abcdefghi", strict=True):
        levels.append(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]")
    return "\n".join(levels).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b" " * (MAX_BYTES + 1), "bytes"),
        (json.dumps({"a": "x" * 10_000_000}).encode(), "bytes"),
        (bomb(), "aliases"),
        (b"a: &a [*a]", "alias"),
        (b"a: *nothing", "alias"),
        (b"x: !!python/object/apply:os.system [id]", "tag"),
        (b"x: !Sub '${A}'", "tag"),
        (b"a: 1\na: 2", "twice"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b"\xff\xfe\x00b\xff", "Not YAML|neither"),
        (b"a: \xe9", "UTF-8"),
        (b"a: 1\n---\nb: 2", "several"),
        (b"a: [" * 300 + b"]" * 300, "nested|YAML"),
        (b"[" * 100_000, "nested|JSON"),
        (b"a: {" * 5000, "nested|YAML"),
        (b"- 1", "not an object"),
        (b"", "not an object"),
        (b"? [1]\n: 2", "key"),
        (b"a: .inf", None),
        (b'{"a": 1e999}', "number"),
        (b'{"a": "\\u0000"}', "U\\+0000"),
    ],
)
def test_bad_sources_are_refused(content: bytes, message: str | None) -> None:
    if message is None:
        assert read_source(content) == {"a": ".inf"}
        return
    with pytest.raises(NotImportable, match=message):
        read_source(content)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("../../etc/passwd", "etc-passwd"),
        ("..", "imported"),
        ("/", "imported"),
        ("", "imported"),
        (".hidden", "hidden"),
        ("a\0b\nc", "a-b-c"),
        ("a..b", "a.b"),
        ("C:\\x\\y", "C-x-y"),
        ("x" * 500, "x" * 200),
    ],
)
def test_names_become_ids_that_are_no_paths(name: str, expected: str) -> None:
    found = file_identifier(name)
    assert found == expected
    assert identifier(name) == identifier(identifier(name))
