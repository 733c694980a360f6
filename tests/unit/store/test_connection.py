"""From an Airflow connection to a database URL."""

from __future__ import annotations

import importlib
import json
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy.engine import make_url

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store import connection
from airflow_workflow_provider.store.connection import database_url, parse_connection, to_url
from tests.support.json_edges import EDGES

TRAPS = "p%40:@/ '\"?#&=+ü[]{}$x;\\"
VARIABLE = "AIRFLOW_CONN_WORKFLOWS_DEFAULT"


def test_a_uri(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        VARIABLE, f"postgres://me%40x:{quote(TRAPS, safe='')}@Db.example:6432/the%2Fbase?sslmode=require"
    )
    url = database_url()
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.password) == ("me@x", TRAPS)
    assert (url.host, url.port, url.database) == ("Db.example", 6432, "the/base")
    assert url.query == {"sslmode": "require"}
    assert make_url(url.render_as_string(hide_password=False)) == url


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("postgresql://host", ("host", None, None, None)),
        ("postgres://host/db", ("host", None, None, "db")),
        ("postgresql://u@[::1]:5/db", ("::1", 5, "u", "db")),
        ("postgresql://u@[::1]/db", ("::1", None, "u", "db")),
        ("postgresql+psycopg2://u:p@host:5/db", ("host", 5, "u", "db")),
        ("postgres://u:p@%2Fvar%2Frun/db", ("/var/run", None, "u", "db")),
        ("postgres:///db", (None, None, None, "db")),
    ],
)
def test_uris_with_parts_missing(uri: str, expected: tuple[object, ...]) -> None:
    url = to_url(parse_connection(uri, "x"), "x")
    assert (url.host, url.port, url.username, url.database) == expected


@pytest.mark.parametrize(
    "extra", [{"sslmode": "verify-full", "cursor": "dictcursor"}, json.dumps({"sslmode": "verify-full"})]
)
def test_json_with_an_extra_of_either_form(monkeypatch: pytest.MonkeyPatch, extra: object) -> None:
    document = {"conn_type": "postgres", "host": "h", "login": "l", "password": TRAPS, "port": "5", "schema": "s"}
    monkeypatch.setenv(VARIABLE, json.dumps({**document, "extra": extra}))
    url = database_url()
    assert (url.host, url.port, url.username, url.password, url.database) == ("h", 5, "l", TRAPS, "s")
    # What PostgreSQL's library does not know is Airflow's own.
    assert url.query == {"sslmode": "verify-full"}


def test_a_uri_carries_a_nested_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        VARIABLE, "postgres://h/db?__extra__=" + quote(json.dumps({"sslmode": "disable", "a": {"b": 1}}))
    )
    assert database_url().query == {"sslmode": "disable"}


@pytest.mark.parametrize("text", ["{not json", "no uri secret", '{"conn_type": "postgres", "port": "secret"}', "[1"])
def test_a_connection_that_cannot_be_read_is_not_shown(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", text)
    with pytest.raises(Misuse, match="The connection 'other' cannot be read") as caught:
        database_url("other")
    assert "secret" not in f"{caught.value!r} {caught.value.suggestion}"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        *(text.decode("utf-8", "surrogateescape") for text in EDGES.values() if text[:1] == b"{" and b"\0" not in text),
        *(
            '{"conn_type": "postgres", "password": "secret", ' + more + "}"
            for more in (
                '"extra": "[1]"',
                '"extra": 5',
                '"extra": ' + "[" * 10_000,
                '"extra": "{\\"a\\": NaN}"',
                '"host": ["h"]',
                '"host": "h\\u0000"',
                '"login": true',
                '"port": 1e400',
                '"port": {}',
                '"password": "other"',
            )
        ),
        'postgres://u:secret@h/db?__extra__={"a":',
        "postgres://u:secret@h/db?__extra__=[]",
    ],
)
def test_a_connection_that_is_no_clean_json_cannot_be_read(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", text)
    with pytest.raises(Misuse, match="The connection 'other' cannot be read") as caught:
        database_url("other")
    assert "secret" not in f"{caught.value!r} {caught.value.suggestion}"


def test_a_password_of_digits_may_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, '{"conn_type": "postgres", "login": "u", "password": 4711, "port": "5432"}')
    assert (database_url().password, database_url().port) == ("4711", 5432)


def test_a_connection_of_another_type_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "mysql://u:secret@h/db")
    with pytest.raises(Misuse, match="type 'mysql'") as caught:
        database_url()
    assert "secret" not in str(caught.value)


def test_a_connection_that_was_encrypted_with_another_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("airflow.models.connection")
    stored = module.Connection(conn_id="workflows_default", conn_type="postgres", host="h")
    stored._password = Fernet(Fernet.generate_key()).encrypt(b"secret").decode()
    stored.is_encrypted = True
    monkeypatch.delenv(VARIABLE, raising=False)
    crypto = importlib.import_module("airflow.models.crypto")
    own = crypto._RealFernet(MultiFernet([Fernet(Fernet.generate_key())]))
    monkeypatch.setattr(crypto, "get_fernet", lambda: own)
    monkeypatch.setattr(connection, "_airflow_connection", lambda _: stored)
    with pytest.raises(Misuse, match="another Fernet key") as caught:
        database_url()
    assert caught.value.suggestion is not None
    assert "fernet_key" in caught.value.suggestion
