"""Regular expressions as JSON Schema means them: ECMA-262 with the flag ``u``, as browsers do (rule X6).

A pattern is parsed as ECMA-262, then run by an engine whose time is linear in the text. Only what looks around or back
(``(?=…)``, ``\\1``) needs one that tries all ways, and that has a limit of time. ``docs/decisions/json-schema.md`` says
why these engines.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from airflow_workflow_provider.model.json_schema.pattern_engines import Backtracking, Re2, TooLarge, written
from airflow_workflow_provider.model.json_schema.pattern_syntax import Reader

MAX_LENGTH: Final = 10_000
MAX_NESTING: Final = 100
MAX_MEMORY: Final = 16 << 20
"""Bytes of one pattern's automaton."""

PATIENCE_SECONDS: Final = 0.5
"""For one search with a pattern that looks around or back."""

_HINTS: Final = (
    (r"(?P<", "write (?<name>…)"),
    (r"(?P=", r"write \k<name>"),
    (r"(?P>", "ECMA-262 has no recursion"),
    (r"(?>", "write a plain group, (?:…)"),
    (r"(?#", "remove the comment, or move it into the description"),
    (r"\A", "write ^, which is the beginning of the whole text"),
    (r"\Z", "write $, which is the end of the whole text"),
    (r"\z", "write $, which is the end of the whole text"),
    (r"\G", r"write ^"),
    (r"\h", r"write [ \t]"),
    (r"\R", r"write \r?\n"),
    (r"\Q", "write a backslash before each special character"),
)
_FLAGS: Final = re.compile(r"\(\?[a-zA-Z]*(?:-[a-zA-Z]+)?[:)]")
_POSSESSIVE: Final = re.compile(r"[*+?}]\+")
_NEEDLESS: Final = re.compile(r"\\[^\sA-Za-z0-9^$\\.*+?()\[\]{}|/]")


class PatternError(ValueError):
    """A text is no pattern.

    :ivar suggestion: what to write instead
    """

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


class ForeignPattern(PatternError):
    """A text is no pattern of ECMA-262, but may be one of another language."""


class PatternTimeout(Exception):
    """A search with a pattern that looks around or back took too long."""


class Pattern:
    """A compiled pattern.

    :param source: its text
    :ivar linear: a search takes time linear in the text
    :raises PatternError: it is none, or too large
    """

    def __init__(self, source: str) -> None:
        self.source = source
        verify(source)
        reader = Reader(source)
        try:
            tree = reader.read()
            self.linear = not reader.backtracking
            self._engine = compiled(written(tree, Re2() if self.linear else Backtracking()).text, linear=self.linear)
        except (TooLarge, MemoryError) as error:
            message = "the pattern is too large: its repetitions, written out, would take too much memory"
            raise PatternError(message, "repeat less, and bound the length with maxLength") from error
        except ValueError as error:
            raise PatternError(str(error)) from error

    def search(self, text: str) -> bool:
        """Return whether the pattern matches anywhere in a text.

        :raises PatternTimeout: it took too long; never where :attr:`linear`
        """
        if self.linear:
            # Bytes spare the engine's binding from counting characters, and let half a surrogate pair through.
            return self._engine.search(text.encode("utf-8", "surrogatepass")) is not None
        return _search_slowly(self._engine, text, self.source)


class FormerPattern:
    """A pattern that was stored when Python's meaning counted, and is none of ECMA-262.

    :param source: its text
    :raises ValueError: Python does not know it either
    """

    linear: Final = False

    def __init__(self, source: str) -> None:
        self.source = source
        self._engine = compiled(source, linear=False)

    def search(self, text: str) -> bool:
        """Return whether the pattern matches anywhere in a text.

        :raises PatternTimeout: it took too long
        """
        return _search_slowly(self._engine, text, self.source)


def _search_slowly(engine: Any, text: str, source: str) -> bool:
    try:
        return engine.search(text, timeout=PATIENCE_SECONDS, concurrent=True) is not None
    except TimeoutError as error:
        message = f"the pattern {source!r} took more than {PATIENCE_SECONDS:g} s"
        raise PatternTimeout(message) from error


