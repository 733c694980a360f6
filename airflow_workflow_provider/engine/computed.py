"""Settings of a step that an expression computes: an invalid result is a failure that can be routed (F3, P4)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.bindings import apply_transform, names_in
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.words import listed, shown
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.turn import Turn
    from airflow_workflow_provider.model.fields import Transform


@dataclass(frozen=True)
class Computed:
    """What the expression of a setting gave.

    :param use: where the setting stands in its step, as messages name it
    """

    use: str
    expression: str
    value: JsonValue

    @classmethod
    def of(
        cls, turn: Turn, scope: Scope, transform: Transform, bindings: Json, use: str, *, at: datetime | None = None
    ) -> Computed:
        """Evaluate the expression of a setting of the live step.

        :param at: the time that it sees; by default that of the turn
        :raises StepFailure: of type ``ExpressionError``
        """
        occasion = turn.occasion(scope, scope.activation, at)
        return cls(use, transform.expression, apply_transform(transform, names_in(scope), bindings, occasion, use))

    def array(self, hint: str = "") -> list[JsonValue]:
        """Return it as an array.

        :param hint: what the message says besides
        :raises StepFailure: of type ``ExpressionError``
        """
        if not isinstance(self.value, list):
            message = f"{self.use} must give an array, not {_kind(self.value)}.{hint}"
            raise StepFailure(message, type=ErrorType.EXPRESSION_ERROR, details=self._place)
        return self.value

    def one_of(self, known: Sequence[str]) -> str:
        """Return it as one of some texts.

        :raises StepFailure: of type ``ExpressionError``, with the code ``invalid-setting``
        """
        if not isinstance(self.value, str) or self.value not in known:
            wanted = f"one of {listed(known)}"
            raise self._unusable(wanted)
        return self.value

    def whole_number(self, least: int, most: int) -> int:
        """Return it as a whole number between two bounds, both included.

        :raises StepFailure: of type ``ExpressionError``, with the code ``invalid-setting``
        """
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            wanted = f"a whole number from {least} to {most:,}"
            raise self._unusable(wanted)
        return value

    def percentage(self) -> Fraction:
        """Return it as a number from 0 to 100.

        :raises StepFailure: of type ``ExpressionError``, with the code ``invalid-setting``
        """
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:  # noqa: PLR2004
            wanted = "a number from 0 to 100"
            raise self._unusable(wanted)
        return exact(value)

    def duration(self) -> timedelta:
        """Return it as a duration above zero.

        :raises StepFailure: of type ``ExpressionError``, with the code ``invalid-setting``
        """
        wanted = "an ISO 8601 duration above zero, such as PT30S"
        if not isinstance(self.value, str):
            raise self._unusable(wanted)
        try:
            length = parse_duration(self.value)
        except ValueError as exc:
            raise self._unusable(wanted) from exc
        if not length:
            raise self._unusable(wanted)
        return length

    @property
    def _place(self) -> Json:
        return {"expression": self.expression[:1_000], "at": self.use}

    def _unusable(self, wanted: str) -> StepFailure:
        message = f"{self.use} must give {wanted}, not {shown(self.value)}"
        details = {**self._place, "value": shown(self.value)}
        return StepFailure(message, type=ErrorType.EXPRESSION_ERROR, code=ProblemCode.INVALID_SETTING, details=details)


def exact(number: float) -> Fraction:
    """Return a number as it was written: 33.3 is 333/10, and not the binary number next to it."""
    return Fraction(str(number))


def _kind(value: JsonValue) -> str:
    names = {type(None): "null", bool: "a boolean", str: "a string", dict: "an object", list: "an array"}
    return names.get(type(value), "a number")
