"""The part of jq that workflow definitions use, written as JSONata.

jq passes streams of values; an expression here gives one value. ``.[]`` and ``select`` are therefore translated inside
of ``[…]`` only, where a list collects them. Everything else is left to people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from airflow_workflow_provider.importing.jq_functions import FUNCTIONS, WITH_ARGUMENT, sliced
from airflow_workflow_provider.importing.jsonata import Script, listed, literal, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.tokens import TokenReader

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<comment>\#[^\n]*)|(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<field>\.[A-Za-z_]\w*)
    |(?P<name>\$?[A-Za-z_]\w*)|(?P<sign>\?//|//|==|!=|<=|>=|\.\.|[-+*/%<>|.,:;?(){}\[\]]))""",
    re.VERBOSE,
)
_BINARY: Final = {
    "|": 1, ",": 2, "//": 3, "or": 4, "and": 5, "==": 6, "!=": 6, "<": 6, "<=": 6, ">": 6, ">=": 6,
    "+": 7, "-": 7, "*": 8, "/": 8, "%": 8,
}  # fmt: skip
_DEEPEST: Final = 60

Variables = Callable[[str], str | None]
"""Gives the JSONata of a variable by its name; None where there is none."""


def as_jsonata(source: str, base: str, script: Script, variables: Variables = lambda _: None) -> str:
    """Return a query as one JSONata expression.

    :param base: the expression of ``.``
    :param script: gets the helpers that it uses
    :param variables: what ``$name`` stands for
    :raises NotTranslatable: it does more than the part of the language that is translated
    """
    return _Parser(source, script, variables).program(base)


Code = Callable[[str], str]
"""A part of a query: gives its JSONata from that of its ``.``."""


class _Part:
    """A part of a query.

    :param code: its JSONata, from that of ``.``
    :param stream: whether it gives any number of values, which ``code`` gives as a list
    :param holds: of a ``select``, the condition on a value
    """

    def __init__(self, code: Code, *, stream: bool = False, holds: Code | None = None) -> None:
        self.code = code
        self.stream = stream
        self.holds = holds


