"""The description of this package for Airflow (entry point group ``apache_airflow_provider``)."""

from __future__ import annotations

from typing import Any, Final

from airflow_workflow_provider.settings import OPTIONS, SECTION, Option

INTEGRATION: Final = "Workflows"
OPERATORS: Final = tuple(
    f"airflow_workflow_provider.operators.{name}"
    for name in ("builtin", "child", "events", "http", "people", "region", "routing", "sql")
)
TRIGGERS: Final = (
    "airflow_workflow_provider.triggers.child",
    "airflow_workflow_provider.triggers.receive",
    "airflow_workflow_provider.triggers.watch",
)
BUNDLES: Final = ("airflow_workflow_provider.bundles.workflow",)


def get_provider_info() -> dict[str, Any]:
    """Describe the provider as Airflow's ``provider_info`` schema asks for it."""
    return {
        "package-name": "airflow-workflow-provider",
        "name": "Workflows",
        "description": "Business workflows as JSON documents in PostgreSQL, run as DAGs.",
        "integrations": [{"integration-name": INTEGRATION, "tags": ["service"]}],
        "operators": [_modules(OPERATORS)],
        "triggers": [_modules(TRIGGERS)],
        "bundles": [_modules(BUNDLES)],
        "cli": ["airflow_workflow_provider.cli.airflow_commands.get_airflow_cli_commands"],
        "config": {
            SECTION: {
                "description": "Workflows that are stored as documents in PostgreSQL.",
                "options": {option.name: _documented(option) for option in OPTIONS},
            }
        },
    }


def _modules(names: tuple[str, ...]) -> dict[str, Any]:
    return {"integration-name": INTEGRATION, "python-modules": list(names)}


def _documented(option: Option) -> dict[str, Any]:
    return {
        "description": option.description,
        "version_added": "0.1.0",
        "type": option.type,
        "example": option.example,
        # Airflow expands {AIRFLOW_HOME} and the like in defaults, so other braces are doubled.
        "default": option.default.replace("{", "{{").replace("}", "}}"),
    }
