"""What a ``sql`` task may send: one statement, of a kind that its ``write`` allows.

PostgreSQL's statements are read as its own scanner reads them. Of other databases the rules of quoting differ and are
not known here, so whatever could be a second statement to any of them is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

READS: Final = frozenset({"select", "values", "table", "with", "show", "explain"})
WRITES: Final = frozenset({"insert", "update", "delete", "merge", "truncate", "refresh", "call"})
DEFINES: Final = frozenset({"create", "alter", "drop"})
OBJECTS: Final = frozenset({"table", "index", "view", "sequence", "schema"})
_BETWEEN: Final = frozenset(
    {"or", "replace", "temp", "temporary", "unlogged", "unique", "materialized", "recursive", "local", "global"}
)
_CHANGES: Final = re.compile(
    r"\b(insert|update|delete|merge|replace\s+into|upsert|into|call|exec|execute|create|alter|drop|truncate|grant|"
    r"revoke|attach|detach|pragma|load|copy|set|begin|commit|rollback|lock|vacuum|rename)\b",
    re.IGNORECASE,
)
_NEVER: Final = re.compile(
    r"\b(exec|execute|grant|revoke|deny|attach|detach|pragma|load|load_extension|load_file|copy|begin|commit|rollback|"
    r"lock|vacuum|shutdown|kill|backup|restore|dbcc|reconfigure|waitfor|writetext|updatetext|bulk|checkpoint|setuser|"
    r"revert|deallocate|handler|openrowset|opendatasource|openquery)\b",
    re.IGNORECASE,
)
_READS_ELSEWHERE: Final = frozenset({"select", "values", "table", "with"})
_SCANNER: Final = re.compile(
    r"""
      (?P<space>\s+|--[^\r\n]*)
    | (?P<comment>/\*)
    | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<text>(?:[uU]&|[bBxXnN])?'(?:[^']|'')*')
    | (?P<name>(?:[uU]&)?"(?:[^"]|"")*")
    | (?P<dollar>\$(?P<tag>(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?)\$)
    | (?P<word>[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*)
    | (?P<number>[0-9][A-Za-z0-9_.$]*|\$[0-9]+)
    | (?P<end>;)
    | (?P<other>[^'"])
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT: Final = re.compile(r"/\*|\*/")
_PLACEHOLDER: Final = re.compile(r"%(?:\([^)]*\))?[sbt]")
_BARE: Final = frozenset({"word", "number", "end", "other"})


class RefusedStatement(ValueError):
    """A text that is not one statement, or not one of an allowed kind."""


@dataclass(frozen=True)
class Statement:
    """One statement.

    :param text: without the semicolon at its end
    :param words: its keywords and names in lower case, quoted ones and texts left out
    """

    text: str
    words: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Its first word."""
        return self.words[0] if self.words else ""

    @property
    def gives_rows(self) -> bool:
        """Whether it may give rows rather than a count."""
        return self.kind in READS or self.kind == "call" or "returning" in self.words


def postgres_statement(text: str, *, write: bool, parameters: Any = None) -> Statement:
    """Return the one statement of a text for PostgreSQL.

    :param write: whether it may change data
    :param parameters: the values that are put into its placeholders, as a list or an object
    :raises RefusedStatement: it is none, several, or of a kind that is not allowed
    """
    statement = _one(text, texts=holds_texts(parameters))
    kind, words = statement.kind, statement.words
    if kind in READS:
        return statement
    if kind in WRITES or (kind in DEFINES and _object(words) in OBJECTS):
        if write:
            _refuse_elements(statement)
            return statement
        message = f"{kind.upper()} changes data, and the task is read-only"
        raise RefusedStatement(message)
    raise RefusedStatement(_no_statement(kind))


def other_statement(text: str, *, write: bool) -> Statement:
    """Return the one statement of a text for another database than PostgreSQL.

    :param write: whether it may change data
    :raises RefusedStatement: it is none, could be several, or may change data where it must not
    """
    body = text.strip()
    body = body.removesuffix(";").rstrip()
    if not body:
        message = "It is empty"
        raise RefusedStatement(message)
    if ";" in body:
        message = "It has a semicolon inside; put values into parameters"
        raise RefusedStatement(message)
    if "/*" in body or "--" in body or "#" in body or re.search(r"(?im)^\s*go\s*$", body):
        message = "It has a comment, or what a database may take for one; put values into parameters"
        raise RefusedStatement(message)
    words = tuple(word.lower() for word in re.findall(r"[^\W\d]\w*", body))
    kind = words[0] if words and re.match(r"\(*\s*[^\W\d]", body) else ""
    changes = kind in WRITES or (kind in DEFINES and _object(words) in OBJECTS)
    if kind not in _READS_ELSEWHERE and not (write and changes):
        message = f"{kind.upper()} changes data, and the task is read-only" if changes else _no_statement(kind)
        raise RefusedStatement(message)
    # Some databases take a second statement without any sign between the two.
    found = _NEVER.search(body) or (None if write else _CHANGES.search(body))
    if found is not None:
        word = found.group().upper()
        message = f"It has the word {word}, so it may do more than it says; put values into parameters"
        raise RefusedStatement(message)
    return Statement(body, words)


def _refuse_elements(statement: Statement) -> None:
    """``CREATE SCHEMA`` takes further statements without a sign between them, and those of a kind of their own."""
    if statement.kind == "create" and _object(statement.words) == "schema":
        more = {"create", "grant"} & set(statement.words[1:])
        if more:
            message = f"CREATE SCHEMA has the word {min(more).upper()}; send what it holds as statements of their own"
            raise RefusedStatement(message)


def holds_texts(parameters: Any) -> bool:
    """Return whether there is anything but numbers among the values of a statement's placeholders."""
    values = parameters.values() if isinstance(parameters, Mapping) else parameters or ()
    return not all(value is None or isinstance(value, int | float) for value in values)


def _one(text: str, *, texts: bool = False) -> Statement:
    if "\0" in text:
        message = "It has a NUL character"
        raise RefusedStatement(message)
    words: list[str] = []
    at, ended = 0, None
    while at < len(text):
        found = _SCANNER.match(text, at)
        if found is None:
            message = f"A text or name is not closed, at character {at + 1}"
            raise RefusedStatement(message)
        kind, start = found.lastgroup, at
        at = _end_of(text, found)
        if kind == "end":
            ended = start if ended is None else ended
        elif kind not in ("space", "comment"):
            if ended is not None:
                message = f"There is a second statement, at character {start + 1}"
                raise RefusedStatement(message)
            if kind == "word":
                words.append(found.group().lower())
        if texts and kind not in _BARE and _PLACEHOLDER.search(text[start:at].replace("%%", "")):
            # A text brings its own quotes, which end those that it stands in; and lines, which end a comment.
            message = f"A text would be put inside quotes or a comment, at character {start + 1}; remove the quotes"
            raise RefusedStatement(message)
    if not words:
        message = "There is no statement"
        raise RefusedStatement(message)
    return Statement(text if ended is None else text[:ended], tuple(words))


def _end_of(text: str, found: re.Match[str]) -> int:
    if found.group("comment"):
        return _end_of_comment(text, found.end())
    if found.group("dollar"):
        return _end_of_dollars(text, found.end(), found.group("dollar"))
    return found.end()


def _end_of_comment(text: str, at: int) -> int:
    depth = 1
    while depth:
        found = _COMMENT.search(text, at)
        if found is None:
            message = "A comment is not closed"
            raise RefusedStatement(message)
        depth += 1 if found.group() == "/*" else -1
        at = found.end()
    return at


def _end_of_dollars(text: str, at: int, tag: str) -> int:
    end = text.find(tag, at)
    if end < 0:
        message = f"A text that begins with {tag} is not closed"
        raise RefusedStatement(message)
    return end + len(tag)


def _no_statement(kind: str) -> str:
    return f"{kind.upper() or 'It'} is not a statement that a task may send"


def _object(words: tuple[str, ...]) -> str:
    return next((word for word in words[1:] if word not in _BETWEEN), "")
