"""The input and the output of a check."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from airflow_workflow_provider.model.diagnostics import Diagnostic, Severity, pointer_of
from airflow_workflow_provider.model.expressions import X1_NAMES
from airflow_workflow_provider.model.flow import Flow, workflow_targets
from airflow_workflow_provider.model.reach import Policy, Problem
from airflow_workflow_provider.model.ways import inner_lists

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition
    from airflow_workflow_provider.model.task import TaskDefinition

Path = tuple[str | int, ...]


class Catalogue(Protocol):
    """The tasks there are; what :mod:`airflow_workflow_provider.tasks` offers to the checks."""

    def get(self, task_id: str) -> TaskDefinition | None:
        """Return the definition of a task; None for an unknown one."""

    def ids(self) -> Collection[str]:
        """Return every task id there is."""

    def argument_schema(self, task_id: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a built-in's arguments; None where there is none."""


@dataclass(frozen=True)
class StepList:
    """The steps of the definition, of a branch, or of an item.

    :param path: where the list is
    :param steps: its steps
    :param names: the names bound in its expressions
    :param named_before: targets that count as named before the list (rule T2)
    """

    path: Path
    steps: tuple[Step, ...]
    names: frozenset[str]
    named_before: tuple[str, ...] = ()

    @cached_property
    def flow(self) -> Flow:
        """The order of the steps."""
        return Flow.of(self.steps, named_before=self.named_before)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of the steps."""
        return frozenset(step.step_id for step in self.steps)

    def placed(self) -> Iterator[tuple[Path, Step]]:
        """Each step with its place."""
        for index, step in enumerate(self.steps):
            yield (*self.path, index), step


def _lists(path: Path, steps: tuple[Step, ...], names: frozenset[str]) -> Iterator[StepList]:
    yield StepList(path, steps, names)
    yield from _inner_lists(path, steps, names)


def _inner_lists(path: Path, steps: tuple[Step, ...], names: frozenset[str]) -> Iterator[StepList]:
    for index, step in enumerate(steps):
        for inner in inner_lists(step):
            yield from _lists((*path, index, *inner.place), inner.steps, names | inner.names)


@dataclass(frozen=True)
class Checked:
    """A workflow document under examination.

    :param definition: the document
    :param catalogue: the tasks there are; None: tasks are not checked
    :param policy: what authors may reach
    :param order_known: whether the order of the steps is what the author wrote, see :class:`structure.Reading`
    :param knows: returns whether there is a ``user``, ``role`` or ``group`` of a name; None: people are not checked
    :param versions: returns the versions of a workflow; None: other workflows are not checked
    """

    definition: WorkflowDefinition
    catalogue: Catalogue | None = None
    policy: Policy = field(default_factory=Policy)
    order_known: bool = True
    knows: Callable[[str, str], bool | None] | None = None
    versions: Callable[[str], Collection[str]] | None = None
    lists: tuple[StepList, ...] = field(init=False)

    def __post_init__(self) -> None:
        steps = self.definition.steps
        top = StepList(("steps",), steps, X1_NAMES, workflow_targets(self.definition))
        object.__setattr__(self, "lists", (top, *_inner_lists(("steps",), steps, X1_NAMES)))

    def steps(self) -> Iterator[tuple[Path, Step, StepList]]:
        """Every step, branches included, with its place and its list."""
        for each in self.lists:
            for path, step in each.placed():
                yield path, step, each

    @cached_property
    def step_ids(self) -> frozenset[str]:
        """The ids of all steps, branches included."""
        return frozenset(step.step_id for _, step, _ in self.steps())

    @cached_property
    def ids_are_unique(self) -> bool:
        """Whether no stepId is there twice."""
        return len(self.step_ids) == sum(len(each.steps) for each in self.lists)


class Check(ABC):
    """One rule of the format.

    The docstring of a subclass says the rule; ``codes`` are all codes it can give.
    """

    codes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def findings(self, document: Checked) -> Iterator[Diagnostic]:
        """Yield what breaks the rule, in document order."""


def finding(
    code: str, path: Path, message: str, suggestion: str | None = None, *, severity: Severity = "error"
) -> Diagnostic:
    """A finding at a path of keys and positions."""
    return Diagnostic(code, severity, pointer_of(path), message, suggestion)


def diagnostic_of(path: Path, problem: Problem) -> Diagnostic:
    """The finding that something is not allowed."""
    return finding(problem.code, path, problem.message, problem.suggestion)


def warning(code: str, path: Path, message: str, suggestion: str | None = None) -> Diagnostic:
    """A finding that does not reject the document."""
    return finding(code, path, message, suggestion, severity="warning")
