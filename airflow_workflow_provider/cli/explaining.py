"""``explain``: a code, or a definition, in words."""

from __future__ import annotations

import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import airflow_workflow_provider
from airflow_workflow_provider.cli.console import print_line
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.words import nearest
from airflow_workflow_provider.vocabulary import ErrorType, LogEvent, MigrationObstacle, ProblemCode

_DIAGNOSTIC: Final = re.compile(r"WF\d{3}", re.IGNORECASE)
_CODE: Final = re.compile(r"[A-Za-z]+(?:[.-][A-Za-z]+)*")
_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_ROW: Final = re.compile(r"\| (?P<codes>(?:`[^`]+`(?:, )?)+) \| (?P<rest>.*) \|")


def explain(options: Namespace) -> int:
    """Print what a code means, or what a definition does."""
    what = options.what
    if _DIAGNOSTIC.fullmatch(what):
        return _print(_diagnostic(what.upper()))
    if _CODE.fullmatch(what) and not Path(what).exists():
        return _print(_meaning(what))
    from airflow_workflow_provider.cli.checking import read_definition
    from airflow_workflow_provider.model.sentences import sentences

    definition = read_definition(what)
    return FAILED if definition is None else _print(sentences(definition))


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        print_line(line)
    return FINE


def _diagnostic(code: str) -> Iterator[str]:
    """Yield the section of a finding on the page of diagnostics, as plain text."""
    from airflow_workflow_provider.model.diagnostics import CODES

    if code not in CODES:
        raise _unknown(code, CODES)
    yield f"{code}: {CODES[code]}"
    _, _, section = _page("diagnostics.md").partition(f"\n### {code}\n")
    in_block = False
    for line in re.split(r"\n##+ ", section, maxsplit=1)[0].rstrip().splitlines():
        if line.startswith("```"):
            in_block = not in_block
        else:
            yield f"    {line}" if in_block else _plain(line)


def _meaning(code: str) -> Iterator[str]:
    """Yield what a problem code, an error type, an event of the log or an obstacle to a migration means."""
    problems = {str(each): each.meaning for each in ProblemCode}
    listed = {str(each) for closed in (ErrorType, LogEvent, MigrationObstacle) for each in closed}
    if code not in problems.keys() | listed:
        raise _unknown(code, [*problems, *listed])
    if code in problems:
        yield f"{code}: {problems[code]}"
    if code not in listed:
        return
    for line in _page("vocabulary.md").splitlines():
        row = _ROW.fullmatch(line)
        if row is not None and code in row["codes"].replace("`", "").split(", "):
            yield f"{code}: {_plain(row['rest'].replace(' | ', '; '))}"


def _plain(line: str) -> str:
    return _LINK.sub(r"\1", line).replace("*", "").replace("`", "")


def _page(name: str) -> str:
    package = Path(airflow_workflow_provider.__file__).parent
    installed, checkout = package / "documentation" / name, package.parent / "docs" / name
    return (installed if installed.exists() else checkout).read_text(encoding="utf-8")


def _unknown(code: str, known: Iterable[str]) -> Misuse:
    close = nearest(code, known)
    hint = f"did you mean {' or '.join(close)}?" if close else "give a code of a message, or the file of a definition"
    return Misuse(f"{code!r} is neither a code nor a file", code=ProblemCode.BAD_OPTION, suggestion=hint)
