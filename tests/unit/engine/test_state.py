"""The state of an instance and what a step list sees of it (rule X1)."""

from __future__ import annotations

import json

from airflow_workflow_provider.engine.keys import item_indexes, list_path
from airflow_workflow_provider.engine.scope import Scope
from airflow_workflow_provider.engine.state import State
from tests.unit.engine.driving import branch, fail, jmespath, machine_of, step, succeed


def test_the_state_is_json_at_any_time() -> None:
    machine = machine_of(
        step("p", parallelBranches=[branch("x", step("a")), branch("y", step("b"))]), step("c"), data={"n": 1}
    )
    assert State.from_json(json.loads(json.dumps(machine.state.to_json()))) == machine.state
    succeed(machine, "p", {"own": 1})
    succeed(machine, "a", {"k": 1}, "p/x")
    assert State.from_json(json.loads(json.dumps(machine.state.to_json()))) == machine.state
    fail(machine, "b", scope="p/y")
    assert State.from_json(json.loads(json.dumps(machine.state.to_json()))) == machine.state
    assert machine.status == "failed"


def test_the_documented_part_has_the_fields_of_the_format() -> None:
    machine = machine_of(step("a"), data={"n": 1})
    succeed(machine, "a", {"k": 1})

    assert machine.state.input == {"n": 1}
    assert machine.state.variables == {}
    assert machine.state.to_json()["steps"]["a"].keys() >= {"status", "output", "startedAt", "completedAt"}


def test_keys_of_scopes_name_their_list_and_their_items() -> None:
    assert list_path("each[3]/p/x/inner[12]") == "each[]/p/x/inner[]"
    assert item_indexes("each[3]/p/x/inner[12]") == [3, 12]
    assert item_indexes("p/x") == []


def test_x1_inside_a_region_the_own_output_is_in_data_but_not_outside_before_the_join() -> None:
    machine = machine_of(
        step("p", assign={"v": jmespath("output.task.k")}, parallelBranches=[branch("x", step("a"))]), data={"k": 0}
    )
    succeed(machine, "p", {"k": 1})

    assert machine.scope("p/x").data == {"k": 1}
    assert machine.scope("").data == {"k": 0}
    succeed(machine, "a", {"k": 2}, "p/x")
    assert machine.state.data == {"k": 2, "v": 1}


def test_x1_variables_lie_on_top_in_a_branch_too() -> None:
    machine = machine_of(
        step("a", assign={"k": jmespath("'variable'")}),
        step("p", parallelBranches=[branch("x", step("b"), step("c"))]),
    )
    succeed(machine, "a", {})
    succeed(machine, "p", {"k": "own"})
    succeed(machine, "b", {"k": "output"}, "p/x")

    assert machine.scope("p/x").data == {"k": "variable"}


def test_x1_a_branch_sees_the_names_of_all_items_around_it() -> None:
    inner = step("q", parallelBranches=[branch("x", step("a"))])
    rows = {"items": jmespath("row"), "as": "cell", "steps": [inner]}
    machine = machine_of(
        step("rows", forEach={"items": jmespath("input.rows"), "as": "row", "steps": [step("cells", forEach=rows)]}),
        data={"rows": [[7, 8]]},
    )
    succeed(machine, "rows")
    succeed(machine, "cells", scope="rows[0]")
    succeed(machine, "q", scope="rows[0]/cells[1]")

    names = machine.scope("rows[0]/cells[1]/q/x").names
    assert names == {"row": [7, 8], "rowIndex": 0, "cell": 8, "cellIndex": 1}


def test_p4_what_an_item_leaves_in_the_state_is_its_result() -> None:
    inner = step("q", parallelBranches=[branch("x", step("a"))])
    machine = machine_of(
        step("each", forEach={"items": jmespath("input.xs"), "maxConcurrency": 1, "steps": [inner]}),
        data={"xs": list(range(5))},
    )
    succeed(machine, "each")
    for number in range(4):
        succeed(machine, "q", scope=f"each[{number}]")
        succeed(machine, "a", {"k": number}, f"each[{number}]/q/x")

    assert machine.state.lists.keys() == {"", "each[4]"}


def test_a_scope_has_a_chain_to_the_top() -> None:
    machine = machine_of(step("p", parallelBranches=[branch("x", step("a"))]))
    succeed(machine, "p")

    assert [scope.key for scope in Scope(machine.state, "p/x").chain()] == ["p/x", ""]
