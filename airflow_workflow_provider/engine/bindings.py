"""What expressions see (rule X1), and the evaluation of transforms and conditions with it (rules X2 to X4)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from airflow_workflow_provider.bounded.doors import bounded
from airflow_workflow_provider.engine.failure import limits_as
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.expressions import (
    X1_NAMES,
    ExpressionFailure,
    compile_cel,
    compile_condition,
    compile_transform,
)
from airflow_workflow_provider.model.fields import Transform
from airflow_workflow_provider.vocabulary import ErrorType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.scope import Scope

NAMESPACE: Final = uuid.UUID("6f3d6a52-7d1c-5b0e-9a54-2f1f6f0c7b11")


def bindings_of(
    scope: Scope, *, attempt: int | None = None, output: JsonValue = None, error: Json | None = None
) -> Json:
    """Return the bindings of rule X1 in a step list.

    :param scope: the step list
    :param attempt: number of the attempt that is being made, None outside of one
    :param output: the output of the step whose transition is evaluated
    :param error: overrides the list's last handled failure
    """
    state = scope.state
    instance = state.instance
    return {
        **scope.names,
        "input": state.input,
        "steps": scope.public_steps,
        "variables": scope.variables,
        "data": scope.data,
        "output": output,
        "attempt": attempt,
        "error": scope.error if error is None else error,
        "event": state.event,
        "workflow": {
            "id": instance.workflow_id,
            "version": instance.version,
            "instanceId": instance.id,
            "correlationId": instance.correlation_id,
            "startedAt": instance.started_at,
            "startedBy": instance.started_by,
            "changedBy": instance.changed_by,
        },
    }


def names_in(scope: Scope) -> frozenset[str]:
    """Return the names that expressions of a step list may use."""
    return X1_NAMES | frozenset(scope.names)


class Occasion:
    """What an evaluation gets besides its bindings: its time, and stable values for ``$uuid()`` (rule X3).

    :param instance_id: the instance
    :param step_id: the step, or a name for what is no step
    :param visit: the visit, with the item it belongs to
    :param at: the time that the expression sees; None for the host's clock
    """

    def __init__(self, instance_id: str, step_id: str, visit: str, at: datetime | None) -> None:
        self.prefix = f"{instance_id}/{step_id}/{visit}"
        self.at = at

    def uuids(self, use: str) -> Callable[[int], str]:
        """Return the function that gives the n-th UUID of one expression of the step."""
        return uuid_source(self.prefix, use)


def uuid_source(prefix: str, use: str) -> Callable[[int], str]:
    """Return the function that gives the n-th UUID of one expression.

    :param prefix: of whom it is, as :class:`Occasion` names it
    :param use: where the expression stands
    """
    return lambda n: str(uuid.uuid5(NAMESPACE, f"{prefix}/{use}/{n}"))


def apply_transform(
    transform: Transform, names: frozenset[str], bindings: Mapping[str, JsonValue], occasion: Occasion, use: str
) -> JsonValue:
    """Return what a transform gives; ``use`` says where it stands, for messages and ``$uuid()``.

    :raises StepFailure: of type ``ExpressionError``
    """
    return _evaluated(transform.type, transform.expression, names, bindings, occasion, use)


def holds(condition: str, names: frozenset[str], bindings: Mapping[str, JsonValue]) -> bool:
    """Return whether a condition holds (rule X2).

    :raises StepFailure: of type ``ExpressionError``
    """
    with limits_as(ErrorType.EXPRESSION_ERROR, "condition"):
        return _holds(condition, sorted(names), dict(bindings))


@bounded
def _holds(condition: str, names: list[str], bindings: Json) -> bool:
    try:
        return compile_condition(condition, frozenset(names)).holds(bindings)
    except (ExpressionFailure, ValueError) as exc:
        msg = "condition"
        raise expression_error(msg, condition, exc) from exc


def resolve_arguments(
    value: JsonValue, names: frozenset[str], bindings: Mapping[str, JsonValue], occasion: Occasion, use: str
) -> JsonValue:
    """Return a step's ``arguments`` with every transform in them replaced by what it gives (rule K3).

    :raises StepFailure: of type ``ExpressionError``
    """
    if is_transform(value):
        return _evaluated(value["type"], value["expression"], names, bindings, occasion, use)
    if isinstance(value, dict):
        return {key: resolve_arguments(item, names, bindings, occasion, f"{use}/{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [resolve_arguments(item, names, bindings, occasion, f"{use}/{n}") for n, item in enumerate(value)]
    return value


def _evaluated(
    kind: str, expression: str, names: frozenset[str], bindings: Mapping[str, JsonValue], occasion: Occasion, use: str
) -> JsonValue:
    at = None if occasion.at is None else occasion.at.isoformat()
    with limits_as(ErrorType.EXPRESSION_ERROR, use):
        value: JsonValue = _value([kind, expression], sorted(names), dict(bindings), occasion.prefix, at, use)
    return value


@bounded
def _value(transform: list[str], names: list[str], bindings: Json, prefix: str, at: str | None, use: str) -> Any:
    kind, expression = transform
    try:
        if kind == "cel":
            return compile_cel(expression, frozenset(names)).evaluate(bindings)
        program = compile_transform(
            Transform.model_validate({"type": kind, "expression": expression}), frozenset(names)
        )
        moment = None if at is None else datetime.fromisoformat(at)
        return program.evaluate(bindings, uuid_source=uuid_source(prefix, use), at=moment)
    except (ExpressionFailure, ValueError) as exc:
        raise expression_error(use, expression, exc) from exc


def is_transform(value: JsonValue) -> TypeGuard[dict[str, str]]:
    """Return whether a value inside ``arguments`` is a transform rather than a literal."""
    return (
        isinstance(value, dict)
        and set(value) == {"type", "expression"}
        and value["type"] in ("jmespath", "jsonata", "cel")
        and isinstance(value["expression"], str)
    )


def expression_error(use: str, expression: str, cause: Exception) -> StepFailure:
    """Return the failure of an expression that could not be evaluated."""
    return StepFailure(
        f"{use}: {cause}", type=ErrorType.EXPRESSION_ERROR, details={"expression": expression[:1_000], "at": use}
    )
