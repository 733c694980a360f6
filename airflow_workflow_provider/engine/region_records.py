"""What a step with branches or items keeps while they run, and how a step list failed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

from airflow_workflow_provider.engine.documents import Json, JsonValue, optional
from airflow_workflow_provider.engine.failure import Failure


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


@dataclass(slots=True)
class ItemResult:
    """How an item of a ``forEach`` ended: with an output or with a failure."""

    output: Json | None = None
    failure: ListFailure | None = None


@dataclass(slots=True)
class Items:
    """The items of a ``forEach`` while they run.

    :param values: the items
    :param started: how many were started
    :param failed: how many failed
    :param results: by the item's index
    :param visits: numbers of the visits that the steps of an item count on from
    """

    values: list[JsonValue]
    started: int = 0
    failed: int = 0
    results: dict[int, ItemResult] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Region:
    """What a step with branches or items keeps while they run.

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
            document["results"] = {
                str(index): {"output": each.output} if each.failure is None else {"failure": each.failure.to_json()}
                for index, each in items.results.items()
            }
        return document

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Return what :meth:`to_json` wrote."""
        if "items" not in value:
            return cls(value["own"], value["children"])
        results = {
            int(index): ItemResult(each.get("output"), optional(ListFailure.from_json, each.get("failure")))
            for index, each in value["results"].items()
        }
        items = Items(value["items"], value["started"], value["failed"], results, value["visits"])
        return cls(value["own"], value["children"], items)
