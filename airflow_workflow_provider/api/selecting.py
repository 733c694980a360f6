"""Which instances a request means, and whether the user may know what it asks about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_workflow_provider.airflow_internals.secrets_masker import names_a_secret
from airflow_workflow_provider.api.visible import visible
from airflow_workflow_provider.engine.masking import SecretPlaces
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.store.filtering import InstanceFilter
from airflow_workflow_provider.store.jsonpath import InputCondition, parse_condition, values_touched
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.api.access import Access
    from airflow_workflow_provider.api.selection_models import InstanceSelection
    from airflow_workflow_provider.api.services import Services
    from airflow_workflow_provider.store.instances import InstanceSummary


@dataclass(frozen=True)
class Chosen:
    """The instances that are meant.

    :param keep: returns whether one may be shown as found, for what SQL cannot decide
    """

    only: InstanceFilter
    keep: Callable[[InstanceSummary], bool] | None


def readable(services: Services, access: Access, wanted: InstanceSelection) -> Chosen:
    """Return those of the instances that the user can read.

    :raises Misuse: a condition on the input cannot be read, names a secret, or no workflow is named
    """
    permitted = visible(services, access, workflow_id=wanted.workflow_id)
    # Without a restriction none is sent: a list of every workflow would only slow the query down.
    return choose(services, wanted, permitted, everything=permitted >= services.definitions.names())


def choose(services: Services, wanted: InstanceSelection, permitted: set[str], *, everything: bool = False) -> Chosen:
    """Return those of the instances that are of some workflows.

    :param everything: whether these are all workflows
    :raises Misuse: a condition on the input cannot be read, names a secret, or no workflow is named
    """
    only = InstanceFilter(
        workflow_id=wanted.workflow_id,
        workflow_ids=None if everything else permitted,
        version=wanted.version,
        statuses=wanted.status,
        display_statuses=wanted.display_status,
        correlation_id=wanted.correlation_id,
        search=wanted.search,
        current_step_id=wanted.current_step_id,
        step_id=wanted.step_id,
        error_type=wanted.error_type,
        error_code=wanted.error_code,
        error_step_id=wanted.error_step_id,
        started_by=wanted.started_by,
        started_from=wanted.started_from,
        started_before=wanted.started_before,
        parent_instance_id=wanted.parent_instance_id,
        compensation_owed=wanted.compensation_owed,
        input=_conditions(services, wanted, permitted),
    )
    return Chosen(only, _unmasked(services, only) if only.input and permitted else None)


def _conditions(services: Services, wanted: InstanceSelection, permitted: set[str]) -> list[InputCondition]:
    """Return the conditions on the input.

    What is masked when it is read must not be found out by asking, so conditions on secrets are refused; which places
    those are, the workflow's definition says.

    :raises Misuse: a condition cannot be read, names a secret, or no workflow is named
    """
    if not wanted.input:
        return []
    if wanted.workflow_id is None:
        message = "Conditions on the input need the workflow whose input it is"
        raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="?workflowId")
    conditions = [parse_condition(text) for text in wanted.input]
    if wanted.workflow_id not in permitted:
        return conditions
    secrets = SecretPlaces(services.secret_paths(wanted.workflow_id))
    for condition in conditions:
        names = condition.names
        if secrets.hide(names) or any(map(names_a_secret, names)):
            message = f"{'.'.join(names)!r} is secret: instances cannot be found by it"
            raise Misuse(message, code=ProblemCode.BAD_FILTER, pointer="?input")
    return conditions


def _unmasked(services: Services, only: InstanceFilter) -> Callable[[InstanceSummary], bool]:
    """Return what leaves out instances in which a condition looks at a value that is masked when it is read.

    A secret is masked wherever it occurs, so no path shows where that is.
    """

    def keep(found: InstanceSummary) -> bool:
        stored = services.instances.get(found.id)
        shown_input = services.masker(stored).mask({"input": stored.input})["input"]
        return all(values_touched(stored.input, each) == values_touched(shown_input, each) for each in only.input)

    return keep
