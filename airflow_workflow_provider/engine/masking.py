"""Masking of secrets in the log, the API and the UI (rule L4).

Secrets are the values at the paths of ``executionLog.redact``, and those that ``inputSchema``, or the schema of a form
that people fill in, marks as ``writeOnly`` or ``format: password``. The schema of a form may be computed: what it marks
is stored in the state with the answer. A secret is masked at its path, in every document of a row, and wherever else
the same text occurs, in any encoding, so that a step that passes a password on does not reveal it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Final, TypeVar, cast

from airflow_workflow_provider.engine.secret_texts import MASK, SecretTexts
from airflow_workflow_provider.model.json_schema.secrets import declared_names, secret_paths
from airflow_workflow_provider.model.paths import (
    MAX_REDACTED,
    Allowance,
    Anything,
    Deep,
    Exhausted,
    Name,
    Part,
    Path,
    PathError,
    Position,
    Segment,
    effort_of,
    ends_with,
    from_json,
    parse_path,
    place_named,
    to_json,
    values_at,
)
from airflow_workflow_provider.model.ways import every_step

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json, JsonValue
    from airflow_workflow_provider.engine.state import State
    from airflow_workflow_provider.model.definition import ExecutionLog, Step, WorkflowDefinition

MAX_WORK: Final = 3_000_000
"""Segments of paths that are compared with parts of places, for one document; about a second."""

_ROOTS: Final = ("input", "output", "data", "variables", "event")
_INPUTS: Final = (("input",), ("data",), ("event", "data"))
_FORMS: Final = (("form",), ("defaults",))
"""Where an input, and a form, stand in what is masked: a path that begins with any name needs a place to begin at."""


V = TypeVar("V")
"""A JSON value; what is masked has the shape of what was given."""


@dataclass(frozen=True)
class Filled:
    """The forms that people filled in.

    :param paths: of what is secret in it
    :param forms: the forms, as far as they are known
    """

    paths: tuple[Path, ...]
    forms: tuple[JsonValue, ...] = ()


def filled(schema: JsonValue, *forms: JsonValue) -> Filled:
    """Return forms of a schema."""
    return Filled(tuple(secret_paths(schema)), forms)


def filled_in(state: State) -> Filled:
    """Return the forms that an instance has."""
    noted = tuple(from_json(path) for path in state.instance.secrets)
    outputs = [record.output for record in state.steps.values()]
    answers = [answer for output in outputs if isinstance(output, dict) for answer in (output, *_votes(output))]
    return Filled(noted, tuple(answer["form"] for answer in answers if "form" in answer))


def note_secrets(state: State, schema: JsonValue) -> None:
    """Note in the state of an instance what a form of a schema hides, before it has such a form."""
    noted = state.instance.secrets
    noted += [path for path in map(to_json, secret_paths(schema)) if path not in noted]


def _votes(output: Mapping[str, JsonValue]) -> Iterator[Mapping[str, JsonValue]]:
    votes = output.get("votes")
    yield from (each for each in (votes if isinstance(votes, list) else []) if isinstance(each, dict))


class Masker:
    """Masks the secrets of one instance.

    :param definition: says which paths are secret
    :param input_data: the instance's input, whose secrets are masked wherever they occur
    :param also: masks more, such as Airflow's secrets masker
    :param filled: what people filled in, whose secrets are masked wherever they occur too
    """

    def __init__(
        self,
        definition: WorkflowDefinition,
        input_data: Mapping[str, JsonValue],
        also: Callable[[JsonValue], JsonValue] = lambda value: value,
        filled: Filled = Filled(()),
    ) -> None:
        self._also = also
        log = definition.execution_log
        redacted = _paths_of(log)
        schemas = list(form_schemas(definition.steps))
        forms = [path for schema in schemas for path in secret_paths(schema)] + list(filled.paths)
        inputs = secret_paths(definition.input_schema)
        hidden = {
            *_anywhere(redacted),
            *_placed(inputs, _INPUTS),
            *_placed(forms, _FORMS),
        }
        self._places = _Places(hidden)
        self._texts = SecretTexts()
        if hidden:
            named = declared_names(definition.input_schema).union(*map(declared_names, schemas))
            known = {*inputs, *forms, *map(_below_root, redacted), *redacted}
            allowed = Allowance(MAX_WORK)
            of_input = (found for path in known for found in values_at(input_data, path, allowed))
            of_forms = (found for path in forms for form in filled.forms for found in values_at(form, path, allowed))
            try:
                self._texts = SecretTexts(chain(of_input, of_forms), named)
            except Exhausted:
                self._texts = SecretTexts.all()

    def mask(self, value: V) -> V:
        """Return a JSON value with every secret in it replaced by ``***``; what is given is left as it is."""
        if not self._places and not self._texts:
            return cast("V", self._also(cast("JsonValue", value)))
        return cast("V", self._also(self._mask(cast("JsonValue", value), ())))

    def mask_metadata(self, metadata: Mapping[str, JsonValue]) -> Json:
        """Return a copy of the metadata of a row, whose names are paths, with every secret in it masked."""
        hidden = {name for name in metadata if self._places and self._places.hide(place_named(name))}
        return self.mask({name: MASK if name in hidden else value for name, value in metadata.items()})

    def _mask(self, value: JsonValue, place: tuple[Part, ...]) -> JsonValue:
        if isinstance(value, dict):
            masked = {key: self._entry(item, key, place) for key, item in value.items()}
            return {self._texts.masked_name(key): item for key, item in masked.items()} if self._texts else masked
        if isinstance(value, list):
            return [self._entry(item, index, place) for index, item in enumerate(value)]
        return self._texts.masked(value) if self._texts else value

    def _entry(self, value: JsonValue, part: Part, place: tuple[Part, ...]) -> JsonValue:
        place = (*place, part)
        if self._places.may_hide(part) and self._places.hide(place):
            return MASK
        return self._mask(value, place)


class _Places:
    """Finds out quickly whether a place is secret: most paths end with a name that hardly any place has.

    Where it is not quick, because there are many paths or they are like each other, the last name that a path has is
    enough from here on: better one masked value too many.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        self._by_name: dict[Part, list[Path]] = {}
        self._open: list[Path] = []
        self._allowed = Allowance(MAX_WORK)
        self._names: frozenset[str | None] | None = None
        for path in paths:
            last = path[-1]
            if isinstance(last, Name) and not last.text.isdecimal():
                self._by_name.setdefault(last.text, []).append(path)
            else:
                self._open.append(path)

    def __bool__(self) -> bool:
        return bool(self._by_name or self._open)

    def may_hide(self, part: Part) -> bool:
        """Return whether a place may be secret, by the last part of it."""
        return part in self._by_name or bool(self._open)

    def hide(self, place: tuple[Part, ...]) -> bool:
        """Return whether a place in a document is secret."""
        if self._names is None:
            try:
                return any(self._is_at(place, path) for path in (*self._by_name.get(place[-1], ()), *self._open))
            except Exhausted:
                self._names = frozenset(map(_last_name, chain(*self._by_name.values(), self._open)))
        return None in self._names or str(place[-1]) in self._names

    def _is_at(self, place: tuple[Part, ...], path: Path) -> bool:
        self._allowed.spend(len(place) * effort_of(path))
        return ends_with(place, path)


