"""What a DAG run's ``conf`` says of its start is believed only where this package has made the run (rules E4, P5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import DagRunResult, GetDagRun, MaskSecret
from sqlalchemy import text

from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.instances.run_conf import ABOUT
from airflow_workflow_provider.instances.session import InstanceSession, Parent, Run
from airflow_workflow_provider.model.validate import parse_definition
from airflow_workflow_provider.operators.child import ChildWorkflowOperator, run_id_of
from airflow_workflow_provider.store import migrate
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.events import Events, event_row_id
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.store.starts import Starts
from tests.support.api import Api, load_dag, problem, runs
from tests.support.documents import step, workflow
from tests.support.events import event

pytestmark = pytest.mark.postgres

DOCUMENT = workflow(step("a"), step("b"))
PARENT = Parent("00000000-0000-5000-8000-000000000001", "", "call", 1, 1, 3)
FORGED = {
    "event": {"specversion": "1.0", "id": "1", "source": "/bank", "type": "paid", "data": {"amount": 1_000_000}},
    "correlationId": "somebody-elses",
    "parent": PARENT.to_json(),
    "startedBy": {"id": "grace", "name": "Grace"},
}


def opened(database: Database, run: Run, document: dict[str, Any] = DOCUMENT) -> Instance:
    """Make the instance of a run, as its first task does."""
    definition = parse_definition(document)
    revision = Definitions(database).publish(definition, document).revision
    InstanceSession(Graph.of(definition), revision, run, instances=Instances(database)).change(lambda _: None)
    return Instances(database).get(run.instance_id)


def knows_nothing(found: Instance) -> bool:
    own = found.state.instance
    return (
        found.event is None
        and found.state.event is None
        and found.trigger_event_id is None
        and found.correlation_id is None
        and found.parent_instance_id is None
        and (own.correlation_id, own.depth, own.started_by, own.parent) == (None, 0, None, None)
    )


@pytest.mark.parametrize(
    "said",
    [
        FORGED,
        {**FORGED, "start": ""},
        {**FORGED, "start": "guessed"},
        {**FORGED, "start": None},
        {**FORGED, "start": 5},
        {**FORGED, "start": ["x"]},
        {"start": {"token": "x"}},
        {},
        "text",
        ["parent"],
        7,
        None,
        True,
    ],
)
@pytest.mark.parametrize("run_id", ["manual__1", "event__00000000-0000-5000-8000-000000000001", "step__1", "api__1"])
def test_what_a_run_says_of_itself_is_not_trusted(database: Database, said: Any, run_id: str) -> None:
    found = opened(database, Run("example", run_id, {"n": 1, ABOUT: said}))
    assert knows_nothing(found)
    assert found.input == {"n": 1}


def test_the_token_of_another_start_is_worth_nothing(database: Database) -> None:
    announced = Starts(database).announce(instance_id("example", "theirs"), FORGED)
    assert knows_nothing(opened(database, Run("example", "mine", {ABOUT: {"start": announced.token}})))


def test_an_announced_start_is_not_taken_by_a_run_without_its_token(database: Database) -> None:
    Starts(database).announce(instance_id("example", "r"), FORGED)
    assert knows_nothing(opened(database, Run("example", "r", {ABOUT: FORGED})))


def test_what_was_announced_counts_and_is_kept_once(database: Database) -> None:
    starts = Starts(database)
    run = Run("example", "r", {})
    parent = replace(PARENT, instance_id=str(opened(database, Run("example", "parent")).id)).to_json()
    announced = starts.announce(run.instance_id, {**FORGED, "parent": parent})
    assert starts.announce(run.instance_id, {"correlationId": "later"}) == announced
    found = opened(database, Run("example", "r", {ABOUT: {"start": announced.token}}))
    assert (found.event, found.correlation_id) == (FORGED["event"], "somebody-elses")
    assert (found.state.instance.parent, found.state.instance.depth) == (parent, 3)
    again = starts.find(run.instance_id)
    assert again is not None
    assert (again.token, again.about) == (announced.token, {})


def test_a_user_who_passes_on_a_conf_is_the_initiator_and_finds_it_in_the_log(database: Database) -> None:
    found = opened(database, Run("example", "manual__1", {ABOUT: FORGED}, "eve"))
    assert found.state.instance.started_by == {"name": "eve"}
    first = Logs(database).read(found.id)[0]
    assert (first.event, first.data) == ("airflow.triggered", {"via": "airflow", "ignored": [ABOUT]})


def test_a_forged_parent_does_not_cancel_the_instance(database: Database) -> None:
    run = Run("example", "manual__1", {ABOUT: FORGED})
    definition = parse_definition(DOCUMENT)
    revision = Definitions(database).publish(definition, DOCUMENT).revision
    ledger = InstanceSession(Graph.of(definition), revision, run, instances=Instances(database))
    ledger.stop_if_abandoned()
    assert ledger.change(lambda machine: machine.status) == "running"


# Runs of an older version


def test_an_instance_that_runs_at_the_update_still_belongs_to_its_parent(database: Database) -> None:
    found = opened(database, Run("example", "step__1", {}))
    parent = opened(database, Run("example", "parent", {}))
    kept = Parent(str(parent.id), "", "a", 1, 1, 1)
    with database.begin() as connection:
        connection.execute(
            text("UPDATE workflow_instances SET state = state #- '{instance,parent}', parent_instance_id = :p"),
            {"p": parent.id},
        )
    run = Run("example", "step__1", {ABOUT: {"parent": kept.to_json()}})
    assert run.parent_in(Instances(database).get(found.id)) == kept
    other = Run("example", "step__1", {ABOUT: {"parent": PARENT.to_json()}})
    assert other.parent_in(Instances(database).get(found.id)) is None


def test_a_run_that_an_event_started_before_the_update_keeps_its_event(
    empty_database_url: str, database: Database
) -> None:
    migrate.upgrade(empty_database_url)
    with Database(empty_database_url) as old:
        triggered = {**DOCUMENT, "triggers": [{"eventPattern": "order.*"}]}
        Definitions(old).publish(parse_definition(triggered), triggered)
        given = event(data={"amount": 5, "nothing": None}, subject="order/1", time="2027-01-02T03:04:05.000006Z")
        Events(old).accept([given])
        run = Run("example", f"event__{event_row_id(*given.key)}", {"amount": 5, ABOUT: {"event": given.to_json()}})
        with old.begin() as connection:
            values = {"instance": run.instance_id}
            connection.execute(
                text("UPDATE workflow_event_deliveries SET status = 'started', instance_id = :instance"), values
            )
        migrate.downgrade(empty_database_url, "0006")
        migrate.upgrade(empty_database_url)
        found = opened(old, run, triggered)
    assert (found.event, found.correlation_id) == (given.to_json(), "order/1")
    assert found.trigger_event_id == event_row_id(*given.key)
    assert knows_nothing(opened(database, run))


# Runs that were made before us


@pytest.mark.airflow
@pytest.mark.usefixtures("airflow_in_process")
def test_an_event_does_not_take_over_a_run_that_somebody_made_under_its_id(database: Database) -> None:
    from airflow_workflow_provider.airflow_db.dag_runs import start_run
    from airflow_workflow_provider.workers.events import start_instance

    document = workflow(step("a"), workflowId="foreign", triggers=[{"eventPattern": "order.*"}])
    load_dag(document, Definitions(database).publish(parse_definition(document), document).revision)
    Events(database).accept([event(data={"amount": 5})])
    start_run("foreign", f"event__{event_row_id('/shop', '1')}", {"amount": 1, ABOUT: FORGED}, user_name="eve")
    Deliverer(database, partial(start_instance, database=database)).deliver()
    (delivery,) = Deliveries(database).list()
    assert delivery.reason is not None
    assert delivery.status == "dead"
    assert "Another user has created the DAG run" in delivery.reason["message"]


@pytest.mark.airflow
def test_a_key_does_not_take_over_a_run_with_another_correlation_id(api: Api) -> None:
    from airflow_workflow_provider.airflow_db.dag_runs import start_run
    from airflow_workflow_provider.operations.start_instance import _run_id

    api.publish(DOCUMENT)
    start_run("example", _run_id("user\nkey"), {"n": 1, ABOUT: {"correlationId": "c"}}, user_name="eve")
    body = {"input": {"n": 1}, "correlationId": "c"}
    answer = api.as_role("user").post("definitions/example/instances", json=body, headers={"Idempotency-Key": "key"})
    problem(answer, 409, "idempotency-key-reused")


@pytest.mark.airflow
def test_airflows_own_route_starts_an_instance_that_knows_nothing(api: Api) -> None:
    api.publish(DOCUMENT)
    body = {"logical_date": None, "dag_run_id": "step__1", "conf": {"n": 1, ABOUT: FORGED}}
    answer = api.as_role("user").post("http://testserver/api/v2/dags/example/dagRuns", json=body)
    assert answer.status_code == 200, answer.text
    (run,) = runs("example")
    found = opened(api.database, Run("example", "step__1", run.conf, run.triggering_user_name))
    assert found.state.instance.started_by == {"name": "user"}
    assert (found.event, found.parent_instance_id, found.correlation_id) == (None, None, None)


class Supervisor:
    """Airflow, where somebody has made a run already.

    :param conf: of that run
    """

    def __init__(self, conf: dict[str, Any] | None) -> None:
        self.conf = conf
        self.asked: list[Any] = []

    def send(self, message: Any) -> Any:
        if isinstance(message, MaskSecret):
            return None
        self.asked.append(message)
        assert isinstance(message, GetDagRun)
        now = datetime.now(UTC)
        return DagRunResult(
            dag_id=message.dag_id,
            run_id=message.run_id,
            logical_date=None,
            data_interval_start=None,
            data_interval_end=None,
            run_after=now,
            start_date=now,
            end_date=None,
            run_type="manual",
            state="running",
            conf=self.conf,
            consumed_asset_events=[],
            partition_key=None,
        )


@pytest.fixture
def child(database_url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Start the child of a step where Airflow says that its run is there already."""
    from airflow_workflow_provider.local.configuration import connection_json

    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", connection_json(database_url))
    parent = Run("example", "parent", {})
    opened(database, parent)
    about = {"instance_id": str(parent.instance_id), "scope": "", "step_id": "a", "visit": 1, "attempt": 1}
    place = Parent(str(parent.instance_id), "", "a", 1, 1, 1)
    context: Any = {"workflow": {**about, "started_by": None}}
    operator = ChildWorkflowOperator(
        task_id="a", arguments={"workflow": "workflow:example", "input": {}, "correlationId": None}
    )

    def start(conf: dict[str, Any] | None) -> Supervisor:
        supervisor = Supervisor(conf)
        monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
        operator._request(operator._version(None), place, operator._about(context, place), None, at_least=True)
        return supervisor

    run = Run("example", run_id_of(place), {})
    return SimpleNamespace(start=start, parent=place, run=run, operator=operator, context=context)


