"""Findings about a document: a closed list of codes, and where and what to do (rule D2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from airflow_workflow_provider.errors import WorkflowsError

Severity = Literal["error", "warning"]

CODES: Final[dict[str, str]] = {
    # WF1xx: the document itself
    "WF100": "The file is not JSON",
    "WF101": "An object has the same key twice",
    "WF102": "A number that JSON or PostgreSQL cannot hold",
    "WF103": "The document is nested too deeply",
    "WF104": "The document is too large",
    "WF105": "Text that PostgreSQL cannot store",
    "WF106": "Checking the document takes too much time or memory",
    "WF110": "Unknown key",
    "WF111": "A required key is missing",
    "WF112": "A value of the wrong type",
    "WF113": "A value outside the allowed ones",
    "WF114": "A number, text or list outside its bounds",
    "WF120": "An identifier of the wrong form",
    "WF121": "A reserved identifier",
    "WF122": "The same stepId twice",
    "WF123": "The same branchId twice in one step",
    "WF124": "The version is not a semantic version",
    "WF125": "Not a usable ISO 8601 duration",
    "WF126": "Not a valid JSON Schema",
    "WF127": "A JSON Schema refers to something outside itself",
    "WF128": "A placeholder without a value of the environment",
    # WF2xx: the graph
    "WF201": "A target that does not exist",
    "WF202": "A transition enters or leaves a branch",
    "WF203": "A step that nothing leads to",
    "WF204": "A transition that can never be taken",
    "WF205": "No transition for the case that no condition holds",
    "WF206": "One choice continues with the following step, another ends",
    "WF207": "An error condition that names neither errorType nor errorCode",
    "WF208": "A nextStepId that is never used",
    "WF209": "A workflow cannot be retried by its onFailure",
    "WF210": "parallelBranches and forEach in one step",
    "WF211": "failFast without branches or items",
    "WF212": "A compensation that never runs",
    "WF213": "An error type that looks misspelled",
    "WF214": "A retry policy that never applies",
    "WF215": "A retry field without effect",
    "WF216": "A failed approval continues as if it had been approved",
    "WF217": "A pool, queue or priority of a step that has no task of its own",
    "WF218": "A limited workflow starts itself and waits for its own end",
    "WF219": "A join that waits for more branches than there are",
    # WF3xx: expressions
    "WF301": "An expression that cannot be read",
    "WF302": "An empty expression",
    "WF303": "An expression uses a name that is not bound",
    "WF304": "An expression cannot give the type that is needed",
    "WF305": "An expression is too long or too deep",
    "WF306": "A forEach name that expressions cannot use",
    "WF307": "An expression names a step that does not exist",
    "WF308": "An argument looks like a transform but is not one",
    "WF309": "A template that cannot be read",
    "WF310": "A template uses a name that is not defined",
    "WF311": "A template uses an unknown filter, test, function or method",
    # WF4xx: tasks
    "WF401": "Unknown task",
    "WF403": "An argument the task cannot take",
    "WF404": "An operator that is not allowed",
    "WF405": "A reference to another workflow of the wrong form",
    "WF406": "Arguments of a question that contradict each other",
    "WF407": "An unknown assignee",
    "WF408": "A version of another workflow that does not exist",
    "WF410": "A connection that is not allowed",
    "WF411": "An argument of an operator that authors may not set",
    "WF412": "A request that would leave its connection's address",
    "WF413": "A statement that a task may not send",
    "WF414": "Something that the publisher may not do",
    "WF415": "A task that is twice in the set of a step",
    "WF416": "A file that a task may not read or write",
    # WF5xx: triggers, UI and log
    "WF501": "An event pattern of the wrong form",
    "WF502": "The same event pattern twice",
    "WF503": "A path of the wrong form",
    "WF504": "An unknown layout",
    "WF505": "A form for a step that does not exist",
    "WF506": "An option of a component that looks misspelled",
    "WF507": "A table without rows",
    "WF508": "A schedule of the wrong form",
    "WF509": "A schedule without the input that the workflow needs",
}
"""Every code there is, with its title. ``docs/diagnostics.md`` says more about each."""

OUTSIDE: Final = frozenset({"WF401", "WF410", "WF411", "WF412", "WF413", "WF416"})
"""Findings about what is outside of a definition; a simulation, which reaches nothing outside, tolerates them."""


@dataclass(frozen=True)
class Diagnostic:
    """One finding.

    :param code: a key of :data:`CODES`
    :param severity: an error rejects the document, a warning does not
    :param pointer: JSON pointer (RFC 6901) of the place; empty for the whole document
    :param message: what is wrong, naming the offending and the allowed values
    :param suggestion: what to do about it, if there is something to say
    """

    code: str
    severity: Severity
    pointer: str
    message: str
    suggestion: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The finding as the command line and the API print it."""
        return asdict(self)


def pointer_of(parts: Iterable[str | int]) -> str:
    """The JSON pointer (RFC 6901) of a path of keys and positions."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def diagnostics_of(error: WorkflowsError) -> list[Diagnostic]:
    """Return the findings that an exception carries; those that are only place and message have its code."""
    return [
        each if isinstance(each, Diagnostic) else Diagnostic(error.code, "error", each["pointer"], each["message"])
        for each in error.findings
    ]
