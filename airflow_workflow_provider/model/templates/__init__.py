"""The templates of task definitions and notifiers: Jinja's syntax over plain JSON values (rule K2).

Jinja reads a template; this package evaluates what it read. No Python code is made of a template, no attribute of a
Python object is ever looked up, and only listed functions can be called, so a template reaches nothing but the values
that it is given. ``docs/tasks.md`` lists what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.expressions.errors import ExpressionFailure
from airflow_workflow_provider.model.templates.budget import Budget
from airflow_workflow_provider.model.templates.problems import Problem, TemplateSyntax

if TYPE_CHECKING:
    from airflow_workflow_provider.model.templates.parsing import Names

__all__ = ["TEMPLATE_NAMES", "Budget", "Problem", "TemplateSyntax", "evaluate", "is_template", "problems_of"]

TEMPLATE_NAMES: Final[Mapping[str, frozenset[str] | None]] = {
    "workflow": frozenset(
        {
            *("id", "version", "instance_id", "correlation_id", "started_at", "started_by", "changed_by"),
            *("input", "data", "steps", "variables", "event", "error"),
            *("step_id", "scope", "kind", "step_input", "arguments", "visit", "attempt", "idempotency_key"),
        }
    ),
    "ds": None,
    "ts": None,
    "run_id": None,
}
"""What templates of task definitions see, and the fields where these are fixed."""

_MARKS: Final = ("{{", "{%", "{#")


def is_template(value: Any) -> bool:
    """Whether a value is a text with Jinja's markup, which is rendered before a task gets it."""
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def evaluate(
    text: str, values: Mapping[str, Any], *, strict: bool = True, budget: Budget | None = None, html: bool = False
) -> Any:
    """Return what a template gives: the value of its only expression, else text.

    :param values: the names that it sees, plain JSON values
    :param strict: whether what is not there is an error; else it is an empty text
    :param budget: what it may take, where several templates share that
    :param html: whether it gives HTML: then it always gives text, in which values are escaped
    :raises TemplateSyntax: it cannot be read
    :raises ExpressionFailure: it cannot be evaluated, or takes too much
    """
    from airflow_workflow_provider.model.templates.parsing import parsed
    from airflow_workflow_provider.model.templates.statements import Rendering

    template = parsed(text)
    try:
        return Rendering(values, strict=strict, budget=budget, html=html).result(template)
    except RecursionError as error:
        message = "the template is nested too deeply"
        raise ExpressionFailure(message) from error
    except MemoryError as error:
        message = "the template needs too much memory"
        raise ExpressionFailure(message) from error
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise ExpressionFailure(str(error)) from error


def problems_of(text: str, names: Names = TEMPLATE_NAMES) -> list[Problem]:
    """Return what is wrong with a template whatever the values are, in the order of the text.

    :param names: the names that it will see, with their fields where these are fixed
    """
    from airflow_workflow_provider.model.templates.checking import problems
    from airflow_workflow_provider.model.templates.parsing import parsed

    try:
        return problems(parsed(text), names)
    except TemplateSyntax as error:
        return [Problem("syntax", error.message, error.suggestion)]
