"""JSON that commands take besides definitions: inputs and mocks, from files or from the command line."""

from __future__ import annotations

import json
from typing import Any

from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.tasks.documents import read_bytes


def read_json_file(file: str) -> Any:
    """Return the JSON value in a file that is no definition (an input, mocks).

    :raises Misuse: it cannot be read, or is not JSON
    """
    try:
        return _parse(read_bytes(file).decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        message = f"Cannot read {file!r}: it is not UTF-8 text"
        raise Misuse(message, code="cannot-read") from error


def read_json_argument(text: str, *, what: str, bare_file: bool = False) -> Any:
    """Return the JSON value that an option gives.

    :param text: JSON text, or ``@`` and the name of a file, where ``@-`` is standard input
    :param what: the option, for messages
    :param bare_file: whether the name of a file may stand without ``@``
    :raises Misuse: it cannot be read, or is not JSON
    """
    if text.startswith("@"):
        return read_json_file(text[1:])
    if bare_file and not text.lstrip().startswith(("{", "[", '"')):
        return read_json_file(text)
    return _parse(text, what)


def _parse(text: str, where: str) -> Any:
    def refuse(constant: str) -> Any:
        message = f"{where} is not JSON: {constant} is no JSON number"
        raise Misuse(message, code="not-json", pointer=where)

    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        message = f"{where} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        raise Misuse(message, code="not-json", pointer=where) from error
    except RecursionError as error:
        message = f"{where} is nested too deeply"
        raise Misuse(message, code="not-json", pointer=where) from error
