"""Whether a source has the shape of its language, before anything of it is converted."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.importing.report import NotImportable
from airflow_workflow_provider.model.diagnostics import pointer_of
from airflow_workflow_provider.model.words import shortened, violation


def require(schema: dict[str, Any], source: Any) -> None:
    """Refuse a source that does not have a shape.

    :param schema: a JSON Schema of the language's objects, which leaves values to the conversion
    :raises NotImportable: it has not, with the first place
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema).iter_errors(source))
    if error is not None:
        raise NotImportable(shortened(violation(error)), pointer_of(error.absolute_path))
