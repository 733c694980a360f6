"""A template of an author runs no code in Airflow: in its own task, in a loop, and wherever Airflow renders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airflow_workflow_provider.cli.main import main
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.validate import parse_definition, parse_task
from airflow_workflow_provider.operators.catalogue import COMPUTED
from airflow_workflow_provider.operators.unrendered import unrendered
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.store.tasks import Tasks
from tests.support.airflow import AirflowInProcess

Json = dict[str, Any]

BASH = "airflow.providers.standard.operators.bash.BashOperator"
SECONDS = 240


def _code(proof: Path) -> str:
    return f"{{{{ macros.uuid.os.system('touch {proof}') }}}}"


def _task(task_id: str, text: str) -> Json:
    return {"taskId": task_id, "name": task_id, "operator": "set", "arguments": {"text": text}}


def _document(workflow_id: str) -> Json:
    """Each template in a task of its own, and again in the steps of a loop that is gone round twice."""
    handler = {"errorHandler": {"conditions": [{"errorType": "ExpressionError", "nextStepId": "right"}]}}
    inside = {"errorHandler": {"conditions": [{"errorType": "ExpressionError", "nextStepId": "rightInside"}]}}
    steps = [
        {"stepId": "wrong", "taskId": "t.wrong", "onFailure": handler},
        {"stepId": "right", "taskId": "t.right"},
        {"stepId": "wrongInside", "taskId": "t.wrong", "onFailure": inside},
        {
            "stepId": "rightInside",
            "taskId": "t.right",
            "next": [
                {"nextStepId": "wrongInside", "condition": "steps.rightInside.output.text != '2 of loop'"},
                {"nextStepId": "last"},
            ],
        },
        {"stepId": "last", "taskId": "noop"},
    ]
    return {"workflowId": workflow_id, "name": "W", "version": "1.0.0", "steps": steps}


RIGHT = "{{ workflow.visit }} of {{ workflow.input.kind }}"


def _assert_harmless(instance: Instance, proof: Path) -> None:
    steps = instance.state.steps
    assert not proof.exists()
    assert (instance.status, instance.error) == ("completed", None)
    for step_id in ("wrong", "wrongInside"):
        assert steps[step_id].error["type"] == "ExpressionError"
        assert "'macros' is not defined" in steps[step_id].error["message"]
    assert steps["right"].output == {"text": "1 of loop"}
    assert steps["rightInside"].output == {"text": "2 of loop"}


@pytest.mark.postgres
@pytest.mark.airflow
def test_k2_a_template_runs_no_code_in_a_task_or_a_loop(
    airflow_in_process: AirflowInProcess, database_url: str, tmp_path: Path
) -> None:
    from airflow_workflow_provider.dag.builder import build_dag

    proof = tmp_path / "proof"
    document, tasks = _document("w"), [_task("t.wrong", _code(proof)), _task("t.right", RIGHT)]
    definition = parse_definition(document)
    with Database(database_url) as database:
        published = Definitions(database).publish(definition, document)
        dag = build_dag(definition, {task["taskId"]: parse_task(task) for task in tasks}, revision=published.revision)
        run = airflow_in_process.run(dag, {"kind": "loop"})
        _assert_harmless(Instances(database).get(instance_id(run.dag_id, run.run_id)), proof)


@pytest.mark.daemons
@pytest.mark.slow
@pytest.mark.xdist_group("airflow-3")
@pytest.mark.timeout(600)
def test_k2_a_template_runs_no_code_in_a_running_airflow(running_airflow: Any, tmp_path: Path) -> None:
    proof, document = tmp_path / "proof", _document("templates-loop")
    file = tmp_path / "workflow.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, Database(running_airflow.workflows_url) as database:
        patch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(running_airflow.workflows_url))
        # As if they had been stored before such templates were refused.
        for task in (_task("t.wrong", _code(proof)), _task("t.right", RIGHT)):
            Tasks(database).publish(parse_task(task), task)
        assert main(["apply", str(file)]) == 0
        running_airflow.client.wait_for_dag("templates-loop", seconds=SECONDS)
        run_id = running_airflow.client.trigger("templates-loop", {"kind": "loop"})["dag_run_id"]
        running_airflow.client.wait_for_run("templates-loop", run_id, seconds=SECONDS)

        def ended() -> Instance | None:
            found = Instances(database).get(instance_id("templates-loop", run_id))
            return found if found.status in ("completed", "failed") else None

        _assert_harmless(poll(ended, seconds=300, what="the end of the instance"), proof)


def test_k2_no_template_of_an_author_is_in_a_dag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    from airflow_workflow_provider.dag.builder import build_dag

    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", BASH)
    code = _code(tmp_path / "proof")
    tasks = [
        {"taskId": "bash", "name": "B", "operator": BASH, "arguments": {"bash_command": code, "env": {"A": code}}},
        _task("shape", code),
    ]
    steps = [
        {"stepId": "a", "taskId": "bash"},
        {"stepId": "b", "taskId": "bash", "arguments": {"bash_command": code, "env": {"A": [code]}}},
        {"stepId": "c", "taskId": "shape", "arguments": {"more": {"deep": [code]}}},
    ]
    definition = parse_definition({"workflowId": "w", "name": "W", "version": "1.0.0", "steps": steps})
    dag = build_dag(definition, {task["taskId"]: parse_task(task) for task in tasks}, revision=1)
    assert "macros" not in json.dumps(DagSerialization.to_dict(dag))
    assert vars(dag.get_task("a"))["env"] == {"A": COMPUTED}
    assert vars(dag.get_task("c"))["arguments"] == {"text": COMPUTED, "more": {"deep": [COMPUTED]}}


def test_k2_operators_render_nothing_themselves() -> None:
    from airflow.providers.standard.operators.bash import BashOperator

    operator = unrendered(BashOperator)(task_id="a", bash_command="{{ 7 * 7 }}.sh", map_index_template="{{ 7 }}")
    operator.render_template_fields({})
    operator.resolve_template_files()
    assert vars(operator)["bash_command"] == "{{ 7 * 7 }}.sh"
    assert operator.render_template("{{ 7 * 7 }}", {}) == "{{ 7 * 7 }}"
    assert operator.template_ext == ()
    assert operator.map_index_template is None
    assert operator.start_from_trigger is False
    assert isinstance(operator, BashOperator)
