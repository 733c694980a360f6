"""The items of a ``forEach`` and their bounds, computed when its step begins (rule P4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from airflow_workflow_provider.engine.computed import Computed, exact
from airflow_workflow_provider.engine.region_records import Items
from airflow_workflow_provider.model.fields import MAX_COUNT, Transform

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json
    from airflow_workflow_provider.engine.scope import Scope
    from airflow_workflow_provider.engine.turn import Turn
    from airflow_workflow_provider.model.definition import ForEach


def items_of(turn: Turn, scope: Scope, for_each: ForEach, bindings: Json) -> Items:
    """Return the items of the live step, none of them started.

    :raises StepFailure: of type ``ExpressionError``: ``items`` gave no array, or a bound no usable number
    """

    def computed(transform: Transform, name: str) -> Computed:
        return Computed.of(turn, scope, transform, bindings, f"forEach/{name}")

    hint = ""
    if for_each.items.type == "jsonata":
        hint = " JSONata returns a single match without its array: write [expression]."
    items = Items(computed(for_each.items, "items").array(hint), visits=dict(scope.numbering))
    most = for_each.max_concurrency
    if isinstance(most, Transform):
        items.at_once = computed(most, "maxConcurrency").whole_number(1, MAX_COUNT)
    count, share = for_each.tolerated_failures, for_each.tolerated_failure_percentage
    if isinstance(count, Transform):
        items.tolerated = computed(count, "toleratedFailures").whole_number(0, MAX_COUNT)
    if share is not None:
        percentage = (
            computed(share, "toleratedFailurePercentage").percentage() if isinstance(share, Transform) else exact(share)
        )
        number = math.floor(percentage * len(items.values) / 100)
        known = items.tolerated if isinstance(count, Transform) else count
        items.tolerated = number if known is None else min(number, known)
    return items


def at_once(items: Items, for_each: ForEach) -> int:
    """Return how many items run at the same time."""
    if items.at_once is not None:
        return items.at_once
    # An expression was computed when the step began.
    return for_each.max_concurrency if isinstance(for_each.max_concurrency, int) else 1


def tolerated(items: Items, for_each: ForEach) -> int:
    """Return how many items may fail."""
    if items.tolerated is not None:
        return items.tolerated
    return for_each.tolerated_failures if isinstance(for_each.tolerated_failures, int) else 0
