"""The problems of a template before it is evaluated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["syntax", "name", "function"]


@dataclass(frozen=True)
class Problem:
    """Something that no values can fix.

    :param kind: ``syntax``: it cannot be read; ``name``: it uses what is not defined; ``function``: it uses a filter,
        test, function or method that templates do not have
    :param message: what is wrong
    :param suggestion: what to write instead, if there is something to say
    """

    kind: Kind
    message: str
    suggestion: str | None = None


class TemplateSyntax(ValueError):
    """A template cannot be read.

    :param message: what is wrong with it
    :param suggestion: what to do about it
    """

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion

    def __reduce__(self) -> tuple[type[TemplateSyntax], tuple[str, str | None]]:
        return type(self), (self.message, self.suggestion)
