"""Paths of the execution log (rules L2 and L4)."""

from __future__ import annotations

import pytest

from airflow_workflow_provider.model.paths import (
    Allowance,
    Anything,
    Deep,
    Name,
    Others,
    PathError,
    Position,
    ends_with,
    from_json,
    matches,
    parse_path,
    place_named,
    to_json,
    values_at,
)


def test_l4_the_grammar_of_a_path() -> None:
    assert parse_path('a-b_1.größe[2].*.**["x.\\"y"][\'z w\'].0[*]') == (
        Name("a-b_1"), Name("größe"), Position(2), Anything(), Deep(), Name('x."y'), Name("z w"), Name("0"),
        Position(0, on=True),
    )  # fmt: skip
    assert parse_path("a.**.**.b") == (Name("a"), Deep(), Name("b"))


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "a ", " a", ".", "a.", ".a", "a..b", "a b", "$.a", "$", "/a/b", "#/a", "a/b", "a[]", "a[-1]", "a[01]",
        "a[b]", "a[1", "a]", "a*", "*a", "a**", "***", "a.*b", "a[*", "a['x]", 'a["x', 'a["\\x"]', "a[1:2]", "a[?b]",
        "a,b", "@", "a(b)", "**.a.**.b.**.c.**.d", "a" * 501, "a\nb", "a|b", "a[1]b",
    ],
)  # fmt: skip
def test_l4_a_text_of_another_grammar_is_refused(text: str) -> None:
    with pytest.raises(PathError):
        parse_path(text)


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        ("a.b", ("a", "b"), True),
        ("a.b", ("a", 3, "b"), True),
        ("a.b", (0, "a", 3, 4, "b"), True),
        ("a.b", ("a", "x", "b"), False),
        ("a.*", ("a", "x"), True),
        ("a.*", ("a", 0), True),
        ("a.*.b", ("a", "x", "b"), True),
        ("a.**", ("a", "x", 1, "y"), True),
        ("a.**.b", ("a", "b"), True),
        ("a[1]", ("a", 1), True),
        ("a[1]", ("a", 2), False),
        ("a[1]", ("a", "1"), False),
        ("a.1", ("a", "1"), True),
        ("a.1", ("a", 1), True),
        ("a[*].b", ("a", 7, "b"), True),
        ("a[*]", ("a", "x"), False),
    ],
)
def test_l4_where_a_path_leads(text: str, place: tuple[str | int, ...], found: bool) -> None:
    assert matches(parse_path(text), place) is found
    assert ends_with(("input", "x", *place), parse_path(text)) is found


def test_l4_the_values_at_a_path() -> None:
    value = {"a": [{"b": 1}, {"b": 2, "c": {"b": 3}}], "b": 4}

    assert list(values_at(value, parse_path("a.b"), Allowance(1_000))) == [1, 2]
    assert set(values_at(value, parse_path("**.b"), Allowance(1_000))) == {1, 2, 3, 4}
    assert list(values_at(value, parse_path("a[1].*"), Allowance(1_000))) == [2, {"b": 3}]
    assert list(values_at(value, parse_path("nothing.here"), Allowance(1_000))) == []


def test_l4_names_that_a_schema_does_not_name() -> None:
    others = Others(like=r"^\p{L}+$", but=("open",), but_like=("^x",))

    assert [name for name in ("ä", "open", "xa", "1") if others.fits(name)] == ["ä"]
    assert not others.fits(1)


def test_l4_paths_are_kept_as_json() -> None:
    path = (Name("a"), Position(1), Position(2, on=True), Others("^x", ("b",), ("c",)), Deep(), Anything())

    assert from_json(to_json(path)) == path
    assert from_json(["plain", "names"]) == (Name("plain"), Name("names"))


def test_l2_the_place_that_a_name_of_metadata_means() -> None:
    assert place_named("orders[0].id") == ("orders", 0, "id")
    assert place_named("no path") == ("no path",)
    assert place_named("any.*") == ("any.*",)
