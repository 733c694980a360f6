"""deploy/kubernetes: what the values and manifests for a cluster promise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
CONNECTION = "AIRFLOW_CONN_WORKFLOWS_DEFAULT"
SECRET = "workflow-database"


def load(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay one file of values over another as Helm does: mappings are merged, all else is replaced."""
    both = {
        name: merged(base[name], value) if isinstance(value, dict) and isinstance(base.get(name), dict) else value
        for name, value in over.items()
    }
    return {**base, **both}


@pytest.fixture
def values() -> dict[str, Any]:
    return load("values.yaml")


@pytest.fixture
def celery(values: dict[str, Any]) -> dict[str, Any]:
    return merged(values, load("celery.yaml"))


def roles(environment: list[dict[str, Any]]) -> dict[str, str]:
    """Return the keys of the secret by the variables that hold them."""
    found = {}
    for each in environment:
        reference = each["valueFrom"]["secretKeyRef"]
        assert reference["name"] == SECRET
        found[each["name"]] = reference["key"]
    return found


def test_each_component_connects_with_its_own_role(values: dict[str, Any]) -> None:
    parts = {name: values[name]["env"] for name in ("apiServer", "scheduler", "dagProcessor", "triggerer")}
    parts |= {"step": values["workers"]["kubernetes"]["env"], "migration": values["migrateDatabaseJob"]["env"]}
    assert {name: roles(environment) for name, environment in parts.items()} == {
        "apiServer": {CONNECTION: "api"},
        "scheduler": {CONNECTION: "worker"},
        "dagProcessor": {CONNECTION: "worker"},
        "triggerer": {CONNECTION: "worker"},
        "step": {CONNECTION: "worker"},
        "migration": {CONNECTION: "owner"},
    }


def test_what_may_delete_is_no_step(values: dict[str, Any]) -> None:
    assert values["config"]["workflows"]["maintenance_schedule"] == ""
    pod = load("maintenance.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert roles(container["env"]) == {CONNECTION: "maintenance"}
    assert container["args"] == ["airflow-workflows purge && airflow-workflows events purge"]


def test_only_one_set_of_celery_workers_may_delete(celery: dict[str, Any]) -> None:
    workers, options = celery["workers"]["celery"], celery["config"]["workflows"]
    assert roles(workers["env"]) == {CONNECTION: "worker"}
    (maintenance,) = workers["sets"]
    assert maintenance["queue"] == options["maintenance_queue"]
    assert options["maintenance_schedule"] == "@daily"
    assert options["maintenance_conn_id"] == "workflows_maintenance"
    assert roles(maintenance["env"]) == {CONNECTION: "worker", "AIRFLOW_CONN_WORKFLOWS_MAINTENANCE": "maintenance"}


def test_a_failed_migration_of_airflow_ends_the_job(values: dict[str, Any]) -> None:
    job = values["migrateDatabaseJob"]
    assert job["command"] == ["bash", "-c"]
    assert job["args"] == ["airflow db migrate && airflow-workflows db migrate"]


def test_the_bundle_is_ours(values: dict[str, Any]) -> None:
    (bundle,) = values["dagProcessor"]["dagBundleConfigList"]
    assert bundle["classpath"] == "airflow_workflow_provider.bundles.workflow.WorkflowDagBundle"


def test_the_release_is_the_airflow_that_was_tested(values: dict[str, Any]) -> None:
    tested = re.search(r"^apache-airflow==(.+)$", (FOLDER.parents[1] / "constraints.txt").read_text(), re.MULTILINE)
    assert tested is not None
    assert values["airflowVersion"] == tested[1]
    image = "{repository}:{tag}".format(**values["images"]["airflow"])
    assert (
        load("maintenance.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] == image
    )


@pytest.mark.parametrize("file", ["values.yaml", "celery.yaml", "maintenance.yaml"])
def test_no_secret_is_written_down(file: str) -> None:
    text = (FOLDER / file).read_text(encoding="utf-8")
    assert (
        re.findall(r"(?i)(?:password|secret_?key|fernet_?key)\s*:\s*\S+", text.replace("SecretKeySecretName", "")) == []
    )
    assert re.findall(r"postgresql://(?!…)\S+", text) == []


def test_everything_that_runs_has_limits(values: dict[str, Any], celery: dict[str, Any]) -> None:
    parts = [values[name] for name in ("apiServer", "scheduler", "dagProcessor", "triggerer")]
    for part in (*parts, values["workers"]["kubernetes"], celery["workers"]["celery"]):
        assert part["resources"]["limits"]["memory"]
        assert part["resources"]["requests"]


def test_metrics_have_the_names_of_the_dashboard(values: dict[str, Any]) -> None:
    mapping = yaml.safe_load((FOLDER.parent / "observability" / "statsd-mapping.yml").read_text(encoding="utf-8"))
    assert values["statsd"]["extraMappings"] == mapping["mappings"]
    assert values["config"]["metrics"] == {"statsd_influxdb_enabled": "True"}
