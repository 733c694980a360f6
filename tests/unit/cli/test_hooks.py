"""The hooks for pre-commit run commands that there are."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from airflow_workflow_provider.cli.main import build_parser

HOOKS = yaml.safe_load((Path(__file__).parents[3] / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_each_hook_can_be_typed(hook: dict[str, object]) -> None:
    program, *words = str(hook["entry"]).split()
    arguments = hook.get("args", ["definitions/a.json"])
    assert isinstance(arguments, list)

    assert program == "airflow-workflows"
    assert build_parser().parse_args([*words, *arguments]).handler
