"""Conditions: CEL, the Common Expression Language, by Google's cel-cpp (rule X2).

What an expression can reach is what it names, nothing of Python. What it can cost is bounded four times: by the length
of its source, the number of its macros (loops), the budget of steps of the engine, and the size of the data it reads.
Only the parts of the bindings that an expression names are handed to the engine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.expressions.cel_arithmetic import (
    COMPARISONS,
    Rewriter,
    functions,
    made,
    needs_rewriting,
)
from airflow_workflow_provider.model.expressions.cel_numbers import number_of
from airflow_workflow_provider.model.expressions.cel_reader import Paths, Reader
from airflow_workflow_provider.model.expressions.cel_words import compile_words, words
from airflow_workflow_provider.model.expressions.errors import ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.values import plain, well_formed

SOURCE_LIMIT: Final = 1000
MACRO_LIMIT: Final = 3
SUM_LIMIT: Final = 64
"""Additions in one expression; text and lists grow by them."""
NESTED_SUM_LIMIT: Final = 8
"""Additions in an expression of several macros, where growth multiplies."""
READ_LIMIT: Final = 50_000
"""Values that an expression with macros may read."""
READ_LIMIT_PLAIN: Final = 500_000
"""Values that an expression without macros may read."""

_MAPS: Final = frozenset({"input", "steps", "variables", "workflow", "data"})
_MACROS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
_TOKEN: Final = re.compile(
    r"""(?P<string>[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<number>\.?[0-9][A-Za-z0-9_.]*)
      | (?P<space>\s+|//[^\n]*)
      | (?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_SIMPLE_STRING: Final = re.compile(r"""(?:"([^"\\\n]*)"|'([^'\\\n]*)')""")


class CelProgram:
    """A compiled CEL expression.

    :param source: the expression
    :param names: the names that are bound when it is evaluated
    :raises ExpressionSyntaxError: it cannot be compiled
    """

    def __init__(self, source: str, names: frozenset[str]) -> None:
        self.source = source
        tokens = _tokens(source)
        self._has_macros = _check_size(tokens)
        self._adds = any(text == "+" for _, text in tokens)
        self._expression = _compiled(source, tokens, names)
        self.reads: Paths = read_paths(tokens, names)

    @property
    def result_type(self) -> str:
        """The type of the result as far as it is known before a run, for example ``BOOL`` or ``DYN``."""
        name: str = self._expression.return_type().name()
        return name.upper()

    def evaluate(self, bindings: Mapping[str, Any]) -> Any:
        """Compute the expression as a plain JSON value.

        :param bindings: the values of the names
        :raises ExpressionFailure: it fails, or exceeds a bound
        """
        kind, value = self.run(bindings)
        if kind == "TYPE":
            msg = "the result is a type, which is not JSON"
            raise ExpressionFailure(msg)
        return plain(value, sort_keys=True, whole_numbers=True, foreign=number_of)

    def run(self, bindings: Mapping[str, Any]) -> tuple[str, Any]:
        """The type and the value of the result, as the engine gives them."""
        reader = Reader(READ_LIMIT if self._has_macros else READ_LIMIT_PLAIN)
        data = {name: reader.read(bindings[name], paths) for name, paths in self.reads.items() if name in bindings}
        if self._has_macros and self._adds:
            reader.refuse_growth()
        before = made.set([0])
        try:
            result = self._expression.eval(data=data)
            kind: str = result.type().name().upper()
            value = result.value() if kind == "ERROR" else result.plain_value()
        except (RuntimeError, ValueError) as error:
            raise ExpressionFailure(words(str(error), self.source)) from error
        except MemoryError as error:
            msg = "the expression needs more memory than there is"
            raise ExpressionFailure(msg) from error
        finally:
            made.reset(before)
        if kind == "ERROR":
            raise ExpressionFailure(words(str(value), self.source))
        return kind, value


class Condition:
    """A CEL expression that yields true or false.

    :param source: the expression
    :param names: the names that are bound when it is evaluated
    :raises ExpressionSyntaxError: it cannot be compiled, or can never yield a boolean
    """

    def __init__(self, source: str, names: frozenset[str]) -> None:
        self.source = source
        self._program = CelProgram(source, names)
        result = self._program.result_type
        if result not in {"BOOL", "DYN"}:
            msg = f"a condition must yield true or false, this one yields {result.lower()}"
            raise ExpressionSyntaxError(
                msg,
                kind="type",
                suggestion="compare it with something, for example == or >",
            )

    @property
    def reads(self) -> Paths:
        """The names it reads."""
        return self._program.reads

    def holds(self, bindings: Mapping[str, Any]) -> bool:
        """Whether the condition holds.

        :param bindings: the values of the names
        :raises ExpressionFailure: it fails, exceeds a bound, or yields no boolean
        """
        kind, value = self._program.run(bindings)
        if not isinstance(value, bool):
            msg = f"a condition must yield true or false, this one yielded {kind.lower()}"
            raise ExpressionFailure(msg)
        return value


@lru_cache(maxsize=2048)
def compile_cel(source: str, names: frozenset[str]) -> CelProgram:
    """Compile an expression of any type; see :class:`CelProgram`."""
    return CelProgram(source, names)


@lru_cache(maxsize=2048)
def compile_condition(source: str, names: frozenset[str]) -> Condition:
    """Compile a condition; see :class:`Condition`."""
    return Condition(source, names)


def usable_name(name: str) -> bool:
    """Whether an expression can use ``name`` as the name of a binding."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,99}", name) or name in {"true", "false", "null"}:
        return False
    try:
        _environment(frozenset({name})).compile(f"{name} == 1")
    except RuntimeError:
        return False
    return True


@lru_cache(maxsize=256)
def _environment(names: frozenset[str], *, computing: bool = False) -> Any:
    from cel_expr_python import cel

    kinds = {name: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) if name in _MAPS else cel.Type.DYN for name in names}
    overload = cel.Overload(
        id="iso_duration_string",
        return_type=cel.Type.DURATION,
        parameters=[cel.Type.STRING],
        is_member=False,
        impl=_iso_duration,
    )
    more = functions(cel) if computing else []
    return cel.NewEnv(variables=kinds, functions=[cel.FunctionDecl("isoDuration", [overload]), *more])


def _compiled(source: str, tokens: list[tuple[str, str]], names: frozenset[str]) -> Any:
    """The engine's program of an expression, whose arithmetic over data is rewritten.

    :raises ExpressionSyntaxError: it cannot be compiled
    """
    problem: Exception | None = None
    try:
        compiled = _environment(names).compile(source)
    except (RuntimeError, ValueError) as error:
        problem = error
    mixed = problem is not None and _compares_numbers(str(problem))
    if not needs_rewriting(tokens) and not mixed:
        if problem is not None:
            raise _compile_error(str(problem), source) from problem
        return compiled
    # Only what is well formed is rewritten; its types are those of the rewritten form.
    if problem is not None and not _only_types(str(problem)):
        raise _compile_error(str(problem), source) from problem
    try:
        return _environment(names, computing=True).compile(Rewriter(tokens, comparing=mixed).rewritten())
    except (RuntimeError, ValueError) as error:
        raise _compile_error(str(problem or error), source) from error


def _only_types(message: str) -> bool:
    """Whether nothing is wrong with an expression but the types of what its operators are applied to."""
    # One that is nested too deeply has no such line at all.
    found = [line for line in message.splitlines() if "ERROR: <input>" in line]
    return bool(found) and all("no matching overload" in line for line in found)


def _compares_numbers(message: str) -> bool:
    """Whether numbers of different types are compared, and nothing else that the engine would not compare."""
    found = [each for each in _OVERLOAD.finditer(message) if each[1] in COMPARISONS]
    return bool(found) and all(_NUMBERS.fullmatch(each[2]) for each in found)


def _iso_duration(text: str) -> timedelta:
    return parse_duration(text)


def _tokens(source: str) -> list[tuple[str, str]]:
    # The length is checked before any work is done on the text.
    if len(source) > SOURCE_LIMIT:
        msg = f"the expression has {len(source)} characters, at most {SOURCE_LIMIT} are allowed"
        raise ExpressionSyntaxError(
            msg,
            kind="size",
            suggestion="compute the value in a step's output or assign, and compare that",
        )
    if source != well_formed(source):
        msg = "the expression has half of a surrogate pair, which is not a character"
        raise ExpressionSyntaxError(msg)
    if not source.strip():
        msg = "the expression is empty"
        raise ExpressionSyntaxError(msg, kind="empty", suggestion="leave it out, or write true")
    return [(match.lastgroup or "sign", match[0]) for match in _TOKEN.finditer(source) if match.lastgroup != "space"]


def _check_size(tokens: list[tuple[str, str]]) -> bool:
    """Refuse what could grow without bound; return whether there are macros."""
    macros = sum(
        1
        for index, (kind, text) in enumerate(tokens)
        if kind == "name" and text in _MACROS and _text(tokens, index - 1) == "." and _text(tokens, index + 1) == "("
    )
    if macros > MACRO_LIMIT:
        msg = f"the expression has {macros} macros ({', '.join(sorted(_MACROS))}), at most {MACRO_LIMIT} are allowed"
        raise ExpressionSyntaxError(
            msg,
            kind="size",
        )
    sums = sum(1 for _, text in tokens if text == "+")
    limit = SUM_LIMIT if macros <= 1 else NESTED_SUM_LIMIT
    if sums > limit:
        beside = f" beside {macros} macros" if macros > 1 else ""
        msg = f"the expression has {sums} additions, at most {limit} are allowed{beside}"
        raise ExpressionSyntaxError(msg, kind="size")
    return macros > 0


def _text(tokens: list[tuple[str, str]], index: int) -> str:
    return tokens[index][1] if 0 <= index < len(tokens) else ""


def read_paths(tokens: list[tuple[str, str]], names: Iterable[str]) -> Paths:
    """The parts of the bindings that an expression names, as a tree."""
    known = frozenset(names)
    tree: Paths = {}
    for index, (kind, text) in enumerate(tokens):
        if kind == "name" and text in known and _text(tokens, index - 1) != ".":
            _add(tree, [text, *_fields(tokens, index + 1)])
    return tree


def _fields(tokens: list[tuple[str, str]], index: int) -> list[str]:
    fields: list[str] = []
    while True:
        if (
            _text(tokens, index) == "."
            and index + 1 < len(tokens)
            and tokens[index + 1][0] == "name"
            and _text(tokens, index + 2) != "("
        ):
            fields.append(tokens[index + 1][1])
            index += 2
            continue
        simple = _SIMPLE_STRING.fullmatch(_text(tokens, index + 1))
        if _text(tokens, index) == "[" and simple is not None and _text(tokens, index + 2) == "]":
            fields.append(simple[1] if simple[1] is not None else simple[2])
            index += 3
            continue
        return fields


def _add(tree: Paths, path: list[str]) -> None:
    for position, name in enumerate(path):
        last = position == len(path) - 1
        if name not in tree:
            tree[name] = {}
        elif not tree[name]:
            return  # read whole already
        if last:
            tree[name] = {}
        tree = tree[name]


_CODE: Final = re.compile(r"^[A-Z_]+: |\s*\[[A-Z_]+\]\s*$")
_PLACE: Final = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD: Final = re.compile(r"found no matching overload for '([^']*)' applied to '\((.*)\)'")
_NUMBERS: Final = re.compile(r"(?:u?int|double), (?:list\()?(?:u?int|double)\)?")
_EXPECTED: Final = re.compile(r" expecting \{.*")
_WORDS: Final = re.compile(r"""\b(?:and|or|not|AND|OR|NOT)\b""")


def _compile_error(message: str, source: str) -> ExpressionSyntaxError:
    place = _PLACE.search(message)
    text = _CODE.sub("", place[3] if place else message.split("\n", 1)[0])
    position = _position(source, int(place[1]), int(place[2])) if place else None
    undeclared = _UNDECLARED.search(text)
    if undeclared is not None:
        name = undeclared[1].split(".", 1)[0]
        return ExpressionSyntaxError(f"{name!r} is not bound here", position, kind="name", name=name)
    overload = _OVERLOAD.search(text)
    if overload is not None:
        return ExpressionSyntaxError(
            compile_words(overload[1], overload[2]),
            position,
            kind="type",
            suggestion=_suggestion(source),
        )
    if "recursion" in text:
        return ExpressionSyntaxError("the expression is nested too deeply", position, kind="size")
    text = _EXPECTED.sub("", text.removeprefix("Syntax error: "))
    return ExpressionSyntaxError(text, position, suggestion=_suggestion(source))


def _suggestion(source: str) -> str | None:
    """What people of other languages write, and what CEL writes for it."""
    outside = _TOKEN.sub(lambda match: '""' if match.lastgroup == "string" else match[0], source)
    hints = []
    if _WORDS.search(outside):
        hints.append("write && for and, || for or, ! for not")
    if re.search(r"(?<![=!<>])=(?!=)|===", outside):
        hints.append("write == for equal")
    if "<>" in outside:
        hints.append("write != for not equal")
    return "; ".join(hints) or None


def _position(source: str, line: int, column: int) -> int | None:
    if line < 1:
        return None
    return sum(len(text) + 1 for text in source.split("\n")[: line - 1]) + max(column - 1, 0)
