"""Where Airflow shows the front end."""

from __future__ import annotations

import logging
from typing import Any, Final

from airflow_workflow_provider.ui.static import PREFIX, Bundle, read_bundle

log = logging.getLogger(__name__)

NAMES: Final = {"nav": "Workflows", "dag": "Definition", "dag_run": "Workflow", "task_instance": "Step"}
"""Where each component is shown, and its name: the label that people see, and what ``ui/src/main.tsx`` calls it."""

_ROUTES: Final = {
    "nav": "workflows",
    "dag": "workflow-definition",
    "dag_run": "workflow-run",
    "task_instance": "workflow-step",
}


def react_apps(mount: str, bundle: Bundle | None = None) -> list[dict[str, Any]]:
    """Return the components as Airflow's plugin manager wants them; none where the front end was not built.

    :param mount: where Airflow serves our application. The addresses are relative to Airflow's base URL, which may
        have a path of its own
    """
    bundle = bundle or read_bundle()
    if bundle is None:
        log.warning("The workflows' front end was not built: Airflow's pages do not show it")
        return []
    address = f"{mount.strip('/')}{PREFIX}"
    return [
        {
            "name": name,
            "bundle_url": f"{address}{bundle.main}",
            "destination": destination,
            "url_route": _ROUTES[destination],
            "icon": f"{address}workflows.svg",
            "icon_dark_mode": f"{address}workflows-dark.svg",
        }
        for destination, name in NAMES.items()
    ]
