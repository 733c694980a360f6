"""What Airflow is told about this package, checked with Airflow's own means."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import airflow_workflow_provider
from airflow_workflow_provider.provider_info import CONNECTION_FIELDS, TRIGGERS, get_provider_info
from airflow_workflow_provider.settings import OPTIONS


def test_it_is_valid_by_airflows_schema() -> None:
    from airflow.providers_manager import _create_provider_info_schema_validator

    _create_provider_info_schema_validator().validate(get_provider_info())


def test_airflow_finds_it() -> None:
    from airflow.providers_manager import ProvidersManager

    manager = ProvidersManager()
    manager.initialize_providers_list()
    assert "airflow-workflow-provider" in manager.providers


@pytest.mark.slow
def test_airflow_shows_the_defaults_as_they_are_used(tmp_path: Path) -> None:
    program = (
        "from airflow.configuration import conf\n"
        "from airflow_workflow_provider.settings import OPTIONS\n"
        "shown = {o.name: conf.get('workflows', o.name) for o in OPTIONS}\n"
        "assert shown == {o.name: o.default for o in OPTIONS}, shown\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    subprocess.run([sys.executable, "-c", program], check=True, env={**environment, "AIRFLOW_HOME": str(tmp_path)})


def test_every_option_is_documented() -> None:
    options = get_provider_info()["config"]["workflows"]["options"]
    assert set(options) == {option.name for option in OPTIONS}


def modules_with(base: str) -> set[str]:
    """Return the modules of this package that define a class which is one of Airflow's kinds."""
    from airflow.sdk._shared.module_loading import import_string

    kind, found = import_string(base), set()
    for module in pkgutil.walk_packages(airflow_workflow_provider.__path__, "airflow_workflow_provider."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        names = vars(importlib.import_module(module.name)).values()
        if any(isinstance(each, type) and issubclass(each, kind) and each.__module__ == module.name for each in names):
            found.add(module.name)
    return found


@pytest.mark.parametrize(
    ("key", "base"),
    [
        ("operators", "airflow.sdk.BaseOperator"),
        ("triggers", "airflow.triggers.base.BaseTrigger"),
        ("hooks", "airflow.sdk.BaseHook"),
        ("notifications", "airflow.sdk.BaseNotifier"),
        ("bundles", "airflow.dag_processing.bundles.base.BaseDagBundle"),
        ("sensors", "airflow.sdk.BaseSensorOperator"),
    ],
)
def test_it_lists_every_class_that_airflow_has_a_name_for(key: str, base: str) -> None:
    """What ``airflow providers …`` and the registry of providers show."""
    given = get_provider_info().get(key, [])
    listed = {module for entry in given for module in entry["python-modules"]}
    assert listed == modules_with(base)


def test_what_it_names_can_be_imported() -> None:
    from airflow.sdk._shared.module_loading import import_string

    information = get_provider_info()
    for path in information["cli"]:
        assert callable(import_string(path))
    for bundle in information["bundles"]:
        for module in bundle["python-modules"]:
            __import__(module)


def test_entry_points_resolve() -> None:
    ours = [
        point
        for group in ("apache_airflow_provider", "airflow.plugins", "console_scripts", "pytest11")
        for point in entry_points(group=group)
        if point.dist is not None and point.dist.name == "airflow-workflow-provider"
    ]
    assert {"provider_info", "workflows", "airflow-workflows"} <= {point.name for point in ours}
    for point in ours:
        assert point.load() is not None


COMMANDS = """
import json, sys
from contextlib import redirect_stdout
from io import StringIO
from airflow.cli import cli_parser

parser, said = cli_parser.get_parser(), {}
for name in ("hooks", "triggers", "notifications", "widgets", "behaviours"):
    arguments = parser.parse_args(["providers", name, "--output", "json"])
    with redirect_stdout(StringIO()) as out:
        arguments.func(arguments)
    said[name] = json.loads(out.getvalue())
print("said:" + json.dumps(said))
"""


@pytest.mark.slow
def test_the_commands_of_airflow_show_it(tmp_path: Path) -> None:
    """``airflow providers hooks``, ``triggers``, ``widgets`` and ``behaviours``, in a home of their own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMMANDS],
        env={**environment, "AIRFLOW_HOME": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("said:"))[5:])
    ours = "airflow-workflow-provider"
    (hook,) = [each for each in said["hooks"] if each["package_name"] == ours]
    assert (hook["connection_type"], hook["hook_name"]) == ("workflows", "Workflow database")
    assert hook["class"] == "airflow_workflow_provider.hooks.database.WorkflowsHook"
    triggers = {each["class"] for each in said["triggers"] if each["package_name"] == ours}
    assert triggers == set(TRIGGERS)
    fields = {each["connection_parameter_name"] for each in said["widgets"] if each["package_name"] == ours}
    assert fields == {f"extra__workflows__{name}" for name in CONNECTION_FIELDS}
    assert {"field_behaviours": "workflows"} in said["behaviours"]
    assert [each for each in said["notifications"] if ours in each.values()] == []


def test_the_form_offers_what_postgresqls_client_understands() -> None:
    from psycopg.pq import Conninfo

    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    assert set(CONNECTION_FIELDS) <= known
