"""Writing JSONata: literals, paths and the helper functions that a translated expression begins with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_workflow_provider.importing.draft import Json, transform
from airflow_workflow_provider.model.json_text import dumps

HELPERS: Final = {
    "need": 'function($value, $of) { $exists($value) ? $value : $error($of & " finds nothing") }',
    "partition": "function($list, $size) { $count($list) = 0 ? [] : $reduce([0..$ceil($count($list) / $size) - 1], "
    "function($parts, $n) { $append($parts, [[$filter($list, function($v, $i) "
    "{ $i >= $n * $size and $i < ($n + 1) * $size })[]]]) }, []) }",
    "range": "function($from, $to, $by) { [[0..$floor(($to - $from) / $by)].($from + $ * $by)] }",
    "each": "function($list, $key) { [$map($list, function($i) { $i = null ? null : $lookup($i, $key) })[]] }",
    "batches": "function($parts, $more) { [$map($parts, function($i) "
    '{ $merge([$exists($more) ? {"BatchInput": $more} : {}, {"Items": $i}]) })[]] }',
    "plus": "function($a, $b) { $not($exists($a)) or $a = null ? $b : $not($exists($b)) or $b = null ? $a : "
    '$type($a) = "number" and $type($b) = "number" ? $a + $b : $type($a) = "array" ? $append($a, $b) : '
    '$type($a) = "object" ? $merge([$a, $b]) : $a & $b }',
    "orNull": "function($value) { $exists($value) ? $value : null }",
    "holds": "function($value) { $exists($value) and $value != null and $value != false }",
    "truthy": 'function($value) { $type($value) in ["array", "object"] or $boolean($value) = true }',
    "at": 'function($value, $key) { $type($key) = "number" ? ($key >= 0 ? $value[$key] : null) : '
    "$lookup($value, $key) }",
    "values": 'function($value) { $type($value) = "object" ? [$each($value, function($i) { $i })[]] : $value }',
    "mapped": "function($list, $each) { [$map($list, $each)[]] }",
    "filtered": "function($list, $holds) { [$filter($list, function($i) { $holds($i) })[]] }",
    "length": 'function($list) { $type($list) = "array" ? $count($list) : $error("ArrayLength of what is no list") }',
    "contains": 'function($list, $value) { $type($list) = "array" ? $value in $list : '
    '$error("ArrayContains in what is no list") }',
    "text": 'function($value) { $type($value) = "string" ? '
    "($json := $string([$value]); $substring($json, 1, $length($json) - 2)) : $string($value) }",
    # $base64encode and $base64decode work on characters as bytes; Step Functions works on UTF-8.
    "encode": "function($text) { $base64encode($decodeUrlComponent($replace($encodeUrlComponent($text), "
    '/%([89A-F])(.)/, function($m) { "%" & ($m.groups[0] in ["8", "9", "A", "B"] ? "C2%" & $m.groups[0] : "C3%" & '
    '$lookup({"C": "8", "D": "9", "E": "A", "F": "B"}, $m.groups[0])) & $m.groups[1] }))) }',
    "decode": "function($text) { $decodeUrlComponent($replace($encodeUrlComponent($base64decode($text)), "
    '/%C([23])%(.)/, function($m) { "%" & ($m.groups[0] = "2" ? $m.groups[1] : '
    '$lookup({"8": "C", "9": "D", "A": "E", "B": "F"}, $m.groups[1])) })) }',
    "decided": 'function($value, $of) { $type($value) = "boolean" ? $value : '
    '$error($of & " is neither true nor false") }',
    "parse": "function($text) { $parseJson($text) }",
    "failure": "function($of) { ($causes := [$of.details.causes.*]; $count($causes) > 0 ? $failure($causes[0]) : "
    '{"Error": $of.type in ["TimeoutError", "NoTransitionMatched", "ExpressionError", "OutputTooLarge"] ? '
    '$lookup({"TimeoutError": "States.Timeout", "NoTransitionMatched": "States.NoChoiceMatched", '
    '"ExpressionError": "States.Runtime", "OutputTooLarge": "States.DataLimitExceeded"}, $of.type) : $of.type, '
    '"Cause": $of.message}) }',
}
"""Functions that translated expressions use, by name; a script defines those that it uses, and no other."""

_PLAIN: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_ONE_ELEMENT: Final = re.compile(
    r"""^(?:true|false|null|-?[0-9][0-9.eE+-]*|"(?:[^"\\]|\\.)*"|\{.*\}|\[.*\])$""", re.DOTALL
)
"""What is one element between brackets: a literal, or the constructor of an object or a list."""
_WORDS: Final = frozenset({"and", "or", "in", "true", "false", "null"})


def literal(value: Any) -> str:
    """Return a JSON value as JSONata."""
    return dumps(value)


def member(name: str) -> str:
    """Return what selects a member; a backtick cannot be written in a name."""
    if _PLAIN.match(name) and name not in _WORDS:
        return f".{name}"
    return f".`{name}`" if "`" not in name else f".$lookup($, {literal(name)})"


@dataclass
class Script:
    """One JSONata expression under construction: the helpers and values that its text uses.

    :param helpers: names of :data:`HELPERS`
    :param bound: values by the name that the text uses with a ``$``
    :param states: members of ``$states``, and ``context`` those of ``$states.context``
    """

    helpers: set[str] = field(default_factory=set)
    bound: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    context: dict[str, str] = field(default_factory=dict)

    def use(self, helper: str) -> str:
        """Return the name of a helper, which the script then defines."""
        self.helpers.add(helper)
        return f"${helper}"

    def need(self, text: str, of: str) -> str:
        """Return an expression that fails where ``text`` finds nothing, as the source's language does."""
        return f"{self.use('need')}({text}, {literal(of)})"

    def transform(self, text: str) -> Json:
        """Return the finished transform."""
        if self.context:
            self.states["context"] = built(self.context)
        bound = {**self.bound, **({"states": built(self.states)} if self.states else {})}
        values = [f"${name} := {value}" for name, value in bound.items()]
        helpers = [f"${name} := {HELPERS[name]}" for name in HELPERS if name in self.helpers]
        return transform(f"({'; '.join([*helpers, *values, text])})" if helpers or values else text)


def built(members: Mapping[str, str]) -> str:
    """Return the constructor of an object from the expressions of its members."""
    return "{" + ", ".join(f"{literal(key)}: {value}" for key, value in members.items()) + "}"


def failing(why: str) -> Json:
    """Return a transform that fails, in the place of one that a person has to write."""
    return transform(f"$error({literal(why)})")


def listed(elements: Iterable[str]) -> str:
    """Return the constructor of a list, whose elements stay as they are.

    Between brackets JSONata joins the elements of a list that is not itself written with brackets, so elements that may
    be lists pass as values of an object.
    """
    codes = list(elements)
    if all(_ONE_ELEMENT.match(code) for code in codes):
        return f"[{', '.join(codes)}]"
    return kept_list(f"$each({built({str(number): code for number, code in enumerate(codes)})}, function($v) {{ $v }})")


def kept_list(code: str) -> str:
    """Return the list of the results of a function such as ``$map``, also of none, and of one that is a list."""
    return f"[{code}[]]"


def placed(base: str, names: list[str], value: str) -> str:
    """Return the object ``base`` with a value at a path of names, whose objects are made where they are missing."""
    inner = value if len(names) == 1 else placed(base + member(names[0]), names[1:], value)
    return f"$merge([{base}, {built({names[0]: inner})}])"
