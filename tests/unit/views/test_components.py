"""Which components are shown to whom, and with what (rules U1, L4)."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.masking import Masker
from airflow_workflow_provider.views.components import MAX_ROWS, Notice, Page, Viewer, page_of, ui_bindings
from airflow_workflow_provider.views.progress import progress_of
from tests.unit.engine.driving import fail, machine_of, step, succeed

ADA = Viewer("ada", "Ada L.", ("op",))


def cel(expression: str) -> dict[str, str]:
    return {"type": "cel", "expression": expression}


def started(*components: dict[str, Any], data: dict[str, Any] | None = None, **more: Any) -> Machine:
    return machine_of(step("a"), step("b"), data=data, uiComponents=list(components), **more)


def page(machine: Machine, viewer: Viewer = ADA, **more: Any) -> Page:
    progress = progress_of(machine.graph, machine.state, machine.current_step_id)
    bindings = ui_bindings(machine.state, machine.status, progress, viewer)
    masker = Masker(machine.graph.definition, machine.state.input)
    return page_of(machine.graph.definition.ui_components, bindings, mask=masker.mask, **more)


def shown(machine: Machine, viewer: Viewer = ADA) -> list[str]:
    return [each.component_id for each in page(machine, viewer).components]


def test_u1_all_that_hold_are_shown_by_priority_then_definition_order() -> None:
    machine = started(
        {"componentId": "late", "priority": 2},
        {"componentId": "first", "priority": -1.5},
        {"componentId": "hidden", "condition": "status == 'completed'", "priority": -9},
        {"componentId": "zero"},
        {"componentId": "zero-too", "priority": 0},
    )
    assert shown(machine) == ["first", "zero", "zero-too", "late"]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("status == 'running'", True),
        ("progress.completed == 1 && progress.total == 2 && progress.percent == 50", True),
        ("progress.currentStep == 'b'", True),
        ("'op' in user.roles && user.id == 'ada' && user.name.startsWith('Ada')", True),
        ("'admin' in user.roles", False),
        ("data.amount > 10 && input.amount == 12", True),
        ("steps.a.status == 'completed' && steps.a.output.ok", True),
        ("has(steps.b)", False),
        ("workflow.id == 'w' && workflow.version == '1.0.0'", True),
        ("error == null && output == null && event == null && attempt == null", True),
        ("size(variables) == 0", True),
    ],
)
def test_u1_what_conditions_see(condition: str, holds: bool) -> None:
    machine = started({"componentId": "x", "condition": condition}, data={"amount": 12})
    succeed(machine, "a", {"ok": True})
    assert page(machine).notices == ()
    assert shown(machine) == (["x"] if holds else [])


def test_u1_a_hidden_component_leaves_nothing() -> None:
    item = {"label": "Salary", "value": cel("data.salary")}
    machine = started(
        {"componentId": "pay", "condition": "'admin' in user.roles", "context": {"title": "Pay", "items": [item]}},
        data={"salary": 90_001},
    )
    assert page(machine) == Page((), ())
    assert page(machine, Viewer("root", "Root", ("admin",))).components[0].items[0].value == 90_001


@pytest.mark.parametrize("condition", ["data.missing > 1", "data.amount > 'x'", "1 / 0 == 1"])
def test_u1_a_condition_that_fails_hides_its_component_and_is_noted(condition: str) -> None:
    machine = started({"componentId": "fine"}, {"componentId": "x", "condition": condition}, data={"amount": 1})
    found = page(machine)
    assert [each.component_id for each in found.components] == ["fine"]
    (notice,) = found.notices
    assert (notice.component_id, notice.pointer) == ("x", "/uiComponents/1/condition")
    assert "the component is hidden" in notice.message


def test_u1_an_unknown_layout_is_a_card_and_an_unknown_component_its_layout() -> None:
    machine = started(
        {"componentId": "odd", "context": {"layout": "carousel"}},
        {"componentId": "own", "context": {"layout": "timeline"}},
        {"componentId": "plain"},
        {"componentId": "workflow-progress"},
        {"componentId": "shipping-map"},
    )
    found = page(machine, layouts={"shipping-map": "graph", "workflow-progress": "timeline"})
    assert [each.layout for each in found.components] == ["card", "timeline", "card", "timeline", "graph"]
    message = "Unknown layout 'carousel' is drawn as a card; the layouts are 'alert', 'card', 'form', 'graph', "
    assert found.notices == (Notice("odd", "/uiComponents/0/context/layout", message + "'table', 'timeline'"),)


def test_u1_values_by_cel_jmespath_and_jsonata_or_as_they_are() -> None:
    items = [
        {"label": "Cel", "value": cel("data.amount * 2")},
        {"label": "JMESPath", "value": {"type": "jmespath", "expression": "data.lines[].sku"}},
        {"label": "JSONata", "value": {"type": "jsonata", "expression": "$sum(data.lines.n)"}, "format": "number"},
        {"label": "Literal", "value": {"a": [1, None]}},
        {"label": "Nothing", "value": {"type": "jmespath", "expression": "data.nothing"}},
        {"label": "Broken", "value": cel("data.nothing.more")},
    ]
    data = {"amount": 4, "lines": [{"sku": "A", "n": 1}, {"sku": "B", "n": 2}]}
    machine = started({"componentId": "x", "context": {"items": items, "zoom": 3, "title": "T"}}, data=data)
    found = page(machine)
    (component,) = found.components
    assert [item.value for item in component.items] == [8, ["A", "B"], 3, {"a": [1, None]}, None, None]
    assert component.items[2].format == "number"
    assert (component.title, component.options) == ("T", {"zoom": 3})
    assert [each.pointer for each in found.notices] == ["/uiComponents/0/context/items/5/value/expression"]


def test_u1_a_table_has_columns_by_row() -> None:
    columns = [
        {"label": "No", "value": cel("rowIndex + 1")},
        {"label": "Part", "value": {"type": "jmespath", "expression": "row.sku"}},
        {"label": "Price", "value": cel("row.n * data.price"), "format": "number"},
    ]
    data = {"price": 2, "lines": [{"sku": "A", "n": 1}, {"sku": "B"}]}
    context = {"layout": "table", "rows": cel("data.lines"), "columns": columns}
    found = page(started({"componentId": "x", "context": context}, data=data))
    table = found.components[0].table
    assert table is not None
    assert [column.label for column in table.columns] == ["No", "Part", "Price"]
    assert table.rows == ((1, "A", 2), (2, "B", None))
    assert [each.pointer for each in found.notices] == ["/uiComponents/0/context/columns/2/value/expression"]


def test_u1_a_table_without_columns_has_those_of_its_rows_and_a_bounded_number_of_rows() -> None:
    rows = [{"a": 1}, {"b": {"c": 2}}, 7, *({"a": number} for number in range(1_000))]
    context = {"layout": "table", "rows": cel("data.rows")}
    table = page(started({"componentId": "x", "context": context}, data={"rows": rows})).components[0].table
    assert table is not None
    assert [column.label for column in table.columns] == ["a", "b", "value"]
    assert table.rows[:3] == ((1, None, None), (None, {"c": 2}, None), (None, None, 7))
    assert (len(table.rows), table.total) == (MAX_ROWS, 1_003)


def test_u1_rows_that_are_no_array_are_noted() -> None:
    context = {"layout": "table", "rows": cel("data")}
    found = page(started({"componentId": "x", "context": context}))
    assert found.notices == (Notice("x", "/uiComponents/0/context/rows", "rows must give an array, not an object"),)
    assert found.components[0].table is not None
    assert found.components[0].table.total == 0


def test_l4_values_never_see_secrets_however_they_are_written() -> None:
    items = [
        {"label": "Pin", "value": cel("data.pin")},
        {"label": "Part", "value": cel("data.pin.substring(0, 3)")},
        {"label": "All", "value": cel("input")},
        {"label": "Copy", "value": cel("steps.a.output.copy")},
    ]
    machine = started(
        {"componentId": "x", "condition": "data.pin == 'secret-42'", "context": {"items": items}},
        {"componentId": "workflow-summary"},
        data={"pin": "secret-42"},
        executionLog={"redact": ["input.pin"]},
    )
    succeed(machine, "a", {"copy": "it is secret-42"})
    found = page(machine)
    assert [each.component_id for each in found.components] == ["x", "workflow-summary"]
    assert "sec" not in str([item.value for each in found.components for item in each.items])
    assert "secret-42" not in str(found)


def test_u1_values_that_are_too_long_are_left_out() -> None:
    items = [{"label": "Long", "value": cel("data.text")}]
    found = page(started({"componentId": "x", "context": {"items": items}}, data={"text": "x" * 20_001}))
    assert found.components[0].items[0].value is None
    assert "20,000 characters" in found.notices[0].message


def test_u1_the_default_components_follow_the_status() -> None:
    machine = started(data={"amount": 1})
    assert shown(machine) == ["open-questions", "workflow-progress"]
    succeed(machine, "a")
    succeed(machine, "b", {"invoice": "I-1", "lines": [1]})
    (summary,) = page(machine).components
    assert (summary.component_id, summary.layout) == ("workflow-summary", "card")
    assert [(item.label, item.value, item.format) for item in summary.items] == [
        ("invoice", "I-1", "text"),
        ("lines", [1], "json"),
    ]


def test_u1_an_alert_shows_the_failure() -> None:
    machine = started()
    fail(machine, "a", "Refused")
    (alert,) = page(machine).components
    assert (alert.component_id, alert.layout, alert.tone) == ("error-view", "alert", "error")
    assert [(item.label, item.value) for item in alert.items] == [
        ("Error", "Refused"),
        ("Step", "a"),
        ("Message", "broken"),
    ]


def test_u1_an_alert_that_says_something_itself_shows_no_failure() -> None:
    machine = started({"componentId": "x", "context": {"layout": "alert", "description": "Look twice."}})
    fail(machine, "a", "Refused")
    (alert,) = page(machine).components
    assert (alert.items, alert.tone) == ((), "error")


def test_u1_the_failure_of_a_failed_instance_is_bound() -> None:
    machine = started({"componentId": "x", "condition": "status == 'failed' && error.type == 'Refused'"})
    fail(machine, "a", "Refused")
    assert shown(machine) == ["x"]
