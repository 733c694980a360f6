"""Checks of UI components (rule U1)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.documents import check, found, step, workflow

CEL = {"type": "cel", "expression": "data.amount"}


def component(**context: Any) -> dict[str, Any]:
    return workflow(step("ask"), uiComponents=[{"componentId": "x", "context": context}])


@pytest.mark.parametrize("layout", ["timeline", "card", "alert", "table", "form", "graph"])
def test_u1_the_layouts_of_the_format_are_taken(layout: str) -> None:
    rows = {"rows": CEL} if layout == "table" else {}
    assert found(component(layout=layout, **rows)) == []


def test_u1_an_unknown_layout_is_warned_of() -> None:
    result = check(workflow(uiComponents=[{"componentId": "x", "context": {"layout": "Timeline"}}]))

    assert result.valid
    assert [each.suggestion for each in result.diagnostics] == ["did you mean 'timeline'?"]


@pytest.mark.parametrize("key", ["title", "description", "layout"])
def test_u1_title_description_and_layout_are_texts(key: str) -> None:
    assert found(workflow(uiComponents=[{"componentId": "x", "context": {key: 5}}])) == [
        ("WF112", f"/uiComponents/0/context/{key}")
    ]


@pytest.mark.parametrize(
    ("priority", "fine"), [(1, True), (1.5, True), (-3, True), ("1", False), (True, False), (None, False)]
)
def test_u1_priority_is_a_number(priority: Any, fine: bool) -> None:
    assert check(workflow(uiComponents=[{"componentId": "x", "priority": priority}])).valid is fine


def test_u1_conditions_see_status_progress_and_user_which_steps_do_not() -> None:
    condition = "status == 'running' && progress.percent > 50.0 && user.name != '' && data.x == 1"
    document = workflow(
        {
            "stepId": "a",
            "taskId": "noop",
            "next": [{"nextStepId": "fail", "condition": "status == 'x'"}, {"nextStepId": "end"}],
        },
        uiComponents=[{"componentId": "x", "condition": condition}],
    )

    assert found(document) == [("WF303", "/steps/0/next/0/condition")]


def test_u1_what_a_component_draws_is_checked() -> None:
    document = component(
        layout="table",
        tone="loud",
        items=[{"label": 5, "value": CEL}, {"label": "b"}],
        rows={"type": "cel"},
        columns=[{"label": "a", "value": {"type": "cel", "expression": "row.a"}, "format": "money"}],
    )

    assert found(document) == [
        ("WF113", "/uiComponents/0/context/tone"),
        ("WF112", "/uiComponents/0/context/items/0/label"),
        ("WF111", "/uiComponents/0/context/items/1/value"),
        ("WF111", "/uiComponents/0/context/rows/expression"),
        ("WF113", "/uiComponents/0/context/columns/0/format"),
    ]


def test_u1_expressions_of_components_compile_and_name_what_is_bound() -> None:
    document = component(
        layout="table",
        items=[
            {"label": "a", "value": {"type": "cel", "expression": "data.("}},
            {"label": "b", "value": {"type": "cel", "expression": "amount"}},
            {"label": "c", "value": {"type": "jmespath", "expression": "data.[["}},
            {"label": "d", "value": {"type": "cel", "expression": "progress.percent"}},
        ],
        rows={"type": "jsonata", "expression": "data.lines["},
        columns=[
            {"label": "a", "value": {"type": "cel", "expression": "row.a + string(rowIndex)"}},
            {"label": "b", "value": {"type": "cel", "expression": "line.a"}},
        ],
    )

    assert found(document) == [
        ("WF301", "/uiComponents/0/context/items/0/value/expression"),
        ("WF303", "/uiComponents/0/context/items/1/value/expression"),
        ("WF301", "/uiComponents/0/context/items/2/value/expression"),
        ("WF301", "/uiComponents/0/context/rows/expression"),
        ("WF303", "/uiComponents/0/context/columns/1/value/expression"),
    ]


def test_u1_a_row_is_bound_in_columns_only() -> None:
    item = {"label": "a", "value": {"type": "cel", "expression": "row.a"}}

    assert found(component(items=[item])) == [("WF303", "/uiComponents/0/context/items/0/value/expression")]


def test_u1_what_looks_like_an_expression_and_is_none_is_warned_of() -> None:
    item = {"label": "a", "value": {"type": "cell", "expression": "1"}}
    result = check(component(items=[item]))

    assert result.valid
    assert [(each.code, each.pointer) for each in result.diagnostics] == [
        ("WF308", "/uiComponents/0/context/items/0/value")
    ]


def test_u1_a_form_names_a_step() -> None:
    result = check(component(layout="form", stepId="aks"))

    assert result.valid
    assert [(each.code, each.suggestion) for each in result.diagnostics] == [("WF505", "did you mean 'ask'?")]
    assert found(component(layout="form", stepId="ask")) == []


def test_u1_options_of_its_own_are_kept_and_slips_are_warned_of() -> None:
    result = check(component(zoom=3, colum=[]))

    assert [(each.code, each.pointer) for each in result.diagnostics] == [("WF506", "/uiComponents/0/context/colum")]
    assert result.definition is not None
    assert result.definition.ui_components[0].context.model_extra == {"zoom": 3, "colum": []}


def test_u1_a_table_has_rows() -> None:
    assert found(component(layout="table")) == [("WF507", "/uiComponents/0/context")]
    assert found(component(layout="table", rows=CEL)) == []
