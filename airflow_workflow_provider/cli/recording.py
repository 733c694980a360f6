"""``instances scenario``: a scenario file from an instance that has ended."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.cli.access import open_database
from airflow_workflow_provider.cli.console import note, print_json
from airflow_workflow_provider.cli.instances import parse_instance_id
from airflow_workflow_provider.cli.main import FINE
from airflow_workflow_provider.cli.simulators import make_simulator
from airflow_workflow_provider.errors import Conflict
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.store.instances import Instances
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from uuid import UUID

    from airflow_workflow_provider.engine.graph import Graph
    from airflow_workflow_provider.engine.masking import Masker
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.scenarios.recording import Ended, Recorded
    from airflow_workflow_provider.store.database import Database

MAX_ROWS = 100_000


@dataclass(frozen=True)
class Recording:
    """An instance that has ended, with what it takes to repeat it.

    :param graph: of the version that it ran
    :param rows: its execution log in order
    """

    graph: Graph
    ended: Ended
    rows: tuple[Recorded, ...]

    def masker(self, graph: Graph, state: State) -> Masker:
        """Return what masks the secrets of the instance.

        :param graph: of the version by which values are secret
        :param state: has the forms that people filled in
        """
        from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
        from airflow_workflow_provider.engine.masking import Masker, filled_in

        return Masker(graph.definition, self.ended.input, server_mask, filled_in(state))


def read_recording(database: Database, instance_id: UUID, *, name: str) -> Recording:
    """Read an instance that has ended.

    :param name: what the scenario of it is called
    :raises Conflict: it has not ended
    """
    from airflow_workflow_provider.instances.graphs import graph_at
    from airflow_workflow_provider.scenarios.recording import Ended, Recorded
    from airflow_workflow_provider.store.definitions import Definitions
    from airflow_workflow_provider.store.tasks import Tasks

    stored = Instances(database).get(instance_id)
    if stored.completed_at is None:
        message = f"Instance {instance_id} has not ended, so there is no end to repeat"
        raise Conflict(message, code=ProblemCode.NOT_ENDED)
    rows = Logs(database).read(instance_id, limit=MAX_ROWS)
    graph = graph_at(Definitions(database), Tasks(database), stored.workflow_id, stored.revision)
    ended = Ended(
        name,
        stored.status,
        stored.input,
        stored.event,
        stored.output,
        stored.error,
        stored.started_at,
        stored.completed_at,
        stored.state,
    )
    recorded = (
        Recorded(row.event, row.at, row.step_id, row.scope, row.visit, row.attempt, row.data or {}) for row in rows
    )
    return Recording(graph, ended, tuple(recorded))


def scenario(options: Namespace) -> int:
    """Print a scenario that repeats an instance, and say whether it does."""
    from airflow_workflow_provider.scenarios.recording import scenario_of

    wanted = parse_instance_id(options.instance_id)
    with open_database() as database:
        recording = read_recording(database, wanted, name=options.name or f"as instance {wanted}")
    graph, ended = recording.graph, recording.ended
    document = scenario_of(graph, ended, recording.rows, recording.masker(graph, ended.state))
    print_json(_tried(graph, document, ended))
    return FINE


def _tried(graph: Graph, document: dict[str, Any], ended: Ended) -> dict[str, Any]:
    """Run a scenario, and return it as it passes, with a note where it does not."""
    from airflow_workflow_provider.scenarios.recording import without_path

    failures = _failures(graph, document)
    if failures and all(each.startswith("path:") for each in failures):
        document = without_path(document, ended.state)
        failures = _failures(graph, document)
    for each in failures:
        note(f"warning: in memory it differs from the instance: {each}")
    return document


def _failures(graph: Graph, document: dict[str, Any]) -> list[str]:
    from airflow_workflow_provider.model.references import by_reference
    from airflow_workflow_provider.model.scenario import ScenarioFile
    from airflow_workflow_provider.scenarios.running import Runner
    from airflow_workflow_provider.tasks.catalogue import Catalogue

    settings = load_settings()
    simulator = make_simulator(settings, Catalogue(dict(graph.tasks)), by_reference([graph.definition]))
    file = ScenarioFile.model_validate(document, by_alias=True, by_name=False)
    result = Runner(simulator, window=settings.receive_window).run("", file.workflow, file.scenarios[0])
    return [result.error] if result.error is not None else list(result.failures)
