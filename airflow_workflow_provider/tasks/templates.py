"""The templates in a task definition's ``arguments`` (rule K2), rendered alike in every host.

Jinja in a sandbox; a value that is one expression keeps its type, whatever the text in it looks like. Strings that
come out of data are never templates themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.engine.failure import EXPRESSION_ERROR
from airflow_workflow_provider.errors import StepFailure

if TYPE_CHECKING:
    from jinja2 import Environment

    from airflow_workflow_provider.engine.machine import Call

MAX_TEMPLATE = 100_000


def template_values(call: Call) -> dict[str, Any]:
    """Return what templates see: ``workflow.input``, ``.data``, ``.steps``, ``.step_input`` and more."""
    bindings = call.bindings
    about = bindings["workflow"]
    return {
        "workflow": {
            "id": about["id"],
            "version": about["version"],
            "instance_id": about["instanceId"],
            "correlation_id": about["correlationId"],
            "started_at": about["startedAt"],
            "started_by": about["startedBy"],
            "changed_by": about["changedBy"],
            "input": bindings["input"],
            "data": bindings["data"],
            "steps": bindings["steps"],
            "variables": bindings["variables"],
            "event": bindings["event"],
            "error": bindings["error"],
            "step_id": call.step_id,
            "scope": call.scope,
            "kind": call.kind,
            "step_input": call.input,
            "arguments": call.arguments,
            "visit": call.visit,
            "attempt": call.attempt,
            "idempotency_key": call.idempotency_key,
        }
    }


def render(value: Any, values: Mapping[str, Any], use: str = "arguments") -> Any:
    """Return a value with every template in it rendered.

    :param values: what the templates see
    :param use: where the value stands, for messages
    :raises StepFailure: of type ``ExpressionError``
    """
    if isinstance(value, str):
        return _render_text(value, values, use)
    if isinstance(value, Mapping):
        return {key: render(item, values, f"{use}/{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [render(item, values, f"{use}/{index}") for index, item in enumerate(value)]
    return value


def is_template(value: Any) -> bool:
    """Tell whether a string holds Jinja markup."""
    return isinstance(value, str) and any(mark in value for mark in ("{{", "{%", "{#"))


def _render_text(text: str, values: Mapping[str, Any], use: str) -> Any:
    if not is_template(text):
        return text
    from jinja2 import TemplateError

    try:
        return environment().from_string(text[:MAX_TEMPLATE]).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as exc:
        msg = f"{use}: {exc}"
        raise StepFailure(msg, type=EXPRESSION_ERROR, details={"template": text[:1_000], "at": use}) from exc


@lru_cache(maxsize=1)
def environment() -> Environment:
    """Return the sandbox that templates run in; unknown names are errors, not empty strings."""
    from jinja2 import StrictUndefined
    from jinja2.nativetypes import NativeCodeGenerator, NativeTemplate
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        """The sandbox, with values instead of text as the result of a single expression."""

        code_generator_class = NativeCodeGenerator
        concat = staticmethod(_concat)

    class Template(NativeTemplate):
        """A template whose parts are joined by :func:`_concat`."""

        environment_class = Sandbox  # type: ignore[assignment]

    Sandbox.template_class = Template
    return Sandbox(undefined=StrictUndefined, autoescape=False)


def _concat(parts: Iterable[Any]) -> Any:
    """Join what a template's nodes gave; unlike Jinja's own, never read text as a Python literal."""
    from jinja2 import Undefined

    listed = list(parts)
    if len(listed) != 1:
        return "".join(map(str, listed))
    if isinstance(listed[0], Undefined):
        str(listed[0])  # a strict undefined raises here
    return listed[0]
