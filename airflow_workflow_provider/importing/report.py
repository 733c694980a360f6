"""What an import reports: one entry for each construct of the source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from airflow_workflow_provider.errors import WorkflowsError
from airflow_workflow_provider.vocabulary import ProblemCode

Result = Literal["exact", "detour", "todo", "refused"]

MEANINGS: Final[dict[Result, str]] = {
    "exact": "kept exactly",
    "detour": "kept by a detour",
    "todo": "left for you to do",
    "refused": "cannot be imported",
}


class NotImportable(WorkflowsError):
    """A source that cannot become a definition at all.

    :param message: why
    :param pointer: JSON pointer of the place in the source
    :param suggestion: what to do
    """

    default_code = ProblemCode.NOT_IMPORTABLE

    def __init__(self, message: str, pointer: str = "", suggestion: str | None = None) -> None:
        super().__init__(message, pointer=pointer, suggestion=suggestion)


@dataclass(frozen=True)
class Entry:
    """What became of one construct.

    :param result: ``exact``, ``detour``, ``todo`` or ``refused``
    :param construct: its name in the source's language, such as ``Retry``
    :param source: JSON pointer into the source
    :param target: JSON pointer into the definition; None where nothing stands for it
    :param message: what it became, or why it did not
    """

    result: Result
    construct: str
    source: str
    target: str | None
    message: str

    def as_json(self) -> dict[str, Any]:
        """Its form in ``--format json`` and in the API."""
        return {
            "result": self.result,
            "construct": self.construct,
            "source": self.source,
            "target": self.target,
            "message": self.message,
        }


@dataclass
class Conversion:
    """What a dialect made of one source.

    :param name: what the source is called in messages
    :param workflows: the definitions, the main one first
    :param tasks: the task definitions, by ``taskId``
    :param entries: what became of each construct
    """

    name: str
    workflows: list[dict[str, Any]] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many entries have each result."""
        return {result: sum(each.result == result for each in self.entries) for result in MEANINGS}
