"""Reading a source: JSON or YAML, within limits, into plain JSON values."""

from __future__ import annotations

import re
from typing import Any, Final

from airflow_workflow_provider.errors import InvalidDefinition
from airflow_workflow_provider.importing.report import NotImportable
from airflow_workflow_provider.model.json_text import DATA_DEPTH, loads_document, value_findings
from airflow_workflow_provider.model.words import shown

MAX_BYTES: Final = 4_000_000
"""Of one source. The largest definition of any of the languages is a quarter of this."""

MAX_VALUES: Final = 200_000
"""Values of a YAML source, those that aliases repeat included."""

_NULL: Final = re.compile(r"^(?:~|null|Null|NULL|)$")
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"^[-+]?[0-9]{1,300}$")
_FLOAT: Final = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_CORE_TAGS: Final = {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


def read_source(content: bytes) -> dict[str, Any]:
    """Return the object that a source is.

    A text that begins with ``{`` is JSON, another one YAML 1.2 (core schema), of which JSON is a part.

    :raises NotImportable: it is neither, is too large or nested too deeply, or is not an object
    """
    if len(content) > MAX_BYTES:
        message = f"The source has {len(content)} bytes, at most {MAX_BYTES} are read"
        raise NotImportable(message, suggestion="split it into several workflows")
    is_json = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")
    try:
        value = loads_document(content) if is_json else _yaml(content)
        found = value_findings(value, max_depth=DATA_DEPTH)
    except InvalidDefinition as error:
        found = list(error.diagnostics)
    if found:
        raise NotImportable(found[0].message, found[0].pointer, found[0].suggestion)
    if not isinstance(value, dict):
        message = f"The source is not an object but {shown(value)}"
        raise NotImportable(message)
    return value


def _yaml(content: bytes) -> Any:
    import yaml

    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"The source is neither JSON nor UTF-8: byte {error.start}"
        raise NotImportable(message, suggestion="save it as UTF-8") from error
    try:
        return _Builder().build(yaml.parse(text, Loader=yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        message = f"Not YAML: {problem}{place}"
        raise NotImportable(message) from error


class _Open:
    """A list or an object that is being read."""

    def __init__(self, value: list[Any] | dict[str, Any], anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None
        self.size = 1

    def add(self, value: Any, size: int) -> None:
        self.size += size
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.key is None:
            if not isinstance(value, str):
                value = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
            if not isinstance(value, str):
                message = f"The key {shown(value)} is no text"
                raise NotImportable(message)
            if value in self.value:
                message = f"The object has the key {shown(value)} twice"
                raise NotImportable(message, suggestion="keep one of them")
            self.key = value
        else:
            self.value[self.key] = value
            self.key = None


class _Builder:
    """Builds a value from the events of the parser, without recursion: aliases count with all that they repeat."""

    def __init__(self) -> None:
        self._open: list[_Open] = [_Open([], None)]
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def build(self, events: Any) -> Any:
        import yaml

        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._documents += 1
                if self._documents > 1:
                    message = "The source has several YAML documents"
                    raise NotImportable(message, suggestion="give each a file")
            elif isinstance(event, yaml.AliasEvent):
                self._alias(str(event.anchor))
            elif isinstance(event, yaml.ScalarEvent):
                self._known_tag(event.tag)
                self._add(_scalar(event), 1, event.anchor)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._known_tag(event.tag)
                self._start({} if isinstance(event, yaml.MappingStartEvent) else [], event.anchor)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                done = self._open.pop()
                self._add(done.value, done.size, done.anchor)
        root = self._open[0].value
        return root[0] if isinstance(root, list) and root else None

    def _start(self, value: Any, anchor: str | None) -> None:
        if len(self._open) > DATA_DEPTH:
            message = f"The source is nested deeper than {DATA_DEPTH} levels"
            raise NotImportable(message)
        self._open.append(_Open(value, anchor))

    def _alias(self, anchor: str) -> None:
        if anchor not in self._anchors:
            message = f"The alias *{anchor} refers to a value that contains it, or that is not there"
            raise NotImportable(message)
        self._add(*self._anchors[anchor], None)

    def _add(self, value: Any, size: int, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = value, size
        outer = self._open[-1]
        outer.add(value, size)
        if outer.size > MAX_VALUES:
            message = f"The source has more than {MAX_VALUES} values, with those that aliases repeat"
            raise NotImportable(message)

    @staticmethod
    def _known_tag(tag: str | None) -> None:
        if tag not in _CORE_TAGS:
            message = f"The source has the tag {shown(tag)}, which is not of YAML's core"
            raise NotImportable(message, suggestion="replace what your template engine computes by its value")


def _scalar(event: Any) -> Any:
    text = event.value
    if not event.implicit[0]:
        return text
    if _NULL.match(text):
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text