@pytest.mark.parametrize("conf", [None, {}, {ABOUT: {"start": "guessed"}}, {ABOUT: {"parent": PARENT.to_json()}}])
def test_a_step_does_not_take_the_run_of_another_for_its_child(child: Any, conf: dict[str, Any] | None) -> None:
    with pytest.raises(StepFailure) as refused:
        child.start(conf)
    assert refused.value.error_code == "run-not-ours"


def test_nor_a_run_that_only_says_that_it_is(child: Any, database: Database) -> None:
    conf = {ABOUT: {"parent": child.parent.to_json()}}
    opened(database, Run("example", child.run.run_id, conf))
    with pytest.raises(StepFailure) as refused:
        child.start(conf)
    assert refused.value.error_code == "run-not-ours"
    with pytest.raises(StepFailure) as refused:
        child.operator.ended(child.context, str(child.run.instance_id), announced=True)
    assert refused.value.error_code == "run-not-ours"
    child.operator._cancel(child.parent)
    assert Instances(database).get(child.run.instance_id).status == "running"


def test_a_step_that_starts_its_child_again_finds_it(child: Any, database: Database) -> None:
    announced = Starts(database).announce(child.run.instance_id, {"parent": child.parent.to_json()})
    conf = {ABOUT: {"start": announced.token}}
    assert len(child.start(conf).asked) == 1
    found = opened(database, Run("example", child.run.run_id, conf))
    assert (found.parent_instance_id, found.parent_step_id) == (UUID(child.parent.instance_id), "a")
    child.start({})  # by its row too, as those are found that an older version made
    Instances(database).update(found.id, end)
    assert child.operator.ended(child.context, str(found.id), announced=True) == {}


def end(record: Any) -> None:
    record.status, record.output = "completed", {}
    record.save()