class _Parser(TokenReader):
    def __init__(self, source: str, script: Script, variables: Variables) -> None:
        super().__init__(_TOKEN, source, "a query")
        self._script = script
        self._variables = variables
        self._depth = 0
        self._bound = 0
        self._names: set[str] = set()

    def program(self, base: str) -> str:
        part = self._expression()
        self._expect_end()
        return self._single(part)(base)

    def _single(self, part: _Part) -> Code:
        if part.stream:
            message = "a query that gives several values"
            raise NotTranslatable(message)
        return part.code

    def _true(self, code: Code) -> Code:
        """Return what tests a value as jq does: everything but null and false is true."""
        return lambda base: f"{self._script.use('holds')}({code(base)})"

    def _expression(self, least: int = 0) -> _Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            message = "a query that is nested too deeply"
            raise NotTranslatable(message)
        left = self._postfix()
        if self._take("as"):
            left = self._bind(left)
        while True:
            sign = self._peek()[1]
            strength = _BINARY.get(sign, 0)
            if strength <= least or self._peek()[0] == "text":
                break
            self._at += 1
            right = self._expression(strength)
            left = self._joined(left, sign, right)
        self._depth -= 1
        return left

    def _bind(self, left: _Part) -> _Part:
        """Return what follows ``… as $name |``, with the name bound."""
        value, (_, name) = self._single(left), self._next()
        if not name.startswith("$"):
            message = f"{name!r} after 'as'"
            raise NotTranslatable(message)
        self._expect("|")
        self._names.add(name)
        body = self._expression()
        return _Part(lambda base: f"({name} := {value(base)}; {body.code(base)})", stream=body.stream)

    def _joined(self, left: _Part, sign: str, right: _Part) -> _Part:
        if sign == "|":
            return self._piped(left, right)
        if sign == ",":
            message = "a query that gives several values"
            raise NotTranslatable(message)
        first, then = self._single(left), self._single(right)
        helper = self._script.use
        forms: dict[str, Callable[[str, str], str]] = {
            "+": lambda a, b: f"{helper('plus')}({a}, {b})",
            "//": lambda a, b: f"({a} != null and {a} != false ? {a} : {b})",
            "==": lambda a, b: f"({helper('orNull')}({a}) = {helper('orNull')}({b}))",
            "!=": lambda a, b: f"$not({helper('orNull')}({a}) = {helper('orNull')}({b}))",
        }
        if sign in {"and", "or"}:
            one, other = self._true(first), self._true(then)
            return _Part(lambda base: f"({one(base)} {sign} {other(base)})")
        form = forms.get(sign) or (lambda a, b: f"({a} {sign} {b})")
        return _Part(lambda base: form(first(base), then(base)))

    def _piped(self, left: _Part, right: _Part) -> _Part:
        if not left.stream:
            return _Part(lambda base: right.code(left.code(base)), stream=right.stream)
        if right.holds is not None:
            name, holds = self._name(), right.holds
            self._script.use("filtered")
            return _Part(
                lambda base: f"$filtered({left.code(base)}, function({name}) {{ {holds(name)} }})", stream=True
            )
        if right.stream:
            message = "a list inside of a list of values"
            raise NotTranslatable(message)
        return self._each(left, right.code)

    def _each(self, stream: _Part, code: Code) -> _Part:
        name = self._name()
        self._script.use("mapped")
        self._script.use("orNull")
        return _Part(
            lambda base: f"$mapped({stream.code(base)}, function({name}) {{ $orNull({code(name)}) }})[]", stream=True
        )

    def _name(self) -> str:
        self._bound += 1
        return f"$v{self._bound}"

    def _postfix(self) -> _Part:
        part = self._primary()
        while True:
            kind, text = self._peek()
            if kind == "field":
                self._at += 1
                part = self._then(part, member(text[1:]))
            elif text == "." and self._peek(1)[0] == "text":
                self._at += 2
                part = self._then(part, member(_plain(self._tokens[self._at - 1][1])))
            elif text == "[" and kind == "sign":
                self._at += 1
                part = self._bracket(part)
            elif text == "?" and kind == "sign":
                self._at += 1
            else:
                return part

    def _then(self, part: _Part, selector: str) -> _Part:
        if part.stream:
            return self._each(part, lambda base: base + selector)
        return _Part(lambda base: part.code(base) + selector)

    def _bracket(self, part: _Part) -> _Part:
        if self._take("]"):
            if part.stream:
                message = "lists inside of a list of values"
                raise NotTranslatable(message)
            return _Part(lambda base: f"{self._script.use('values')}({part.code(base)})", stream=True)
        kind, text = self._peek()
        if kind == "text" and self._peek(1)[1] == "]":
            self._at += 2
            return self._then(part, member(_plain(text)))
        first, is_slice = self._position(), self._take(":")
        last = self._position() if is_slice else ""
        self._expect("]")
        if not is_slice and first:
            return self._then(part, f"[{first}]")
        if first.startswith("-") or last.startswith("-") or part.stream:
            message = "a slice that counts from the end"
            raise NotTranslatable(message)
        bounds = [f"$i >= {first}"] if first else []
        bounds += [f"$i < {last}"] if last else []
        test = " and ".join(bounds) or "true"
        length = f", {int(last) - int(first or 0)}" if last else ""

        return _Part(lambda base: sliced(part.code(base), f"{first or 0}{length}", test))

    def _position(self) -> str:
        sign = "-" if self._take("-") else ""
        if self._peek()[0] == "number":
            return sign + self._next()[1]
        return ""

    def _primary(self) -> _Part:
        kind, text = self._next()
        if kind == "number":
            return _Part(lambda _: text)
        if kind == "field":
            return _Part(lambda base: base + member(text[1:]))
        if kind in {"text", "name"}:
            return self._text(text) if kind == "text" else self._called(text)
        if text == "-":
            inner = self._single(self._postfix())
            return _Part(lambda base: f"-{inner(base)}")
        if text == ".":
            selector = member(_plain(self._next()[1])) if self._peek()[0] == "text" else ""
            return _Part(lambda base: base + selector)
        return self._bracketed(text)

    def _bracketed(self, text: str) -> _Part:
        if text == "(":
            part = self._expression()
            self._expect(")")
            return _Part(lambda base: f"({part.code(base)})", stream=part.stream)
        if text == "[":
            return self._list()
        if text == "{":
            return self._object()
        message = f"{text!r} in a query"
        raise NotTranslatable(message)

    def _text(self, token: str) -> _Part:
        pieces = re.split(r"\\\(", token[1:-1])
        if len(pieces) == 1:
            return _Part(lambda _: literal(_plain(token)))
        terms: list[Code] = []
        for number, piece in enumerate(pieces):
            rest = piece
            if number:
                inside, close, rest = piece.partition(")")
                if not close or "(" in inside:
                    message = f"the text {token[:40]}"
                    raise NotTranslatable(message)
                code = self._single(_Parser(inside, self._script, self._variables)._expression())
                terms.append(lambda base, code=code: f"$string({self._script.use('orNull')}({code(base)}))")  # type: ignore[misc]
            if rest:
                terms.append(lambda _, rest=rest: literal(_plain(f'"{rest}"')))  # type: ignore[misc]
        return _Part(lambda base: f"({' & '.join(term(base) for term in terms)})")

    def _list(self) -> _Part:
        if self._take("]"):
            return _Part(lambda _: "[]")
        parts = [self._expression(2)]
        while self._take(","):
            parts.append(self._expression(2))
        while len(parts) == 1 and self._take("|"):
            parts = [self._piped(parts[0], self._expression(1))]
        self._expect("]")
        if len(parts) == 1 and parts[0].stream:
            return _Part(parts[0].code)
        codes = [self._single(part) for part in parts]
        return _Part(lambda base: listed(f"{self._script.use('orNull')}({code(base)})" for code in codes))

    def _object(self) -> _Part:
        members: list[tuple[str, Code]] = []
        while not self._take("}"):
            kind, text = self._next()
            if kind not in {"name", "text"} or text.startswith("$"):
                message = f"the key {text!r} of an object"
                raise NotTranslatable(message)
            key = _plain(text) if kind == "text" else text
            code = self._single(self._expression(2) if self._take(":") else self._member_of(key))
            members.append((key, code))
            if not self._take(",") and self._peek()[1] != "}":
                message = f"{self._peek()[1]!r} where a comma has to be"
                raise NotTranslatable(message)
        or_null = self._script.use("orNull") if members else ""
        return _Part(
            lambda base: "{" + ", ".join(f"{literal(key)}: {or_null}({code(base)})" for key, code in members) + "}"
        )

    @staticmethod
    def _member_of(key: str) -> _Part:
        return _Part(lambda base: base + member(key))

    def _called(self, name: str) -> _Part:
        if name in {"true", "false", "null"}:
            return _Part(lambda _: name)
        if name in {"empty", "not"}:
            return self._not(name)
        if name == "if":
            return self._if()
        if name.startswith("$"):
            found = name if name in self._names else self._variables(name[1:])
            if found is None:
                message = f"the variable {name}"
                raise NotTranslatable(message)
            return _Part(lambda _: found)
        if name in {"map", "select"}:
            return self._mapped(name)
        if name in WITH_ARGUMENT and self._take("("):
            argument = self._single(self._expression())
            self._expect(")")
            form = WITH_ARGUMENT[name]
            return _Part(lambda base: form(base, argument(base)), stream=name == "range")
        if name in FUNCTIONS:
            return _Part(lambda base: FUNCTIONS[name].replace("@", base))
        message = f"the function {name}"
        raise NotTranslatable(message)

    def _not(self, name: str) -> _Part:
        if name == "empty":
            message = "a query that gives no value"
            raise NotTranslatable(message)
        return _Part(lambda base: f"$not({self._script.use('holds')}({base}))")

    def _if(self) -> _Part:
        condition = self._true(self._single(self._expression()))
        self._expect("then")
        then = self._single(self._expression())
        if self._take("elif"):
            otherwise = self._single(self._if())
        else:
            self._expect("else")
            otherwise = self._single(self._expression())
            self._expect("end")
        return _Part(lambda base: f"({condition(base)} ? {then(base)} : {otherwise(base)})")

    def _mapped(self, kind: str) -> _Part:
        self._expect("(")
        inner = self._expression()
        self._expect(")")
        name = self._name()
        if kind == "select":
            holds = self._true(self._single(inner))
            # Only what passes several values on can leave one out.
            self._script.use("filtered")
            return _Part(
                lambda base: f"$filtered([{base}], function({name}) {{ {holds(name)} }})", stream=True, holds=holds
            )
        if inner.stream:
            self._script.use("filtered")
            return _Part(lambda base: f"$filtered({base}, function({name}) {{ $count({inner.code(name)}) > 0 }})")
        return _Part(
            self._each(_Part(lambda base: f"{self._script.use('values')}({base})", stream=True), inner.code).code
        )


def _plain(token: str) -> str:
    """Return the text of a token of it."""
    try:
        return str(json.loads(token))
    except ValueError as error:
        message = f"the text {token[:40]}"
        raise NotTranslatable(message) from error