def _last_name(path: Path) -> str | None:
    return next((each.text for each in reversed(path) if isinstance(each, Name)), None)


def hidden_in_input(definition: WorkflowDefinition) -> set[Path]:
    """Return the paths of the secrets in the input of a workflow, from the input on."""
    log = definition.execution_log
    redacted = _paths_of(log)
    return {path for path in (*map(_below_root, redacted), *secret_paths(definition.input_schema)) if path}


class SecretPlaces:
    """Finds out whether a condition on an input asks about a secret.

    Databases look through lists in ways of their own: positions count for nothing here, in paths and in places.

    :param paths: of the secrets, from the input on
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        loose = (tuple(map(_loose, filter(_is_no_position, path))) for path in paths)
        self._places = _Places({path for path in loose if path})

    def hide(self, names: tuple[str, ...]) -> bool:
        """Return whether something is secret on the way of these names, or at its end."""
        return any(self._places.hide(names[:end]) for end in range(1, len(names) + 1))


def _is_no_position(segment: Segment) -> bool:
    return not isinstance(segment, Position)


def _loose(segment: Segment) -> Segment:
    """Return what may be a name or a position as something that may be missing."""
    may_be_position = isinstance(segment, Anything) or (isinstance(segment, Name) and segment.text.isdecimal())
    return Deep() if may_be_position else segment


def form_schemas(steps: Iterable[Step]) -> Iterator[JsonValue]:
    """Yield the JSON Schemas of the forms that steps ask people to fill in."""
    for _, step in every_step(steps):
        schema = (step.arguments or {}).get("schema")
        if isinstance(schema, dict):
            yield schema


def _paths_of(log: ExecutionLog | None) -> list[Path]:
    """Return what a definition redacts."""
    if log is None:
        return []
    return [(Anything(),)] if len(log.redact) > MAX_REDACTED else list(map(_redacted, log.redact))


@lru_cache(maxsize=2 * MAX_REDACTED)
def _redacted(text: str) -> Path:
    try:
        return parse_path(text)
    except PathError:
        # Stored before the grammar existed: names between dots.
        return tuple(Name(part) for part in text.split(".") if part)


def _anywhere(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield paths as they are, and without the document they start in: rows hold documents under names of their own."""
    for path in paths:
        if path:
            yield path
            below = _below_root(path)
            if isinstance(below[0], Name):
                yield below


def _placed(paths: Iterable[Path], roots: Iterable[tuple[str, ...]]) -> Iterator[Path]:
    """Yield paths that begin with a name as they are, and others from where their document stands."""
    for path in paths:
        if isinstance(path[0], Name):
            yield path
        else:
            yield from ((*map(Name, root), *path) for root in roots)


def _below_root(path: Path) -> Path:
    first = path[0].text if path and isinstance(path[0], Name) else None
    if len(path) > 1 and first in _ROOTS:
        return path[1:]
    if len(path) > len(("steps", "<id>", "output")) and first == "steps":
        return path[3:]
    return path
