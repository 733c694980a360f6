"""JSONPath: parsed, and written as JSONata, JMESPath and CEL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from airflow_workflow_provider.importing.jsonata import literal, member
from airflow_workflow_provider.model.json_text import dumps

_TOKEN: Final = re.compile(
    r"""\.\.(?P<deep>[A-Za-z_][\w-]*)
    | \.(?P<name>[^\s.\[\]()*,'"]+)
    | \.?\[\s*(?P<index>-?\d+)\s*\]
    | \.?\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
    | \.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
    | (?P<every>\.\*|\.?\[\s*\*\s*\])
    | \.?\[\s*(?P<from>\d*)\s*:\s*(?P<to>\d*)\s*\]
    | \.?\[\?\(\s*(?P<filter>[^\[\]]*?)\s*\)\]""",
    re.VERBOSE,
)
_START: Final = re.compile(r"\$\$|\$(?P<variable>[A-Za-z_]\w*)|\$")
_CEL_NAME: Final = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_CEL_WORDS: Final = frozenset(
    [
        "as",
        "break",
        "const",
        "continue",
        "else",
        "false",
        "for",
        "function",
        "if",
        "import",
        "in",
        "let",
        "loop",
        "package",
        "namespace",
        "null",
        "return",
        "true",
        "var",
        "void",
        "while",
    ]
)
_COMPARED: Final = re.compile(
    r"^@(?P<path>(?:\.[A-Za-z_]\w*)+)\s*(?:(?P<sign>==|!=|<=|>=|<|>)\s*(?P<value>'[^']*'|\"[^\"]*\"|-?\d+(?:\.\d+)?|true|false|null))?$"
)


class NotTranslatable(ValueError):
    """An expression without an exact counterpart; the message says why."""


@dataclass(frozen=True)
class Path:
    """A parsed path.

    :param root: ``$``, ``$$`` or the name of a variable with its ``$``
    :param parts: names, positions, or other selectors as (kind, text)
    """

    root: str
    parts: tuple[str | int | tuple[str, str], ...]
    text: str

    @property
    def definite(self) -> bool:
        """Whether it finds one value at most."""
        return all(not isinstance(part, tuple) for part in self.parts)


def parse_path(text: str) -> Path:
    """Return a parsed path.

    :raises NotTranslatable: it is no path, or has a selector without counterpart
    """
    start = _START.match(text)
    if start is None:
        message = f"{text!r} is not a path"
        raise NotTranslatable(message)
    parts: list[str | int | tuple[str, str]] = []
    at = start.end()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            message = f"the selector {text[at : at + 40]!r} has no counterpart"
            raise NotTranslatable(message)
        parts.append(_part(found))
        at = found.end()
    return Path(start[0], tuple(parts), text)


def _part(found: re.Match[str]) -> str | int | tuple[str, str]:
    kind = found.lastgroup or ""
    if found["from"] is not None:
        return "slice", f"{found['from']}:{found['to']}"
    text = found[kind]
    if kind == "index":
        return int(text)
    if kind in {"single", "double"}:
        return re.sub(r"\\(.)", r"\1", text)
    return text if kind == "name" else (kind, text)


def as_jsonata(path: Path, base: str) -> str:
    """Return the path as JSONata.

    :param base: the expression of its root
    :raises NotTranslatable: a selector has no counterpart
    """
    # A selector behind a constructor would select from each of its elements.
    text = f"({base})" if path.parts and base.startswith("[") else base
    for part in path.parts:
        if isinstance(part, str):
            text += member(part)
        elif isinstance(part, int):
            text += f"[{part}]"
        else:
            text = _selected(text, *part)
    return text if path.definite else f"[{text}]"


def _selected(text: str, kind: str, given: str) -> str:
    if kind == "every":
        return f"{text}.*" if given == ".*" else text
    if kind == "deep":
        return f"{text}.**{member(given)}"
    if kind == "slice":
        first, _, last = given.partition(":")
        bounds = [f"$i >= {first}"] if first else []
        bounds += [f"$i < {last}"] if last else []
        return f"$filter({text}, function($v, $i) {{ {' and '.join(bounds) or 'true'} }})[]"
    return f"{text}[{_filter(given)}]"


def _filter(text: str) -> str:
    terms = re.split(r"\s*(&&|\|\|)\s*", text)
    return " ".join({"&&": "and", "||": "or"}.get(term) or _compared(term) for term in terms)


def _compared(term: str) -> str:
    found = _COMPARED.match(term.strip())
    if found is None:
        message = f"the filter {term!r} has no counterpart"
        raise NotTranslatable(message)
    names = found["path"].split(".")[1:]
    left = "".join(member(name) for name in names)[1:]
    if found["sign"] is None:
        return f"$exists({left})"
    value = found["value"]
    right = literal(value[1:-1]) if value[0] in "'\"" else value
    compared = f"{left} {'=' if found['sign'] == '==' else found['sign']} {right}"
    if found["sign"] in {"==", "!="}:
        return compared
    # Values of unlike types do not compare in JSONPath, and fail in JSONata.
    return f'($type({left}) = "{"string" if right.startswith(chr(34)) else "number"}" and {compared})'


def as_jmespath(path: Path, base: str) -> str:
    """Return the path as JMESPath, which gives null where the path finds nothing.

    :param base: the expression of its root
    :raises NotTranslatable: a selector has no counterpart
    """
    text = base
    for part in path.parts:
        if isinstance(part, str):
            text += f".{jmespath_name(part)}"
        elif isinstance(part, int):
            text += f"[{part}]"
        elif part[0] == "every":
            text += ".*" if part[1] == ".*" else "[*]"
        elif part[0] == "slice":
            text += f"[{part[1]}]"
        else:
            message = f"the selector {part[1]!r} has no counterpart"
            raise NotTranslatable(message)
    return text


def jmespath_name(name: str) -> str:
    """Return a name as JMESPath."""
    return name if _CEL_NAME.match(name) else dumps(name)


def jmespath_literal(value: Any) -> str:
    """Return a JSON value as JMESPath."""
    if isinstance(value, str) and "\\" not in value:
        return "'" + value.replace("'", "\\'") + "'"
    return "`" + dumps(value).replace("`", "\\`") + "`"


def as_cel(path: Path, base: str) -> str:
    """Return a definite path as CEL, which fails where the path finds nothing.

    :raises NotTranslatable: it may find several values, or counts from the end
    """
    return base + "".join(cel_member(part) for part in path.parts)


def cel_member(part: str | int | tuple[str, str]) -> str:
    """Return what selects a part in CEL.

    :raises NotTranslatable: there is no counterpart
    """
    if isinstance(part, tuple) or (isinstance(part, int) and part < 0):
        message = "a condition can select names and positions only"
        raise NotTranslatable(message)
    if isinstance(part, str) and _CEL_NAME.match(part) and part not in _CEL_WORDS:
        return f".{part}"
    return f"[{cel_literal(part)}]"


def cel_literal(value: str | float | bool | None) -> str:
    """Return a JSON scalar as CEL."""
    return dumps(value, ensure_ascii=True) if isinstance(value, str) else dumps(value)
