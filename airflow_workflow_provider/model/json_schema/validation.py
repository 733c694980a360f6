"""Whether a value fits a JSON Schema (rules X6 and K2)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Any, Final

from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.json_schema.budget import STEPS_PER_VALUE, Budget, OutOfSteps
from airflow_workflow_provider.model.json_schema.keywords import visit
from airflow_workflow_provider.model.json_schema.patterns import PatternError
from airflow_workflow_provider.model.json_schema.references import Place, UnknownReference, root_place
from airflow_workflow_provider.model.words import violation

LONGEST_MESSAGE: Final = 500
MAX_FINDINGS: Final = 1000

TOO_MANY_STEPS: Final = (
    "checking it takes too many steps: the schema tries too many alternatives, or a pattern tries too many ways"
)
NO_END: Final = "the schema refers to itself without end, or the value is nested too deeply"

Finding = dict[str, str]


def schema_findings(schema: Any, value: Any) -> list[Finding]:
    """Return every way in which a value does not fit a schema, as ``{"pointer", "message"}``, in document order.

    Never raises: a schema that cannot be used, or takes more than the bounded number of steps, is a finding too.
    """
    if not schema and schema is not False:
        return []
    try:
        found = list(islice(iter_errors(schema, value), MAX_FINDINGS))
    except RecursionError:
        return [{"pointer": "", "message": NO_END}]
    except OutOfSteps:
        return [{"pointer": "", "message": TOO_MANY_STEPS}]
    except (UnknownReference, PatternError) as error:
        return [{"pointer": "", "message": f"the schema cannot be used: {error}"}]
    except Exception:
        # A row that was changed manually: keywords have values that no keyword can have.
        flaw = _flaw(schema)
        if flaw is None:
            raise
        return [{"pointer": "", "message": f"the schema cannot be used: {flaw}"}]
    found.sort(key=lambda error: [str(part) for part in error.absolute_path])
    return [{"pointer": pointer_of(tuple(error.absolute_path)), "message": _message(error)} for error in found]


def _flaw(schema: Any) -> str | None:
    from jsonschema import Draft202012Validator

    error = next(iter(iter_errors(Draft202012Validator.META_SCHEMA, schema)), None)
    if error is None:
        return None
    return f"{pointer_of(tuple(error.absolute_path)) or '/'}: {_message(error)}"


def fits(schema: Any, value: Any) -> bool:
    """Return whether a value fits a schema."""
    return not schema_findings(schema, value)


def iter_errors(schema: Any, value: Any, *, steps_per_value: int = STEPS_PER_VALUE) -> Iterable[Any]:
    """Yield every way in which a value does not fit a schema, as errors of the package ``jsonschema``.

    :param steps_per_value: how many keywords may be tried for each part of the value
    :raises OutOfSteps: it took too many steps
    :raises RecursionError: the schema refers to itself without end
    :raises UnknownReference: it refers to what is not there
    :raises PatternError: a pattern is none
    """
    return visit(place_of(schema), Budget(value, steps_per_value)).iter_errors(value)


def place_of(schema: Any) -> Place:
    """Return a schema prepared for looking up what it refers to."""
    return _place(json.dumps(schema))


def _message(error: Any) -> str:
    """Return what is wrong, whole or not quoted at all: a secret that was cut would not be found to be masked."""
    message = violation(error)
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"the value does not fit {error.validator!r} of its schema"


@lru_cache(maxsize=256)
def _place(schema_text: str) -> Place:
    return root_place(json.loads(schema_text))
