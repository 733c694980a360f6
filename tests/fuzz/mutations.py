"""Mutations of JSON values and of texts, by a seeded random generator."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Sequence
from typing import Any, Final

TEXTS: Final = (
    "",
    " ",
    "\0",
    "\ud800",
    "é",
    "x" * 300,
    "end",
    "fail",
    "../x",
    "a/b",
    "PT5M",
    "P1M",
    "1.0.0",
    "(a+)+$",
    "[" * 60,
    "{{ x }}",
    "{{ data.a ** 99999999 }}",
    "data.x > 1",
    "$sum(data.b)",
    "#/$defs/a",
    "2026-02-30T25:61:00Z",
    "http://localhost/x",
)
TOKEN: Final = re.compile(r"\s+|\w+|'[^']*'|\"[^\"]*\"|.", re.DOTALL)
SCALARS: Final = (None, True, False, 0, -1, 1.5, 1e308, 2**63, -(2**70), 10**400, *TEXTS)
PIECES: Final = (
    *"()[]{}.,:;?!&|=<>+-*/%'\"`$@#^~\\ \n0129axé",
    *("**", "&&", "data.", "input.", "[*]", "9" * 400, "(" * 80, "$map(", "function($v){", "has(", "map(x,"),
    *("|sort|", "{%for a in b%}", "{{", "range(10000000)"),
)


def mutated(value: Any, dice: random.Random) -> Any:
    """Return a copy of a JSON value with one to four changes."""
    found = copy.deepcopy(value)
    for _ in range(dice.randint(1, 4)):
        found = _changed(found, dice)
    return found


def _changed(value: Any, dice: random.Random) -> Any:
    """Change one place, mostly deep inside."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        kind = dice.random()
        if kind < 0.08:
            del value[key]
        elif kind < 0.14:
            value[dice.choice(TEXTS)] = copy.deepcopy(value[key])
        else:
            value[key] = _changed(value[key], dice)
        return value
    if isinstance(value, list) and value and dice.random() < 0.9:
        at = dice.randrange(len(value))
        kind = dice.random()
        if kind < 0.06:
            del value[at]
        elif kind < 0.12:
            value.insert(at, copy.deepcopy(value[at]))
        elif kind < 0.14:
            value.extend(value * 20)
        else:
            value[at] = _changed(value[at], dice)
        return value
    return _other(value, dice)


def _other(value: Any, dice: random.Random) -> Any:
    kind = dice.random()
    if isinstance(value, str) and kind < 0.6:
        return mutated_text(value, dice)
    if kind < 0.65:
        return {dice.choice(TEXTS): value}
    if kind < 0.7:
        return [value]
    if kind < 0.72:
        return nested(value, dice.choice((5, 60, 300)))
    return dice.choice(SCALARS)


def nested(value: Any, depth: int) -> Any:
    """Return a value inside of so many lists."""
    for _ in range(depth):
        value = [value]
    return value


def rearranged(text: str, others: Sequence[str], dice: random.Random) -> str:
    """Return a text of tokens with one to three of them replaced by tokens of it, or of others: most can be read."""
    tokens = TOKEN.findall(text)
    pool = [*tokens, *TOKEN.findall(dice.choice(others)), "1", "0", "null", "'x'", "data", "input"]
    for _ in range(dice.randint(1, 3)):
        at, kind = dice.randrange(len(tokens) + 1), dice.random()
        if kind < 0.6 and at < len(tokens):
            tokens[at] = dice.choice(pool)
        elif kind < 0.8:
            tokens[at:at] = dice.choices(pool, k=dice.randint(1, 3))
        else:
            del tokens[at : at + 1]
    return "".join(tokens)


def mutated_text(text: str, dice: random.Random) -> str:
    """Return a text with one to five changes."""
    for _ in range(dice.randint(1, 5)):
        at, until = sorted(dice.randint(0, len(text)) for _ in range(2))
        kind = dice.random()
        if kind < 0.5:
            text = text[:at] + dice.choice(PIECES) + text[at:]
        elif kind < 0.75:
            text = text[:at] + text[until:]
        else:
            text = text[:until] + text[at:until] * dice.choice((1, 2, 20)) + text[until:]
    return text[:20_000]
