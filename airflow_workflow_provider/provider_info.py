"""The description of this package for Airflow (entry point group ``apache_airflow_provider``)."""

from __future__ import annotations

from typing import Any, Final

from airflow_workflow_provider.settings import CONNECTION_TYPE, OPTIONS, SECTION, Option

INTEGRATION: Final = "Workflows"
OPERATORS: Final = tuple(
    f"airflow_workflow_provider.operators.{name}"
    for name in ("builtin", "child", "events", "files", "http", "people", "region", "routing", "sql")
)
TRIGGERS: Final = (
    "airflow_workflow_provider.triggers.child",
    "airflow_workflow_provider.triggers.receive",
    "airflow_workflow_provider.triggers.watch",
)
HOOK: Final = "airflow_workflow_provider.hooks.database.WorkflowsHook"
BUNDLES: Final = ("airflow_workflow_provider.bundles.workflow",)


_OPTIONAL: Final = {"type": ["string", "null"]}
CONNECTION_FIELDS: Final[dict[str, dict[str, Any]]] = {
    "sslmode": {
        "label": "TLS mode",
        "description": "How PostgreSQL's client encrypts and verifies the connection.",
        "schema": {"enum": [None, "disable", "allow", "prefer", "require", "verify-ca", "verify-full"]},
    },
    "sslrootcert": {
        "label": "Root certificates",
        "description": "File with the certificates that may sign the server's; needed for verify-ca and verify-full.",
        "schema": {},
    },
    "target_session_attrs": {
        "label": "Server",
        "description": "Which of several hosts to use, such as read-write for the primary.",
        "schema": {"enum": [None, "any", "read-write", "primary"]},
    },
}
"""Fields of the form beside Airflow's own: parameters of PostgreSQL's client, stored in the connection's extra."""


def get_provider_info() -> dict[str, Any]:
    """Describe the provider as Airflow's ``provider_info`` schema asks for it."""
    return {
        "package-name": "airflow-workflow-provider",
        "name": "Workflows",
        "description": "Business workflows as JSON documents in PostgreSQL, run as DAGs.",
        "integrations": [{"integration-name": INTEGRATION, "tags": ["service"]}],
        "connection-types": [_connection_type()],
        "hooks": [_modules((HOOK.rpartition(".")[0],))],
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


def _connection_type() -> dict[str, Any]:
    """Return the connection type ``workflows`` with its form, which Airflow shows without importing the hook."""
    return {
        "connection-type": CONNECTION_TYPE,
        "hook-class-name": HOOK,
        "hook-name": "Workflow database",
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": {"schema": "Database", "login": "User"},
            "placeholders": {"host": "postgres.example.com", "port": "5432", "schema": "workflows"},
        },
        "conn-fields": {
            name: {**field, "schema": _OPTIONAL | field["schema"]} for name, field in CONNECTION_FIELDS.items()
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
