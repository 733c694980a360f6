"""docker-compose.yml, Dockerfile and what belongs to them, as far as that can be checked without an engine."""

from __future__ import annotations

import base64
import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DAEMONS = {"api-server", "scheduler", "dag-processor", "triggerer", "worker"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A copy in which secrets may be made."""
    for name in ("docker-compose.yml", "deploy/create-databases.sh", "scripts/deployment-secrets.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    subprocess.run(["scripts/deployment-secrets.sh"], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def variables(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def test_it_has_the_production_shape(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == DAEMONS | {"postgres", "redis", "init"}


def test_every_service_knows_whether_it_is_well_except_the_one_that_ends(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "healthcheck" not in service} == {"init"}


def test_every_daemon_waits_for_the_migrations(compose: dict[str, Any]) -> None:
    for name in DAEMONS:
        assert compose["services"][name]["depends_on"]["init"] == {"condition": "service_completed_successfully"}


def test_what_is_named_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service.get("networks", [])) <= set(compose["networks"]), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in compose["volumes"], volume


def test_only_this_machine_reaches_the_published_port(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert published == ["127.0.0.1:${AIRFLOW_PORT:-8080}:8080"]


def test_images_are_pinned_to_a_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        image, _, tag = service["image"].partition(":")
        assert re.match(r"\d", tag) or image == "airflow-workflows", name


def test_secrets_come_from_env_files_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["env_file"], name
        secret = [
            key for key in service.get("environment", {}) if re.search(r"PASSWORD|SECRET|FERNET|CONN|BROKER", key)
        ]
        assert secret == [], name
    assert "deploy/*.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_each_part_has_the_role_that_it_needs(compose: dict[str, Any]) -> None:
    connected = {
        name: [file for file in service["env_file"] if file.split("/")[1] in ("owner.env", "api.env", "worker.env")]
        for name, service in compose["services"].items()
    }
    others = {name: ["deploy/worker.env"] for name in DAEMONS - {"api-server"}}
    assert {name: files for name, files in connected.items() if files} == {
        "init": ["deploy/owner.env"],
        "api-server": ["deploy/api.env"],
        **others,
    }


def test_the_bundle_is_ours(compose: dict[str, Any]) -> None:
    for name in DAEMONS:
        bundles = json.loads(compose["services"][name]["environment"]["AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"])
        assert bundles[0]["classpath"] == "airflow_workflow_provider.bundles.workflow.WorkflowDagBundle"


def test_the_image_is_built_for_the_airflow_that_was_tested() -> None:
    tested = re.search(r"^apache-airflow==(.+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert tested is not None
    assert f"ARG AIRFLOW_VERSION={tested.group(1)}\n" in (ROOT / "Dockerfile").read_text()


def test_what_the_dockerfile_copies_is_sent_to_the_builder() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY") and "--from" not in line
        for word in line.split()[1:-1]
    }
    assert copied == allowed


def test_secrets_are_random_private_and_agree(deployment: Path) -> None:
    files = {name: deployment / "deploy" / f"{name}.env" for name in ("postgres", "redis", "airflow")}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    postgres, redis, airflow = (variables(file) for file in files.values())
    assert f"//airflow:{postgres['AIRFLOW_PASSWORD']}@" in airflow["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    for file, account, password in (
        ("owner", "workflows", "WORKFLOWS_PASSWORD"),
        ("api", "workflows_api", "WORKFLOWS_API_PASSWORD"),
        ("worker", "workflows_worker", "WORKFLOWS_WORKER_PASSWORD"),
    ):
        found = variables(deployment / "deploy" / f"{file}.env")
        assert list(found) == ["AIRFLOW_CONN_WORKFLOWS_DEFAULT"]
        assert f"//{account}:{postgres[password]}@" in found["AIRFLOW_CONN_WORKFLOWS_DEFAULT"]
        assert stat.S_IMODE((deployment / "deploy" / f"{file}.env").stat().st_mode) == 0o600
    assert f":{redis['REDIS_PASSWORD']}@" in airflow["AIRFLOW__CELERY__BROKER_URL"]
    assert len(base64.urlsafe_b64decode(airflow["AIRFLOW__CORE__FERNET_KEY"])) == 32
    assert all(len(value) >= 24 for name, value in {**postgres, **redis}.items() if name.endswith("PASSWORD"))


def test_secrets_that_exist_are_kept(deployment: Path) -> None:
    before = (deployment / "deploy" / "airflow.env").read_text()
    again = subprocess.run(
        ["scripts/deployment-secrets.sh"], cwd=deployment, check=False, capture_output=True, text=True
    )
    assert again.returncode == 1
    assert "exist already" in again.stderr
    assert (deployment / "deploy" / "airflow.env").read_text() == before


def test_compose_accepts_it(deployment: Path) -> None:
    for command in (["docker", "compose"], ["docker-compose"]):
        known = shutil.which(command[0]) and subprocess.run([*command, "version"], check=False, capture_output=True)
        if known and known.returncode == 0:
            done = subprocess.run(
                [*command, "config", "--quiet"], cwd=deployment, check=False, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            return
    pytest.skip("no docker compose here")
