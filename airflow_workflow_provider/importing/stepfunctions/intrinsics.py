"""Intrinsic functions of the Amazon States Language (``States.…``), written as JSONata."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from airflow_workflow_provider.importing.jsonata import Script, listed, literal
from airflow_workflow_provider.importing.jsonpath import NotTranslatable

_CALL: Final = re.compile(r"\s*(States\.[A-Za-z0-9]+)\s*\(")
_TEXT: Final = re.compile(r"\s*'((?:[^'\\]|\\.)*)'", re.DOTALL)
_WORD: Final = re.compile(r"\s*(-?\d+(?:\.\d+)?|true|false|null)(?=\s*[,)])")
_PATH: Final = re.compile(r"\s*(\$(?:\[[^\]]*\]|[^,\s()\[\]])*)")
_DEEPEST: Final = 10

PathWriter = Callable[[str], str]


@dataclass(frozen=True)
class _Given:
    """An argument: its expression, and the text of it where it is a literal one."""

    code: str
    text: str | None = None


def is_intrinsic(text: str) -> bool:
    """Return whether a text calls an intrinsic function."""
    return _CALL.match(text) is not None


def as_jsonata(text: str, script: Script, path: PathWriter) -> str:
    """Return a call of an intrinsic function as JSONata.

    :param script: gets the helpers that it uses
    :param path: writes a path as JSONata
    :raises NotTranslatable: it is malformed, or has no counterpart
    """
    code, at = _call(text, 0, script, path, 0)
    if text[at:].strip():
        message = f"{text[at:].strip()[:40]!r} after the call"
        raise NotTranslatable(message)
    return code


def _call(text: str, at: int, script: Script, path: PathWriter, depth: int) -> tuple[str, int]:
    found = _CALL.match(text, at)
    if found is None or depth > _DEEPEST:
        message = f"{text[at : at + 40]!r} is not a call of an intrinsic function"
        raise NotTranslatable(message)
    at = found.end()
    given: list[_Given] = []
    while not text[at:].lstrip().startswith(")"):
        argument, at = _argument(text, at, script, path, depth)
        given.append(argument)
        rest = text[at:].lstrip()
        at = len(text) - len(rest)
        if rest.startswith(","):
            at += 1
        elif not rest.startswith(")"):
            message = f"{rest[:40]!r} where a comma or ) has to be"
            raise NotTranslatable(message)
    at = text.index(")", at) + 1
    write = _FUNCTIONS.get(found[1])
    if write is None:
        message = f"the intrinsic function {found[1]} has no counterpart"
        raise NotTranslatable(message)
    try:
        return write(given, script), at
    except (IndexError, ValueError) as error:
        message = str(error) if isinstance(error, NotTranslatable) else f"{found[1]} with {len(given)} arguments"
        raise NotTranslatable(message) from error


def _argument(text: str, at: int, script: Script, path: PathWriter, depth: int) -> tuple[_Given, int]:
    quoted = _TEXT.match(text, at)
    if quoted is not None:
        return _Given(literal(re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)), quoted[1]), quoted.end()
    word = _WORD.match(text, at)
    if word is not None:
        return _Given(word[1]), word.end()
    if _CALL.match(text, at) is not None:
        code, at = _call(text, at, script, path, depth + 1)
        return _Given(code), at
    found = _PATH.match(text, at)
    if found is None:
        message = f"the argument {text[at : at + 40]!r} cannot be read"
        raise NotTranslatable(message)
    return _Given(path(found[1])), found.end()


def _format(given: list[_Given], _: Script) -> str:
    template = given[0].text
    if template is None:
        message = "States.Format with a template from data"
        raise NotTranslatable(message)
    parts = re.split(r"(?<!\\)\{\}", template)
    values = given[1:]
    if len(parts) != len(values) + 1:
        message = f"States.Format has {len(parts) - 1} places for {len(values)} arguments"
        raise NotTranslatable(message)
    plain = [literal(re.sub(r"\\(.)", r"\1", part)) for part in parts]
    terms = [plain[0]]
    for value, text in zip(values, plain[1:], strict=True):
        terms += [f"$string({value.code})" if not value.code.startswith('"') else value.code, text]
    kept = [term for term in terms if term != '""']
    return f"({' & '.join(kept)})" if kept else '""'


def _split(given: list[_Given], _: Script) -> str:
    separators = json.loads(given[1].code)
    if not isinstance(separators, str) or not separators:
        message = "States.StringSplit with separators from data"
        raise NotTranslatable(message)
    if len(separators) == 1:
        return f'[$split({given[0].code}, {literal(separators)})[$ != ""]]'
    signs = re.sub(r"([\\\]\[^/-])", r"\\\1", separators)
    return f'[$split({given[0].code}, /[{signs}]/)[$ != ""]]'


def _merge(given: list[_Given], _: Script) -> str:
    deep = given[2].code
    if deep != "false":
        message = "States.JsonMerge of objects inside of objects"
        raise NotTranslatable(message)
    return f"$merge([{given[0].code}, {given[1].code}])"


def _random(given: list[_Given], _: Script) -> str:
    if len(given) > 2:  # noqa: PLR2004 - start and end, then a seed
        message = "States.MathRandom with a seed"
        raise NotTranslatable(message)
    first, last = given[0].code, given[1].code
    return f"({first} + $floor($random() * ({last} - {first})))"


def _array(given: list[_Given], _: Script) -> str:
    return listed(each.code for each in given)


_FUNCTIONS: Final[dict[str, Callable[[list[_Given], Script], str]]] = {
    "States.Format": _format,
    "States.StringToJson": lambda given, _: f"$parseJson({given[0].code})",
    "States.JsonToString": lambda given, script: f"{script.use('text')}({given[0].code})",
    "States.Array": _array,
    "States.ArrayPartition": lambda given, script: f"{script.use('partition')}({given[0].code}, {given[1].code})",
    "States.ArrayContains": lambda given, script: f"{script.use('contains')}({given[0].code}, {given[1].code})",
    "States.ArrayRange": lambda given, script: (
        f"{script.use('range')}({given[0].code}, {given[1].code}, {given[2].code})"
    ),
    "States.ArrayGetItem": lambda given, script: script.need(f"({given[0].code})[{given[1].code}]", "ArrayGetItem"),
    "States.ArrayLength": lambda given, script: f"{script.use('length')}({given[0].code})",
    "States.ArrayUnique": lambda given, _: f"[$distinct({given[0].code})[]]",
    "States.Base64Encode": lambda given, script: f"{script.use('encode')}({given[0].code})",
    "States.Base64Decode": lambda given, script: f"{script.use('decode')}({given[0].code})",
    "States.Hash": lambda given, _: f"$hash({given[0].code}, {given[1].code})",
    "States.JsonMerge": _merge,
    "States.MathRandom": _random,
    "States.MathAdd": lambda given, _: f"({given[0].code} + {given[1].code})",
    "States.StringSplit": _split,
    "States.UUID": lambda _, __: "$uuid()",
}
