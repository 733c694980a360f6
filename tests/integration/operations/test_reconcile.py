"""Rule I1: instances and DAG runs that do not agree, with Airflow's metadata database and no scheduler."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from airflow_workflow_provider.api.background import workers
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.errors import Conflict, StoreUnavailable
from airflow_workflow_provider.operations.reconcile import TOO_MANY, Finding, Reconciler
from airflow_workflow_provider.operators.asking import question_of
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.comparing import Comparisons, live_page
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.delivering import Deliverer
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.store.questions import Questions
from airflow_workflow_provider.store.waits import NewWait, Waits
from airflow_workflow_provider.tasks.questions import ask_of
from airflow_workflow_provider.workers.events import start_instance
from airflow_workflow_provider.workers.reconciling import look_alone
from airflow_workflow_provider.workers.worker import working
from tests.support.api import Api, end_run, moved, problem, runs, start_of, vanish
from tests.support.documents import step, workflow
from tests.support.events import event
from tests.support.log_fields import Fields

pytestmark = [pytest.mark.postgres, pytest.mark.airflow]

ORDER = workflow(
    step("reserve", compensation={"taskId": "noop"}),
    step("decide", "approval", arguments={"assignees": {"users": ["user"]}, "subject": "Pay?"}),
    step("ship"),
    workflowId="order",
    onFailure={"compensate": True},
)
PLAIN = workflow(step("a"), step("b"), workflowId="plain")


def started(api: Api, document: dict[str, Any] = PLAIN, **body: Any) -> str:
    return start_of(api, document, **body)


def step_done(step_id: str) -> Any:
    def work(machine: Machine) -> None:
        now = datetime.now(UTC)
        assert machine.begin("", step_id, "old", now, generation=3).action == "run"
        machine.succeed("", step_id, "old", {"from": step_id}, now)

    return work


def aged(api: Api, seconds: int = 120) -> None:
    """Let what is stored be older."""
    with api.database.begin() as connection:
        statement = "UPDATE workflow_instances SET updated_at = updated_at - make_interval(secs => :seconds)"
        connection.execute(text(statement), {"seconds": seconds})


def reconciler(api: Api, monkeypatch: pytest.MonkeyPatch | None = None, **options: str) -> Reconciler:
    for name, value in options.items():
        assert monkeypatch is not None
        monkeypatch.setenv(f"AIRFLOW__WORKFLOWS__{name.upper()}", value)
    from airflow_workflow_provider.settings import load_settings

    services = Services(api.database, load_settings())
    return Reconciler(services.operation_context, api.database)


def found(reconciler: Reconciler, **options: bool) -> list[tuple[str, str, str, str | None]]:
    return [(each.found, each.deed.value, each.outcome, each.code) for each in reconciler.look(**options).findings]


def instance(api: Api, wanted: str) -> Instance:
    return Instances(api.database).get(UUID(wanted))


def reconciled(api: Api, wanted: str) -> list[dict[str, Any]]:
    rows = api.as_role("op").get(f"instances/{wanted}/log").json()["items"]
    return [row["data"] for row in rows if row["event"] == "instance.reconciled" and row["actor"] is None]


def test_i1_while_all_is_well_nothing_changes(api: Api) -> None:
    wanted = started(api)
    aged(api)
    before = instance(api, wanted)
    look = reconciler(api).look()
    assert (look.compared, look.findings) == (1, [])
    assert instance(api, wanted) == before


@pytest.mark.parametrize(("state", "error"), [("failed", "WorkerLost"), ("success", None)])
def test_i1_an_end_that_nobody_was_notified_of_is_found(api: Api, state: str, error: str | None) -> None:
    wanted = started(api)
    end_run("plain", state)
    assert found(reconciler(api), dry_run=True) == [("run-ended", "settle", "would", None)]
    assert instance(api, wanted).status == "running"
    assert found(reconciler(api)) == [("run-ended", "settle", "fixed", None)]
    ended = instance(api, wanted)
    assert ended.status == ("failed" if error else "completed")
    assert (ended.error or {}).get("type") == error
    assert reconciled(api, wanted) == [{"found": "run-ended", "did": "instance-ended", "state": state}]
    assert found(reconciler(api)) == []


def test_i1_a_run_that_a_user_marked_is_the_users_doing(api: Api) -> None:
    from airflow.models.log import Log
    from airflow.utils.session import create_session

    wanted = started(api)
    with create_session() as session:
        session.add(Log(event="patch_dag_run", dag_id="plain", run_id=instance(api, wanted).run_id, owner="ada"))
    end_run("plain")
    reconciler(api).look()
    error = instance(api, wanted).error
    assert error is not None
    assert error["type"] == "Cancelled"
    assert "ada" in error["message"]


def test_i1_a_vanished_run_is_made_again_and_continues(api: Api) -> None:
    wanted = started(api, input={"n": 1})
    moved(api, wanted, step_done("a"))
    api.publish({**PLAIN, "version": "2.0.0", "steps": [step("other")]})
    (old,) = runs("plain")
    vanish()
    assert found(reconciler(api)) == []
    aged(api)
    assert found(reconciler(api), dry_run=True) == [("run-missing", "recreate", "would", None)]
    assert runs("plain") == []
    assert found(reconciler(api)) == [("run-missing", "recreate", "fixed", None)]
    (new,) = runs("plain")
    assert (new.run_id, new.bundle_version, new.conf, new.run_type, new.state) == (
        old.run_id,
        old.bundle_version,
        old.conf,
        old.run_type,
        "queued",
    )
    assert reconciled(api, wanted) == [{"found": "run-missing", "did": "run-recreated"}]
    # The task of the step that was done finds the decision; the next one begins.
    graph = Services.configured().graph("plain", instance(api, wanted).revision)
    machine = Machine(graph, instance(api, wanted).state)
    now = datetime.now(UTC)
    assert machine.begin("", "a", "new", now, generation=0).decision is not None
    assert machine.begin("", "b", "new", now, generation=0).action == "run"
    # And an operator can still have it run again.
    assert instance(api, wanted).state.steps["a"].generation <= 3
    assert found(reconciler(api)) == []


def test_i1_a_question_stays_the_same_when_the_run_is_made_again(api: Api) -> None:
    wanted = started(api, ORDER)
    moved(api, wanted, step_done("reserve"))

    def ask(machine: Machine) -> None:
        machine.begin("", "decide", "old", datetime.now(UTC), generation=3)
        machine.park("", "decide", "old", {}, datetime.now(UTC), question="00000000-0000-4000-8000-000000000001")

    moved(api, wanted, ask)
    assert instance(api, wanted).status == "suspended"
    vanish()
    aged(api)
    assert found(reconciler(api)) == [("run-missing", "recreate", "fixed", None)]

    def begin(machine: Machine) -> None:
        begun = machine.begin("", "decide", "new", datetime.now(UTC), generation=3)
        assert begun.action == "resume"
        assert machine.scope("").activation.attempt == 1

    moved(api, wanted, begin)


def test_f7_on_request_a_vanished_run_fails_its_instance_with_its_compensations(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = started(api, ORDER)
    moved(api, wanted, step_done("reserve"))
    vanish()
    aged(api)
    assert found(reconciler(api, monkeypatch, on_missing_run="fail")) == [("run-missing", "fail", "fixed", None)]
    failing = instance(api, wanted)
    # The compensations run in a new run, and then it ends.
    assert failing.status == "running"
    assert failing.state.failure is not None
    assert failing.state.failure.error["code"] == "run-missing"
    assert len(runs("order")) == 1

    plain = started(api)
    vanish()
    aged(api)
    reconciler(api).look()
    ended = instance(api, plain)
    assert ended.error is not None
    assert (ended.status, ended.error["type"], ended.error["code"]) == ("failed", "WorkerLost", "run-missing")


def test_a_dag_that_is_not_there_is_waited_for(api: Api) -> None:
    from tests.support.airflow import forget_dags

    wanted = started(api)
    forget_dags()
    aged(api)
    assert found(reconciler(api)) == [("run-missing", "recreate", "open", "workflow-not-loaded")]
    assert instance(api, wanted).status == "running"
    api.publish(PLAIN)
    assert found(reconciler(api)) == [("run-missing", "recreate", "fixed", None)]


def test_one_instance_that_cannot_be_read_stops_no_other(api: Api, log_fields: Fields) -> None:
    lost, broken, fine = (started(api) for _ in range(3))
    vanish()
    aged(api)
    with api.database.begin() as connection:
        connection.execute(text("UPDATE workflow_instances SET revision = 0 WHERE id = :id"), {"id": lost})
        connection.execute(text("UPDATE workflow_instances SET state = '[]' WHERE id = :id"), {"id": broken})
    by_instance = {str(each.instance_id): each for each in reconciler(api).look().findings}
    assert [by_instance[each].outcome for each in (lost, broken, fine)] == ["open", "open", "fixed"]
    assert [by_instance[each].code for each in (lost, broken)] == ["not-found", "stored-state-unreadable"]
    fields = log_fields.of(f"Instance {broken} and its DAG run do not agree")
    assert (fields["instance_id"], fields["workflow_id"]) == (broken, "plain")


def test_more_missing_runs_than_plausible_are_only_reported(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    started(api), started(api)
    vanish()
    aged(api)
    careful = reconciler(api, monkeypatch, missing_runs_limit="1")
    assert {(each[2], each[3]) for each in found(careful)} == {("open", TOO_MANY)}
    assert runs("plain") == []
    assert {each[2] for each in found(careful, every=True)} == {"fixed"}
    assert len(runs("plain")) == 2


def test_i5_a_run_whose_instance_has_failed_does_not_wait_forever(api: Api) -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    from airflow_workflow_provider.engine.manual_override import cancel

    wanted = started(api)
    moved(api, wanted, lambda machine: cancel(machine, "by a process that died then", datetime.now(UTC)))
    aged(api)
    assert found(reconciler(api)) == []
    with create_session() as session:
        session.execute(update(TaskInstance).where(TaskInstance.task_id == "a").values(state="deferred"))
    assert found(reconciler(api)) == [("run-active", "end-run", "fixed", None)]
    assert [run.state for run in runs("plain")] == ["failed"]
    assert reconciled(api, wanted) == [{"found": "run-active", "did": "run-ended"}]


def test_two_at_once_do_not_meet(api: Api) -> None:
    with Comparisons(api.database).alone() as got:
        assert got
        with pytest.raises(Conflict) as refused:
            reconciler(api).look()
    assert refused.value.code == "reconciler-busy"
    assert reconciler(api).look().findings == []


def test_many_at_once_fix_once(api: Api) -> None:
    wanted = started(api)
    vanish()
    aged(api)
    looks: list[list[Finding]] = []

    def look() -> None:
        try:
            looks.append(reconciler(api).look().findings)
        except Conflict:
            looks.append([])

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs("plain")) == 1
    assert len(reconciled(api, wanted)) == 1


def test_an_instance_that_is_purged_meanwhile_is_no_problem(api: Api) -> None:
    wanted = started(api)
    end_run("plain")
    checked = reconciler(api)
    original = checked._settle

    def settle(compared: Any) -> bool:
        with api.database.begin() as connection:
            connection.execute(text("DELETE FROM workflow_instances WHERE id = :id"), {"id": wanted})
        return original(compared)

    checked._settle = settle  # type: ignore[method-assign]
    assert found(checked) == []


def test_a_look_walks_an_index(api: Api) -> None:
    started(api)
    with api.database.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        page = Comparisons(api.database).live("running", None, 1)[0]
        query = live_page("running", page, 10).compile(connection, compile_kwargs={"literal_binds": True})
        plan = "\n".join(connection.execute(text(f"EXPLAIN {query}")).scalars())
    assert "workflow_instances_status_started_idx" in plan
    assert "Sort" not in plan


def test_over_http_a_look_takes_the_permission_to_operate(api: Api) -> None:
    wanted = started(api)
    end_run("plain")
    assert api.as_role("viewer").post("reconciliations", json={}).status_code == 403
    would = api.as_role("op").post("reconciliations", json={"dryRun": True}).json()
    assert (would["compared"], [each["outcome"] for each in would["items"]]) == (1, ["would"])
    (done,) = api.as_role("op").post("reconciliations", json={}).json()["items"]
    assert (done["instanceId"], done["deed"], done["outcome"]) == (wanted, "settle", "fixed")
    with Comparisons(api.database).alone():
        problem(api.as_role("op").post("reconciliations", json={}), 409, "reconciler-busy")


def test_who_asks_for_a_look_hears_when_there_was_one(api: Api) -> None:
    comparisons = Comparisons(api.database)
    with pytest.raises(StoreUnavailable) as nobody:
        comparisons.ask_and_wait(0)
    assert nobody.value.code == "nobody-reconciles"
    with working([each for each in workers(load_settings()) if each.name == "reconciliation"]):
        assert comparisons.ask_and_wait(30) >= 1
    assert comparisons.last_look()[1] is not None


def test_a_worker_that_finds_another_at_it_is_well(api: Api) -> None:
    with Comparisons(api.database).alone():
        look_alone(reconciler(api), api.database)
    assert Comparisons(api.database).last_look() == (0, None)


def test_a_start_that_is_repeated_after_its_run_was_cleaned_is_the_same_start(api: Api) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "default": 1}}}
    api.publish({**PLAIN, "inputSchema": schema})
    client = api.as_role("user", **{"Idempotency-Key": "once"})
    first = client.post("definitions/plain/instances", json={"input": {}, "correlationId": "c"})
    assert first.status_code == 201, first.text
    end_run("plain", "success")
    reconciler(api).look()
    vanish()
    again = client.post("definitions/plain/instances", json={"input": {}, "correlationId": "c"})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json()["id"] == first.json()["id"]
    assert runs("plain") == []
    other = client.post("definitions/plain/instances", json={"input": {"n": 2}, "correlationId": "c"})
    problem(other, 409, "idempotency-key-reused")


def test_an_answer_for_a_run_that_has_ended_is_refused(api: Api) -> None:
    """Nobody was told of the end; the answer must not be taken by an instance that will never use it."""
    wanted = started(api, ORDER)
    question = asked(api, wanted)
    end_run("order")
    client = api.as_role("user")
    problem(client.post(f"questions/{question}/answer", json={"decision": "approve"}), 409, "question-withdrawn")
    assert instance(api, wanted).status == "failed"


def asked(api: Api, wanted: str) -> str:
    """Let the step ``decide`` of an instance ask a user, as its task would."""
    moved(api, wanted, step_done("reserve"))
    about = {"instance_id": wanted, "scope": "", "step_id": "decide", "visit": 1, "attempt": 1}
    asking = ask_of("approval", ORDER["steps"][1]["arguments"], datetime.now(UTC))
    question = question_of(asking, {**about, "started_by": None, "changed_by": []}, "decide")

    def ask(machine: Machine) -> None:
        machine.begin("", "decide", "old", datetime.now(UTC), generation=3)
        machine.park("", "decide", "old", {}, datetime.now(UTC), question=str(question.id))

    moved(api, wanted, ask)
    Questions(api.database).ask(question, lambda *_: None)
    return str(question.id)


def test_an_event_that_came_for_a_step_in_vain_is_a_dead_letter(api: Api) -> None:
    receiving = workflow(step("wait", "receive", arguments={"eventPattern": "paid"}), workflowId="receiving")
    wanted = started(api, receiving)

    def wait(machine: Machine) -> None:
        machine.begin("", "wait", "old", datetime.now(UTC), generation=3)
        machine.park("", "wait", "old", {}, datetime.now(UTC))

    moved(api, wanted, wait)
    waits = Waits(api.database)
    waits.begin(NewWait(UUID(wanted), "wait", "", 1, 1, "paid", {}), timedelta(0))
    (accepted,) = Events(api.database).accept([event("1", "paid")])
    end_run("receiving")
    reconciler(api).look()
    (letter,) = Deliveries(api.database).list(status="dead")
    assert (letter.event_id, letter.workflow_id) == (accepted.id, "receiving")
    assert letter.reason is not None
    assert letter.reason["code"] == "instance-over"
    # The next one is not even received.
    Events(api.database).accept([event("2", "paid")])
    assert len(Deliveries(api.database).list()) == 1


def test_e2_an_event_whose_run_is_deleted_before_its_first_step_has_an_instance_all_the_same(api: Api) -> None:
    api.publish({**PLAIN, "triggers": [{"eventPattern": "ordered"}]})
    Events(api.database).accept([event("1", "ordered")])
    deliverer = Deliverer(api.database, partial(start_instance, database=api.database))
    while deliverer.deliver():
        pass
    (run,) = runs("plain")
    vanish()
    aged(api)
    assert found(reconciler(api)) == [("run-missing", "recreate", "fixed", None)]
    assert [each.run_id for each in runs("plain")] == [run.run_id]
