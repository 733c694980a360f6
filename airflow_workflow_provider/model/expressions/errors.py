"""The errors of an expression: before a run, and in one."""

from __future__ import annotations

from typing import Any, Final, Literal

MAX_MESSAGE: Final = 2_000
"""Characters of a message that are kept."""

Kind = Literal["syntax", "empty", "name", "type", "size"]


class ExpressionFailure(Exception):
    """An expression could not be evaluated, or exceeded its bounds (rules X2 and X3).

    :param message: what went wrong, in the author's terms; the rest of a very long one is cut off, for it quotes values
    """

    def __init__(self, message: str) -> None:
        if len(message) > MAX_MESSAGE:
            message = f"{message[: MAX_MESSAGE - 1]}…"
        super().__init__(message)
        self.message = message


class ExpressionSyntaxError(ValueError):
    """An expression cannot be compiled.

    :param message: what is wrong with it
    :param position: where, counted in characters from 0; None where the engine does not say
    :param kind: what sort of mistake it is
    :param name: the offending name, for kind ``name``
    :param suggestion: what to write instead, if there is something to say
    """

    def __init__(
        self,
        message: str,
        position: int | None = None,
        *,
        kind: Kind = "syntax",
        name: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.kind = kind
        self.name = name
        self.suggestion = suggestion

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.message, self.position, self.kind, self.name, self.suggestion)


def _rebuild(
    message: str, position: int | None, kind: Kind, name: str | None, suggestion: str | None
) -> ExpressionSyntaxError:
    return ExpressionSyntaxError(message, position, kind=kind, name=name, suggestion=suggestion)
