"""The Airflow plugin of this package (entry point group ``airflow.plugins``)."""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from airflow_workflow_provider.listeners import dag_runs, marked_tasks, warming


class _Applications:
    """The web applications, made when Airflow's api-server asks for them: other processes need none."""

    def __get__(self, _: object, __: type) -> list[dict[str, Any]]:
        from airflow_workflow_provider.api.app import mounted_app
        from airflow_workflow_provider.api.openapi import MOUNT

        return [{"app": mounted_app(), "url_prefix": MOUNT, "name": "workflows"}]


class _Middlewares:
    """The middleware of Airflow's api-server, created there only."""

    def __get__(self, _: object, __: type) -> list[dict[str, Any]]:
        from airflow_workflow_provider.api.outcomes import Outcomes
        from airflow_workflow_provider.api.required_actions import RequiredActions

        return [
            {"middleware": RequiredActions, "args": [], "kwargs": {}, "name": "workflow-questions"},
            {"middleware": Outcomes, "args": [], "kwargs": {}, "name": "workflow-outcomes"},
        ]


class _Views:
    """The front end's registration in Airflow's pages, created when the api-server asks for it."""

    def __get__(self, _: object, __: type) -> list[dict[str, Any]]:
        from airflow_workflow_provider.api.openapi import MOUNT
        from airflow_workflow_provider.ui.apps import react_apps

        return react_apps(MOUNT)


class _Timetables:
    """What Airflow's serialized DAGs may name, imported when they are read."""

    def __get__(self, _: object, __: type) -> list[type]:
        from airflow_workflow_provider.dag.timetable import WorkflowTimetable

        return [WorkflowTimetable]


class WorkflowsPlugin(AirflowPlugin):
    """Gathers what this package adds to Airflow's own processes."""

    name = "workflows"
    fastapi_apps: Any = _Applications()
    fastapi_root_middlewares: Any = _Middlewares()
    react_apps: Any = _Views()
    timetables: Any = _Timetables()
    listeners: list[Any] = [dag_runs, marked_tasks, warming]  # noqa: RUF012 - as Airflow declares it
