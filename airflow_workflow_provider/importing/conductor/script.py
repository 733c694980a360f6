"""The part of JavaScript that conditions and small computations of Conductor use, written as JSONata.

It is an expression: members, comparisons, arithmetic, conditions, lists and objects; or a function, or ``if`` with
``else``, that returns such ones. Everything else is left to people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from airflow_workflow_provider.importing.jsonata import Script, listed, literal, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable
from airflow_workflow_provider.importing.tokens import TokenReader

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>===|!==|==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,;=(){}\[\]]))""",
    re.VERBOSE | re.DOTALL,
)
_BINARY: Final = {
    "||": (1, "or"), "&&": (2, "and"), "==": (3, "="), "===": (3, "="), "!=": (3, "!="), "!==": (3, "!="),
    "<": (4, "<"), ">": (4, ">"), "<=": (4, "<="), ">=": (4, ">="),
    "+": (5, "+"), "-": (5, "-"), "*": (6, "*"), "/": (6, "/"), "%": (6, "%"),
}  # fmt: skip
_METHODS: Final = {
    ("toUpperCase", 0): "$uppercase({0})",
    ("toLowerCase", 0): "$lowercase({0})",
    ("trim", 0): '$replace({0}, /^\\s+|\\s+$/, "")',
    ("toString", 0): "$string({0})",
    ("includes", 1): "($type({0}) = 'string' ? $contains({0}, {1}) : {1} in {0})",
    ("startsWith", 1): "($substring({0}, 0, $length({1})) = {1})",
    ("join", 1): "$join({0}.$string(), {1})",
    ("split", 1): "[$split({0}, {1})]",
}
_MATH: Final = {
    ("floor", 1): "$floor({0})",
    ("ceil", 1): "$ceil({0})",
    ("abs", 1): "$abs({0})",
    ("random", 0): "$random()",
    ("min", 2): "$min([{0}, {1}])",
    ("max", 2): "$max([{0}, {1}])",
}
"""Calls by name and number of arguments."""

_DEEPEST: Final = 60
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r"}

Root = Callable[[str], str]
"""Gives the JSONata of a member of ``$``."""


def as_jsonata(source: str, root: Root, script: Script) -> str:
    """Return a script of JavaScript as one JSONata expression.

    :param root: gives the expression of a member of ``$``
    :param script: gets the helpers that it uses
    :raises NotTranslatable: it does more than the part of the language that is translated
    """
    return _Parser(source, root, script).program()


