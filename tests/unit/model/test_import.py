from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, time
before = time.process_time()
import pydantic
class Model(pydantic.BaseModel):
    number: int
started = time.process_time()
{imports}
print((time.process_time() - started) / (started - before))
print(*sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def _imported(*modules: str) -> tuple[float, set[str]]:
    """Import in a new process; return the processor time as a multiple of Pydantic's, and what is imported then."""
    imports = "\n".join(f"import airflow_workflow_provider.{module}" for module in modules)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(imports=imports)], check=True, capture_output=True, text=True
    )
    ratio, found = done.stdout.splitlines()
    return float(ratio), set(found.split())


def test_the_model_imports_no_airflow_and_nothing_heavy_before_it_is_needed() -> None:
    _, modules = _imported("model.validate", "model.expressions")

    assert "airflow_workflow_provider" in modules
    assert modules.isdisjoint(
        {"airflow", "jsonschema", "jsonata", "jlens", "cel_expr_python", "jmespath", "sqlalchemy"}
    )


def test_the_model_imports_faster_than_pydantic() -> None:
    assert any(_imported("model.validate", "model.expressions")[0] < 1 for _ in range(5))


def test_the_engine_imports_faster_than_pydantic() -> None:
    assert any(_imported("engine.machine")[0] < 1 for _ in range(5))
