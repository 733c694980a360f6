"""Compares the outcomes of two versions of a workflow for an instance that is replayed in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.model.comparison import changes
from airflow_workflow_provider.scenarios.expecting import line_text

if TYPE_CHECKING:
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.scenarios.recording import Ended

Json = dict[str, Any]

_OF_ERROR: Final = ("type", "code", "message", "stepId", "attempt", "details")
"""The keys of an error that are compared; its time is that of the virtual clock."""
_OPEN: Final = ":running"
_OF_END: Final = ("type", "code", "stepId")


@dataclass(frozen=True)
class Comparison:
    """How another version leads elsewhere.

    :param outcome: ``same``; ``different``; or ``unknown`` where nobody can say that it is the same
    :param path: lines ``{"change", "old", "new"}``: ``same``, ``added``, ``removed``, ``changed``, or ``unknown`` for
        those that another version was not followed to
    :param status: ``{"old", "new"}``
    :param output: the places where it differs, as :func:`.comparison.changes` gives them
    :param error: the same of the error
    :param stopped: why another version was not followed to its end
    :param unlike: how playing the own version differs from the instance, one sentence each
    """

    outcome: str
    path: tuple[Json, ...]
    status: Json
    output: tuple[Json, ...]
    error: tuple[Json, ...]
    stopped: str | None
    unlike: tuple[str, ...]

    def to_json(self) -> Json:
        """Return it as JSON."""
        return {
            "outcome": self.outcome,
            "path": list(self.path),
            "status": self.status,
            "output": list(self.output),
            "error": list(self.error),
            "stopped": self.stopped,
            "unlike": list(self.unlike),
        }


def compared(
    old: Simulation, new: Simulation, ended: Ended, path: Sequence[str], mask: Callable[[Json], Json]
) -> Comparison:
    """Compare what two versions lead to.

    :param old: the version of the instance, played again
    :param new: the other version
    :param ended: the instance
    :param path: the path that it took
    :param mask: masks the secrets in a document
    """
    lines = tuple(_lines(old.path, new.path, stopped=new.stopped is not None))
    outputs: tuple[Json, ...] = ()
    errors: tuple[Json, ...] = ()
    is_over = new.stopped is None
    if is_over:
        outputs = tuple(_differences("output", old.output, new.output, mask))
        errors = tuple(_differences("error", _error(old.error), _error(new.error), mask))
    unlike = tuple(_unlike(old, ended, path))
    differs = any(each["change"] not in ("same", "unknown") for each in lines)
    if differs or outputs or errors or (is_over and old.status != new.status):
        outcome = "different"
    else:
        outcome = "same" if is_over and not unlike else "unknown"
    status = {"old": old.status, "new": new.status}
    shown = mask({"stopped": new.stopped, "unlike": list(unlike)})
    return Comparison(outcome, lines, status, outputs, errors, shown["stopped"], tuple(shown["unlike"]))


def _error(error: Mapping[str, Any] | None) -> Json | None:
    return None if error is None else {key: error.get(key) for key in _OF_ERROR}


def _differences(what: str, old: Any, new: Any, mask: Callable[[Json], Json]) -> Iterator[Json]:
    shown = list(changes(mask({what: old})[what], mask({what: new})[what]))
    if not shown and any(True for _ in changes(old, new)):
        shown = [{"pointer": "", "change": "changed", "old": "a masked value", "new": "another masked value"}]
    yield from shown


def _lines(old: Sequence[Json], new: Sequence[Json], *, stopped: bool) -> Iterator[Json]:
    """Yield the lines of two paths beside each other.

    :param stopped: whether the new path was not followed to its end: what it lacks is then unknown
    """
    before, after = [line_text(each) for each in old], [line_text(each) for each in new]
    absent = "unknown" if stopped else "removed"
    # An attempt at which it was stopped has begun and not ended.
    ends = {line.rpartition(":")[0]: line for line in before} if stopped else {}
    similar = [ends.get(line.rpartition(":")[0], line) if line.endswith(_OPEN) else line for line in after]
    for kind, first, last, start, end in SequenceMatcher(None, before, similar, autojunk=False).get_opcodes():
        gone, come = before[first:last], after[start:end]
        if kind == "equal":
            for line, now in zip(gone, come, strict=True):
                yield {"change": "same" if line == now else "unknown", "old": line, "new": now}
            continue
        both = min(len(gone), len(come)) if not stopped else 0
        yield from ({"change": "changed", "old": gone[n], "new": come[n]} for n in range(both))
        yield from ({"change": absent, "old": line, "new": None} for line in gone[both:])
        yield from ({"change": "added", "old": None, "new": line} for line in come[both:])


def _unlike(old: Simulation, ended: Ended, path: Sequence[str]) -> Iterator[str]:
    """Yield how playing an instance again in its own version differs from it; branches start in another order."""
    if old.stopped is not None:
        yield f"not followed to its end: {old.stopped}"
        return
    taken, recorded = Counter(line_text(each) for each in old.path), Counter(path)
    if taken != recorded:
        more, fewer = sorted((taken - recorded).elements()), sorted((recorded - taken).elements())
        words = [*(f"{line} more" for line in more[:5]), *(f"{line} missing" for line in fewer[:5])]
        yield f"path: {', '.join(words)}"
    if old.status != ended.status:
        yield f"status: {old.status} instead of {ended.status}"
    elif ended.output != old.output and ended.status == "completed":
        yield "output: another one, for example because of the time or masked values"
    elif _end_of(ended.error) != _end_of(old.error):
        yield "error: another one"


def _end_of(error: Mapping[str, Any] | None) -> Json | None:
    return None if error is None else {key: error.get(key) for key in _OF_END}
