"""The ``http`` task: one request below the address of a connection, bounded in time and size (rule K3)."""

from __future__ import annotations

import zlib
from codecs import lookup
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin

import requests
from requests.auth import HTTPBasicAuth
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError as TransportError

from airflow_workflow_provider.errors import InvalidDefinition, StepFailure, TaskError
from airflow_workflow_provider.model.http_target import Base, WrongTarget, base_of, check_headers, check_within, target
from airflow_workflow_provider.model.json_text import loads_document
from airflow_workflow_provider.model.task import DEFAULT_HTTP_CONNECTION
from airflow_workflow_provider.operators.builtin import BuiltInOperator
from airflow_workflow_provider.operators.http_transport import Adapter, AddressRule, Watch
from airflow_workflow_provider.operators.reach import NOT_ALLOWED, require_connection
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_workflow_provider.store.connection import ConnectionFields

OK: Final = range(200, 300)
CHUNK: Final = 64 * 1024
MAX_REDIRECTS: Final = 10
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_OPTIONS: Final = frozenset(
    [
        "allow_private",
        "allow_redirects",
        "cert",
        "check_response",
        "max_redirects",
        "proxies",
        "proxy",
        "srv_lookup",
        "stream",
        "timeout",
        "trust_env",
        "verify",
        "verify_ssl",
    ]
)
"""Keys of a connection's extra that are no headers."""

_PYTHONS_OWN: Final = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Encodings that no service means; some of them take hours for a large text."""


_NOT_READABLE: Final = frozenset({"WF100", "WF103"})
"""Codes of what is no JSON, or too deep to be read."""


class HttpError(TaskError):
    """An HTTP service answered with a status that is not expected; its code is the status."""


class HttpTaskOperator(BuiltInOperator):
    """Sends one request through an Airflow HTTP connection."""

    name = "http"
    _exchange: Exchange | None = None

    def on_kill(self) -> None:
        """Cut the connection: nobody waits for the answer any more."""
        if self._exchange is not None:
            self._exchange.cut()

    def run(self, context: Context) -> Any:  # noqa: ARG002
        """Send the request and return status, headers and body."""
        given = self.arguments
        conn_id = given.get("connection", DEFAULT_HTTP_CONNECTION)
        fields = require_connection("http", conn_id, older=self.older)
        try:
            base = base_of(fields.conn_type, fields.host, fields.schema, fields.port)
        except WrongTarget as error:
            message = f"Connection {conn_id!r} {error}"
            raise _refused(message) from error
        try:
            with Exchange(base, fields) as exchange:
                self._exchange = exchange
                return self._answer(exchange.send(self._request(base, fields)))
        except WrongTarget as error:
            raise _refused(str(error)) from error

    def _request(self, base: Base, fields: ConnectionFields) -> requests.Request:
        given = self.arguments
        headers = dict(given.get("headers", {}))
        check_headers(headers, own_headers(fields), credentials=bool(fields.login or fields.password))
        request = requests.Request(
            given.get("method", "GET"),
            target(base, given["path"]),
            params={key: _query(value) for key, value in given.get("query", {}).items()},
            headers={**own_headers(fields), **headers},
            data=given["body"].encode() if "body" in given else None,
            json=given.get("json"),
        )
        if "json" in given and given["json"] is None:
            request.data, request.headers = b"null", {"Content-Type": "application/json", **(request.headers or {})}
        return request

    def _answer(self, answer: Answer) -> dict[str, Any]:
        expected = self.arguments.get("expectedStatus", OK)
        is_expected = answer.status in ([expected] if isinstance(expected, int) else expected)
        body: Any = answer.text
        if "json" in answer.headers.get("content-type", "").split(";")[0] and body:
            body = self._json(answer, strict=is_expected)
        output = {"status": answer.status, "headers": answer.headers, "body": body}
        if not is_expected:
            message = f"{self.arguments.get('method', 'GET')} {self.arguments['path']} gave {answer.status}"
            msg = f"{message} {answer.reason}"
            raise HttpError(msg, code=str(answer.status), details=output)
        return output

    def _json(self, answer: Answer, *, strict: bool) -> Any:
        """The value of a body that says that it is JSON; its text where it is not, or is nested too deeply.

        :param strict: refuse JSON that cannot be kept as it is; otherwise it is text too
        """
        try:
            return loads_document(answer.content)
        except InvalidDefinition as error:
            if strict and not any(each.code in _NOT_READABLE for each in error.diagnostics):
                found = [{"pointer": f"/body{each.pointer}", "message": each.message} for each in error.diagnostics]
                msg = f"The response cannot be stored: at {found[0]['pointer']}: {found[0]['message']}"
                raise StepFailure(msg, type=ErrorType.OUTPUT_ERROR, details={"errors": found}) from error
            self.log.warning("The response claims to be JSON, but is not; it is kept as text")
            return answer.text


@dataclass(frozen=True)
class Answer:
    """An answer that was read to its end.

    :param headers: by their names in lower case
    """

    status: int
    reason: str
    headers: dict[str, str]
    content: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text: in the encoding that it names, else UTF-8."""
        _, _, named = self.headers.get("content-type", "").partition("charset=")
        name = named.partition(";")[0].strip(" \"'") or "utf-8"
        try:
            if lookup(name).name not in _PYTHONS_OWN:
                return self.content.decode(name, errors="replace")
        except (LookupError, ValueError):
            # No encoding of that name, or a name with a NUL character.
            pass
        return self.content.decode("utf-8", errors="replace")


