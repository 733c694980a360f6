"""``GET /workflows/health``: how this api-server and the workflow database are doing, for monitoring.

Load balancers and monitoring systems do not sign in, so the report has no secret, no name of anybody's and no text of
an error, and is made at most every few seconds however often it is asked for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from airflow_workflow_provider.api.background import RUNNING
from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.store.backlog import Backlog, read_backlog
from airflow_workflow_provider.store.comparing import Comparisons
from airflow_workflow_provider.store.migrate import revisions

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.store.database import Database
    from airflow_workflow_provider.workers.worker import Worker

ADDRESS: Final = "/health"
KEPT: Final = 5.0
"""Seconds for which a report is given again."""

LATE: Final = 300.0
"""Seconds for which work may be overdue."""

OFTEN: Final = 3
"""Failures in a row after which a worker counts as failing."""

MISSED_LOOKS: Final = 10

Status = Literal["healthy", "degraded", "unhealthy"]
Json = dict[str, Any]
_WORSE: Final[tuple[Status, ...]] = ("healthy", "degraded", "unhealthy")


class HealthReporter:
    """Makes reports.

    :param services: gives what is below the API
    :param workers: those of this process
    """

    def __init__(self, services: Callable[[], Services], workers: Sequence[Worker] = RUNNING) -> None:
        self._services = services
        self._workers = workers
        self._lock = threading.Lock()
        self._made_at = -KEPT
        self._report: Json = {}

    def report(self) -> Json:
        """Return the report, which may be some seconds old."""
        with self._lock:
            if time.monotonic() - self._made_at >= KEPT:
                self._report = self._make()
                self._made_at = time.monotonic()
            return self._report

    def _make(self) -> Json:
        checks: dict[str, Json] = {"workers": self._of_workers()}
        try:
            services = self._services()
            checks["database"] = {"status": "healthy"}
            checks["schema"] = _schema(services.database)
            if checks["schema"]["status"] == "healthy":
                checks.update(_work(read_backlog(services.database)))
                checks["reconciliation"] = _reconciliation(services.database, services.settings.reconcile_interval)
        except WorkflowsError as error:
            checks["database"] = {"status": "unhealthy", "code": error.code}
        return {"status": max((check["status"] for check in checks.values()), key=_WORSE.index), "checks": checks}

    def _of_workers(self) -> Json:
        workers = list(self._workers)
        status: Status = "healthy"
        if any(worker.health.failures >= OFTEN for worker in workers):
            status = "degraded"
        if not all(worker.is_alive for worker in workers):
            status = "unhealthy"
        return {"status": status, "items": [_of_worker(worker) for worker in workers]}


def _of_worker(worker: Worker) -> Json:
    worked_at = worker.health.worked_at
    return {
        "name": worker.name,
        "alive": worker.is_alive,
        "failures": worker.health.failures,
        "workedAt": None if worked_at is None else worked_at.isoformat(),
    }


def _schema(database: Database) -> Json:
    current, head = revisions(database)
    return {"status": "healthy" if current == head else "unhealthy", "current": current, "head": head}


def _work(backlog: Backlog) -> dict[str, Json]:
    return {
        "events": {**_lag(backlog.events), "deadLetters": backlog.dead_letters},
        "resumptions": _lag(backlog.wakeups),
        "subWorkflowStarts": _lag(backlog.run_requests),
        "notifications": _lag(backlog.notifications),
        "questions": {
            "status": "healthy",
            "open": backlog.open_questions,
            "oldestSeconds": round(backlog.oldest_question, 1),
        },
    }


def _lag(seconds: float) -> Json:
    return {"status": "degraded" if seconds > LATE else "healthy", "overdueSeconds": round(seconds, 1)}


def _reconciliation(database: Database, interval: int) -> Json:
    comparisons = Comparisons(database)
    _, age = comparisons.last_look()
    left, seconds = comparisons.left(), None if age is None else age.total_seconds()
    is_late = seconds is not None and seconds > max(MISSED_LOOKS * interval, LATE)
    status: Status = "degraded" if left or is_late else "healthy"
    return {"status": status, "lastSeconds": None if seconds is None else round(seconds, 1), "left": left}


class HealthEndpoint:
    """ASGI middleware that answers with the report: 200, or 503 where it is unhealthy.

    :param app: what everything else goes to
    """

    def __init__(self, app: ASGIApp, reporter: HealthReporter) -> None:
        self._app = app
        self._reporter = reporter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        path = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else None
        if path != ADDRESS or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        report = await run_in_threadpool(self._reporter.report)
        status = 503 if report["status"] == "unhealthy" else 200
        await JSONResponse(report, status_code=status, headers={"Cache-Control": "no-store"})(scope, receive, send)
