"""Which connections a definition may use: the allowed ones, and never those of the service, by whatever door."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk import BaseOperator

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.grants import Grants
from airflow_workflow_provider.model.reach import Policy, is_connection_key
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.model.validate import validate_document, validate_task
from airflow_workflow_provider.operators.catalogue import runtime_operator
from airflow_workflow_provider.operators.http import HttpTaskOperator
from airflow_workflow_provider.operators.sql import SqlTaskOperator
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.catalogue import Catalogue
from tests.support.documents import step, workflow

RESERVED = (
    "workflows_default",
    "Workflows_Default",
    "WORKFLOWS_DEFAULT",
    "workflows_d\u0065fault",
    "airflow_db",
    "people_db",
)
OPEN = '{"http": ["*"], "sql": ["*"], "**": ["*"]}'
HERE = "tests.security.test_connections.Calls"


class Calls(BaseOperator):
    """An operator as providers write them: a connection by name, one by default, one hidden in other arguments."""

    template_fields = ("message", "hook_params")

    def __init__(
        self, *, message: str = "", calls_conn_id: str = "calls_default", hook_params: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.message = message
        self.calls_conn_id = calls_conn_id
        self.hook_params = hook_params


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> Policy:
    """The policy of an administrator who allows all that can be allowed."""
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_CONNECTIONS", OPEN)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_OPERATORS", HERE)
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__PEOPLE_CONN_ID", "people_db")
    return Policy.of(load_settings())


def codes(arguments: dict[str, Any], policy: Policy, operator: str = HERE) -> list[tuple[str, str]]:
    document = {"taskId": "own", "name": "Own", "operator": operator, "arguments": arguments}
    found = validate_task(document, policy=policy, catalogue=Catalogue()).diagnostics
    return [(each.code, each.pointer) for each in found]


@pytest.mark.parametrize("conn_id", RESERVED)
@pytest.mark.parametrize(("task_id", "more"), [("sql", {"sql": "select 1"}), ("http", {"path": "/"})])
def test_the_services_own_connections_are_refused_whatever_is_allowed(
    conn_id: str, task_id: str, more: dict[str, Any], everything: Policy
) -> None:
    document = workflow(step("a", task_id, arguments={"connection": conn_id, **more}))
    found = validate_document(document, Catalogue(), policy=everything).diagnostics
    assert [(each.code, each.pointer) for each in found] == [("WF410", "/steps/0/arguments/connection")]

    operator = SqlTaskOperator if task_id == "sql" else HttpTaskOperator
    with pytest.raises(StepFailure, match="no setting allows it") as caught:
        operator(task_id="t", arguments={"connection": conn_id, **more}).execute({})
    assert (caught.value.error_type, caught.value.error_code) == ("ValidationError", "not-allowed")


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"calls_conn_id": "workflows_default"}, "/arguments/calls_conn_id"),
        ({"hook_params": {"conn_id": "WORKFLOWS_default"}}, "/arguments/hook_params/conn_id"),
        ({"hook_params": [{"deep": {"connection": "airflow_db"}}]}, "/arguments/hook_params/0/deep/connection"),
        ({"hook_params": {"whatever": "people_db"}}, "/arguments/hook_params/whatever"),
        ({"message": "workflows_default"}, "/arguments/message"),
        ({"hook_params": {"connIds": ["calls", "workflows_default"]}}, "/arguments/hook_params/connIds/1"),
        ({"message": "file://workflows_default@host/x"}, "/arguments/message"),
        ({"hook_params": ["s3://Airflow_DB@bucket/key"]}, "/arguments/hook_params/0"),
        ({"calls_conn_id": "sftp://people_db@/x"}, "/arguments/calls_conn_id"),
        ({"hook_params": {"workflows_default": "x"}}, "/arguments/hook_params/workflows_default"),
    ],
)
@pytest.mark.parametrize("older", [False, True])
def test_no_argument_of_an_operator_reaches_them(
    arguments: dict[str, Any], place: str, older: bool, everything: Policy
) -> None:
    assert codes(arguments, everything) == [("WF410", place)]
    task = TaskDefinition.model_validate({"taskId": "own", "name": "Own", "operator": HERE})
    with pytest.raises(StepFailure, match="no setting allows it"):
        runtime_operator(task, arguments, "t", Grants(older=older))


@pytest.mark.parametrize("text", ["s3://other@bucket/key", "gs://a:b@bucket", "FILE://other@/x", "abfs+x://o%40@y/z"])
def test_a_connection_in_the_address_of_an_object_is_one(text: str) -> None:
    policy = Policy(operators=(HERE,), connections=((HERE, ("calls_*",)),))
    assert codes({"message": text}, policy) == [("WF410", "/arguments/message")]
    for fine in ("s3://calls_s3@bucket/key", "s3://bucket/key@x", "https://user@host/", "me@x.example", "a://"):
        assert codes({"message": fine}, policy) == []


@pytest.mark.usefixtures("everything")
def test_a_default_of_the_class_is_looked_at_too(monkeypatch: pytest.MonkeyPatch) -> None:
    task = TaskDefinition.model_validate({"taskId": "own", "name": "Own", "operator": HERE})
    assert runtime_operator(task, {}, "t", Grants()).calls_conn_id == "calls_default"  # type: ignore[attr-defined]
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_CONNECTIONS", json.dumps({HERE: ["calls_other"]}))
    with pytest.raises(StepFailure, match=r"calls_default.*allowed_connections") as caught:
        runtime_operator(task, {}, "t", Grants())
    assert caught.value.details["setting"] == "[workflows] allowed_connections"
    runtime_operator(task, {"calls_conn_id": "calls_other"}, "t", Grants())
    runtime_operator(task, {}, "t", Grants(older=True))


NARROWED = '{"http": ["orders_*"], "sql": ["orders_*"], "**": ["orders_*"]}'
PAYROLL: dict[str, dict[str, Any]] = {
    "http": {"connection": "payroll", "path": "/"},
    "sql": {"connection": "payroll", "sql": "select 1"},
    HERE: {"calls_conn_id": "payroll"},
}


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize("operator", PAYROLL)
@pytest.mark.parametrize("setting", ["{}", NARROWED])
def test_a_published_version_runs_by_the_rules_of_now(
    operator: str, setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = PAYROLL[operator]
    document = {"taskId": "own", "name": "Own", "operator": operator, "arguments": arguments}

    def findings() -> list[tuple[str, str]]:
        found = validate_task(document, policy=Policy.of(load_settings()), catalogue=Catalogue()).diagnostics
        return [(each.code, each.pointer.rpartition("/")[2]) for each in found]

    def execute(**grants: Any) -> Any:
        task = TaskDefinition.model_validate(document)
        return runtime_operator(task, arguments, "t", Grants(**grants)).execute({})

    assert findings() == []
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_CONNECTIONS", setting)
    place = "calls_conn_id" if operator == HERE else "connection"
    assert findings() == [("WF410", place)]
    with pytest.raises(StepFailure, match="payroll") as caught:
        execute()
    assert (caught.value.error_type, caught.value.error_code) == ("ValidationError", "not-allowed")
    assert caught.value.details["setting"] == "[workflows] allowed_connections"
    assert caught.value.details["suggestion"]
    # What was published before there were such rules goes on, and gets as far as asking for the connection.
    older = StepFailure if operator != HERE else NotImplementedError
    with pytest.raises(older) as later:
        execute(older=True)
    assert "allowed_connections" not in str(later.value)


def test_by_default_only_the_examples_connections_are_allowed() -> None:
    policy = Policy.of(load_settings())
    assert policy.connection_problem("http", "example_http") is None
    assert policy.connection_problem("sql", "example_sql") is None
    for kind, conn_id in (("http", "http_default"), ("http", "example_sql"), ("sql", "example_http"), ("a.B", "x")):
        assert policy.connection_problem(kind, conn_id) is not None


@pytest.mark.parametrize(
    "conn_id", ["", " example_http", "example_http\n", "workflow\u017f_default", "a b", None, 5, "x" * 251]
)
def test_an_id_of_another_form_is_none(conn_id: Any) -> None:
    assert Policy(connections=(("http", ("*",)),)).connection_problem("http", conn_id) is not None


def test_which_arguments_hold_connections() -> None:
    names = "conn_id http_conn_id connection connection_id httpConnId connections conn_ids gcp_conn conn conn_name"
    assert all(map(is_connection_key, names.split()))
    assert not any(map(is_connection_key, ("connect_timeout", "conn_type", "connection_timeout", "icon", "id", "path")))


@pytest.mark.parametrize("host", ["db.internal", "DB.internal.", "localhost", "127.0.0.1"])
def test_another_name_of_the_stores_database_is_refused(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "127.0.0.1" if host in ("localhost", "127.0.0.1") else "db.internal"
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", f"postgresql://u:p@{own}:5432/workflows")
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE_SQL", f"postgresql://other:p@{host}/workflows")
    with pytest.raises(StepFailure, match="reserved for the workflow service"):
        SqlTaskOperator(task_id="t", arguments={"connection": "example_sql", "sql": "select 1"}).execute({})
