"""What a step reports to OpenLineage, where Airflow's provider for it is installed.

Airflow's listener sends an event at the start and the end of each task. It asks the operator for what only that knows:
here the instance, the step and the attempt, beside the datasets of the operator that does the work.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.calls import Call
    from airflow_workflow_provider.instances.session import InstanceSession

FACET: Final = "workflow"
"""Key of the facet among those of the run."""

SCHEMA: Final = "https://airflow-workflow-provider.invalid/facets/1-0-0/WorkflowRunFacet.json"
"""Names the facet, as OpenLineage asks for; there is nothing to fetch."""


@cache
def _facet() -> Any:
    """Return the class of the facet; the package of its base is there only with Airflow's provider for OpenLineage."""
    from attrs import field, make_class
    from openlineage.client.facet_v2 import RunFacet

    names = ("workflowId", "version", "instanceId", "stepId", "scope", "visit", "attempt")
    body = {"_get_schema": staticmethod(lambda: SCHEMA), "__doc__": "An attempt of a step: nothing of its data."}
    return make_class("WorkflowRunFacet", {name: field() for name in names}, bases=(RunFacet,), class_body=body)


def lineage(session: InstanceSession, call: Call, found: Any) -> Any:
    """Return the lineage of an attempt.

    :param found: that of the operator that does the work; None where it reports none
    """
    from airflow.providers.openlineage.extractors import OperatorLineage

    definition = session.graph.definition
    facet = _facet()(
        workflowId=definition.workflow_id,
        version=definition.version,
        instanceId=str(session.instance_id),
        stepId=call.step_id,
        scope=call.scope,
        visit=call.visit,
        attempt=call.attempt,
    )
    own: Any = OperatorLineage(run_facets={FACET: facet})
    return own if found is None else own.merge(found)
