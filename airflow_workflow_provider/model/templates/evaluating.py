"""What filters, tests and methods need of the evaluation that calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.budget import Budget


class Evaluation(Protocol):
    """One evaluation of a template; :class:`~.evaluation.Evaluator` is what does it.

    :ivar budget: what it may still take
    :ivar html: whether the result is HTML
    """

    budget: Budget
    html: bool

    def required(self, value: Any) -> Any:
        """Return a value, if it is one."""
        ...

    def text(self, value: Any) -> str:
        """Return a value as text."""
        ...

    def escaped(self, value: Any) -> str:
        """Return a value as text that means itself in HTML."""
        ...

    def entries_of(self, value: Any) -> list[Any]:
        """Return what a loop goes over."""
        ...

    def field(self, target: Any, key: Any) -> Any:
        """Return the field of an object, or the entry of a list or text."""
        ...

    def compared(self, name: str, left: Any, right: Any) -> bool:
        """Return whether a comparison holds."""
        ...

    def calculated(self, kind: Any, left: Any, right: Any) -> Any:
        """Return what an operator gives."""
        ...

    def apply_filter(self, name: str, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """Return what a filter makes of a value."""
        ...

    def apply_test(self, name: str, value: Any, args: list[Any], kwargs: dict[str, Any]) -> bool:
        """Return whether a test holds of a value."""
        ...
