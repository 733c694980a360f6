"""A small client of Airflow's public REST API."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import tenacity

from airflow_workflow_provider.errors import Conflict, Misuse, NotFound, WorkflowsError
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.vocabulary import ProblemCode

API = "/api/v2"
URL_VARIABLE = "AIRFLOW_WORKFLOWS_API_URL"
TOKEN_VARIABLE = "AIRFLOW_WORKFLOWS_API_TOKEN"  # noqa: S105 - the name of a variable
WORKFLOWS = "/workflows/api/v1"
HEALTH = "/workflows/health"
FINISHED = frozenset({"success", "failed"})

T = TypeVar("T")


class RequestRefused(WorkflowsError):
    """Airflow answered a request with an error."""

    default_code = ProblemCode.AIRFLOW_REFUSED


_REFUSALS: Mapping[int, type[WorkflowsError]] = {400: Misuse, 404: NotFound, 409: Conflict, 422: Misuse}


def poll(look: Callable[[], T | None], *, seconds: float, what: str, interval: float = 0.3) -> T:
    """Call ``look`` until it returns something other than ``None``.

    :param seconds: the deadline, counted from now
    :param what: what is waited for, for the message
    :raises WorkflowsError: the deadline passed
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            message = f"Waited {seconds:.0f} s for {what}"
            raise WorkflowsError(message, code=ProblemCode.DEADLINE_PASSED)
        time.sleep(interval)


