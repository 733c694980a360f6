"""What a dag-processor imports before it forks the processes that read DAG files."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import json, sys
from airflow_workflow_provider.listeners import warming
sys.argv = ["airflow", "dag-processor"]
warming.on_starting(None)
from airflow.serialization.serialized_objects import DagSerialization
from airflow_workflow_provider.dag.source import dag_of
before = set(sys.modules)
step = {"stepId": "a", "taskId": "set", "arguments": {"n": {"type": "cel", "expression": "input.n + 1"}}}
schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
document = {"workflowId": "w", "name": "W", "version": "1.0.0", "inputSchema": schema, "steps": [step]}
dag = dag_of(revision=1, definition=json.dumps(document), tasks="[]")
DagSerialization.to_dict(dag)
print("new:", sorted(set(sys.modules) - before))
"""


@pytest.mark.slow
def test_a_file_of_a_workflow_needs_no_module_that_the_dag_processor_has_not_imported() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "new: []"