class Exchange:
    """One request over a connection, and its answer.

    :param base: the address that the request may not leave
    :param fields: the connection
    """

    def __init__(self, base: Base, fields: ConnectionFields) -> None:
        settings = load_settings()
        extra = fields.extra
        self._base = base
        self._max_bytes = settings.http_max_bytes
        self._seconds = _seconds(extra.get("timeout"), settings.http_timeout)
        self._redirects = int(extra.get("max_redirects", MAX_REDIRECTS)) if _is_true(extra, "allow_redirects") else 0
        self._session = session = requests.Session()
        session.trust_env = False
        session.auth = HTTPBasicAuth(fields.login, fields.password or "") if fields.login else None
        session.verify = extra.get("verify", extra.get("verify_ssl", True))
        session.cert = extra.get("cert")
        session.headers["Accept-Encoding"] = "gzip, deflate"
        self._proxies = _proxies(base, extra)
        # Behind a proxy it is the proxy that resolves names and connects.
        direct = select_proxy(base.origin, self._proxies) is None
        watch = self._watch = Watch(
            AddressRule(base.host, private=_is_true(extra, "allow_private")) if direct else None
        )
        session.mount("http://", Adapter(watch))
        session.mount("https://", Adapter(watch))

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def cut(self) -> None:
        """End the request early, from another thread: its answer cannot be read any further."""
        self._watch.cut()

    def send(self, request: requests.Request) -> Answer:
        """Send a request and read its answer; a redirect is followed only where the connection says so, and inside it.

        :raises WrongTarget: the request would leave the connection's address
        :raises StepFailure: the answer takes too long, is too large or cannot be read
        """
        prepared = self._session.prepare_request(request)
        with self._watch.over_after(self._seconds):
            try:
                return self._followed(prepared)
            except (requests.RequestException, TransportError, OSError) as error:
                if self._watch.is_over:
                    message = f"The request took more than {self._seconds:g} s ([workflows] http_timeout)"
                    raise StepFailure(message, type=ErrorType.TIMEOUT_ERROR, code=ProblemCode.HTTP_TIMEOUT) from error
                if self._watch.refused is not None:
                    raise WrongTarget(self._watch.refused) from error
                raise

    def _followed(self, prepared: requests.PreparedRequest) -> Answer:
        for left in range(self._redirects, -1, -1):
            check_within(self._base, _without_query(prepared.url))
            response = self._session.send(
                prepared, stream=True, timeout=self._seconds, allow_redirects=False, proxies=self._proxies,
                verify=self._session.verify, cert=self._session.cert,
            )  # fmt: skip
            again = self._redirected(prepared, response) if left else None
            if again is None:
                return self._read(response)
            prepared = again
        message = f"The service redirected more than {self._redirects} times"
        raise StepFailure(message, type="HttpError", code=ProblemCode.TOO_MANY_REDIRECTS)

    def _redirected(
        self, prepared: requests.PreparedRequest, response: requests.Response
    ) -> requests.PreparedRequest | None:
        """Return the request that a redirect asks for; None where it leads elsewhere, which is the answer then."""
        location = response.headers.get("Location")
        if response.status_code not in REDIRECTS or not location:
            return None
        url = urljoin(prepared.url or "", location)
        try:
            check_within(self._base, _without_query(url))
        except WrongTarget:
            return None
        self._read(response)
        again = prepared.copy()
        again.url = requests.Request("GET", url).prepare().url
        if response.status_code in (301, 302, 303) and prepared.method not in ("GET", "HEAD"):
            again.method, again.body = "GET", None
            for name in ("Content-Length", "Content-Type", "Transfer-Encoding"):
                again.headers.pop(name, None)
        return again

    def _read(self, response: requests.Response) -> Answer:
        headers = {key.lower(): value for key, value in response.headers.items()}
        unpack = _Unpacker(headers.get("content-encoding", ""))
        content = bytearray()
        with response:
            while True:
                packed = response.raw.read1(CHUNK, decode_content=False)
                if self._watch.is_over:
                    raise TransportError
                for part in unpack.parts(packed):
                    content += part
                    if len(content) > self._max_bytes:
                        message = f"The response is larger than {self._max_bytes:,} bytes ([workflows] http_max_bytes)"
                        details = {"maxBytes": self._max_bytes}
                        raise StepFailure(
                            message, type=ErrorType.OUTPUT_TOO_LARGE, code=ProblemCode.HTTP_MAX_BYTES, details=details
                        )
                if not packed:
                    break
        return Answer(response.status_code, response.reason or "", headers, bytes(content))


