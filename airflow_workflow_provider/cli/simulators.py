"""What the commands that run definitions in memory share: the simulator, and definitions that it can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_line
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.diagnostics import OUTSIDE, Diagnostic
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.tasks.documents import Checked, check
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.tasks.catalogue import Catalogue
    from airflow_workflow_provider.tasks.mocks import Simulator

MISSING_TASKS = OUTSIDE
"""Findings that a simulation tolerates: a task that does not exist is mocked, or returns ``{}``."""


def make_simulator(
    settings: Settings, catalogue: Catalogue, workflows: Mapping[str, WorkflowDefinition] | None = None
) -> Simulator:
    """Return a simulator with the bounds that the configuration sets.

    :param workflows: definitions that steps may run, by what refers to them
    """
    from airflow_workflow_provider.engine.machine import Options
    from airflow_workflow_provider.model.definition import RetryPolicy
    from airflow_workflow_provider.tasks.mocks import Simulator

    try:
        default_retry = RetryPolicy.model_validate(settings.default_retry)
    except ValueError as error:
        message = f"[workflows] default_retry is not a retry policy: {settings.default_retry}"
        raise Misuse(message, code=ProblemCode.BAD_CONFIGURATION) from error
    return Simulator(
        catalogue=catalogue,
        workflows=workflows or {},
        warn=lambda text: note(f"warning: {text}"),
        options=Options(max_output_bytes=settings.max_output_bytes, default_retry=default_retry),
        max_depth=settings.max_depth,
    )


def read_definition(checked: Checked, catalogue: Catalogue) -> WorkflowDefinition | None:
    """Return the definition, or nothing where it has errors that a simulation does not tolerate."""
    if checked.is_task:
        message = "This is a task definition; only workflows can be simulated"
        checked.diagnostics = (Diagnostic("WF111", "error", "/workflowId", message),)
        return None
    list(check([checked], catalogue, Policy.of(load_settings())))
    return tolerated(checked)


def tolerated(checked: Checked) -> WorkflowDefinition | None:
    """Return the definition in a file that was checked, or nothing where it has errors that a simulation refuses."""
    from airflow_workflow_provider.model.validate import parse_definition

    errors = {each.code for each in checked.diagnostics if each.severity == "error"}
    if errors - MISSING_TASKS:
        return None
    definition: WorkflowDefinition | None = checked.model
    return parse_definition(checked.document, checked=False) if definition is None else definition


def print_invalid(checked: Checked, output: str) -> None:
    """Print the findings of a document that is refused."""
    if output == "json":
        print_json(checked.as_json(), indent=None)
    else:
        print_line(f"{checked.file}: invalid")
        print_diagnostics(checked.diagnostics)
