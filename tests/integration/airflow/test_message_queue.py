"""The recipe of ``docs/events.md``, as it stands there: each message of a queue starts a workflow (rule E4)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.store.listing import InstanceList
from tests.support.airflow import ROOT, RunningAirflow

pytestmark = [pytest.mark.daemons, pytest.mark.slow, pytest.mark.xdist_group("airflow"), pytest.mark.timeout(600)]

SECONDS = 120
WORKFLOW, TOPIC = "queued-order", "orders"

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
RECIPE = PAGE.partition("### From a message queue")[2].partition("###")[0]
PARSE, DAG_FILE = re.findall(r"```python\n(.*?)```", RECIPE, re.DOTALL)
CONNECTION, DEFINITION = (json.loads(text) for text in re.findall(r"```json\n(.*?)```", RECIPE, re.DOTALL))


@dataclass
class Queue:
    """A message queue that speaks Kafka's protocol on a free port of this machine."""

    producer: Producer
    servers: str

    def send(self, *messages: Any) -> None:
        for each in messages:
            self.producer.produce(TOPIC, json.dumps(each).encode())
        assert self.producer.flush(30) == 0


@pytest.fixture
def queue() -> Iterator[Queue]:
    # Kafka's own client library has a broker for tests, which lives as long as the producer.
    producer = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = producer.list_topics(timeout=30).brokers.values()
    yield Queue(producer, ",".join(f"{each.host}:{each.port}" for each in brokers))
    producer.close()


@pytest.fixture
def dag_file(running_airflow: RunningAirflow) -> Iterator[Path]:
    path = running_airflow.dags_folder / "orders_queue.py"
    yield path
    # Without a broker, its watcher would keep the triggerer busy until the last test.
    path.unlink(missing_ok=True)


def test_e4_each_message_of_a_queue_starts_one_instance(
    running_airflow: RunningAirflow, queue: Queue, dag_file: Path
) -> None:
    # Airflow's processes can import what is in the folder that they were started in.
    module = running_airflow.environment.layout.folder / "my_company" / "orders.py"
    module.parent.mkdir()
    module.write_text(PARSE)
    # That broker lets a member in at once only with the newer of Kafka's two protocols for groups.
    extra = {**CONNECTION, "bootstrap.servers": queue.servers, "group.protocol": "consumer"}
    connection = {"connection_id": "kafka_default", "conn_type": "kafka", "extra": json.dumps(extra)}
    running_airflow.client.request("POST", "/connections", json=connection)
    dag_file.write_text(DAG_FILE)
    queue.send({"id": 1})
    with Database(running_airflow.workflows_url) as database:
        Definitions(database).publish(parse_definition(DEFINITION), DEFINITION)
        running_airflow.client.wait_for_dag(WORKFLOW, seconds=SECONDS)
        ended(database, 1)
        queue.send({"id": 2}, {"id": 3}, {"id": 4})
        found = ended(database, 4)
    assert sorted((each.input["orderId"], each.status) for each in found) == [(n, "completed") for n in (1, 2, 3, 4)]
    assert {each.event["type"] for each in found if each.event} == {TOPIC}


def ended(database: Database, number: int) -> list[Instance]:
    """The instances, as soon as so many have ended."""

    def look() -> list[Instance] | None:
        page = InstanceList(database).page(InstanceFilter(workflow_id=WORKFLOW), limit=200)
        found = [Instances(database).get(each.id) for each in page.items]
        over = [each for each in found if each.status in ("completed", "failed")]
        return over if len(over) >= number else None

    return poll(look, seconds=SECONDS, what=f"{number} instances to end")
