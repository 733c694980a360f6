from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, time
started = time.process_time()
import airflow_workflow_provider.model.validate
import airflow_workflow_provider.model.expressions
print(time.process_time() - started)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def _imported() -> tuple[float, set[str]]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    seconds, modules = done.stdout.splitlines()
    return float(seconds), set(modules.split())


def test_the_model_imports_no_airflow_and_nothing_heavy_before_it_is_needed() -> None:
    _, modules = _imported()

    assert "airflow_workflow_provider" in modules
    assert modules.isdisjoint(
        {"airflow", "jsonschema", "jsonata", "jlens", "cel_expr_python", "jmespath", "sqlalchemy"}
    )


def test_the_model_imports_in_a_moment() -> None:
    assert min(_imported()[0] for _ in range(3)) < 0.3
