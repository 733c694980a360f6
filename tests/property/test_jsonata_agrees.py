"""Rule X3: transforms give what another implementation of JSONata gives, and whole numbers keep their digits."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any

import jlens
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError

DATA: dict[str, Any] = {
    "a": 1,
    "b": [1, 2.5, None, "x", True, [1, [2]], {"k": 3}],
    "c": {"d": True, "e": None, "t": "héllo wörld"},
    "t": "a-b-c",
    "n": None,
    "f": 0.1,
    "neg": -7.5,
    "es": "",
    "ea": [],
    "eo": {},
    "os": [
        {"s": "b", "q": 2, "p": 1.5, "tags": ["x", "y"]},
        {"s": "a", "q": 3, "p": 1.5, "tags": []},
        {"s": "b", "q": 5, "tags": ["z"]},
        {"s": "c", "q": None},
    ],
    "num": [3, 1, 2, 2],
    "date": "2024-02-29T12:30:00.250Z",
}


def _words(text: str) -> list[str]:
    return text.split()


LITERALS = _words("""
1 0 2 -1 0.5 10 'a' 'x' '' true false null [] {} [1,2] ['b','a'] missing 3.7 '12' /[a-c]/ '0x1F' '1e3' [null]
[[1]]
""")
PATHS = _words("""
a b c c.d c.e c.t t n f neg es ea eo os os.s os.q os.tags os[0] os[-1].q os[q>2] os[s='b'].q num num[[0,1]]
b[0] b[5] b[-1].k c.* **.q * os[p=1.5][0] $ os#$i.{'i':$i,'s':s} os^(s).q os^(>q,s).s os^(p).s os{s:q}
os{s:$sum(q)} os.s[] os@$o.{'x':$o.s} os.tags.($&'!') os.%.a date
""")
OF_ONE = _words("""
sum count max min average string length trim uppercase number floor ceil round abs boolean not keys spread
merge reverse type sort distinct exists base64encode encodeUrl formatBase toMillis fromMillis single join each
""")
OF_TWO = _words("""
substringBefore substringAfter pad contains split join append lookup round zip match formatNumber
""")
FUNCTIONS = _words("""
function($v){$v} function($v){$v>1} function($v,$i){$i} $string $type function($v){$v=null}
function($x,$y){$x&$y}
""")
SIGNS = _words("""
+ - * & = != < <= > >= and or in .. ?: ??
""")


class _Writer:
    """Writes expressions that make sense more often than not."""

    def __init__(self, seed: int) -> None:
        self._any = random.Random(seed)  # noqa: S311 - nothing secret

    def write(self, depth: int) -> str:
        if depth == 0:
            return self._any.choice([*LITERALS, *PATHS, *PATHS])
        one, two, three = (self.write(depth - 1) for _ in range(3))
        pick = self._any.choice
        forms = [
            f"({one} {pick(SIGNS)} {two})",
            f"${pick(OF_ONE)}({one})",
            f"${pick(OF_TWO)}({one}, {two})",
            f"${pick(['map', 'filter', 'sort', 'sift', 'each', 'reduce'])}({one}, {pick(FUNCTIONS)})",
            f"[{one}, {two}]",
            f"{{'k': {one}, $string({two}): {three}}}",
            f"({one} ? {two} : {three})",
            f"({one}).({two})",
            f"({one})[{two}]",
            f"($x := {one}; $x)",
            "os ~> |$|{'z': 1}, ['q']|",
        ]
        return pick(forms)


def _rounded(value: Any) -> Any:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(f"{float(value):.12g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value


def _theirs(source: str) -> str | None:
    try:
        return json.dumps(_rounded(jlens.Expression(source).evaluate(DATA, timeout=5, now=0)), sort_keys=True)
    except jlens.JlensError:
        return None


def _ours(source: str) -> str | None:
    try:
        value = CompiledTransform("jsonata", source).evaluate(DATA, at=datetime.fromtimestamp(0, UTC))
    except (ExpressionFailure, ExpressionSyntaxError):
        return None
    return json.dumps(_rounded(value), sort_keys=True)


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.integers(0, 10**9), st.integers(1, 2))
def test_x3_transforms_give_what_another_implementation_gives(seed: int, depth: int) -> None:
    source = _Writer(seed).write(depth)

    assert _ours(source) == _theirs(source), source


WHOLE = st.integers(-(2**63), 2**64 - 1)

WAYS_OF_TEXT = [
    "n & ''",
    "$string(n)",
    "$join($map([n], $string))",
    "$keys({$string(n): 1})",
    "$parseJson($string({'x': n})).x & ''",
    "$number($string(n)) & ''",
    "$substringAfter('/customers/' & n, '/customers/')",
    "$trim($pad($string(n), -30))",
    "$replace('id', 'id', $string(n))",
    "$split('0,' & n, ',')[1]",
    "$formatInteger(n, '0')",
    "$formatBase(n)",
    "[n]^($)[0] & ''",
    "$string(n + 1 - 1)",
    "$string($sum([n]))",
    "$string($max([n, n]))",
    "$string(n * 1)",
    "$string(n / 1)",
    "$string(-(-n))",
    "$string($distinct([n, n])[0])",
    "$string($lookup({'a': n}, 'a'))",
    "$string($round(n))",
    "$string([n..n][0])",
]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(WHOLE)
def test_x3_whole_numbers_keep_their_digits_through_every_text(number: int) -> None:
    data = {"n": number}

    found = {way: CompiledTransform("jsonata", way).evaluate(data) for way in WAYS_OF_TEXT}

    assert found == dict.fromkeys(WAYS_OF_TEXT, str(number))
    assert CompiledTransform("jsonata", str(number)).evaluate({}) == number


@settings(max_examples=300, deadline=None, derandomize=True)
@given(WHOLE, WHOLE)
def test_x3_whole_numbers_are_compared_and_computed_exactly(left: int, right: int) -> None:
    def of(source: str) -> Any:
        return CompiledTransform("jsonata", source).evaluate({"a": left, "b": right})

    assert of("[a = b, a < b, a >= b, a in [b]]") == [left == right, left < right, left >= right, left == right]
    assert of("[a + b, a - b, $max([a, b]), $min([a, b])]") == [left + right, left - right, *_sorted(left, right)]


def _sorted(left: int, right: int) -> list[int]:
    return [max(left, right), min(left, right)]


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_x3_the_text_of_a_number_reads_as_that_number(number: float) -> None:
    text = CompiledTransform("jsonata", "$string(n)").evaluate({"n": number})

    again = json.loads(text)
    assert again == number or abs(again - number) <= 1e-14 * abs(number)


PICTURE = "'[FNn], [D1o] [MNn] [Y0001] [H01]:[m01]:[s01].[f001] [Z01:01]'"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(-59_000_000_000_000, 253_402_200_000_000), st.sampled_from(["+0000", "-0330", "+1245", "-1100"]))
def test_x3_the_text_of_a_time_reads_as_that_time(millis: int, offset: str) -> None:
    source = f"[$toMillis($fromMillis(n)), $toMillis($fromMillis(n, {PICTURE}, z), {PICTURE})]"

    assert CompiledTransform("jsonata", source).evaluate({"n": millis, "z": offset}) == [millis, millis]
