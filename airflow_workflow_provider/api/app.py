"""The FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, Final

from fastapi import APIRouter, FastAPI

from airflow_workflow_provider import __version__
from airflow_workflow_provider.api.background import background
from airflow_workflow_provider.api.health import HealthEndpoint, HealthReporter
from airflow_workflow_provider.api.openapi import openapi_document
from airflow_workflow_provider.api.problems import add_handlers
from airflow_workflow_provider.api.routes import (
    definitions,
    events,
    imports,
    instances,
    logs,
    operations,
    overviews,
    questions,
    reconciliations,
    simulations,
    statistics,
    tasks,
    views,
)
from airflow_workflow_provider.api.security import Authentication
from airflow_workflow_provider.api.services import Services
from airflow_workflow_provider.people.auth_manager import declare_resource
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.ui.static import StaticFiles, read_bundle
from airflow_workflow_provider.workers.evaluation import evaluations

PREFIX: Final = "/api/v1"
DESCRIPTION: Final = """Publish workflow definitions, start and operate instances, and see what they did.

Every request is made by a user of Airflow, with a token of `POST /auth/token` or Airflow's cookie, and may do what
that user may do with the workflow's DAG. Errors are problem documents (RFC 9457)."""


ROUTES: Final = (
    definitions,
    overviews,
    tasks,
    instances,
    operations,
    reconciliations,
    views,
    questions,
    logs,
    events,
    simulations,
    imports,
    statistics,
)
"""The modules of the routes, in the order of the reference."""


def create_app(
    services: Callable[[], Services] = Services.configured,
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None,
) -> FastAPI:
    """Return the application.

    :param services: gives what the routes work with, asked for by each request
    :param lifespan: what runs for as long as the application is served
    """
    app = FastAPI(
        title="Airflow workflows",
        summary="Business workflows as JSON documents, run by Apache Airflow",
        description=DESCRIPTION,
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from elsewhere, and nobody may see them without signing in.
        docs_url=None,
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.services = services
    api = APIRouter(prefix=PREFIX)
    for routes in ROUTES:
        api.include_router(routes.router)
    app.include_router(api)
    add_handlers(app)
    app.add_middleware(Authentication)
    # Before authentication: the front end's files are for everybody.
    app.add_middleware(StaticFiles, bundle=read_bundle())
    # So is the health report, which load balancers and monitoring ask for.
    app.add_middleware(HealthEndpoint, reporter=HealthReporter(services))

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = openapi_document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    return app


@cache
def mounted_app() -> FastAPI:
    """Return the application that Airflow's api-server serves in this process."""
    return create_app(lifespan=_delivering)


@asynccontextmanager
async def _delivering(_: FastAPI) -> AsyncIterator[None]:
    """Run the background work for as long as the api-server runs."""
    # The first request needs not wait for them.
    evaluations().start()
    declare_resource(load_settings().publish_resource)
    with background():
        yield
