"""What must not be readable in the log, the API or the UI (rule L4).

Two things say what is secret: paths in ``executionLog.redact``, and properties of ``inputSchema``, or of a form that
people fill in, with ``writeOnly`` or ``format: password``. A form's schema need not stand in the definition: what it
hides is noted in the state with the answer. A secret is masked where its path leads, in whichever
document of a row that is, and wherever else the same text turns up, so that a step that hands a password on does not
tell it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from airflow_workflow_provider.model.definition import Step, WorkflowDefinition

MASK: Final = "***"
SHORTEST_SECRET: Final = 4
"""Shorter texts are masked at their path only: masking every ``1`` would hide the log itself."""

MAX_SCHEMA_DEPTH: Final = 32
NOTED: Final = "secrets"
"""Key of the state's ``instance`` that lists the paths of secrets in forms."""

_ROOTS: Final = ("input", "output", "data", "variables", "event")

Path = tuple[str, ...]


@dataclass(frozen=True)
class Filled:
    """What people filled in.

    :param paths: of what is secret in it
    :param forms: the forms, as far as they are known
    """

    paths: tuple[Path, ...]
    forms: tuple[Any, ...] = ()


def filled(schema: Any, *forms: Any) -> Filled:
    """Return forms of a schema."""
    return Filled(tuple(secret_paths(schema)), forms)


def filled_in(state: Mapping[str, Any]) -> Filled:
    """Return the forms that an instance has."""
    noted = tuple(tuple(path) for path in state.get("instance", {}).get(NOTED, ()))
    outputs = [step.get("output") for step in state.get("steps", {}).values()]
    answers = [answer for output in outputs if isinstance(output, dict) for answer in (output, *_votes(output))]
    return Filled(noted, tuple(answer["form"] for answer in answers if "form" in answer))


def note_secrets(state: dict[str, Any], schema: Any) -> None:
    """Note in the state of an instance what a form of a schema hides, before it has such a form."""
    noted = state["instance"].setdefault(NOTED, [])
    noted += [list(path) for path in secret_paths(schema) if list(path) not in noted]


def _votes(output: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    votes = output.get("votes")
    yield from (each for each in (votes if isinstance(votes, list) else []) if isinstance(each, dict))


class Masker:
    """Masks the secrets of one instance.

    :param definition: says which paths are secret
    :param input_data: the instance's input, whose secrets are masked wherever they turn up
    :param also: masks more, such as Airflow's secrets masker
    :param filled: what people filled in, whose secrets are masked wherever they turn up too
    """

    def __init__(
        self,
        definition: WorkflowDefinition,
        input_data: Mapping[str, Any],
        also: Callable[[Any], Any] = lambda value: value,
        filled: Filled = Filled(()),
    ) -> None:
        log = definition.execution_log
        redacted = [_path(text) for text in log.redact] if log is not None else []
        forms = [path for schema in form_schemas(definition.steps) for path in secret_paths(schema)]
        hidden = [*redacted, *secret_paths(definition.input_schema), *forms, *filled.paths]
        self._paths = {path for full in hidden for path in (full, _below_root(full)) if path}
        found = {text for path in self._paths for text in _texts_at(input_data, path)}
        found |= {text for path in (*forms, *filled.paths) for form in filled.forms for text in _texts_at(form, path)}
        self._texts = sorted((text for text in found if len(text) >= SHORTEST_SECRET), key=len, reverse=True)
        self._also = also

    def mask(self, value: Any) -> Any:
        """Return a copy of a JSON value with every secret in it replaced by ``***``."""
        return self._also(self._mask(value, ()))

    def _mask(self, value: Any, path: Path) -> Any:
        if isinstance(value, dict):
            return {key: self._mask_entry(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self._mask(item, path) for item in value]
        if isinstance(value, str):
            for text in self._texts:
                value = value.replace(text, MASK)
        return value

    def _mask_entry(self, value: Any, path: Path) -> Any:
        if any(path[-len(secret) :] == secret for secret in self._paths):
            return MASK
        return self._mask(value, path)


def form_schemas(steps: Iterable[Step]) -> Iterator[Any]:
    """Yield the JSON Schemas of the forms that steps ask people to fill in."""
    for step in steps:
        schema = (step.arguments or {}).get("schema")
        if isinstance(schema, dict):
            yield schema
        for branch in step.parallel_branches or ():
            yield from form_schemas(branch.steps)
        if step.for_each is not None:
            yield from form_schemas(step.for_each.steps)


def secret_paths(schema: Any) -> Iterator[Path]:
    """Yield the paths of the properties that a JSON Schema marks as secret; array positions are left out of a path."""
    yield from _secret_paths(schema, schema, (), 0)


def _secret_paths(schema: Any, root: Any, path: Path, depth: int) -> Iterator[Path]:
    if not isinstance(schema, dict) or depth > MAX_SCHEMA_DEPTH:
        return
    if path and (schema.get("writeOnly") is True or schema.get("format") == "password"):
        yield path
    for part in _parts(schema, root):
        yield from _secret_paths(part, root, path, depth + 1)
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        yield from _secret_paths(inner, root, (*path, name), depth + 1)


def _parts(schema: Mapping[str, Any], root: Any) -> Iterable[Any]:
    """Return the schemas that describe the same value, or the items of it."""
    for key in ("allOf", "anyOf", "oneOf"):
        part = schema.get(key)
        yield from part if isinstance(part, list) else ()
    yield from (schema[key] for key in ("then", "else", "items") if key in schema)
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        found = root
        for name in reference[2:].split("/"):
            found = found.get(name.replace("~1", "/").replace("~0", "~")) if isinstance(found, dict) else None
        yield found


def _path(text: str) -> Path:
    return tuple(part for part in text.split(".") if part)


def _below_root(path: Path) -> Path:
    """Return a path without the name of the document it starts in: rows hold documents under names of their own."""
    if len(path) > 1 and path[0] in _ROOTS:
        return path[1:]
    if len(path) > len(("steps", "<id>", "output")) and path[0] == "steps":
        return path[3:]
    return path


def _texts_at(value: Any, path: Path) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _texts_at(item, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from _texts_at(value[path[0]], path[1:])
    elif isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts_at(item, path)
