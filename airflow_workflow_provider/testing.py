"""For tests of definitions: run one in memory, with mocked tasks, in milliseconds.

Installed as a pytest plugin, it offers the fixture ``workflow_simulator``::

    def test_large_orders_need_approval(workflow_simulator):
        run = workflow_simulator("order.json", {"amount": 5000}, mocks={"reserve": [{"output": {"ok": True}}]})
        assert run.status == "completed"
        assert run.steps == ["check", "reserve", "approve"]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.model.definition import WorkflowDefinition

Document = Mapping[str, Any] | str | Path


@dataclass(frozen=True)
class Run:
    """A finished run.

    :param simulation: all of it: ``status``, ``output``, ``error``, ``path``, ``state``
    :param warnings: about tasks that have no mock and cannot run in memory
    """

    simulation: Simulation
    warnings: list[str] = field(default_factory=list)

    @property
    def status(self) -> str:
        """The instance's final status."""
        return self.simulation.status

    @property
    def output(self) -> dict[str, Any] | None:
        """The instance's output, None unless it completed."""
        return self.simulation.output

    @property
    def error(self) -> dict[str, Any] | None:
        """The instance's error object, None unless it failed."""
        return self.simulation.error

    @property
    def path(self) -> list[dict[str, Any]]:
        """One entry per attempt, in start order."""
        return self.simulation.path

    @property
    def steps(self) -> list[str]:
        """The ids of the steps in the order in which their attempts started."""
        return [line["stepId"] for line in self.path]

    @property
    def state(self) -> dict[str, Any]:
        """The instance's state at the end."""
        return self.simulation.state


class WorkflowSimulator:
    """Runs definitions in memory."""

    def __call__(
        self,
        definition: Document,
        input_data: Mapping[str, Any] | None = None,
        *,
        mocks: Mapping[str, Any] | None = None,
        tasks: Iterable[Document] = (),
        workflows: Iterable[Document] = (),
        now: datetime | None = None,
        event: dict[str, Any] | None = None,
    ) -> Run:
        """Check a definition, run it to its end and return what happened.

        :param definition: the document, or the path of its file
        :param input_data: the instance's input
        :param mocks: outcomes by stepId or taskId, used in call order
        :param tasks: task definitions that it uses
        :param workflows: definitions that its steps run as child workflows
        :param now: virtual time at the start, with a time zone; default the present
        :param event: the CloudEvent that starts it
        :raises InvalidDefinition: the definition, a task or a child workflow is refused
        :raises Misuse: a mock is malformed, or names no step and no task
        """
        from airflow_workflow_provider.model.references import by_reference
        from airflow_workflow_provider.model.validate import parse_task
        from airflow_workflow_provider.tasks.catalogue import Catalogue
        from airflow_workflow_provider.tasks.mocks import Simulator

        known = [parse_task(_load(task)) for task in tasks]
        children = [_parse(child) for child in workflows]
        warnings: list[str] = []
        simulator = Simulator(
            Catalogue({task.task_id: task for task in known}),
            by_reference(children),
            warnings.append,
        )
        moment = now or datetime.now(UTC)
        simulation = simulator.run(_parse(definition), dict(input_data or {}), mocks, now=moment, event=event)
        return Run(simulation, warnings)


@pytest.fixture
def workflow_simulator() -> WorkflowSimulator:
    """Run workflow definitions in memory with mocked tasks."""
    return WorkflowSimulator()


def _load(document: Document) -> Any:
    if isinstance(document, Mapping):
        return dict(document)
    from airflow_workflow_provider.model.validate import loads_document

    return loads_document(Path(document).read_bytes())


def _parse(document: Document) -> WorkflowDefinition:
    from airflow_workflow_provider.model.validate import parse_definition

    return parse_definition(_load(document))
