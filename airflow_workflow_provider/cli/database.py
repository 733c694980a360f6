"""``db migrate|check|roles|downgrade``: the tables of the workflow database."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import asdict
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.access import workflows_url
from airflow_workflow_provider.cli.console import confirmed, print_json, print_line, print_rows, progress
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.store.migrate import MigrationState


def migrate(options: Namespace) -> int:
    """Bring the tables to the newest form; nothing happens where they are."""
    from airflow_workflow_provider.store.migrate import upgrade

    url = workflows_url(load_settings())
    with progress("Migrating", None):
        state = upgrade(url)
    return _report(state, options.output)


def check(options: Namespace) -> int:
    """Say whether the tables are of the newest form; exit code 1 when they are not."""
    from airflow_workflow_provider.store.migrate import check

    return _report(check(workflows_url(load_settings())), options.output)


def roles(options: Namespace) -> int:
    """Make the roles of the components and give them their rights, or with ``--sql`` print how."""
    from airflow_workflow_provider.store import migrate, roles

    settings = load_settings()
    if options.sql:
        for statement in roles.script(settings.role_prefix):
            print_line(f"{statement};")
        return FINE
    made = migrate.give_roles(workflows_url(settings))
    rows = [{"component": component, "role": name} for component, name in made.names.items()]
    if options.output == "json":
        print_json(rows)
    else:
        print_rows("table", {"component": "component", "role": "role"}, rows)
    return FINE


def downgrade(options: Namespace) -> int:
    """Take the tables back to an older form; what that form has no place for is deleted."""
    from airflow_workflow_provider.store.migrate import downgrade

    url = workflows_url(load_settings())
    if not options.yes and not confirmed(f"Downgrading to {options.revision} deletes workflow data."):
        message = "Nothing was changed"
        raise Misuse(message, code=ProblemCode.NOT_CONFIRMED, suggestion="Add --yes to downgrade without confirmation")
    with progress("Going back", None):
        state = downgrade(url, options.revision)
    _report(state, options.output)
    return FINE


def _report(state: MigrationState, output: str) -> int:
    if output == "json":
        print_json({**asdict(state), "ok": state.ok})
    else:
        print_line(state.summary)
    return FINE if state.ok else FAILED
