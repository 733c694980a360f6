"""Reading the tokens of a small language one after the other, for parsers by recursive descent."""

from __future__ import annotations

import re

from airflow_workflow_provider.importing.jsonpath import NotTranslatable


class TokenReader:
    """The tokens of a text, and where a parser stands in them.

    A token is its kind, which is the name of the group of the pattern that matched, and its text.

    :param pattern: matches one token; those of the group ``comment`` are left out
    :param source: the text
    :param what: what the text is, for messages, such as ``a query``
    :raises NotTranslatable: the text has something that is no token
    """

    def __init__(self, pattern: re.Pattern[str], source: str, what: str) -> None:
        self._what = what
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        at, source = 0, source.rstrip()
        while at < len(source):
            found = pattern.match(source, at)
            if found is None:
                message = f"{source[at : at + 30]!r} in {what}"
                raise NotTranslatable(message)
            at, kind = found.end(), str(found.lastgroup)
            if kind != "comment":
                self._tokens.append((kind, found[kind]))

    def _expect_end(self) -> None:
        if self._at < len(self._tokens):
            message = f"{self._what} that continues with {self._tokens[self._at][1]!r}"
            raise NotTranslatable(message)

    def _peek(self, further: int = 0) -> tuple[str, str]:
        at = self._at + further
        return self._tokens[at] if at < len(self._tokens) else ("", "")

    def _next(self) -> tuple[str, str]:
        found = self._peek()
        self._at += 1
        return found

    def _take(self, text: str) -> bool:
        """Continue after a sign or a word, if it is the next token."""
        kind, found = self._peek()
        if found == text and kind != "text":
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            message = f"{self._peek()[1]!r} where {text!r} has to be"
            raise NotTranslatable(message)