class _Unpacker:
    """Unpacks an answer a piece at a time, so that a small one cannot become a huge one in memory."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            message = f"The response is encoded as {encoding[:50]!r}, which was not requested"
            raise StepFailure(message, type="HttpError", code=ProblemCode.CONTENT_ENCODING)
        self._inflate: Any = None if name in ("", "identity") else zlib.decompressobj(wbits=47)
        self._raw_is_possible = name == "deflate"

    def parts(self, packed: bytes) -> Iterator[bytes]:
        if self._inflate is None:
            yield packed
            return
        while packed:
            try:
                part = self._inflate.decompress(packed, CHUNK)
            except zlib.error as error:
                if not self._raw_is_possible:
                    message = "The response cannot be decompressed"
                    raise StepFailure(message, type="HttpError", code=ProblemCode.CONTENT_ENCODING) from error
                self._inflate = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
                self._raw_is_possible = False
                continue
            self._raw_is_possible = False
            packed = self._inflate.unconsumed_tail
            yield part


def own_headers(fields: ConnectionFields) -> dict[str, str]:
    """Return the headers that a connection sets: what stands in its extra and is no option."""
    return {key: str(value) for key, value in fields.extra.items() if key not in _OPTIONS}


def _proxies(base: Base, extra: Mapping[str, Any]) -> dict[str, str]:
    given = extra.get("proxies", extra.get("proxy"))
    if isinstance(given, Mapping):
        return {str(key): str(value) for key, value in given.items()}
    return get_environ_proxies(base.origin) if _is_true(extra, "trust_env", default=True) else {}


def _is_true(extra: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    value = extra.get(key, default)
    return value is True or str(value).strip().lower() in ("true", "1", "yes")


def _seconds(own: Any, limit: int) -> float:
    """A connection may have less time than the setting, never more."""
    try:
        return min(float(own), limit) if own else limit
    except (TypeError, ValueError):
        return limit


def _without_query(url: str | None) -> str:
    return (url or "").partition("?")[0]


def _query(value: Any) -> Any:
    """Return a query parameter as HTTP services expect it: ``true``, not Python's ``True``."""
    if isinstance(value, list):
        return [_query(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value


def _refused(message: str) -> StepFailure:
    details = {
        "diagnostic": "WF412",
        "suggestion": "stay below the connection's address; an administrator can define a connection for another one, "
        "or allow private networks and redirects in the connection's extra (allow_private, allow_redirects)",
    }
    return StepFailure(message, type=ErrorType.VALIDATION_ERROR, code=NOT_ALLOWED, details=details)
