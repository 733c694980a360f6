"""Lists of Conductor tasks as steps: each list leads to a step, or ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.importing.draft import Draft, Json, Place, reached, short_name, targets, transform
from airflow_workflow_provider.importing.jsonata import failing
from airflow_workflow_provider.importing.jsonpath import NotTranslatable

if TYPE_CHECKING:
    from airflow_workflow_provider.importing.conductor.references import References

NESTED = ("defaultCase", "loopOver")


@dataclass(frozen=True)
class Context:
    """What the conversion of every task of a workflow shares.

    :param draft: what is written
    :param references: what references stand for
    :param further: definitions that are written inside of this one
    :param ends: tasks that end the workflow with an output of their own
    """

    draft: Draft
    references: References
    further: list[tuple[str, Json, Place]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """One task.

    :param context: what all tasks share
    :param value: its definition
    :param place: its place in the source
    :param region: whether a branch is around it
    :param loop: whether a loop is around it
    """

    context: Context
    value: Json
    place: Place
    region: bool = False
    loop: bool = False

    @property
    def draft(self) -> Draft:
        """What is written."""
        return self.context.draft

    @property
    def ref(self) -> str:
        """Its reference name."""
        return str(self.value["taskReferenceName"])

    @property
    def step(self) -> str:
        """The step that stands for it."""
        return self.context.references.steps[self.ref]

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.value.get("type", "SIMPLE"))

    @property
    def given(self) -> Json:
        """Its input parameters."""
        found = self.value.get("inputParameters") or {}
        return found if isinstance(found, dict) else {}

    @property
    def heading(self) -> Json:
        """The id, name and description of its step."""
        found: Json = {"stepId": self.step}
        name = str(self.value.get("name") or "")
        if name and name != self.step:
            found["name"] = short_name(name) or self.step
        description = self.value.get("description")
        return {**found, "description": description} if isinstance(description, str) and description else found

    def note(self, message: str, *further: str | int, exact: bool = True, construct: str = "", at: Place = ()) -> None:
        """Report what the task, or a field of it, became."""
        place = (*self.place, *further)
        self.draft.note("exact" if exact else "detour", construct or self.kind, place, message, step=self.step, at=at)

    def todo(self, message: str, *further: str | int, construct: str = "") -> None:
        """Report something that a person has to do."""
        self.draft.note("todo", construct or self.kind, (*self.place, *further), message, step=self.step)

    def attempt(self, make: Callable[[], Json], field: str, *further: str | int) -> Json:
        """Return the fields that ``make`` gives, or one that fails where an expression cannot be translated."""
        try:
            return make()
        except NotTranslatable as error:
            self.todo(f"translate it: {error}", *further)
            instead = failing(f"{self.ref} was not imported completely: {error}")
            return {"arguments": {"value": instead}} if field == "arguments" else {field: instead}

    def input(self, given: Any) -> Json:
        """Return the input of a step.

        :raises NotTranslatable: a reference has no counterpart
        """
        return {"input": transform(self.context.references.value(given), "jmespath")}

    def arguments(self, given: Json) -> Json:
        """Return arguments, those with references as transforms.

        :raises NotTranslatable: a reference has no counterpart
        """
        found: Json = {}
        for key, value in given.items():
            code = self.context.references.value(value)
            computed = "${" in str(value) or (isinstance(value, dict) and {"type", "expression"} <= value.keys())
            found[key] = transform(code, "jmespath") if computed else value
        return {"arguments": found}


Steps = Callable[[Task, str | None], list[Json]]
"""Gives the steps of a task that leads to a step; the first is where it is entered."""


def in_list(
    context: Context, tasks: Iterable[Json], place: Place, after: str | None, convert: Steps, **around: bool
) -> list[Json]:
    """Return the steps of a list of tasks, the first being the entry.

    :param after: the step that follows the list; None for the end of the path
    """
    steps: list[Json] = []
    for number, value in reversed(list(enumerate(tasks))):
        found = convert(Task(context, value, (*place, number), **around), after)
        steps = [*found, *steps]
        after = found[0]["stepId"]
    return steps


def without_unreached(context: Context, steps: list[Json], place: Place) -> list[Json]:
    """Return the steps of a region or a workflow without those that come after its end."""
    left, never = reached(steps)
    for step in never:
        context.draft.note("exact", "Unreachable task", place, f"{step} is left out: it can never run")
    return left


def walk(tasks: Any, place: Place) -> Iterator[tuple[Json, Place]]:
    """Yield every task at any depth with its place."""
    waiting = [(tasks, place)]
    while waiting:
        value, here = waiting.pop()
        for number, task in enumerate(value or ()):
            at = (*here, number)
            yield task, at
            waiting += [(task.get(name), (*at, name)) for name in NESTED]
            waiting += [(case, (*at, "decisionCases", key)) for key, case in (task.get("decisionCases") or {}).items()]
            waiting += [(branch, (*at, "forkTasks", at_)) for at_, branch in enumerate(task.get("forkTasks") or ())]


def next_of(after: str | None) -> list[Json]:
    """Return the ``next`` of a step."""
    return targets(after)
