"""From YAML to a JSON value: only what JSON can say, with every finding and its place.

Texts stay texts: a plain scalar is a number, ``true``, ``false`` or ``null`` only where JSON writes it so, so that
neither a date nor ``no`` becomes something else. Anchors and aliases are refused, because few lines of them make
billions of values.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.model.diagnostics import Diagnostic, pointer_of
from airflow_workflow_provider.model.json_text import DATA_DEPTH, value_findings

if TYPE_CHECKING:
    from yaml.nodes import Node

    from airflow_workflow_provider.strict_json import Path

MAX_BYTES: Final = 1_000_000
"""Of one YAML text: it is read by Python, about a megabyte in ten seconds."""

ENDINGS: Final = (".yaml", ".yml")

_NOT_YAML: Final = "WF100"
_TWICE: Final = "WF101"
_TOO_DEEP: Final = "WF103"
_TOO_LARGE: Final = "WF104"
_WRONG_TYPE: Final = "WF112"
_JSON_SCALAR: Final = re.compile(r"null|true|false|-?(0|[1-9][0-9]{0,299})(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?|~?")


def loads_yaml(text: str | bytes) -> Any:
    """The JSON value of a YAML text.

    :param text: bytes are read as UTF-8 or UTF-16
    :raises InvalidDefinition: it is not YAML, or has a value that JSON does not have; with every finding
    """
    import yaml

    if len(text) > MAX_BYTES:
        raise _refused(
            _TOO_LARGE, (), f"The YAML text is larger than {MAX_BYTES} bytes", "write JSON, or several files"
        )
    try:
        _refuse_references(text)
        # Only the tree of nodes is made, no object of Python.
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        value = None if node is None else _Reader().value(node, ())
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = "" if place is None else f" in line {place.line + 1}, column {place.column + 1}"
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        raise _refused(_NOT_YAML, (), f"Not YAML{where}: {reason}", None) from error
    except RecursionError as error:
        raise _refused(_TOO_DEEP, (), f"The document is nested deeper than {DATA_DEPTH} levels", None) from error
    found = value_findings(value, max_depth=DATA_DEPTH)
    if found:
        raise InvalidDefinition(found[0].message, found)
    return value


def _refuse_references(text: str | bytes) -> None:
    import yaml

    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        tag = getattr(event, "tag", None)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused(_NOT_YAML, (), f"Line {line} has an anchor or an alias", "write the value where it is used")
        if tag is not None:
            raise _refused(_WRONG_TYPE, (), f"Line {line} has the tag {tag[:60]!r}", "write a JSON value")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DATA_DEPTH:
            raise _refused(_TOO_DEEP, (), f"The document is nested deeper than {DATA_DEPTH} levels", None)


class _Reader:
    def value(self, node: Node, path: Path) -> Any:
        import yaml

        if isinstance(node, yaml.MappingNode):
            return self._object(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(each, (*path, index)) for index, each in enumerate(node.value)]
        return _scalar(node)

    def _object(self, node: Any, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, part in node.value:
            name = key.value
            if not isinstance(name, str) or key.tag == "tag:yaml.org,2002:merge":
                raise _refused(_WRONG_TYPE, path, "A key is not a text", "write every key as a text")
            if name in found:
                raise _refused(_TWICE, (*path, name), f"The key {name!r} is there twice", "remove one of the two")
            found[name] = self.value(part, (*path, name))
        return found


def _scalar(node: Any) -> Any:
    text: str = node.value
    # A style other than plain is a quoted text.
    if node.style is not None or not _JSON_SCALAR.fullmatch(text):
        return text
    return None if text in ("", "~") else json.loads(text)


def _refused(code: str, path: Path, message: str, suggestion: str | None) -> InvalidDefinition:
    return InvalidDefinition(message, [Diagnostic(code, "error", pointer_of(path), message, suggestion)])
