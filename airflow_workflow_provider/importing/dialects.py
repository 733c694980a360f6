"""The languages that can be imported, by the name under which people know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from airflow_workflow_provider.importing import conductor, openworkflow, stepfunctions
from airflow_workflow_provider.importing.draft import file_identifier
from airflow_workflow_provider.importing.report import Conversion, Entry, NotImportable
from airflow_workflow_provider.importing.sources import read_source
from airflow_workflow_provider.model.words import shortened

Convert = Callable[[dict[str, Any], str, str], Conversion]

DIALECTS: Final[dict[str, Convert]] = {
    "stepfunctions": stepfunctions.convert,
    "conductor": conductor.convert,
    "open-workflow": openworkflow.convert,
}
"""Each takes the source, its name in messages, and the id of the definition."""


def convert(dialect: str, content: bytes, name: str, workflow_id: str | None = None) -> Conversion:
    """Return what a source becomes; a source that cannot be imported has an entry that says why, and no definition.

    :param dialect: a key of :data:`DIALECTS`
    :param content: JSON or YAML
    :param name: what the source is called, and what its definition is named after
    :param workflow_id: the id of the definition; by default made from its name
    """
    try:
        source = read_source(content)
        return DIALECTS[dialect](source, name, workflow_id or file_identifier(name))
    except NotImportable as error:
        hint = f" ({error.suggestion})" if error.suggestion else ""
        refused = Entry("refused", "Document", error.pointer or "", None, f"{error.message}{hint}")
        return Conversion(name, entries=[refused])
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        # The shape of a source is checked down to where its values are used.
        message = f"A value of the source is of the wrong kind: {shortened(str(error))}"
        return Conversion(name, entries=[Entry("refused", "Document", "", None, message)])
    except RecursionError:
        return Conversion(name, entries=[Entry("refused", "Document", "", None, "The source is nested too deeply")])
