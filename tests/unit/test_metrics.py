"""Metrics: the table, the page, the dashboard and the alerts name the same ones; none fails what it is about."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from airflow_workflow_provider import metrics

ROOT = Path(__file__).parents[2]
DEPLOYED = ROOT / "deploy" / "observability"
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NAMES = {metric.name for metric in metrics.METRICS}


def test_the_page_lists_every_metric_with_kind_and_tags_and_no_other() -> None:
    rows = re.findall(r"^\| `(workflows\.[\w.]+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    listed = {(name, kind, tuple(re.findall(r"`(\w+)`", tags)), meaning) for name, kind, tags, meaning in rows}
    assert listed == {(each.name, each.kind, each.tags, each.meaning) for each in metrics.METRICS}


def prometheus(metric: metrics.Metric) -> set[str]:
    """Return the names that ``statsd-mapping.yml`` gives a metric."""
    name = "airflow." + metric.name
    for rule in yaml.safe_load((DEPLOYED / "statsd-mapping.yml").read_text(encoding="utf-8"))["mappings"]:
        found = re.fullmatch(rule["match"], name)
        if found and rule["match_metric_type"].replace("observer", "timer") == metric.kind:
            given = rule["name"].replace("${1}", found[1]).replace(".", "_")
            return {f"{given}_sum", f"{given}_count"} if metric.kind == "timer" else {given}
    raise AssertionError(metric.name)


def used(file: str) -> set[str]:
    """Return the metrics that PromQL in a file names."""
    return set(re.findall(r"\bairflow_workflows_[a-z_]+", (DEPLOYED / file).read_text(encoding="utf-8")))


KNOWN = {name for metric in metrics.METRICS for name in prometheus(metric)}


def test_alerts_use_metrics_that_exist() -> None:
    assert used("prometheus-alerts.yaml")
    assert used("prometheus-alerts.yaml") <= KNOWN


def test_the_dashboard_shows_every_metric() -> None:
    assert used("grafana-dashboard.json") == KNOWN


def test_a_value_that_nobody_reports_any_more_is_left_out() -> None:
    rules = yaml.safe_load((DEPLOYED / "statsd-mapping.yml").read_text(encoding="utf-8"))["mappings"]
    assert [rule.get("ttl") for rule in rules if rule["match_metric_type"] == "gauge"] == ["10m"]


def test_the_dashboard_is_json_whose_panels_have_titles_and_queries() -> None:
    dashboard = json.loads((DEPLOYED / "grafana-dashboard.json").read_text(encoding="utf-8"))
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["title"] and panel["targets"] for panel in dashboard["panels"])


def test_every_alert_has_a_runbook() -> None:
    rules = yaml.safe_load((DEPLOYED / "prometheus-alerts.yaml").read_text(encoding="utf-8"))
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    headings = set(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE))
    assert {rule["alert"] for rule in alerts} == headings & {rule["alert"] for rule in alerts}
    for rule in alerts:
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["runbook"].endswith(f"operations.md#{rule['alert'].lower()}")


class Backend:
    def __init__(self) -> None:
        self.got: list[tuple[Any, ...]] = []

    def incr(self, stat: str, count: int = 1, *, tags: Any = None) -> None:
        self.got.append(("incr", stat, count, tags))

    def gauge(self, stat: str, value: float, *, tags: Any = None) -> None:
        self.got.append(("gauge", stat, value, tags))

    def timing(self, *_: Any, **__: Any) -> None:
        raise OSError


def test_metrics_go_to_airflow_and_never_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend()
    monkeypatch.setattr(metrics, "stats", lambda: backend)
    metrics.count(metrics.INSTANCES_STARTED, workflow_id="w")
    metrics.gauge(metrics.EVENTS_LAG, 2.5)
    metrics.timing(metrics.BUNDLE_REFRESH, timedelta(seconds=1))
    assert backend.got == [
        ("incr", "workflows.instances.started", 1, {"workflow_id": "w"}),
        ("gauge", "workflows.events.lag", 2.5, {}),
    ]
    monkeypatch.setattr(metrics, "stats", lambda: None)
    metrics.count(metrics.INSTANCES_STARTED, workflow_id="w")


def test_a_metric_is_reported_as_the_table_says() -> None:
    with pytest.raises(AssertionError):
        metrics.gauge(metrics.INSTANCES_STARTED, 1, workflow_id="w")
    with pytest.raises(AssertionError):
        metrics.count(metrics.INSTANCES_STARTED)
