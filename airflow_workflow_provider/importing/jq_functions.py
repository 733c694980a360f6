"""Functions of jq, and the JSONata that stands for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FUNCTIONS: Final = {
    "length": "($type(@) = 'string' ? $length(@) : $type(@) = 'object' ? $count($keys(@)) : "
    "$type(@) = 'number' ? $abs(@) : @ = null ? 0 : $count(@))",
    "keys": "[$sort($keys(@))]",
    "tostring": "$string(@)",
    "tonumber": "$number(@)",
    "tojson": "$string(@)",
    "fromjson": "$parseJson(@)",
    "type": "(@ = null ? 'null' : $type(@))",
    "first": "@[0]",
    "last": "@[-1]",
    "reverse": "[$reverse(@)]",
    "sort": "[$sort(@)]",
    "min": "$min(@)",
    "max": "$max(@)",
    "floor": "$floor(@)",
    "ascii_downcase": "$replace(@, /[A-Z]+/, function($m) { $lowercase($m.match) })",
    "ascii_upcase": "$replace(@, /[a-z]+/, function($m) { $uppercase($m.match) })",
    "now": "($millis() / 1000)",
}
"""JSONata of functions without arguments; ``@`` stands for what they are applied to."""

WITH_ARGUMENT: Final[dict[str, Callable[[str, str], str]]] = {
    "has": lambda base, key: f"$exists($lookup({base}, {key}))",
    "join": lambda base, text: (
        f"($count({base}) = 0 ? '' : $join($map({base}, function($i) {{ $i = null ? '' : $string($i) }})[], {text}))"
    ),
    "split": lambda base, text: f"[$split({base}, {text})]",
    "startswith": lambda base, text: f"($substring({base}, 0, $length({text})) = {text})",
    "contains": lambda base, text: f"$contains({base}, {text})",
    "range": lambda _, last: f"[0..{last} - 1]",
}
"""The same with one argument."""


def sliced(of: str, bounds: str, test: str) -> str:
    """Return a part of a text or a list.

    :param bounds: where it starts, and its length where it has one
    :param test: what holds for the positions ``$i`` in it
    """
    part = f"[$filter({of}, function($v, $i) {{ {test} }})[]]"
    return f"($type({of}) = 'string' ? $substring({of}, {bounds}) : {part})"
