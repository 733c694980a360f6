"""What a sql task may send: one statement, of an allowed kind, with its limits, and never to the service's database."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import make_url

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.local.client import poll
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.sql_text import RefusedStatement, other_statement, postgres_statement
from airflow_workflow_provider.operators.sql import SqlTaskOperator

pytestmark = pytest.mark.postgres

PIECES = (
    "select 1", "select 'a;b'", ";", "'", "''", '"', '""', "--", "\n", "/*", "*/", "$$", "$a$", "$b$", "E'", "e'\\'",
    "\\",
    "\\'",
    "U&'", "b'1'", "drop table victim", "delete from victim", "insert into victim values (1)", " ", ",", "(", ")",
    "$1", "a$b",
    "x", "é", "%", "::text", "\r", "values (1)", "with a as (delete from victim returning 1) select 1", "commit",
    "\t", "$é$",
    "1$",
)  # fmt: skip


@pytest.fixture
def shop(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> psycopg.Connection[Any]:
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE_SQL", connection_json(empty_database_url))
    connection = psycopg.connect(empty_database_url.replace("+psycopg", ""), autocommit=True)
    connection.execute("create table victim (n int)")
    connection.execute("insert into victim values (1)")
    return connection


def run(sql: str, **arguments: Any) -> Any:
    return SqlTaskOperator(task_id="t", arguments={"connection": "example_sql", "sql": sql, **arguments}).execute({})


@pytest.mark.parametrize(
    "sql",
    [
        "select 1; drop table victim",
        "select 1;;select 2",
        "select 1 /* ; */ ; select 2",
        "select '\\'; drop table victim; --'",
        "select $a$;$b$;$a$; select 2",
        "copy (select 1) to program 'id'",
        "COPY victim FROM PROGRAM 'id'",
        "do $$ begin delete from victim; end $$",
        "set role postgres",
        "set transaction read write",
        "begin",
        "commit",
        "grant all on victim to public",
        "create function f() returns int language sql as 'select 1'",
        "create extension dblink",
        "alter system set log_statement = 'all'",
        "alter role postgres superuser",
        "prepare p as delete from victim",
        "/* /* */ select 1",
        "create schema s create table t (n int) grant all on t to public",
        "create schema if not exists s grant all on victim to public",
        "create schema s create table s.t (n int)",
        "select 'open",
        "",
        "   -- nothing",
        ";",
    ],
)
@pytest.mark.parametrize("write", [False, True])
def test_a_text_that_is_not_one_allowed_statement_is_refused(sql: str, write: bool, shop: Any) -> None:
    with pytest.raises((StepFailure, psycopg.Error)):
        run(sql, write=write)
    assert shop.execute("select count(*) from victim").fetchone() == (1,)


@pytest.mark.parametrize(
    "sql",
    [
        "delete from victim",
        "with gone as (delete from victim returning 1) select * from gone",
        "select * into other from victim",
        "explain analyze delete from victim",
        "select set_config('transaction_read_only', 'off', true)",
        "truncate victim",
        "drop table victim",
    ],
)
def test_what_changes_data_needs_write(sql: str, shop: Any) -> None:
    with pytest.raises((StepFailure, psycopg.Error)):
        run(sql)
    assert shop.execute("select count(*) from victim").fetchone() == (1,)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from victim where n::text = '%s'",
        "select * from victim where n::text = E'%s'",
        'select n as "%s" from victim',
        "select $$%s$$",
        "select 1 /* %s */",
        "select 1 -- %s",
        "select '%%%s'",
    ],
)
def test_a_text_is_never_put_inside_quotes(sql: str, shop: Any) -> None:  # noqa: ARG001
    """There its own quotes would end those of the statement, and the rest of it would be SQL."""
    with pytest.raises(StepFailure, match="inside quotes"):
        run(sql, parameters=[" or 1 = 1 --"])
    with pytest.raises(StepFailure, match="inside quotes"):
        run(sql.replace("%s", "%(a)s"), parameters={"a": "\n, (select 1)"})


def test_a_number_may_stand_in_quotes(shop: Any) -> None:  # noqa: ARG001
    found = run("select interval '%s days' = interval '1 day' as a, '%%s' as b, %s as c", parameters=[1, 2])
    assert found["rows"] == [{"a": True, "b": "%s", "c": 2}]


def test_the_server_itself_takes_one_statement_only(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_workflow_provider.model import sql_text

    monkeypatch.setattr(sql_text, "_one", lambda text, **_: sql_text.Statement(text, ("select",)))
    with pytest.raises(psycopg.Error, match="multiple commands"):
        run("select 1; delete from victim", write=True)
    assert shop.execute("select count(*) from victim").fetchone() == (1,)


def test_what_is_read_as_one_statement_is_one_to_postgresql(shop: Any) -> None:
    """The server counts the statements of what the reader takes for one; it must never find a second."""
    source = random.Random(10)  # noqa: S311 - the same texts in each run
    taken = 0
    for _ in range(10_000):
        text = "".join(source.choices(PIECES, k=source.randint(1, 8)))
        try:
            statement = postgres_statement(text, write=True)
        except RefusedStatement:
            continue
        taken += 1
        shop.pgconn.exec_(b"begin")
        result = shop.pgconn.exec_params(statement.text.encode(), [])
        assert b"multiple commands" not in result.error_message, text
        shop.pgconn.exec_(b"rollback")
    assert taken > 200
    assert shop.execute("select count(*) from victim").fetchone() == (1,)


@pytest.mark.parametrize(
    ("sql", "write", "taken"),
    [
        ("select * from t where a = ?", False, True),
        ("select 1;", False, True),
        ("select 1; drop table t", True, False),
        ("select 'a;b'", False, False),
        ("select 1 /*! union select 2 */", False, False),
        ("select 1 -- x", False, False),
        ("select 1 # x", False, False),
        ("select * into outfile '/tmp/x' from t", False, False),
        ("with a as (select 1) delete from t", False, False),
        ("select 1 drop table t", False, False),
        ("select 1\nGO\nselect 2", True, False),
        ("update t set a = 1", False, False),
        ("update t set a = 1", True, True),
        ("update t set a = 1 exec xp_cmdshell 'id'", True, False),
        ("pragma writable_schema = 1", True, False),
        ("attach database 'x' as y", True, False),
        ("select 1 shutdown", False, False),
        ("select 1 kill 52", False, False),
        ("select 1 backup database x to disk = 'y'", False, False),
        ("select 1 dbcc x", False, False),
        ("select 1 waitfor delay '9'", False, False),
        ("select 1 deny all to x", False, False),
        ("select 1 reconfigure", False, False),
        ("select load_extension('x')", False, False),
        ("select load_file('/etc/passwd')", False, False),
        ("values (1) rename table x to y", False, False),
        ("select * from openrowset('x')", False, False),
        ("with x as (select 1) select 1 restore database x", False, False),
    ],
)
def test_of_other_databases_only_the_clear_is_taken(sql: str, write: bool, taken: bool) -> None:
    if taken:
        assert other_statement(sql, write=write).text
    else:
        with pytest.raises(RefusedStatement):
            other_statement(sql, write=write)


@pytest.mark.usefixtures("shop")
def test_time_and_size_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__SQL_TIMEOUT", "1")
    began = time.monotonic()
    for sql in ("select pg_sleep(200)", "select set_config('statement_timeout', '0', true), pg_sleep(200)"):
        with pytest.raises(StepFailure) as caught:
            run(sql)
        assert caught.value.error_code == "sql-timeout"
    assert time.monotonic() - began < 200
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__SQL_TIMEOUT", "60")
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__SQL_MAX_BYTES", "100000")
    with pytest.raises(StepFailure) as caught:
        run("select repeat('x', 1000), generate_series(1, 1000000)", maxRows=100_000)
    assert caught.value.error_type == "OutputTooLarge"


def test_the_workflow_database_is_refused_under_another_name(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = connection_json(database_url)
    monkeypatch.setenv("AIRFLOW_CONN_WORKFLOWS_DEFAULT", own)
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE_SQL", own)
    with pytest.raises(StepFailure, match="reserved for the workflow service"):
        run("select 1")
    # A name that only the server can see through: addresses say nothing.
    monkeypatch.setattr("airflow_workflow_provider.operators.reach._same_database", lambda *_: False)
    with pytest.raises(StepFailure, match="reserved for the workflow service"):
        run("select 1")


def test_airflows_database_is_refused_by_what_it_holds(shop: Any) -> None:
    for name in ("dag_run", "task_instance", "serialized_dag"):
        shop.execute(f"create table {name} (n int)")
    with pytest.raises(StepFailure, match="reserved for the workflow service"):
        run("select 1")


HARM = [
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('/')",
    "select * from pg_read_binary_file('/etc/passwd')",
    "select lo_import('/etc/passwd')",
    "select lo_create(0)",
    "select lo_from_bytea(0, 'x')",
    "select nextval('counter')",
    "select setval('counter', 99)",
    "select wipe()",
    "select wipe_as_if_writing()",
    "select * from wiping",
    "select query_to_xml('delete from victim', true, true, '')",
    "select cursor_to_xml('c', 1, true, true, '')",
    "select database_to_xml(true, true, 'x'), wipe()",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'postgres'",
    "select pg_reload_conf(), pg_rotate_logfile()",
    "select pg_create_physical_replication_slot('x')",
    "select set_config('role', 'postgres', false)",
    "select set_config('session_authorization', 'postgres', false)",
    "select set_config('transaction_read_only', 'off', false), wipe()",
    "explain (analyze) select wipe()",
    "values ((select wipe()))",
    "table wiping",
]


@pytest.fixture
def reader(shop: psycopg.Connection[Any], empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The connection of the task has a plain role, beside functions that run as the superuser who made them."""
    role = f"reader_{uuid4().hex[:12]}"
    shop.execute(f"create role {role} login password 'made-up'")
    shop.execute("create sequence counter")
    body = "as $$ begin {} delete from victim; return 1; end $$ language plpgsql security definer"
    shop.execute(f"create function wipe() returns int {body.format('')}")
    switch = "perform set_config('transaction_read_only', 'off', true);"
    shop.execute(f"create function wipe_as_if_writing() returns int {body.format(switch)}")
    shop.execute("create view wiping as select wipe()")
    shop.execute("grant all on victim, wiping to public")
    shop.execute("grant all on sequence counter to public")
    url = make_url(empty_database_url).set(username=role, password="made-up")
    monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE_SQL", connection_json(url.render_as_string(hide_password=False)))
    yield role
    shop.execute(f"drop owned by {role}; drop role {role}")


