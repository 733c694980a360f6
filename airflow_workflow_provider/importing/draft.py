"""The form that all dialects share: a definition under construction, and what is reported about it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_workflow_provider.importing.report import Conversion, Entry, Result
from airflow_workflow_provider.model.definition import MAX_NAME_LENGTH, RESERVED_TARGETS
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.task import BUILTIN_TASKS

Json = dict[str, Any]
Place = tuple[str | int, ...]

NOT_CONNECTED: Final = "NotConnected"
"""Type of the error with which an imported task fails until it has an operator."""

LONGEST_ID: Final = 100
LONGEST_TASK_ID: Final = 200
_UNUSABLE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_UNUSABLE_IN_FILES: Final = re.compile(r"[^A-Za-z0-9_.-]+")


def identifier(name: str, longest: int = LONGEST_ID) -> str:
    """Return what is nearest to a name among what can be a ``stepId``; empty where nothing is."""
    return _UNUSABLE.sub("-", _ascii(name)).strip("-")[:longest]


def file_identifier(name: str, longest: int = LONGEST_TASK_ID) -> str:
    """Return what is nearest to a name among what can be a ``workflowId`` or ``taskId``, and a file's name.

    It has no path in it, does not begin with a dot, and is never empty.
    """
    found = re.sub(r"\.{2,}", ".", _UNUSABLE_IN_FILES.sub("-", _ascii(name))).strip("-.")[:longest].strip("-.")
    return found or "imported"


def _ascii(name: str) -> str:
    return unicodedata.normalize("NFKD", name[:1000]).encode("ascii", "ignore").decode()


def short_name(text: str) -> str:
    """Return a text as a ``name``: one line, not too long."""
    return " ".join(text.split())[:MAX_NAME_LENGTH]


def transform(expression: str, language: str = "jsonata") -> Json:
    """Return a transform."""
    return {"type": language, "expression": expression}


def targets(*steps: str | None) -> list[Json]:
    """Return the ``next`` that leads to a step; none for the end of the path."""
    return [{"nextStepId": step} for step in steps if step is not None]


@dataclass
class Draft:
    """A definition under construction.

    :param workflow_id: its id
    """

    workflow_id: str
    tasks: dict[str, Json] = field(default_factory=dict)
    _notes: list[tuple[Result, str, Place, str, str | None, Place]] = field(default_factory=list)
    _ids: set[str] = field(default_factory=lambda: set(RESERVED_TARGETS))

    def step_id(self, *candidates: str) -> str:
        """Return an unused ``stepId`` for the first name of which something is left."""
        base = next(filter(None, map(identifier, candidates)), "step")
        found, number = base, 1
        while found in self._ids:
            number += 1
            found = f"{base[: LONGEST_ID - 8]}-{number}"
        self._ids.add(found)
        return found

    def task(self, wanted: str, name: str, origin: str) -> str:
        """Return the id of the task definition for something outside of the source.

        :param wanted: what the id is made from; the same text gives the same task
        :param name: for people
        :param origin: what it is in the source's language
        """
        task_id = file_identifier(wanted)
        if task_id in BUILTIN_TASKS or task_id == "workflow":
            task_id = f"{task_id}-task"
        self.tasks[task_id] = {
            "taskId": task_id,
            "name": short_name(name) or task_id,
            "description": f"{origin} Imported without its code: give it the operator and arguments that do this work.",
            "operator": "fail",
            "arguments": {"type": NOT_CONNECTED, "message": f"Task {task_id} was imported and has no operator yet"},
        }
        return task_id

    def note(
        self,
        result: Result,
        construct: str,
        source: Place,
        message: str,
        *,
        step: str | None = None,
        at: Place = (),
    ) -> None:
        """Report what became of a construct.

        :param step: the step that stands for it; without one ``at`` begins at the definition
        :param at: the place below the step
        """
        self._notes.append((result, construct, source, message, step, at))

    def conversion(self, document: Json, name: str, further: Iterable[Json] = ()) -> Conversion:
        """Return the finished definition with its report."""
        places = {step_id: place for place, step_id in _steps(document.get("steps", ()), ("steps",))}
        entries = []
        for result, construct, source, message, step, at in self._notes:
            place = (*places[step], *at) if step in places else None if step is not None else at
            target = pointer_of(place) if place else None
            entries.append(Entry(result, construct, pointer_of(source), target, message))
        return Conversion(name, [document, *further], self.tasks, entries)


def reached(steps: list[Json], kept: Iterable[str] = ()) -> tuple[list[Json], list[str]]:
    """Return the steps of a list that something leads to, and the ids of the others.

    :param kept: ids of steps that are reached from elsewhere
    """
    if not steps:
        return steps, []
    by_id = {step["stepId"]: step for step in steps}
    waiting = [steps[0]["stepId"], *kept]
    found = set()
    while waiting:
        step = by_id.get(waiting.pop())
        if step is None or step["stepId"] in found:
            continue
        found.add(step["stepId"])
        handlers = step.get("onFailure", {}).get("errorHandler", {}).get("conditions", ())
        waiting += [each["nextStepId"] for each in (*step["next"], *handlers)]
    return [by_id[name] for name in by_id if name in found], [name for name in by_id if name not in found]


def _steps(steps: Iterable[Json], place: Place) -> Iterator[tuple[Place, str]]:
    for position, step in enumerate(steps):
        here = (*place, position)
        yield here, step["stepId"]
        for number, branch in enumerate(step.get("parallelBranches", ())):
            yield from _steps(branch["steps"], (*here, "parallelBranches", number, "steps"))
        if "forEach" in step:
            yield from _steps(step["forEach"]["steps"], (*here, "forEach", "steps"))