@lru_cache(maxsize=1024)
def stored_pattern(source: str) -> Pattern | FormerPattern:
    """Return a compiled pattern of a schema that is in use, which may be older than the rule that it be ECMA-262.

    :raises PatternError: nothing can be made of it
    """
    try:
        return compile_pattern(source)
    except ForeignPattern as error:
        try:
            return FormerPattern(source)
        except ValueError:
            raise error from None


@lru_cache(maxsize=1024)
def compile_pattern(source: str) -> Pattern:
    """Return a compiled pattern.

    :param source: an ECMA-262 regular expression, read with the flag ``u``
    :raises PatternError: it is invalid, or too large; the message says why
    """
    return Pattern(source)


def verify(source: str, flags: str = "u") -> None:
    """Refuse what is not an ECMA-262 regular expression, or is too long or too deep to read.

    :param source: the pattern
    :param flags: how ECMA-262 reads it: with ``u``, or without as programs of before
    :raises PatternError: what is wrong
    """
    import regress

    if len(source) > MAX_LENGTH:
        message = f"the pattern has more than {MAX_LENGTH} characters"
        raise PatternError(message, "simplify it, or use enum")
    # Parsers written as recursive functions are the ones that read it next.
    if source.count("(") > MAX_NESTING and _nesting(source) > MAX_NESTING:
        message = f"the pattern has more than {MAX_NESTING} groups within each other"
        raise PatternError(message)
    modifier = next((found for found in _FLAGS.findall(source) if found != "(?:"), None)
    try:
        regress.Regex(source, flags)
    except (regress.RegressError, UnicodeEncodeError) as error:
        reason = "it has half of a surrogate pair" if isinstance(error, UnicodeEncodeError) else str(error)
        mode = " (flag u)" if "u" in flags else ""
        message = f"not an ECMA-262 regular expression{mode}: {reason[:1].lower()}{reason[1:]}"
        raise ForeignPattern(message, hint_for(source)) from error
    if modifier is not None and _has_modifier(source):
        message = f"flags inside of a pattern, such as {modifier!r}, are not read by every browser"
        raise ForeignPattern(message, "write both cases, such as [aA]")


def _nesting(source: str) -> int:
    depth = deepest = 0
    for bare in re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "", source, flags=re.DOTALL):
        depth += (bare == "(") - (bare == ")")
        deepest = max(deepest, depth)
    return deepest


def _has_modifier(source: str) -> bool:
    bare = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "", source, flags=re.DOTALL)
    return any(found != "(?:" for found in _FLAGS.findall(bare))


def hint_for(source: str) -> str | None:
    """What to write instead of what ECMA-262 has not."""
    for text, hint in _HINTS:
        if text in source:
            return hint
    if _FLAGS.search(source.replace("(?:", "")):
        return "write both cases, such as [aA]; a pattern has no flags"
    if _POSSESSIVE.search(source):
        return "remove the + after the quantifier: what is matched stays the same, or nearly so"
    needless = _NEEDLESS.search(source)
    if needless is not None:
        return f"write {needless.group()[1:]} without the backslash: only ^ $ \\ . * + ? ( ) [ ] {{ }} | / have one"
    return None


def compiled(text: str, *, linear: bool, captures: bool = False) -> Any:
    """Return an engine's pattern.

    :param text: in the words of the engine
    :param linear: RE2 runs it, over bytes
    :param captures: RE2 keeps what the groups captured
    :raises TooLarge: it would take too much memory
    :raises ValueError: it is no pattern
    """
    if not linear:
        import regex

        try:
            return regex.compile(text)
        except regex.error as error:
            raise ValueError(str(error)) from error
    import re2

    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.never_capture = not captures
    try:
        return re2.compile(text.encode("ascii"), options)
    except re2.error as error:
        raise TooLarge from error
