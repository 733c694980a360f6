"""The records of a step with branches or items while they run, and of the failure of a step list."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeAlias

from airflow_workflow_provider.engine.failure import Failure

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue


@dataclass(slots=True)
class ListFailure:
    """The failure that ended a step list.

    :param error: its error object (rule F1)
    """

    failure: Failure
    error: Json

    def to_json(self) -> Json:
        """Return the stored document."""
        return {**self.failure.to_json(), "error": self.error}

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        return cls(Failure.from_json(value), value["error"])


ItemResult: TypeAlias = "Json | ListFailure"
"""The end of an item of a ``forEach``: ``{"output"}`` or a failure. Outputs are as they are stored, since
every item is read and written whenever one is."""


@dataclass(slots=True)
class Items:
    """The items of a ``forEach`` while they run.

    :param values: the items
    :param started: how many were started
    :param failed: how many failed
    :param results: by the item's index, in the order in which the items ended
    :param visits: numbers of the visits that the steps of an item count on from
    :param at_once: how many run at the same time; None for as many as the definition says
    :param tolerated: how many may fail; None for as many as the definition says
    """

    values: list[JsonValue]
    started: int = 0
    failed: int = 0
    results: dict[str, ItemResult] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)
    at_once: int | None = None
    tolerated: int | None = None


@dataclass(slots=True)
class Region:
    """The record of a step with branches or items while they run.

    :param own: the result of the step's own task
    :param children: keys of the step lists of its branches, or of the items that run
    :param items: the items, of a ``forEach``
    """

    own: Json
    children: list[str] = field(default_factory=list)
    items: Items | None = None

    def to_json(self) -> Json:
        """Return the stored document."""
        document: Json = {"own": self.own, "children": self.children}
        if self.items is not None:
            items = self.items
            document.update(items=items.values, started=items.started, failed=items.failed, visits=items.visits)
            bounds = {"atOnce": items.at_once, "tolerated": items.tolerated}
            document.update({name: bound for name, bound in bounds.items() if bound is not None})
            document["results"] = {
                index: {"failure": each.to_json()} if isinstance(each, ListFailure) else each
                for index, each in items.results.items()
            }
        return document

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        if value.get("items") is None:
            return cls(value["own"], value["children"])
        results = {
            index: ListFailure.from_json(each["failure"]) if "failure" in each else each
            for index, each in value["results"].items()
        }
        items = Items(
            value["items"],
            value["started"],
            value["failed"],
            results,
            value["visits"],
            value.get("atOnce"),
            value.get("tolerated"),
        )
        return cls(value["own"], value["children"], items)
