"""Where an http task sends its request: below the address of its connection, with its limits."""

from __future__ import annotations

import gzip
import json
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests
from urllib3.util import parse_url

from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.http_target import Base, WrongTarget, base_of, header_problem, path_problem, target
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.validate import validate_document
from airflow_workflow_provider.operators.http import Answer, HttpError, HttpTaskOperator
from airflow_workflow_provider.operators.http_transport import AddressRule
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.catalogue import Catalogue
from tests.support.documents import step, workflow

PIECES = (
    "/", "//", "\\", "..", ".", "%2e", "%2E%2e", "%252e%252e", "%2f", "%5c", "%00", "%0d%0a", "@", ":", "?", "#",
    ";", "&",
    "evil.example", "http:", "https://", "user:pw@", "[::1]", "127.0.0.1", ":80", "\t", "\n", "\r", " ", "\u2024",
    "\uff0e\uff0e",
    "\u3002", "\u2215", "\uff0f", "\u202e", "é", "\u2170", "%c0%ae", "%zz", "%", "a", "orders", "..;", "%3b", "~", "+",
    "*", "\x00",
    "%ff", "admin", "v1", "%u002e", "\ufeff", "\xad", "\uff29\uff24\uff2e", "0x7f.1", "-", "'",
    '"', "<", "{", "|", "^", "`",
)  # fmt: skip
BASES = (
    Base("https", "api.example.com", 443, "/v1"),
    Base("http", "127.0.0.1", 8080, ""),
    Base("https", "::1", 8443, "/a/b"),
)