class _Parser(TokenReader):
    def __init__(self, source: str, root: Root, script: Script) -> None:
        super().__init__(_TOKEN, source.strip(), "a script")
        self._root = root
        self._script = script
        self._depth = 0
        self._names: set[str] = set()

    def program(self) -> str:
        code = self._function() if self._is_function() else self._statement()
        while self._take(";"):
            pass
        self._expect_end()
        return code

    def _is_function(self) -> bool:
        words = [text for _, text in self._tokens[:2]]
        return words[:1] == ["function"] or words == ["(", "function"]

    def _function(self) -> str:
        wrapped = self._take("(")
        self._expect("function")
        if self._peek()[0] == "name":
            self._at += 1
        for sign in "(){":
            self._expect(sign)
        code = self._statement()
        while self._take(";"):
            pass
        self._expect("}")
        if wrapped:
            self._expect(")")
        if self._take("("):
            self._expect(")")
        elif self._peek()[1] != "" and not wrapped:
            self._at += 1  # a call by the function's name
            for sign in "()":
                self._expect(sign)
        return code

    def _statement(self) -> str:
        if self._take("if"):
            self._expect("(")
            condition = self._expression()
            self._expect(")")
            then = self._block()
            if not self._take("else"):
                # What follows a return is the other case.
                return f"({self._truth(condition)} ? {then} : {self._statement()})"
            return f"({self._truth(condition)} ? {then} : {self._block()})"
        if self._peek()[1] in {"var", "let", "const"}:
            return self._declaration()
        self._take("return")
        code = self._expression()
        self._take(";")
        return code

    def _declaration(self) -> str:
        """Return what follows a variable, with the variable bound."""
        self._at += 1
        kind, name = self._next()
        if kind != "name" or "$" in name:
            message = f"the variable {name!r}"
            raise NotTranslatable(message)
        self._expect("=")
        value = self._expression()
        self._expect(";")
        self._names.add(name)
        return f"(${name} := {value}; {self._statement()})"

    def _block(self) -> str:
        if not self._take("{"):
            return self._statement()
        code = self._statement()
        while self._take(";"):
            pass
        self._expect("}")
        return code

    def _expression(self, least: int = 0) -> str:
        self._depth += 1
        if self._depth > _DEEPEST:
            message = "a script that is nested too deeply"
            raise NotTranslatable(message)
        left = self._unary()
        while True:
            sign = self._peek()[1]
            if sign == "?" and least == 0:
                self._at += 1
                then = self._expression()
                self._expect(":")
                left = f"({self._truth(left)} ? {then} : {self._expression()})"
                continue
            strength, written = _BINARY.get(sign, (0, ""))
            if self._peek()[0] != "sign" or strength <= least:
                break
            self._at += 1
            right = self._expression(strength)
            left = self._joined(left, written, right)
        self._depth -= 1
        return left

    def _joined(self, left: str, sign: str, right: str) -> str:
        """Return an operation: JavaScript has values for missing members, and ``or`` and ``and`` give one of two."""
        if sign in {"=", "!="} and "null" in {left, right}:
            value = left if right == "null" else right
            found = f"({value} = null or $not($exists({value})))"
            return found if sign == "=" else f"$not{found}"
        if sign == "!=":
            return f"$not({left} = {right})"
        if sign == "or":
            return f"({self._truth(left)} ? {left} : {right})"
        if sign == "and":
            return f"({self._truth(left)} ? {right} : {left})"
        if sign == "+" and '"' in {left[0], right[0]}:
            return f"({left} & {right})"
        if sign == "+":
            return f"{self._script.use('plus')}({left}, {right})"
        return f"({left} {sign} {right})"

    def _truth(self, code: str) -> str:
        """Return whether JavaScript takes a value for true: also an empty list or object."""
        return f"{self._script.use('truthy')}({code})"

    def _unary(self) -> str:
        if self._take("!"):
            return f"$not({self._truth(self._unary())})"
        if self._take("-"):
            return f"-{self._unary()}"
        return self._selected()

    def _selected(self) -> str:
        code = self._primary()
        while True:
            if self._take("."):
                kind, name = self._next()
                if kind != "name":
                    message = f"{name!r} after a dot"
                    raise NotTranslatable(message)
                code = self._method(code, name) if self._peek()[1] == "(" else self._member(code, name)
            elif self._take("["):
                kind, text = self._peek()
                if kind == "text":
                    self._at += 1
                    code = self._member(code, _text(text))
                else:
                    code = f"{self._script.use('at')}({code}, {self._expression()})"
                self._expect("]")
            elif self._peek()[1] == "(":
                message = f"a call of {code[-30:]!r}"
                raise NotTranslatable(message)
            else:
                return code

    def _member(self, code: str, name: str) -> str:
        if code == "$":
            return self._root(name)
        if name == "length":
            return f"($type({code}) = 'string' ? $length({code}) : $count({code}))"
        return code + member(name)

    def _method(self, code: str, name: str) -> str:
        given = self._given()
        form = _METHODS.get((name, len(given)))
        if form is None:
            message = f"a call of {name}"
            raise NotTranslatable(message)
        return form.format(code, *given)

    def _math(self) -> str:
        self._expect(".")
        name = self._next()[1]
        given = self._given()
        if (name, len(given)) not in _MATH:
            message = f"a call of Math.{name}"
            raise NotTranslatable(message)
        return _MATH[name, len(given)].format(*given)

    def _given(self) -> list[str]:
        self._expect("(")
        return self._until(")", self._expression)

    def _primary(self) -> str:
        kind, text = self._next()
        if kind == "number":
            return text
        if kind == "text":
            return literal(_text(text))
        if text in {"true", "false", "null", "$"}:
            return text
        if kind == "name" and text in self._names:
            return f"${text}"
        if text == "Math":
            return self._math()
        if text == "(":
            code = self._expression()
            self._expect(")")
            return code if code.startswith("(") else f"({code})"
        if text == "[":
            return listed(self._until("]", self._expression))
        if text == "{":
            return "{" + ", ".join(self._until("}", self._pair)) + "}"
        message = f"{text!r} in a script"
        raise NotTranslatable(message)

    def _until(self, end: str, part: Callable[[], str]) -> list[str]:
        found: list[str] = []
        while not self._take(end):
            found.append(part())
            if not self._take(",") and self._peek()[1] != end:
                message = f"{self._peek()[1]!r} where a comma has to be"
                raise NotTranslatable(message)
        return found

    def _pair(self) -> str:
        kind, text = self._next()
        if kind not in {"name", "text"}:
            message = f"the key {text!r} of an object"
            raise NotTranslatable(message)
        self._expect(":")
        return f"{literal(_text(text) if kind == 'text' else text)}: {self._expression()}"


def _text(token: str) -> str:
    if token[0] == '"':
        try:
            return str(json.loads(token))
        except ValueError as error:
            message = f"the text {token[:30]}"
            raise NotTranslatable(message) from error
    if re.search(r"\\[ux]", token):
        message = f"the text {token[:30]}"
        raise NotTranslatable(message)
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), token[1:-1])
