"""The [workflows] section without Airflow."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_workflow_provider import settings
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.settings import OPTIONS, Settings, load_settings
from tests.support.json_edges import EDGES


@pytest.fixture(autouse=True)
def without_airflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for module in ("airflow.configuration", "airflow.sdk.configuration"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONFIG", raising=False)
    return tmp_path


def test_defaults_are_what_the_documentation_says() -> None:
    found = load_settings()

    assert found.conn_id == "workflows_default"
    assert found.max_output_bytes == 256 * 1024
    assert found.default_retry == {"maxAttempts": 3, "strategy": "exponential", "delay": "PT1S"}
    assert found.log_retention == "P90D"
    assert found.receive_window == timedelta(minutes=5)
    assert found.bundle_folder is None


def test_no_operator_that_runs_code_is_allowed_by_default() -> None:
    from airflow_workflow_provider.model.reach import Policy

    dangerous = (
        "airflow.providers.standard.operators.bash.BashOperator",
        "airflow.providers.standard.operators.python.PythonOperator",
        "airflow.providers.ssh.operators.ssh.SSHOperator",
        "os.system",
    )
    policy = Policy.of(load_settings())
    assert not [path for path in dangerous if policy.allows_operator(path)]


def test_every_option_is_a_setting_and_every_setting_an_option() -> None:
    assert [option.name for option in OPTIONS] == [field.name for field in dataclasses.fields(Settings)]
    assert all(option.description.strip() for option in OPTIONS)


def test_environment_wins_over_file_and_file_over_default(
    without_airflow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (without_airflow / "airflow.cfg").write_text(
        "[core]\nx = %(y\n[workflows]\nconn_id = from_file\nmax_depth = 7\nallowed_operators = a.*, b.C\n"
    )
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__CONN_ID", "from_environment")

    found = load_settings()

    assert found.conn_id == "from_environment"
    assert found.max_depth == 7
    assert found.allowed_operators == ("a.*", "b.C")


def test_a_broken_configuration_file_leaves_the_defaults(without_airflow: Path) -> None:
    (without_airflow / "airflow.cfg").write_text("no section\n")
    assert load_settings().conn_id == "workflows_default"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_output_bytes", "many"),
        ("max_output_bytes", "0"),
        ("receive_window", "P1M"),
        ("receive_window", "5 minutes"),
        ("infrastructure_patience", "P1M"),
        ("infrastructure_retry_delay", "-PT5S"),
        ("log_retention", "90"),
        ("default_retry", "[]"),
        ("default_retry", "{"),
        ("default_execution", "Inline"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(option: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"AIRFLOW__WORKFLOWS__{option.upper()}", value)

    with pytest.raises(Misuse) as refused:
        load_settings()

    assert refused.value.pointer == f"[workflows] {option}"
    assert repr(value) in refused.value.message
    assert refused.value.suggestion


def test_reading_settings_does_not_import_airflow() -> None:
    program = (
        "import sys\n"
        f"from {settings.__name__} import load_settings\n"
        "load_settings()\n"
        "assert 'airflow' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    "name",
    # What the environment of a process cannot hold, or what is an option that is not set.
    [name for name, text in EDGES.items() if text.strip() and b"\x00" not in text],
)
def test_options_in_json_are_read_as_strictly_as_documents(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = EDGES[name].decode("utf-8", "surrogateescape")
    for option in ("people", "default_retry", "notifiers"):
        with monkeypatch.context() as environment:
            environment.setenv(f"AIRFLOW__WORKFLOWS__{option.upper()}", given)
            with pytest.raises(Misuse) as refused:
                load_settings()
        assert (refused.value.code, refused.value.pointer) == ("bad-configuration", f"[workflows] {option}")


def test_a_key_twice_in_an_option_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PEOPLE", '{"anna": {}, "anna": {"groups": ["finance"]}}')
    with pytest.raises(Misuse, match="anna"):
        load_settings()
