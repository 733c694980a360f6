"""The ``conf`` of an instance's DAG run: its input, and what is known about its start beside it.

Airflow hands a ``conf`` to its tasks in a protocol whose integers have 64 bits. Longer ones would keep every task of
the run from starting, so the nearest one of 64 bits stands in their place, and their digits beside the input. It is the
same for doubles that are as large: Airflow's database writes 1e20 as an integer.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from airflow_workflow_provider.engine.inputs import RESERVED
from airflow_workflow_provider.errors import StepFailure
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.vocabulary import ErrorType, ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.documents import Json

ABOUT: Final = RESERVED
"""Key of a run's ``conf`` that is no input: ``{"start": …, "integers": …}``.

``start`` is the name of a start that was announced, ``integers`` the digits of long integers by their JSON pointers.
What was announced is ``{correlationId, event, parent, startedBy}``, see :mod:`store.starts` and ``session.Parent``.
"""
START: Final = "start"
INTEGERS: Final = "integers"

_DIGITS: Final = re.compile(r"-?(?:[1-9][0-9]{18,299}|[0-9](?:\.[0-9]{1,16})?e\+[0-9]{2,3})")
_MOST_LISTED: Final = 20
_LEAST: Final = -(2**63)
_BEYOND: Final = 2**64


Path = tuple[str | int, ...]


def conf_of(given: Mapping[str, object], about: Mapping[str, object]) -> Json:
    """Return the ``conf`` of a run.

    :param given: the input of the instance
    :param about: what :data:`ABOUT` keeps of its start
    """
    found = dict(_long_integers(given))
    conf = cast("Json", _changed(dict(given), {path: _nearest(value) for path, value in found.items()}))
    beside = dict(about)
    if found:
        beside[INTEGERS] = {pointer_of(path): str(value) for path, value in found.items()}
    return {**conf, ABOUT: beside} if beside else conf


def about_of(conf: Mapping[str, object]) -> Json:
    """Return what a ``conf`` keeps of the start, whatever its input is."""
    found = conf.get(ABOUT)
    return {key: value for key, value in found.items() if key != INTEGERS} if isinstance(found, Mapping) else {}


def input_of(conf: Mapping[str, object]) -> Json:
    """Return the input that a ``conf`` was made of.

    Users may pass on a ``conf`` that they have changed: digits count only where their number still stands.
    """
    given = {key: value for key, value in conf.items() if key != ABOUT}
    about = conf.get(ABOUT)
    digits = about.get(INTEGERS) if isinstance(about, Mapping) else None
    if not isinstance(digits, Mapping):
        return given
    values = {}
    for path, value in _leaves(given):
        text = digits.get(pointer_of(path))
        number = _number(text) if isinstance(text, str) else None
        if number is not None and type(value) is int and value == _nearest(number):
            values[path] = number
    return cast("Json", _changed(given, values))


def is_carried(conf: Mapping[str, object]) -> bool:
    """Return whether Airflow can hand a ``conf`` to the tasks of a run."""
    return not has_long_integers(conf)


def check_carried(conf: Mapping[str, object]) -> None:
    """Refuse a ``conf`` that others have made with integers that Airflow cannot hand to the run's tasks.

    :raises StepFailure: a ValidationError that says where they are
    """
    found = [pointer_of(path) for path, _ in _long_integers({key: conf[key] for key in conf if key != ABOUT})]
    if found:
        message = "The integer has more than 64 bits, which Airflow cannot pass to the tasks of a run that it triggers"
        errors = [{"pointer": pointer, "message": message} for pointer in found[:_MOST_LISTED]]
        msg = f"The input is invalid: {found[0]}: {message}. Start it with `airflow-workflows run` or its API"
        raise StepFailure(
            msg, type=ErrorType.VALIDATION_ERROR, code=ProblemCode.INTEGER_TOO_LONG, details={"errors": errors}
        )


def has_long_integers(value: object) -> bool:
    """Return whether a value does not fit into Airflow's protocol between its processes."""
    return next(_long_integers(value), None) is not None


def transportable(value: object) -> object:
    """Return a value for people to look at in Airflow, in which long integers are their digits as text."""
    return _changed(value, {path: str(number) for path, number in _long_integers(value)})


def _leaves(value: object) -> Iterator[tuple[Path, object]]:
    stack: list[tuple[Path, object]] = [((), value)]
    while stack:
        path, part = stack.pop()
        if isinstance(part, Mapping):
            stack.extend(((*path, key), inner) for key, inner in part.items())
        elif isinstance(part, list):
            stack.extend(((*path, index), inner) for index, inner in enumerate(part))
        else:
            yield path, part


def _long_integers(value: object) -> Iterator[tuple[Path, int | float]]:
    for path, part in _leaves(value):
        if isinstance(part, (int, float)) and not _LEAST <= part < _BEYOND:
            yield path, part


def _nearest(value: float) -> int:
    return _BEYOND - 1 if value > 0 else _LEAST


def _changed(value: object, parts: Mapping[Path, object]) -> object:
    """A value with some of its parts replaced; the value itself stays as it is."""
    if not parts:
        return value
    whole: Json = {"": copy.deepcopy(value)}
    for path, part in parts.items():
        holder = whole
        *way, last = ("", *path)
        for key in way:
            # A list, where the key is a position.
            holder = holder[key]
        holder[cast("str", last)] = part
    return cast("object", whole[""])


def _number(text: str) -> int | float | None:
    """The number of digits that stand beside an input; nothing where they are not of such a number."""
    if not _DIGITS.fullmatch(text):
        return None
    value = float(text) if "e" in text else int(text)
    return value if math.isfinite(value) and not _LEAST <= value < _BEYOND else None
