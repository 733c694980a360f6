"""Components that installed packages add (rule U1)."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from airflow_workflow_provider.api.ui_registry import GROUP, ComponentRegistry, kind_of
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.definition import UiComponent

pytestmark = pytest.mark.airflow

SHIPMENT = {
    "layout": "card",
    "module": "/shipping/shipment.js",
    "context": {"title": "Shipment", "items": [{"label": "Track", "value": {"type": "cel", "expression": "data.t"}}]},
}


def broken() -> Any:
    message = "no database"
    raise RuntimeError(message)


def point(name: str, attribute: str) -> EntryPoint:
    return EntryPoint(name, f"{__name__}:{attribute}", GROUP)


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> ComponentRegistry:
    import sys

    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    return ComponentRegistry([point("shipment", "SHIPMENT")])


def component(component_id: str, **context: Any) -> UiComponent:
    return UiComponent.model_validate({"componentId": component_id, "context": context}, strict=False)


def test_u1_a_package_adds_a_component(registry: ComponentRegistry) -> None:
    assert registry.layouts["shipment"] == "card"
    assert registry.module("shipment") == "/shipping/shipment.js"
    assert registry.module("workflow-summary") is None
    (found,) = registry.completed([component("shipment", title="Parcel", zoom=2)])
    assert found.context.title == "Parcel"
    assert [item.label for item in found.context.items] == ["Track"]
    assert found.context.model_extra == {"zoom": 2}


def test_u1_other_components_stay_as_they_are(registry: ComponentRegistry) -> None:
    plain = component("other", title="T")
    assert registry.completed([plain]) == (plain,)


def test_u1_a_component_that_breaks_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    points = [
        point("error-view", "SHIPMENT"),
        point("a", "broken"),
        point("b", "missing"),
        point("c", "GROUP"),
        point("shipment", "SHIPMENT"),
    ]
    with caplog.at_level(logging.WARNING):
        registry = ComponentRegistry(points)
    assert registry.module("shipment") == "/shipping/shipment.js"
    assert registry.layouts["error-view"] == "alert"
    assert [record.args[0] for record in caplog.records] == ["error-view", "a", "b", "c"]


@pytest.mark.parametrize(
    "given",
    [
        "card",
        {"layuot": "card"},
        {"layout": "carousel"},
        {"module": "//elsewhere/x.js"},
        {"module": "http://elsewhere/x.js"},
        {"module": "javascript:alert(1)"},
        {"module": 5},
    ],
)
def test_u1_what_describes_no_component_is_refused(given: Any) -> None:
    with pytest.raises(Misuse):
        kind_of(given)


def test_u1_a_context_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="title"):
        kind_of({"context": {"title": 5}})
