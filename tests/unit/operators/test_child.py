"""Starting a child instance."""

from __future__ import annotations

import re

import pytest

from airflow_workflow_provider.instances.session import Parent
from airflow_workflow_provider.operators.child import MAX_RUN_ID, run_id_of

ID = "00000000-0000-5000-8000-000000000001"


def parent(scope: str = "", step_id: str = "s", visit: int = 1, attempt: int = 1) -> Parent:
    return Parent(ID, scope, step_id, visit, attempt, depth=1)


@pytest.mark.parametrize("scope", ["", "p/b", "e[3]", "p/b/e[3]/q/r", "/".join(["x" * 100] * 6)])
def test_p5_the_run_of_a_child_is_named_after_the_attempt_as_airflow_allows(scope: str) -> None:
    name = run_id_of(parent(scope))
    assert re.fullmatch(r"[A-Za-z0-9_.~:+-]+", name)
    assert ".." not in name
    assert len(name) <= MAX_RUN_ID
    assert not name.startswith(("scheduled__", "asset_triggered__", "backfill__"))


def test_p5_every_attempt_has_a_child_of_its_own() -> None:
    names = {
        run_id_of(each)
        for each in (parent(), parent(attempt=2), parent(visit=2), parent(step_id="t"), parent("e[1]"), parent("e[2]"))
    }
    assert len(names) == 6


def test_p5_a_parent_survives_the_conf_of_a_run() -> None:
    assert Parent.from_json(parent("p/b").to_json()) == parent("p/b")
