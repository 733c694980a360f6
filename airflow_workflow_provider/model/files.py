"""Addresses of the files that tasks read and write, and the folders in which they are (rule K6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

MAX_ADDRESS: Final = 1000

LOCAL: Final = "file"
"""The scheme of files of the worker's machine."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_FORBIDDEN: Final = re.compile(r"[\x00-\x1f\x7f\\?#%*]|::")
"""What a file system may take for more than a name: queries, escapes, patterns, and addresses inside addresses."""


def address_problem(address: str) -> str | None:
    """Return why a text is not the address of one file, or None where it is.

    :param address: such as ``s3://reports@bucket/key.csv``, with an Airflow connection before the ``@``
    """
    scheme, separator, rest = address.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme):
        return "has no scheme such as s3:// or file://"
    if len(address) > MAX_ADDRESS:
        return f"has more than {MAX_ADDRESS:,} characters"
    if _FORBIDDEN.search(rest):
        return r"has a control character, \, ?, #, %, * or ::"
    if scheme == LOCAL and not rest.startswith("/"):
        return "is not absolute; write three slashes: file:///"
    if {"", ".", ".."}.intersection(rest.removeprefix("/").split("/")):
        return "has an empty segment, . or .."
    return None


def folder_of(address: str, folders: Iterable[str]) -> str | None:
    """Return the folder in which a file is, the innermost of several; None for none.

    :param address: one without an :func:`address_problem`
    :param folders: addresses that end with a slash
    """
    return max((folder for folder in folders if address.startswith(folder)), key=len, default=None)
