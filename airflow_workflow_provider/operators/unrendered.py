"""Operators of Airflow that take their arguments as they are: nothing in them is ever rendered by Airflow.

Airflow renders with its whole context, in which templates reach modules, connections and variables. The arguments of a
step are rendered before, over plain values, and what came out of data must not become a template.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context


class UnrenderedMixin:
    """Put in front of an operator class: gives back as it is what Airflow, or the operator itself, asks to render."""

    template_ext: Sequence[str] = ()
    """A value that ends like a file name stays a value: data must not read files."""

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Leave the arguments as they are."""

    def render_template(self, content: Any, context: Context, jinja_env: Any = None, seen_oids: Any = None) -> Any:  # noqa: ARG002
        """Return a value as it is."""
        return content

    @property
    def map_index_template(self) -> None:
        """None: Airflow would render it."""
        return

    @map_index_template.setter
    def map_index_template(self, value: Any) -> None:
        """Take no notice of what an operator's constructor wishes."""

    @property
    def start_from_trigger(self) -> bool:
        """Never: a step begins in a worker, where its arguments are prepared."""
        return False

    @start_from_trigger.setter
    def start_from_trigger(self, value: bool) -> None:
        """Take no notice of what an operator's constructor wishes."""


@lru_cache(maxsize=256)
def unrendered(operator: type[BaseOperator]) -> type[BaseOperator]:
    """Return the class of an operator that renders nothing, under the operator's own name."""
    attributes = {"__module__": operator.__module__, "__doc__": operator.__doc__, "__qualname__": operator.__qualname__}
    return type(operator.__name__, (UnrenderedMixin, operator), attributes)