@pytest.mark.parametrize("sql", HARM)
def test_a_reading_statement_changes_nothing_by_the_functions_that_it_calls(sql: str, shop: Any, reader: str) -> None:  # noqa: ARG001
    with pytest.raises((StepFailure, psycopg.Error)):
        run(sql)
    assert shop.execute("select count(*) from victim").fetchone() == (1,)
    assert shop.execute("select is_called from counter").fetchone() == (False,)
    assert shop.execute("select count(*) from pg_largeobject_metadata").fetchone() == (0,)


def test_what_a_statement_holds_ends_with_it(shop: Any, reader: str) -> None:
    run("select pg_advisory_lock(7), pg_advisory_lock_shared(8), set_config('application_name', 'x', false)")
    left = "select count(*) from pg_locks where locktype = 'advisory'"
    poll(lambda: shop.execute(left).fetchone() == (0,) or None, seconds=120, what="the locks to be released")
    waiting = "select count(*) from pg_stat_activity where usename = %s"
    poll(lambda: shop.execute(waiting, [reader]).fetchone() == (0,) or None, seconds=120, what="the connection to end")


HUGE = """
import json, sys
from airflow_workflow_provider.bounded.limits import memory_of
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.operators.sql import SqlTaskOperator

run = lambda sql, **more: SqlTaskOperator(
    task_id="t", arguments={"connection": "example_sql", "sql": sql, **more}
).execute({})
run("select 1")
before = memory_of("VmHWM")
try:
    failed = str(run(sys.argv[1], write=True))[:100]
except StepFailure as error:
    failed = error.error_type
again = run("select 1 as n")["rows"]
print(json.dumps({"failed": failed, "more": memory_of("VmHWM") - before, "again": again}))
"""


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    "sql",
    [
        "select repeat('x', 500 * 1024 * 1024)",
        "insert into victim select 2 from generate_series(1, 30) returning repeat('x', 10 * 1024 * 1024)",
    ],
)
def test_a_huge_cell_does_not_take_its_size_in_memory(sql: str) -> None:
    done = subprocess.run([sys.executable, "-c", HUGE, sql], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["failed"] == "OutputTooLarge"
    assert found["more"] < 250 * 1024**2
    assert found["again"] == [{"n": 1}]
