"""The services of the routes: the store, the catalog of tasks, and the secrets of an instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property, lru_cache
from typing import Any, Final

from airflow_workflow_provider.airflow_internals.secrets_masker import server_mask
from airflow_workflow_provider.engine.graph import Graph
from airflow_workflow_provider.engine.masking import Masker, filled, filled_in, hidden_in_input
from airflow_workflow_provider.errors import InvalidDefinition, Misuse, NotFound, StoreUnavailable
from airflow_workflow_provider.instances.graphs import graph_at, stored_definition
from airflow_workflow_provider.model.definition import WorkflowDefinition
from airflow_workflow_provider.model.key_order import in_order_of, written_forms
from airflow_workflow_provider.model.paths import Path
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.task import TaskDefinition
from airflow_workflow_provider.model.validate import parse_task
from airflow_workflow_provider.operations.context import OperationContext
from airflow_workflow_provider.plan.plan import plan_of
from airflow_workflow_provider.settings import Settings, load_settings
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.definitions import Definitions
from airflow_workflow_provider.store.deliveries import Deliveries
from airflow_workflow_provider.store.events import Events
from airflow_workflow_provider.store.instances import Instance, Instances
from airflow_workflow_provider.store.listing import InstanceList
from airflow_workflow_provider.store.logs import Logs
from airflow_workflow_provider.store.places import Places
from airflow_workflow_provider.store.questions import Question, Questions
from airflow_workflow_provider.store.tasks import Tasks
from airflow_workflow_provider.store.views import Views
from airflow_workflow_provider.store.waits import Waits
from airflow_workflow_provider.tasks.builtin import asks_people
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.views.drawing import Drawing, drawing_of

PATIENCE: Final = 1.0
"""Seconds for which a request tries again to reach the workflow database; a client waits for the answer."""


class Services:
    """The operation_context below the API, over one database.

    :param database: the workflow database
    :param settings: the configuration
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.policy = Policy.of(settings)
        self.definitions = Definitions(database)
        self.tasks = Tasks(database)
        self.instances = Instances(database)
        self.instance_list = InstanceList(database)
        self.places = Places(database)
        self.logs = Logs(database)
        self.events = Events(database)
        self.deliveries = Deliveries(database)
        self.waits = Waits(database)
        self.questions = Questions(database)
        self.views = Views(database)

    @classmethod
    def configured(cls) -> Services:
        """Those of the configured connection, the same ones for the life of the process.

        :raises StoreUnavailable: the connection is not defined or cannot be used
        """
        return _configured()

    def catalogue(self) -> Catalogue:
        """Return the tasks that definitions may name now; a stored one that is broken is left out."""
        tasks: dict[str, TaskDefinition] = {}
        for stored in self.tasks.list():
            try:
                tasks[stored.task_id] = parse_task(stored.document, checked=False)
            except InvalidDefinition:
                continue
        return Catalogue(tasks)

    def definition(self, workflow_id: str, revision: int) -> WorkflowDefinition:
        """Return the definition as it was at a revision, which never changes.

        :raises NotFound: there was none yet
        """
        return self._definition(workflow_id, revision)

    @cached_property
    def _definition(self) -> Callable[[str, int], WorkflowDefinition]:
        @lru_cache(maxsize=256)
        def read(workflow_id: str, revision: int) -> WorkflowDefinition:
            # A revision counts tasks too: an instance's may be that of a task which its definition names.
            stored = self.definitions.at_revision(revision, workflow_id)
            if not stored:
                message = f"There is no workflow {workflow_id!r} at revision {revision}"
                raise NotFound(message, pointer=workflow_id)
            return stored_definition(stored[0].document, workflow_id, revision)

        return read

    def graph(self, workflow_id: str, revision: int) -> Graph:
        """Return the graph of a workflow as it was at a revision, which never changes.

        :raises NotFound: there was none yet
        """
        return self._graph(workflow_id, revision)

    @cached_property
    def _graph(self) -> Callable[[str, int], Graph]:
        @lru_cache(maxsize=256)
        def read(workflow_id: str, revision: int) -> Graph:
            return graph_at(self.definitions, self.tasks, workflow_id, revision)

        return read

    @property
    def operation_context(self) -> OperationContext:
        """The context of operations on instances."""
        return OperationContext(
            self.instances,
            self.instance_list,
            self.definitions,
            self.tasks,
            self.settings,
            self.graph,
            server_mask,
        )

    def drawing(self, workflow_id: str, revision: int) -> Drawing:
        """Return a workflow as nodes and edges, as it was at a revision.

        :raises NotFound: there was none yet
        """
        return self._drawing(workflow_id, revision)

    @cached_property
    def _drawing(self) -> Callable[[str, int], Drawing]:
        @lru_cache(maxsize=256)
        def draw(workflow_id: str, revision: int) -> Drawing:
            graph = self.graph(workflow_id, revision)
            return drawing_of(graph, plan_of(graph).task_of, asks_people)

        return draw

    def forms(self, workflow_id: str, revision: int) -> Mapping[str, Any]:
        """Return the schemas of the forms of a workflow by their steps, with their keys in the author's order."""
        return self._forms(workflow_id, revision)

    @cached_property
    def _forms(self) -> Callable[[str, int], Mapping[str, Any]]:
        @lru_cache(maxsize=256)
        def read(workflow_id: str, revision: int) -> Mapping[str, Any]:
            return dict(written_forms(self._written(workflow_id, revision)))

        return read

    def input_schema(self, workflow_id: str, revision: int) -> Mapping[str, Any]:
        """Return the schema of a workflow's input with its keys in the author's order; empty for none."""
        return self._input_schema(workflow_id, revision)

    @cached_property
    def _input_schema(self) -> Callable[[str, int], Mapping[str, Any]]:
        @lru_cache(maxsize=256)
        def read(workflow_id: str, revision: int) -> Mapping[str, Any]:
            schema = self.definition(workflow_id, revision).input_schema or {}
            return dict(in_order_of(schema, self._written(workflow_id, revision).get("inputSchema")))

        return read

    def _written(self, workflow_id: str, revision: int) -> Mapping[str, Any]:
        """Return a definition's document as it was written; empty where that was not kept."""
        stored = self.definitions.at_revision(revision, workflow_id)
        written = self.definitions.source(stored[0]) if stored else None
        return {} if written is None else written[1]

    def masker(self, stored: Instance) -> Masker:
        """Return what hides the secrets of an instance (rule L4)."""
        definition = self.definition(stored.workflow_id, stored.revision)
        return Masker(definition, stored.input, server_mask, filled_in(stored.state))

    def question_masker(self, stored: Question) -> Masker:
        """Return what hides the secrets of a question, and of what was answered (rule L4)."""
        definition = self.definition(stored.workflow_id, stored.revision)
        forms = filled(stored.schema, *(vote["form"] for vote in stored.votes))
        return Masker(definition, stored.input, server_mask, forms)

    def secret_paths(self, workflow_id: str) -> set[Path]:
        """Return the places of secrets in the inputs of a workflow, as any of its versions names them."""
        found: set[Path] = set()
        for published in self.definitions.versions(workflow_id):
            found.update(hidden_in_input(self.definition(workflow_id, published.revision)))
        return found


@cache
def _configured() -> Services:
    settings = load_settings()
    try:
        database = Database.configured(settings, retry_for=PATIENCE)
    except Misuse as error:
        raise StoreUnavailable(error.message, code=error.code, suggestion=error.suggestion) from error
    return Services(database, settings)
