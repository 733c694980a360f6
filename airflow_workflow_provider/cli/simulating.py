"""``simulate``: run definitions in memory, without Airflow and without a database."""

from __future__ import annotations

import codecs
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_workflow_provider.cli.console import note, print_diagnostics, print_json, print_line, print_table, progress
from airflow_workflow_provider.cli.documents import environment, not_json, read_json_argument, read_json_file
from airflow_workflow_provider.cli.main import FAILED, FINE, MISUSE
from airflow_workflow_provider.cli.simulators import MISSING_TASKS, make_simulator, print_invalid, read_definition
from airflow_workflow_provider.errors import InvalidDefinition, Misuse
from airflow_workflow_provider.model.diagnostics import Diagnostic
from airflow_workflow_provider.model.json_text import DATA_DEPTH, loads_document, value_findings
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.documents import STANDARD_INPUT, Checked, expand, load, load_tasks
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.hosts.simulation import Simulation
    from airflow_workflow_provider.model.definition import WorkflowDefinition
    from airflow_workflow_provider.model.environment import Values
    from airflow_workflow_provider.tasks.mocks import Simulator


def simulate(options: Namespace) -> int:
    """Run one definition, or those of a batch; exit code 0 when all completed, 1 for any other end."""
    if options.like is not None:
        return _like(options)
    if options.version is not None:
        message = "--version is that of --like INSTANCE; without it, give the FILE of the definition"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS)
    if (options.file is None) == (options.batch is None):
        message = "Give either the FILE of one definition or --batch"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS)
    if options.batch is not None and options.env is not None:
        message = "--env goes with FILE, not with --batch"
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS)
    values = environment(options.env)
    simulator, broken = _simulator(options, values)
    if broken:
        for each in broken:
            print_invalid(each, options.output)
        return FAILED
    return _batch(simulator, options) if options.batch is not None else _one(simulator, options, values)


def _like(options: Namespace) -> int:
    """Play an instance again."""
    from airflow_workflow_provider.cli.replaying import replay

    message = None
    if options.batch is not None or options.input is not None:
        message = "--like takes the input of the instance; it goes with neither --input nor --batch"
    elif options.file is not None and options.version is not None:
        message = "--like compares with one version: give either FILE or --version"
    if message is not None:
        raise Misuse(message, code=ProblemCode.BAD_ARGUMENTS)
    return replay(options)


def _simulator(options: Namespace, values: Values | None) -> tuple[Simulator, list[Checked]]:
    settings = load_settings()
    files = [options.file] if options.file else []
    catalogue, broken = load_tasks(options.tasks, files, policy=Policy.of(settings), values=values)
    return make_simulator(settings, catalogue, _child_workflows(options.tasks, values)), broken


def _child_workflows(paths: list[str], values: Values | None) -> dict[str, WorkflowDefinition]:
    """Return the workflows in files, by what refers to them."""
    from airflow_workflow_provider.model.references import by_reference
    from airflow_workflow_provider.model.validate import parse_definition

    found = []
    for each in (load(file, values) for file in expand(paths)):
        if each.is_task or each.name is None:
            continue
        try:
            found.append(parse_definition(each.document))
        except InvalidDefinition:
            note(f"warning: {each.file} is invalid, so no step can run it as a sub-workflow")
    return by_reference(found)


def _one(simulator: Simulator, options: Namespace, values: Values | None) -> int:
    read_mocks = read_json_file(options.mocks) if options.mocks is not None else {}
    given = read_json_argument(options.input or "{}", what="--input", bare_file=True)
    checked = load(options.file, values)
    definition = read_definition(checked, simulator.catalogue)
    if definition is None:
        print_invalid(checked, options.output)
        return FAILED
    if options.output == "table":
        print_diagnostics((each for each in checked.diagnostics if each.code not in MISSING_TASKS), stderr=True)
    result = simulator.run(definition, given, read_mocks, now=datetime.now(UTC))
    if options.output == "json":
        print_json(result.to_json())
    else:
        _print_result(result)
    return FINE if result.status == "completed" else FAILED


def _print_result(result: Simulation) -> None:
    rows = [(line["stepId"], line.get("item"), line["visit"], line["attempt"], line["status"]) for line in result.path]
    print_table(("step", "item", "visit", "attempt", "status"), rows)
    print_line(result.status)
    for title, value in (("output", result.output), ("error", result.error)):
        if value is not None:
            print_line(f"{title}:")
            print_json(value)


@dataclass(frozen=True)
class _Case:
    """One line of a batch."""

    place: str
    text: bytes


def _batch(simulator: Simulator, options: Namespace) -> int:
    worst = FINE
    with ExitStack() as stack:
        advance = stack.enter_context(progress("Simulating", None))
        for case in _cases(options.batch):
            result, code = _run_case(simulator, case)
            print_json(result, indent=None)
            worst = max(worst, code)
            advance()
    return worst


def _cases(file: str) -> Iterator[_Case]:
    name = "<stdin>" if file == STANDARD_INPUT else file
    try:
        with ExitStack() as stack:
            stream = sys.stdin.buffer if file == STANDARD_INPUT else stack.enter_context(Path(file).open("rb"))
            for number, line in enumerate(_lines(stream), 1):
                if line.strip():
                    yield _Case(f"{name}:{number}", line)
    except (OSError, ValueError) as error:
        message = f"Cannot read {file!r}: {getattr(error, 'strerror', None) or error}"
        raise Misuse(message, code=ProblemCode.CANNOT_READ) from error


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines as bytes, so that one that is no text is a finding of its own; UTF-16 needs its mark at the start."""
    first = stream.readline()
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = (first + stream.read()).decode("utf-16", "surrogatepass")
        yield from (line.encode("utf-8", "surrogatepass") for line in text.split("\n"))
        return
    yield first
    yield from stream


def _run_case(simulator: Simulator, case: _Case) -> tuple[dict[str, Any], int]:
    """Run one line; whatever is wrong with it becomes its result, so that results and lines stay aligned."""
    try:
        given = _read_case(case)
    except Misuse as error:
        return _misused(case, error), MISUSE
    checked = Checked(case.place, document=given.get("definition"))
    definition = read_definition(checked, simulator.catalogue)
    if definition is None:
        return checked.as_json(), FAILED
    try:
        result = simulator.run(definition, given.get("input", {}), given.get("mocks") or {}, now=datetime.now(UTC))
    except Misuse as error:
        return _misused(case, error), MISUSE
    return result.to_json(), FINE if result.status == "completed" else FAILED


def _read_case(case: _Case) -> dict[str, Any]:
    try:
        given = loads_document(case.text)
    except InvalidDefinition as error:
        raise not_json(error, "The line") from error
    allowed = ["definition", "input", "mocks"]
    if not isinstance(given, dict) or "definition" not in given or set(given) - set(allowed):
        message = f"A line is an object with the keys {allowed}, of which 'definition' is required"
        raise Misuse(message, code=ProblemCode.BAD_CASE)
    # The definition's own checks look at it.
    parts = (key for key in ("input", "mocks") if key in given)
    found = [each for key in parts for each in value_findings(given[key], max_depth=DATA_DEPTH, pointer=f"/{key}")]
    if found:
        raise not_json(InvalidDefinition(found[0].message, found), "The line")
    return given


def _misused(case: _Case, error: Misuse) -> dict[str, Any]:
    found = Diagnostic(error.code, "error", error.pointer or "", error.message, error.suggestion)
    return Checked(case.place, diagnostics=tuple(error.findings) or (found,)).as_json()
