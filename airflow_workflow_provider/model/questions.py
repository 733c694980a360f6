"""The checks of the arguments of a question that depend on each other (rule K3, tasks ``approval`` and ``form``)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

FAIL: Final = "fail"
"""The value of ``onTimeout`` that fails the step, unless an option has this name too."""

DEFAULT_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {"approval": ("approve", "reject"), "form": ("submit",)}
KINDS: Final = tuple(DEFAULT_OPTIONS)
ASSIGNEE_KINDS: Final = {"users": "user", "roles": "role", "groups": "group"}

Place = tuple[str | int, ...]


def options_of(kind: str, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the decisions that a question leaves; the first one is the approval."""
    return tuple(arguments.get("options", DEFAULT_OPTIONS[kind]))


def option_on_timeout(options: Collection[str], arguments: Mapping[str, Any]) -> str | None:
    """Return the option that counts as decided when nobody answers in time; None where that fails the step.

    Silence is a decision only where ``onTimeout`` says so: as ``{"option": name}``, or by a name alone, where that
    cannot mean :data:`FAIL`.
    """
    chosen = arguments.get("onTimeout", FAIL)
    if isinstance(chosen, Mapping):
        return str(chosen["option"])
    return None if chosen == FAIL or chosen not in options else str(chosen)


def ambiguities(kind: str, arguments: Mapping[str, Any], computed: Collection[str] = ()) -> Iterator[tuple[Place, str]]:
    """Yield the places whose value can be read in two ways, each with what is wrong; see :func:`contradictions`."""
    if "options" not in computed and arguments.get("onTimeout") == FAIL and FAIL in options_of(kind, arguments):
        option = '{"option": "fail"}'
        yield (
            ("onTimeout",),
            f"{FAIL!r} is an option too; write {option} to make it count as the decision, or omit onTimeout to fail",
        )


def contradictions(
    kind: str, arguments: Mapping[str, Any], computed: Collection[str] = ()
) -> Iterator[tuple[Place, str]]:
    """Yield the places whose value contradicts another one, each with what is wrong.

    :param arguments: they fit their JSON Schema
    :param computed: names of arguments that are known in a run only and left out of ``arguments``
    """
    if "options" not in computed:
        options = options_of(kind, arguments)
        for index, option in enumerate(arguments.get("commentRequired", ())):
            if option not in options:
                yield ("commentRequired", index), f"{option!r} is not one of the options {list(options)}"
        for option in arguments.get("optionLabels", ()):
            if option not in options:
                yield ("optionLabels", option), f"{option!r} is not one of the options {list(options)}"
        chosen = arguments.get("onTimeout", FAIL)
        if isinstance(chosen, Mapping):
            if chosen["option"] not in options:
                yield ("onTimeout", "option"), f"{chosen['option']!r} is not one of the options {list(options)}"
        elif chosen not in (FAIL, *options):
            yield ("onTimeout",), f"{chosen!r} is neither {FAIL!r} nor one of the options {list(options)}"
    if "onTimeout" in arguments and "timeout" not in arguments and "timeout" not in computed:
        yield ("onTimeout",), "without a timeout it never happens"
    for place, assignees in assignees_of(arguments):
        # An expression that found nobody must not open the question to everybody.
        if not any(assignees.get(key) for key in ASSIGNEE_KINDS):
            yield place, "it names nobody"


def assignees_of(arguments: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Yield who is asked, and who is asked later, each with its place."""
    if arguments.get("assignees") is not None:
        yield ("assignees",), arguments["assignees"]
    for index, each in enumerate(arguments.get("escalations", ())):
        yield ("escalations", index, "assignees"), each["assignees"]