class Recorder(ThreadingHTTPServer):
    """Answers by what the path asks for, and keeps what came."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, dict[str, str]]] = []
        self.stop = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_GET(self) -> None:
        self.server.received.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        name = urlsplit(self.path).path.rpartition("/")[2]
        getattr(self, f"_{name}", self._fine)()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _fine(self) -> None:
        self._send(b"{}", Content_Type="application/json")

    def _elsewhere(self) -> None:
        self._send(b"", 302, Location=f"http://localhost:{self.server.server_address[1]}/v1/secret")

    def _inside(self) -> None:
        self._send(b"", 302, Location="/v1/fine")

    def _above(self) -> None:
        self._send(b"", 302, Location="/admin")

    def _bomb(self) -> None:
        self._send(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    def _zipped(self) -> None:
        self._send(gzip.compress(b'{"n": 1}'), Content_Encoding="gzip", Content_Type="application/json")

    def _drip(self) -> None:
        self.send_response(200)
        self.end_headers()
        while not self.server.stop.wait(0.05):
            self.wfile.write(b"x")
            self.wfile.flush()

    def _slow(self) -> None:
        while not self.server.stop.wait(0.05):
            self.wfile.write(b"H")
            self.wfile.flush()


@pytest.fixture
def server() -> Iterator[Recorder]:
    made = Recorder()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    made.stop.set()
    made.shutdown()
    made.server_close()


@pytest.fixture
def connect(server: Recorder, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(**fields: Any) -> None:
        given = {"conn_type": "http", "host": f"http://127.0.0.1:{server.server_address[1]}/v1", **fields}
        monkeypatch.setenv("AIRFLOW_CONN_EXAMPLE_HTTP", json.dumps(given))

    make()
    return make


def run(path: str, **arguments: Any) -> Any:
    return HttpTaskOperator(task_id="t", arguments={"connection": "example_http", "path": path, **arguments}).execute(
        {}
    )


def refused(path: str = "/fine", **arguments: Any) -> StepFailure:
    with pytest.raises(StepFailure) as caught:
        run(path, **arguments)
    return caught.value


def spellings(number: int) -> Iterator[str]:
    source = random.Random(10)  # noqa: S311 - the same spellings in each run
    for _ in range(number):
        yield "".join(source.choices(PIECES, k=source.randint(1, 7)))


def _holds(base: Base, url: str) -> None:
    """What urllib3 would connect to, and what a server that decodes and normalizes would read, lie in the base."""
    prepared = requests.Request("GET", url).prepare().url or ""
    found = parse_url(prepared)
    assert (found.scheme, (found.host or "").strip("[]"), found.port or {"http": 80, "https": 443}[base.scheme]) == (
        base.scheme, base.host, base.port
    )  # fmt: skip
    assert found.auth is None
    path = found.path or ""
    for _ in range(4):
        assert f"{path}/".startswith(f"{base.path}/")
        assert not {".", ".."} & set(path.replace("\\", "/").split("/"))
        path = unquote(path)


def test_ten_thousand_spellings_stay_below_the_connections_address() -> None:
    taken = 0
    for number, path in enumerate(spellings(10_000)):
        base = BASES[number % len(BASES)]
        try:
            url = target(base, path)
        except WrongTarget:
            continue
        taken += 1
        _holds(base, url)
    assert taken > 300  # the rule does not simply refuse all


def test_what_is_taken_arrives_at_the_server_it_is_meant_for(server: Recorder, connect: Any) -> None:  # noqa: ARG001
    sent = 0
    for path in spellings(1_500):
        if path_problem(path) is None and sent < 60:
            sent += 1
            run(path, expectedStatus=list(range(200, 600)))
    assert len(server.received) == sent > 40
    assert all(path.startswith("/v1/") for path, _ in server.received)


@pytest.mark.parametrize(
    "path",
    ["../admin", "/../../admin", "%2e%2e/admin", "/a/%2E./x", "..%2fadmin", "%252e%252e/x", "/a\\..\\x",
     "//evil.example/", "//evil.example", "///evil.example", "//u:p@evil.example:80/", "HTTPS://evil.example",
     "x-a+b.c://evil.example/", "file:///etc/passwd",
     "http://evil.example/", "https:/evil", "/x?y", "/x#y", "/a\tb", "/a\nb", "/a%0d%0aHost: x", "/..;/admin",
     "/..%3f/admin", "/a/..%23", "/..%e2%80%8b/admin", "/%2e%ef%bb%bf./x", "/%2f%2fevil.example/", "%252f/evil",
     "/%c0%ae/x",
     "/\uff0e\uff0e/admin", "/%zz", "/a\u202eb"],
)  # fmt: skip
def test_a_path_that_leaves_is_refused_before_anything_is_sent(path: str, server: Recorder, connect: Any) -> None:
    connect(login="u", password="p")
    error = refused(path)
    assert (error.error_type, error.error_code) == ("ValidationError", "not-allowed")
    assert error.details["diagnostic"] == "WF412"
    assert error.details["suggestion"]
    assert server.received == []
    document = workflow(step("a", "http", arguments={"connection": "example_http", "path": path}))
    found = validate_document(document, Catalogue(), policy=Policy.of(load_settings())).diagnostics
    assert [(each.code, each.pointer) for each in found] == [("WF412", "/steps/0/arguments/path")]


@pytest.mark.parametrize(
    "path", ["", "/", "orders", "/orders/7:cancel", "/users/@me", "/a b", "/größe", "/a.b", "/...", "/50%25"]
)
def test_an_ordinary_path_is_taken(path: str, connect: Any) -> None:  # noqa: ARG001
    assert run(path)["status"] == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"conn_type": "postgres"}, "is of type"),
        ({"conn_type": "http", "host": ""}, "has no host"),
        ({"conn_type": "http", "host": None}, "has no host"),
        ({"conn_type": "http", "host": "ftp://example.com"}, "no host that can be used"),
        ({"conn_type": "http", "host": "good.example@evil.example"}, "no host that can be used"),
        ({"conn_type": "http", "host": "good.example/../x"}, "in its path"),
    ],
)
def test_only_an_http_connection_with_a_host_is_used(fields: dict[str, Any], message: str, connect: Any) -> None:
    connect(**fields)
    assert message in refused().message


def test_an_https_connection_uses_https() -> None:
    assert base_of("https", "x.example", None, None) == Base("https", "x.example", 443, "")
    assert base_of("http", "https://x.example/v1/", None, 8443) == Base("https", "x.example", 8443, "/v1")


@pytest.mark.parametrize("name", ["Host", "host", "Transfer-Encoding", "transfer_encoding", "Connection",
                                  "X-Forwarded-Host",
                                  "X-Original-URL", "a b", "", "Content-Length", "Content.Length", "Transfer+Encoding",
                                  "Proxy", "Proxy.Authorization", "X-Forwarded-For", "X-Forwarded", "X_Real_IP", "Via",
                                  "X-Envoy-Original-Path", "Max-Forwards", "HTTP2-Settings"])  # fmt: skip
def test_a_header_that_says_where_to_go_is_refused(name: str, server: Recorder, connect: Any) -> None:  # noqa: ARG001
    assert header_problem(name, "x") is not None
    refused(headers={name: "evil.example"})
    assert server.received == []


@pytest.mark.parametrize(
    "value", ["a\r\nHost: x", "a\nx", "a\0", "a\x0bb", "a\x85b", "a\u560d\u560ab", "a\u2028b", " a"]
)
def test_a_value_that_is_no_line_of_a_header_is_refused(value: str, server: Recorder, connect: Any) -> None:  # noqa: ARG001
    assert refused(headers={"X-Note": value}).error_code == "not-allowed"
    assert server.received == []


@pytest.mark.parametrize("name", ["x-tenant", "X_Tenant", "X.Tenant", "X-Tenant"])
def test_a_header_of_the_connection_is_not_replaced_in_another_spelling(name: str, connect: Any) -> None:
    connect(extra={"X-Tenant": "a"})
    assert "set by the connection" in refused(headers={name: "b"}).message
    connect()
    assert "twice" in refused(headers={"X+Tenant": "b", name: "b"}).message


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "undefined", "unicode_escape", "zlib", "a\0b", "rot13", "nothing"]
)
def test_an_answer_in_an_encoding_of_python_is_read_as_utf8(name: str) -> None:
    content = b"a" * 2_000_000 + b"-" + b"a" * 2_000_000
    began = time.process_time()
    assert Answer(200, "", {"content-type": f"text/plain; charset={name}"}, content).text == content.decode()
    assert time.process_time() - began < 2


def test_an_answer_that_is_nested_too_deeply_is_kept_as_text(connect: Any) -> None:  # noqa: ARG001
    answer = Answer(200, "", {"content-type": "application/json"}, b"[" * 100_000)
    operator = HttpTaskOperator(task_id="t", arguments={"path": "/"})
    assert operator._answer(answer)["body"] == "[" * 100_000


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a": [1, NaN]}', "/body/a/1"),
        (b'{"a": -Infinity}', "/body/a"),
        (b'{"a": 1e400}', "/body/a"),
        (b'{"a": ' + b"7" * 5000 + b"}", "/body/a"),
        (b'{"a": 1, "b": {"c": 1, "c": 2}}', "/body/b/c"),
    ],
)
def test_an_answer_that_cannot_be_kept_as_it_is_is_an_output_error_with_the_place(
    body: bytes,
    pointer: str,
    connect: Any,  # noqa: ARG001
) -> None:
    operator = HttpTaskOperator(task_id="t", arguments={"path": "/"})
    with pytest.raises(StepFailure) as caught:
        operator._answer(Answer(200, "", {"content-type": "application/json"}, body))
    assert caught.value.error_type == "OutputError"
    assert caught.value.details is not None
    assert caught.value.details["errors"][0]["pointer"] == pointer
    with pytest.raises(HttpError) as status:
        operator._answer(Answer(500, "", {"content-type": "application/json"}, body))
    assert status.value.details["body"] == body.decode()


def test_credentials_of_the_connection_are_not_replaced(server: Recorder, connect: Any) -> None:
    run("/fine", headers={"Authorization": "Bearer own"})
    assert server.received[-1][1]["authorization"] == "Bearer own"
    connect(login="u", password="p", extra={"X-Api-Key": "k"})
    for headers in ({"Authorization": "x"}, {"cookie": "x"}, {"x-api-key": "x"}):
        assert refused(headers=headers).error_code == "not-allowed"
    run("/fine")
    assert server.received[-1][1]["x-api-key"] == "k"
    assert server.received[-1][1]["authorization"].startswith("Basic ")


def test_redirects_are_followed_only_where_the_connection_says_so_and_never_elsewhere(
    server: Recorder, connect: Any
) -> None:
    with pytest.raises(HttpError, match="302"):
        run("/inside")
    connect(login="u", password="p", extra={"allow_redirects": True, "X-Api-Key": "k"})
    assert run("/inside")["status"] == 200
    for path in ("/elsewhere", "/above"):
        with pytest.raises(HttpError, match="302"):
            run(path)
    assert {path for path, _ in server.received} == {"/v1/inside", "/v1/fine", "/v1/elsewhere", "/v1/above"}


def test_no_netrc_of_the_worker_adds_credentials(
    server: Recorder, connect: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text(
            "machine 127.0.0.1 login nadia password hunter2\ndefault login n password hunter2\n"
        )
        (tmp_path / name).chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    connect(extra={"allow_redirects": True})
    for path in ("/fine", "/inside"):
        run(path)
    assert len(server.received) == 3
    assert all("authorization" not in headers for _, headers in server.received)


def test_an_answer_is_bounded_in_size(connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    assert run("/zipped")["body"] == {"n": 1}
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__HTTP_MAX_BYTES", "1000000")
    assert (refused("/bomb").error_type, refused("/bomb").error_code) == ("OutputTooLarge", "http-max-bytes")


@pytest.mark.parametrize("path", ["/drip", "/slow"])
def test_an_answer_is_bounded_in_time(path: str, connect: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__HTTP_TIMEOUT", "1")
    began = time.monotonic()
    assert refused(path).error_code == "http-timeout"
    assert time.monotonic() - began < 60


@pytest.mark.parametrize(
    ("host", "peer", "private", "allowed"),
    [
        ("api.example.com", "93.184.216.34", False, True),
        ("api.example.com", "127.0.0.1", False, False),
        ("api.example.com", "10.0.0.5", False, False),
        ("api.example.com", "10.0.0.5", True, True),
        ("api.example.com", "169.254.169.254", True, False),
        ("169.254.169.254", "169.254.169.254", False, True),
        ("api.example.com", "::ffff:10.0.0.5", False, False),
        ("api.example.com", "::ffff:169.254.169.254", True, False),
        ("api.example.com", "64:ff9b::a00:5", False, False),
        ("api.example.com", "2002:a00:5::", False, False),
        ("api.example.com", "fd00:ec2::254", False, False),
        ("api.example.com", "fe80::1%eth0", True, False),
        ("api.example.com", "100.64.0.1", False, False),
        ("localhost", "127.0.0.1", False, True),
        ("localhost", "10.0.0.5", False, False),
        ("::1", "::1", False, True),
        ("api.example.com", "0.0.0.0", True, False),  # noqa: S104 - an address to refuse
    ],
)
def test_a_name_that_leads_into_a_private_network(host: str, peer: str, private: bool, allowed: bool) -> None:
    assert (AddressRule(host, private=private).problem(peer) is None) is allowed


def test_the_address_is_looked_at_when_the_connection_stands(
    server: Recorder, connect: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    real = socket.getaddrinfo
    local = ("127.0.0.1", server.server_address[1])

    def lying(host: Any, *rest: Any, **more: Any) -> Any:
        return real(local[0] if host == "api.example.com" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lying)
    connect(host=f"http://api.example.com:{local[1]}/v1", login="u", password="p")
    assert "private address 127.0.0.1" in refused().message
    assert server.received == []
    connect(host=f"http://api.example.com:{local[1]}/v1", extra={"allow_private": True})
    assert run("/fine")["status"] == 200
    assert "allow_private" not in server.received[-1][1]
