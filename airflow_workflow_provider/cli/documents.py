"""JSON that commands take besides definitions: inputs and mocks, from files or from the command line."""

from __future__ import annotations

from typing import Any

from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.environment import Values, values_of
from airflow_workflow_provider.model.json_text import loads_data
from airflow_workflow_provider.tasks.documents import read_bytes
from airflow_workflow_provider.vocabulary import ProblemCode


def read_json_file(file: str) -> Any:
    """Return the JSON value in a file that is no definition (an input, mocks).

    :raises Misuse: it cannot be read, or is not JSON; with every finding
    """
    return _parse(read_bytes(file), file)


def read_json_argument(text: str, *, what: str, bare_file: bool = False) -> Any:
    """Return the JSON value that an option gives.

    :param text: JSON text, or ``@`` and the name of a file, where ``@-`` is standard input
    :param what: the option, for messages
    :param bare_file: whether the name of a file may stand without ``@``
    :raises Misuse: it cannot be read, or is not JSON; with every finding
    """
    if text.startswith("@"):
        return read_json_file(text[1:])
    if bare_file and not text.lstrip().startswith(("{", "[", '"')):
        return read_json_file(text)
    return _parse(text, what)


def environment(file: str | None) -> Values | None:
    """Return the values that ``--env`` names; None without it.

    :raises Misuse: the file cannot be read, or has no values
    """
    return None if file is None else values_of(read_json_file(file), file)


def _parse(text: str | bytes, where: str) -> Any:
    try:
        return loads_data(text)
    except InvalidDefinition as error:
        raise not_json(error, where) from error


def not_json(error: InvalidDefinition, where: str) -> Misuse:
    """Return the error of a text that is no JSON, or has what cannot be kept.

    :param where: the option or the file
    """
    first = error.diagnostics[0]
    refused = Misuse(
        f"{where} is not usable JSON:  {error.message}",
        code=ProblemCode.NOT_JSON,
        pointer=f"{where}#{first.pointer}" if first.pointer else where,
        suggestion=first.suggestion,
    )
    refused.findings = error.findings
    return refused
