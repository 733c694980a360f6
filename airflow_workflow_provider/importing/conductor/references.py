"""References ``${…}`` of Conductor, written as JMESPath."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from airflow_workflow_provider.importing.jsonpath import (
    NotTranslatable,
    Path,
    as_jmespath,
    jmespath_literal,
    jmespath_name,
    parse_path,
)

_REFERENCE: Final = re.compile(r"(?<!\$)\$\{([^{}]*)\}")
_WORKFLOW: Final = {
    "workflowId": "workflow.instanceId",
    "correlationId": "workflow.correlationId",
    "workflowType": "workflow.id",
    "name": "workflow.id",
    "version": "workflow.version",
    "startTime": "workflow.startedAt",
    "createTime": "workflow.startedAt",
}
_DEEPEST: Final = 10


@dataclass
class References:
    """What references of one workflow stand for.

    :param steps: the step of each task, by its reference name
    :param inputs: the inputs of each task, by its reference name, since a step does not keep its input
    :param missing: gets the references that name nothing
    """

    steps: Mapping[str, str]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)

    def value(self, value: Any, depth: int = 0) -> str:
        """Return a value with references, at any depth, as JMESPath.

        :raises NotTranslatable: a reference has no counterpart
        """
        if isinstance(value, dict) and value and _has_reference(value):
            return (
                "{" + ", ".join(f"{jmespath_key(key)}: {self.value(part, depth)}" for key, part in value.items()) + "}"
            )
        if isinstance(value, list) and value and _has_reference(value):
            return "[" + ", ".join(self.value(part, depth) for part in value) + "]"
        return self._text(value, depth) if isinstance(value, str) else jmespath_literal(value)

    def _text(self, text: str, depth: int) -> str:
        whole = _REFERENCE.fullmatch(text.strip())
        if whole is not None:
            return self.reference(whole[1], depth)
        parts = _REFERENCE.split(text)
        if len(parts) == 1:
            return jmespath_literal(text.replace("$${", "${"))
        terms = []
        for number, part in enumerate(parts):
            if number % 2:
                terms.append(f"to_string(not_null({self.reference(part, depth)}, ''))")
            elif part:
                terms.append(jmespath_literal(part.replace("$${", "${")))
        return f"join('', [{', '.join(terms)}])"

    def reference(self, text: str, depth: int = 0) -> str:
        """Return what is between the braces as JMESPath.

        :raises NotTranslatable: it has no counterpart
        """
        path = parse_path(f"$.{text.strip()}")
        head = path.parts[0] if path.parts else None
        if head == "workflow":
            return self._of_workflow(path)
        if head == "CPEWF_TASK_ID":
            message = "the id of the task has no counterpart"
            raise NotTranslatable(message)
        if not isinstance(head, str) or head not in self.steps:
            self.missing.add(text)
            return "`null`"
        rest = path.parts[1:]
        kind = rest[0] if rest else None
        step = f"steps.{jmespath_name(self.steps[head])}"
        if kind == "output":
            return as_jmespath(Path("$", rest[1:], text), f"{step}.output")
        if kind == "status":
            return f"{step}.status"
        if kind == "input":
            return self._of_input(head, rest[1:], text, depth)
        message = f"${{{text}}} has no counterpart"
        raise NotTranslatable(message)

    def _of_input(self, name: str, rest: tuple[Any, ...], text: str, depth: int) -> str:
        """Return the input of a task, computed again from the same references."""
        given = self.inputs.get(name)
        while rest and isinstance(rest[0], str) and isinstance(given, dict):
            given, rest = given.get(rest[0]), rest[1:]
        if depth > _DEEPEST:
            message = f"${{{text}}} refers to itself"
            raise NotTranslatable(message)
        found = self.value(given, depth + 1)
        return as_jmespath(Path("$", rest, text), f"({found})") if rest else found

    @staticmethod
    def _of_workflow(path: Path) -> str:
        kind, rest = (path.parts[1] if len(path.parts) > 1 else None), Path("$", path.parts[2:], path.text)
        if kind == "input":
            return as_jmespath(rest, "input")
        if kind == "variables":
            return as_jmespath(rest, "variables")
        if kind in _WORKFLOW and not rest.parts:
            return _WORKFLOW[str(kind)]
        message = f"${{{path.text.removeprefix('$.')}}} has no counterpart"
        raise NotTranslatable(message)


def jmespath_key(key: str) -> str:
    """Return the key of a multi-select hash."""
    return jmespath_name(key)


def _has_reference(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_reference, value.values()))
    if isinstance(value, list):
        return any(map(_has_reference, value))
    return isinstance(value, str) and "${" in value
