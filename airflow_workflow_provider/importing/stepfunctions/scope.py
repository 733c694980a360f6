"""Where a state stands: how its data, its context and its variables are called in expressions."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from airflow_workflow_provider.importing.jsonata import Script, built, literal, member
from airflow_workflow_provider.importing.jsonpath import NotTranslatable, Path, as_jsonata, parse_path

if TYPE_CHECKING:
    from airflow_workflow_provider.importing.draft import Draft, Place

_CONTEXT: Final[dict[tuple[str, ...], str]] = {
    ("Execution", "Id"): "workflow.instanceId",
    ("Execution", "Name"): "workflow.instanceId",
    ("Execution", "StartTime"): "workflow.startedAt",
    ("Execution", "Input"): "input",
    ("StateMachine", "Id"): "workflow.id",
    ("StateMachine", "Name"): "workflow.id",
    ("State", "RetryCount"): "(attempt - 1)",
}


@dataclass(frozen=True)
class Scope:
    """A list of states.

    :param draft: what is written
    :param depth: how many regions are around it
    :param item: the name of the nearest item; None outside of a Map
    :param jsonata: whether its states use JSONata
    :param variables: the names that any Assign of the machine sets
    """

    draft: Draft
    depth: int = 0
    item: str | None = None
    jsonata: bool = False
    variables: frozenset[str] = frozenset()

    @property
    def key(self) -> str:
        """The key of the working document that holds the data of the states."""
        return "state" if self.depth == 0 else f"state{self.depth + 1}"

    @property
    def data(self) -> str:
        """The data of the states, in any of the languages."""
        return f"data.{self.key}"

    def inner(self, *, item: bool) -> Scope:
        """Return the scope of the states inside a region."""
        name = self.item
        if item:
            name = "item" if self.item is None else f"item{self.depth + 1}"
        return replace(self, depth=self.depth + 1, item=name)


@dataclass(frozen=True)
class Here:
    """One state.

    :param scope: its list
    :param name: its name
    :param step: the step that stands for it
    :param place: its place in the source
    :param value: its definition
    :param asked: what the conditions of a Choice compare, where that is not the data that it leaves behind
    """

    scope: Scope
    name: str
    step: str
    place: Place
    value: dict[str, Any]
    asked: str | None = None

    @property
    def draft(self) -> Draft:
        """What is written."""
        return self.scope.draft

    @property
    def jsonata(self) -> bool:
        """Whether it uses JSONata."""
        language = self.value.get("QueryLanguage")
        return self.scope.jsonata if language is None else language == "JSONata"

    def todo(self, construct: str, message: str, *further: str | int) -> None:
        """Report something that a person has to do."""
        self.draft.note("todo", construct, (*self.place, *further), message, step=self.step)

    def note(self, construct: str, message: str, at: Place = (), *, exact: bool = True) -> None:
        """Report what a field of the state became."""
        result = "exact" if exact else "detour"
        self.draft.note(result, construct, (*self.place, construct), message, step=self.step, at=at)  # type: ignore[arg-type]

    def context(self, path: Path) -> tuple[str, Path]:
        """Return the expression of a path into the context object, and what follows it.

        :raises NotTranslatable: we have no such value
        """
        parts = path.parts
        for length in (3, 2, 1, 0):
            head = tuple(parts[:length])
            found = self._context_value(head)
            if found is not None:
                return found, Path("$", parts[length:], path.text)
        message = f"{path.text} has no counterpart"
        raise NotTranslatable(message)

    def _context_value(self, head: tuple[Any, ...]) -> str | None:
        if len(head) <= 1:
            groups = self._groups()
            return built(groups) if not head else groups.get(head[0])
        if head == ("State", "Name"):
            return literal(self.name)
        if head == ("State", "EnteredTime"):
            return f"steps{member(self.step)}.startedAt"
        if head == ("Task", "Token"):
            return self.token
        if self.scope.item is not None and head[:2] == ("Map", "Item"):
            return {"Value": self.scope.item, "Index": f"{self.scope.item}Index"}.get(head[-1])
        return _CONTEXT.get(head)

    @property
    def token(self) -> str:
        """The text that a callback has to give back, in JSONata."""
        return f'(workflow.instanceId & "/{self.step}")'

    def path(self, text: str, script: Script, *, data: str | None = None, needed: bool = True) -> str:
        """Return a path of the source as JSONata.

        :param data: what ``$`` is; by default the data of the state
        :param needed: whether it fails where it finds nothing
        :raises NotTranslatable: there is no counterpart
        """
        path = parse_path(text)
        if path.root == "$$":
            base, path = self.context(path)
        elif path.root == "$":
            base = data or self.scope.data
        else:
            base = f"variables.{path.root[1:]}"
        found = as_jsonata(path, base)
        whole = not path.parts and path.root == "$"
        return script.need(found, text) if needed and path.definite and not whole else found

    def expression(self, text: str, script: Script, *, result: str | None = None) -> str:
        """Return a JSONata expression of the source, with what it uses bound at the start of the script.

        :param text: with its delimiters ``{% %}``
        :param result: the expression of ``$states.result``
        :raises NotTranslatable: it uses what we do not have
        """
        source = text.strip()[2:-2].strip()
        if "$states" in source:
            self._bind_states(source, result, script)
        for name in sorted(self.scope.variables):
            if re.search(rf"\${re.escape(name)}(?!\w)", source):
                script.bound[name] = f"variables.{name}"
        for helper in ("partition", "range", "parse"):
            if re.search(rf"\${helper}\s*\(", source):
                script.use(helper)
        if re.search(r"\$random\s*\(\s*[^)\s]", source):
            message = "$random with a seed has no counterpart"
            raise NotTranslatable(message)
        return script.need(f"({source})", shortened_source(source))

    def _bind_states(self, source: str, result: str | None, script: Script) -> None:
        """Bind what an expression uses of ``$states``; the whole of it where that is not clear."""
        whole = re.search(r"\$states(?!\.)", source) is not None
        script.states["input"] = self.scope.data
        if whole or "$states.result" in source:
            script.states["result"] = result or "null"
        if whole or "errorOutput" in source:
            script.states["errorOutput"] = f"{script.use('failure')}(error)"
        if whole or "context" in source:
            groups = self._groups()
            named = {name: value for name, value in groups.items() if re.search(rf"\bcontext\.{name}\b", source)}
            script.context |= named or groups

    def _groups(self) -> dict[str, str]:
        """The context object's members, with what we know of each."""
        groups: dict[str, dict[str, str]] = {}
        for (group, name), value in _CONTEXT.items():
            groups.setdefault(group, {})[name] = value
        groups["State"] |= {"Name": literal(self.name), "EnteredTime": f"steps{member(self.step)}.startedAt"}
        members = {group: built(values) for group, values in groups.items()}
        members["Task"] = built({"Token": self.token})
        if self.scope.item is not None:
            item = built({"Value": self.scope.item, "Index": f"{self.scope.item}Index"})
            members["Map"] = built({"Item": item})
        return members


def shortened_source(source: str) -> str:
    """Return an expression short enough for a message."""
    line = " ".join(source.split())
    return line if len(line) <= 40 else f"{line[:39]}…"  # noqa: PLR2004 - a line of a message


def is_expression(value: object) -> bool:
    """Return whether a value is a JSONata expression in its delimiters."""
    return isinstance(value, str) and value.strip().startswith("{%") and value.strip().endswith("%}")
