"""``apply --prune``: remove what is not in the folder, and activate again what is."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.airflow_side import AirflowSide
from airflow_workflow_provider.cli.console import confirmed
from airflow_workflow_provider.cli.user import user_name
from airflow_workflow_provider.errors import Conflict, Misuse
from airflow_workflow_provider.operations.planning import Action, Item, Plan, diagnostic_of
from airflow_workflow_provider.operations.publishing import Publishing
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.diagnostics import Diagnostic
    from airflow_workflow_provider.store.database import Database


def refuse_hasty_prune(plan: Plan, options: Namespace) -> None:
    """Refuse to remove everything because a wrong folder was named, and to remove what runs unless that is said.

    :raises Misuse: the folder has no workflow
    :raises Conflict: ``live-instances``: nobody is there to ask, or they said no; nothing was published
    """
    if not options.prune:
        return
    if all(item.kind != "workflow" or item.action is Action.REMOVE for item in plan.items):
        message = f"There is no workflow in {', '.join(options.paths)}: pruning would remove every stored one"
        raise Misuse(message, code=ProblemCode.NOTHING_TO_APPLY)
    live = [item for item in plan.of(Action.REMOVE) if item.live]
    if not live or options.allow_live:
        return
    shown = ", ".join(f"{item.id} ({sum(item.live.values())})" for item in live[:10])
    more = f" and {len(live) - 10} more" if len(live) > 10 else ""  # noqa: PLR2004 - as many as are shown
    message = f"Workflows to be removed have instances that have not ended: {shown}{more}"
    if confirmed(f"{message}. These instances continue to their end."):
        options.allow_live = True
        return
    hint = "wait until they have ended, cancel them, or let them continue to their end with --allow-live"
    raise Conflict(message, code=ProblemCode.LIVE_INSTANCES, suggestion=hint)


def prune(database: Database, plan: Plan, options: Namespace) -> tuple[list[Item], list[Diagnostic]]:
    """Remove and activate what the plan says; return what was done, and what was refused in the meantime."""
    actor = user_name()
    # What has been published already names no operator.
    publishing = Publishing(Definitions(database), Tasks(database), AirflowSide(actor), lambda _: None, actor)
    done: list[Item] = []
    refused: list[Diagnostic] = []
    inactive = [item for item in plan.of(Action.UPDATE) if item.inactive]
    for item in (*plan.of(Action.REMOVE, Action.ACTIVATE), *inactive):
        active = item.action is not Action.REMOVE
        try:
            publishing.set_active(
                item.id or "",
                active=active,
                # This command itself has published what is updated.
                expected=None if item.action is Action.UPDATE else item.revision,
                unless_live=not active and not options.allow_live,
            )
        except Conflict as error:
            refused.append(diagnostic_of(error))
        else:
            done.append(item)
    return done, refused
