"""The operations that a user may perform on an instance now, and an instance as the API shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.api.access import Access
from airflow_workflow_provider.api.models import Instance
from airflow_workflow_provider.engine.machine import Machine
from airflow_workflow_provider.engine.operating import Operation, possible
from airflow_workflow_provider.instances.session import options_of
from airflow_workflow_provider.operations.permission import Right, rights_for

if TYPE_CHECKING:
    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.store.instances import Instance as StoredInstance


def shown(services: Services, access: Access, stored: StoredInstance) -> Instance:
    """Return an instance as the API shows it to a user, secrets masked."""
    masker = services.masker(stored)
    position = services.places.positions([stored.id]).get(stored.id) if stored.queued else None
    facts = {**vars(stored), "display_status": stored.display_status, "queue_position": position}
    documents: dict[str, Any] = {
        "input": stored.input,
        "output": stored.output,
        "error": stored.error,
        "event": stored.event,
        "state": stored.state.public(),
        "operations": operations_of(services, access, stored),
    }
    return Instance.model_validate({**facts, **masker.mask(documents)})


def operations_of(services: Services, access: Access, stored: StoredInstance) -> list[Operation]:
    """Return what a user may do with an instance now."""
    may = {right: access.may(right, stored.workflow_id) for right in (Right.OPERATE, Right.START)}
    if not may[Right.OPERATE]:
        return []
    graph = services.graph(stored.workflow_id, stored.revision)
    machine = Machine(graph, stored.state, options_of(services.settings))
    found = [each for each in possible(machine) if all(may[right] for right in rights_for(each))]
    if "migrate" in found and services.definitions.head(stored.workflow_id).revision <= stored.revision:
        # There is no newer version to continue in.
        found.remove("migrate")
    return found