class AirflowClient:
    """Talks to one Airflow as one user; logs in by itself, and again when its token expires.

    :param address: of the API server, such as ``http://127.0.0.1:8080``
    :param token: used instead of logging in
    :param timeout: of one request, in seconds
    """

    def __init__(
        self, address: str, username: str, password: str, *, token: str | None = None, timeout: float = 30
    ) -> None:
        self.address = address.rstrip("/")
        self._credentials = {"username": username, "password": password} if token is None else None
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # No proxy of the environment is meant for this.
        self._http = httpx.Client(base_url=self.address, timeout=timeout, trust_env=False, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def login(self) -> None:
        """Get a token; other calls do it when they need one."""
        self._http.headers["Authorization"] = f"Bearer {self.new_token()}"

    def new_token(self) -> str:
        """Return a new token of this user; it expires after ``[api_auth] jwt_expiration_time``, by default a day."""
        return str(_checked(self._send("POST", "/auth/token", json=self._credentials))["access_token"])

    def request(self, method: str, path: str, **more: Any) -> Any:
        """Send a request below ``/api/v2`` and return the JSON of the answer.

        :raises NotFound: 404
        :raises Conflict: 409
        :raises Misuse: 400 and 422
        :raises RequestRefused: any other error, or no answer
        """
        return _checked(self._signed(method, f"{API}{path}", **more))

    def workflows(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> Any:
        """Send a request to the API of workflows, for the command line, and return the JSON of the answer.

        :raises WorkflowsError: of the same kinds as :meth:`request`, with the code and the findings that the API gives
        """
        answer = self._signed(
            method, f"{WORKFLOWS}{path}", headers={"X-Workflows-Client": "cli", **(headers or {})}, **more
        )
        problem = None if answer.is_success else _problem(answer)
        if problem is None:
            return _checked(answer)
        kind = _REFUSALS.get(answer.status_code, RequestRefused)
        error = kind(
            str(problem.get("detail")),
            code=problem["code"],
            pointer=problem.get("pointer"),
            suggestion=problem.get("suggestion"),
        )
        error.findings = tuple(_diagnostic(each) for each in problem.get("diagnostics", ()))
        raise error

    def _signed(self, method: str, path: str, **more: Any) -> httpx.Response:
        if "Authorization" not in self._http.headers:
            self.login()
        answer = self._send(method, path, **more)
        if answer.status_code == httpx.codes.UNAUTHORIZED and self._credentials is not None:
            self.login()
            answer = self._send(method, path, **more)
        return answer

    def health(self) -> dict[str, Any]:
        """Return what Airflow says of its parts."""
        return dict(_checked(self._send("GET", f"{API}/monitor/health")))

    def serve_tasks(self) -> None:
        """Wait until the server answers tasks.

        It builds the routes for them at the first request, for seconds in which it answers nothing else.
        """
        _checked(self._send("GET", "/execution/health"))

    def health_of_workflows(self) -> dict[str, Any]:
        """Return the health report of workflows, also where it is a bad one.

        :raises RequestRefused: there is no answer, or not a report
        """
        answer = self._send("GET", HEALTH)
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE and "checks" in answer.text:
            return dict(answer.json())
        return dict(_checked(answer))

    def dag(self, dag_id: str) -> dict[str, Any]:
        """Return a DAG's description."""
        return dict(self.request("GET", f"/dags/{dag_id}"))

    def import_errors(self) -> list[dict[str, Any]]:
        """Return the DAG files that could not be loaded, with the reason."""
        return list(self._pages("/importErrors", "import_errors"))

    def dag_ids(self) -> set[str]:
        """Return the ids of the DAGs that Airflow knows and could load."""
        found = self._pages("/dags", "dags")
        return {dag["dag_id"] for dag in found if not dag.get("has_import_errors") and not dag.get("is_stale")}

    def wait_for_dag(self, dag_id: str, *, seconds: float = 60) -> dict[str, Any]:
        """Wait until Airflow knows a DAG and has parsed it without errors.

        :raises WorkflowsError: it does not in time; what could not be loaded is in the message
        """

        def look() -> dict[str, Any] | None:
            try:
                found = self.dag(dag_id)
            except NotFound:
                return None
            return None if found.get("has_import_errors") or found.get("is_stale") else found

        try:
            return poll(look, seconds=seconds, what=f"DAG {dag_id!r}")
        except WorkflowsError as error:
            failures = [f"{each['filename']}: {each['stack_trace'].strip()}" for each in self.import_errors()]
            if error.code != ProblemCode.DEADLINE_PASSED or not failures:
                raise
            message = f"{error.message}; these files cannot be loaded: {'; '.join(failures)}"
            raise WorkflowsError(message, code=error.code) from error

    def trigger(
        self, dag_id: str, conf: Mapping[str, Any] | None = None, *, run_id: str | None = None
    ) -> dict[str, Any]:
        """Start a run of a DAG; ``conf`` is a workflow's input.

        :raises Conflict: a run with that id is there
        :raises Misuse: Airflow refuses the input
        """
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if run_id is not None:
            body["dag_run_id"] = run_id
        return dict(self.request("POST", f"/dags/{dag_id}/dagRuns", json=body))

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Return a DAG run."""
        return dict(self.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}"))

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float = 120) -> dict[str, Any]:
        """Wait until a DAG run has ended, well or not."""

        def look() -> dict[str, Any] | None:
            found = self.run(dag_id, run_id)
            return found if found["state"] in FINISHED else None

        return poll(look, seconds=seconds, what=f"run {run_id!r} of DAG {dag_id!r}")

    def unfinished(self) -> set[tuple[str, str]]:
        """Return DAG id and run id of each DAG run that has not ended."""
        found = self._pages("/dags/~/dagRuns", "dag_runs", state=["queued", "running"])
        return {(run["dag_id"], run["dag_run_id"]) for run in found}

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a DAG run."""
        return list(self._pages(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances"))

    def task_log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """Return the log of one try of a task, as text."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        answer = self.request("GET", path, params={"full_content": True})
        return "\n".join(str(line.get("event", line)) for line in answer.get("content", []) if isinstance(line, dict))

    def _pages(self, path: str, key: str, **filters: Any) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self.request("GET", path, params={"limit": 100, "offset": offset, **filters})
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    @tenacity.retry(
        # A server that just starts, or a connection that it closed while idle.
        retry=tenacity.retry_if_exception_type((httpx.ConnectError, httpx.RemoteProtocolError)),
        stop=tenacity.stop_after_attempt(3),
        wait=tenacity.wait_fixed(0.2),
        reraise=True,
    )
    def _try(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._http.request(method, path, **more)

    def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._try(method, path, **more)
        except httpx.HTTPError as error:
            message = f"Airflow at {self.address} did not answer {method} {path}: {str(error) or type(error).__name__}"
            raise RequestRefused(message, code=ProblemCode.AIRFLOW_NOT_REACHABLE) from error


def _problem(answer: httpx.Response) -> dict[str, Any] | None:
    """Return the problem document (RFC 9457) that an answer is, if it is one."""
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    body = answer.json()
    return body if isinstance(body, dict) and "code" in body else None


def _diagnostic(found: Mapping[str, Any]) -> Diagnostic:
    place, suggestion = found.get("pointer", ""), found.get("suggestion")
    return Diagnostic(found["code"], found.get("severity", "error"), place, found["message"], suggestion)


def _checked(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else {}
    try:
        body = answer.json()
    except ValueError:
        body = {}
    detail = body.get("detail", body) if isinstance(body, dict) else body
    request = answer.request
    kind = _REFUSALS.get(answer.status_code, RequestRefused)
    message = (
        f"Airflow refused {request.method} {request.url.path} ({answer.status_code}): {detail or answer.text[:300]}"
    )
    raise kind(message, code=f"airflow-{answer.status_code}")
