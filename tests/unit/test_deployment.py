"""docker-compose.yml, Dockerfile and what belongs to them, as far as that can be checked without an engine."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.ports import free_port

ROOT = Path(__file__).parents[2]
DAEMONS = {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "maintenance"}
ENV_FILES = ("postgres", "redis", "airflow", "administrator", "owner", "api", "worker", "maintenance", "grafana")
OBSERVABILITY = {"statsd-exporter", "prometheus", "grafana"}


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
    assert set(compose["services"]) == DAEMONS | OBSERVABILITY | {"postgres", "redis", "init", "flower", "cli"}


def test_every_service_knows_whether_it_is_well_except_those_that_end(compose: dict[str, Any]) -> None:
    assert {name for name, service in compose["services"].items() if "healthcheck" not in service} == {"init", "cli"}


def test_each_container_has_a_limit_of_memory(compose: dict[str, Any]) -> None:
    limits = {name: service["mem_limit"] for name, service in compose["services"].items()}
    assert (limits["worker"], limits["postgres"]) == ("${WORKER_MEMORY:-4g}", "${POSTGRES_MEMORY:-2g}")
    assert {limits[name] for name in DAEMONS - {"worker"} | {"init", "flower", "cli"}} == {"${AIRFLOW_MEMORY:-2g}"}


def test_metrics_are_collected_only_by_those_who_ask_for_it(compose: dict[str, Any]) -> None:
    for name in OBSERVABILITY:
        assert compose["services"][name]["profiles"] == ["observability"]
    for name in DAEMONS:
        environment = compose["services"][name]["environment"]
        assert interpolated(environment["AIRFLOW__METRICS__STATSD_ON"], {}) == "False"
        assert interpolated(environment["AIRFLOW__METRICS__STATSD_ON"], {"AIRFLOW_METRICS": "True"}) == "True"
        assert environment["AIRFLOW__METRICS__STATSD_HOST"] == "statsd-exporter"
        # Without tags, nobody knows of which workflow a metric is.
        assert environment["AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED"] == "True"


def test_prometheus_asks_the_exporter_and_grafana_asks_prometheus(compose: dict[str, Any]) -> None:
    folder = ROOT / "deploy" / "observability"
    asked = yaml.safe_load((folder / "prometheus.yml").read_text())
    assert [each["static_configs"] for each in asked["scrape_configs"]] == [[{"targets": ["statsd-exporter:9102"]}]]
    volumes = {
        name: dict(each.split(":")[:2] for each in compose["services"][name]["volumes"]) for name in OBSERVABILITY
    }
    assert volumes["prometheus"]["./deploy/observability/prometheus-alerts.yaml"].endswith(asked["rule_files"][0])
    sources = yaml.safe_load((folder / "grafana-datasource.yml").read_text())["datasources"]
    assert [(each["type"], each["url"]) for each in sources] == [("prometheus", "http://prometheus:9090")]
    shown = yaml.safe_load((folder / "grafana-dashboards.yml").read_text())["providers"][0]["options"]["path"]
    assert volumes["grafana"]["./deploy/observability/grafana-dashboard.json"].startswith(f"{shown}/")


def test_commands_have_a_service_of_their_own_that_may_publish(compose: dict[str, Any]) -> None:
    cli = compose["services"]["cli"]
    assert (cli["profiles"], cli["restart"]) == (["cli"], "no")
    # The image's entrypoint puts "airflow" before words that it does not know.
    assert (cli["entrypoint"], cli["command"]) == (["airflow-workflows"], ["--help"])


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
    assert published == [
        "127.0.0.1:${AIRFLOW_PORT:-8080}:8080",
        "127.0.0.1:${FLOWER_PORT:-5555}:5555",
        "127.0.0.1:${PROMETHEUS_PORT:-9090}:9090",
        "127.0.0.1:${GRAFANA_PORT:-3000}:3000",
    ]


def test_images_are_pinned_to_a_version(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        image, _, tag = service["image"].partition(":")
        assert re.match(r"v?\d", tag) or image == "airflow-workflows", name


def test_secrets_come_from_env_files_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service.get("env_file") or name in OBSERVABILITY - {"grafana"}, name
        secret = [
            key
            for key in service.get("environment", {})
            if re.search(r"PASSWORD|SECRET|FERNET|_CONN_(?!ID)|ALCHEMY|BROKER", key)
        ]
        assert secret == [], name
    assert "deploy/*.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_each_part_has_the_secrets_that_it_needs_and_no_others(compose: dict[str, Any]) -> None:
    files = {
        name: {Path(file).stem for file in service["env_file"]}
        for name, service in compose["services"].items()
        if "env_file" in service
    }
    ordinary = {name: {"airflow", "worker"} for name in (DAEMONS - {"api-server", "maintenance"}) | {"flower"}}
    assert files == {
        "postgres": {"postgres"},
        "redis": {"redis"},
        "init": {"airflow", "owner", "administrator"},
        "api-server": {"airflow", "api"},
        "cli": {"airflow", "api"},
        "maintenance": {"airflow", "worker", "maintenance"},
        "grafana": {"grafana"},
        **ordinary,
    }


def test_what_every_container_has_holds_no_password_of_a_person(deployment: Path) -> None:
    shared = variables(deployment / "deploy" / "airflow.env")
    administrator = variables(deployment / "deploy" / "administrator.env")
    assert list(administrator) == ["ADMINISTRATOR_NAME", "ADMINISTRATOR_PASSWORD"]
    assert not any("ADMINISTRATOR" in name or "WWW_USER" in name for name in shared)
    assert administrator["ADMINISTRATOR_PASSWORD"] not in " ".join(shared.values())


def test_a_migration_that_fails_stops_what_waits_for_it(compose: dict[str, Any]) -> None:
    shell, option, script = compose["services"]["init"]["command"]
    assert (shell, option) == ("bash", "-c")
    steps = [part.strip() for part in script.split(";")]
    assert steps[:3] == ["set -e", "airflow db migrate", "airflow-workflows db migrate"]
    # The image's entrypoint runs these with "|| true".
    assert not any(name.startswith("_AIRFLOW") for name in compose["services"]["init"].get("environment", {}))


def test_maintenance_runs_where_the_right_to_delete_is(compose: dict[str, Any]) -> None:
    for name in DAEMONS:
        environment = compose["services"][name]["environment"]
        queue = environment["AIRFLOW__WORKFLOWS__MAINTENANCE_QUEUE"]
        assert environment["AIRFLOW__WORKFLOWS__MAINTENANCE_CONN_ID"] == "workflows_maintenance"
    command = compose["services"]["maintenance"]["command"]
    assert command[command.index("--queues") + 1] == queue
    assert "--queues" not in compose["services"]["worker"]["command"]


def interpolated(text: str, given: dict[str, str]) -> str:
    """Fill in ``${NAME:-default}`` as Compose does, and ``$$`` for the shell."""
    filled = re.sub(r"(?<!\$)\$\{(\w+):-([^}]*)\}", lambda found: given.get(found[1]) or found[2], text)
    return filled.replace("$$", "$")


@pytest.mark.parametrize("path", ["", "/airflow", "/a/b"])
def test_tasks_and_the_health_check_use_the_path_at_which_airflow_serves(compose: dict[str, Any], path: str) -> None:
    server = compose["services"]["api-server"]
    given = {"AIRFLOW_URL": "https://airflow.example.com", "AIRFLOW_PATH": path}
    address = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"
    assert interpolated(server["environment"]["AIRFLOW__API__BASE_URL"], given) == f"https://airflow.example.com{path}"
    for name in DAEMONS:
        environment = compose["services"][name]["environment"]
        assert interpolated(environment[address], given) == f"http://api-server:8080{path}/execution/"
    kind, check = server["healthcheck"]["test"]
    done = subprocess.run(
        ["sh", "-c", interpolated(check, {}).replace("curl", "echo")],
        env={address: interpolated(server["environment"][address], given), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert kind == "CMD-SHELL"
    assert done.stdout.split()[-1] == f"http://api-server:8080{path}/execution/health"


def redis_command(compose: dict[str, Any]) -> list[str]:
    return [interpolated(part, {}) for part in compose["services"]["redis"]["command"]]


def test_the_brokers_queues_outlive_it(compose: dict[str, Any], tmp_path: Path) -> None:
    """A killed Redis has its queues again; otherwise what was queued waits until Airflow gives it up."""
    assert "redis:/data" in compose["services"]["redis"]["volumes"]
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server here")
    port = free_port()
    shell, option, script = redis_command(compose)
    environment = {"REDIS_PASSWORD": "made-up", "PATH": os.environ["PATH"]}
    command = [shell, option, f"{script} --port {port} --bind 127.0.0.1"]

    def ask(*words: str) -> str:
        client = ["redis-cli", "-p", str(port), "--no-auth-warning", "-a", "made-up", *words]
        return subprocess.run(client, check=False, capture_output=True, text=True).stdout.strip()

    for attempt in ("first", "second"):
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
        try:
            poll(lambda: ask("PING") == "PONG" or None, seconds=120, what="Redis", interval=0.05)
            if attempt == "first":
                assert ask("LPUSH", "default", "a task") == "1"
                # The append-only file is synchronized each second.
                poll(lambda: "aof_pending_bio_fsync:0" in ask("INFO", "persistence") or None, seconds=120, what="fsync")
            else:
                assert ask("LRANGE", "default", "0", "-1") == "a task"
        finally:
            process.kill()
            process.wait()


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
    assert sorted(file.stem for file in (deployment / "deploy").glob("*.env")) == sorted(ENV_FILES)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o600}
    postgres, redis, airflow = (variables(file) for file in files.values())
    assert f"//airflow:{postgres['AIRFLOW_PASSWORD']}@" in airflow["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    for file, account, password in (
        ("owner", "workflows", "WORKFLOWS_PASSWORD"),
        ("api", "workflows_api", "WORKFLOWS_API_PASSWORD"),
        ("worker", "workflows_worker", "WORKFLOWS_WORKER_PASSWORD"),
        ("maintenance", "workflows_maintenance", "WORKFLOWS_MAINTENANCE_PASSWORD"),
    ):
        found = variables(deployment / "deploy" / f"{file}.env")
        name = "AIRFLOW_CONN_WORKFLOWS_" + ("MAINTENANCE" if file == "maintenance" else "DEFAULT")
        assert list(found) == [name]
        assert f"//{account}:{postgres[password]}@" in found[name]
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


def test_a_deployment_without_a_password_for_grafana_gets_one(deployment: Path) -> None:
    file = deployment / "deploy" / "grafana.env"
    first = variables(file)["GF_SECURITY_ADMIN_PASSWORD"]
    file.unlink()
    subprocess.run(["scripts/deployment-secrets.sh"], cwd=deployment, check=False, capture_output=True)
    second = variables(file)["GF_SECURITY_ADMIN_PASSWORD"]
    assert len(second) == 24
    assert first != second
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


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
