"""``test``: run scenario files in memory, and report what they cover."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.cli.console import note, print_json, print_line, print_table, progress
from airflow_workflow_provider.cli.documents import environment
from airflow_workflow_provider.cli.files import write_text
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.simulators import make_simulator, tolerated
from airflow_workflow_provider.errors import Misuse
from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.model.plain import visible_json
from airflow_workflow_provider.model.reach import Policy
from airflow_workflow_provider.model.references import by_reference
from airflow_workflow_provider.scenarios.coverage import Coverage, percent
from airflow_workflow_provider.scenarios.reading import ReadFile, find, read_scenarios
from airflow_workflow_provider.scenarios.reports import junit
from airflow_workflow_provider.scenarios.running import Result, Runner
from airflow_workflow_provider.settings import load_settings
from airflow_workflow_provider.tasks.catalogue import Catalogue
from airflow_workflow_provider.tasks.documents import check, expand, load
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.model.task import TaskDefinition

MAX_MISSED = 20
"""Ways that the table lists as missed for each workflow; ``--output json`` has all of them."""


def test(options: Namespace) -> int:
    """Run every scenario; exit code 1 when one fails, or less is covered than asked for."""
    if not 0 <= options.fail_under <= 100:  # noqa: PLR2004 - per cent
        message = f"--fail-under is from 0 to 100 per cent, not {options.fail_under:g}"
        raise Misuse(message, code=ProblemCode.BAD_OPTION)
    files = list(find(options.paths))
    if not files:
        message = f"There is no scenario file in {', '.join(options.paths)}"
        hint = "scenario files are named *.scenario.json, *.scenario.yaml or *.scenario.yml"
        raise Misuse(message, code=ProblemCode.NO_SCENARIOS, suggestion=hint)
    runner = _runner(options)
    results: list[Result] = []
    with progress("Testing", None) as advance:
        for result in _run_all(runner, map(read_scenarios, files)):
            results.append(result)
            advance()
    # Beside a scenario file that is named alone, only what its scenarios run counts.
    whole = set(expand(path for path in options.paths if Path(path).is_dir()))
    covered = [
        each
        for key, each in sorted(runner.coverage.items())
        if runner.files.get(key) in whole or any(each.begun.values())
    ]
    report = {
        "passed": sum(each.passed for each in results),
        "failed": sum(not each.passed for each in results),
        "scenarios": [each.to_json() for each in results],
        "coverage": {"percent": percent(covered), "workflows": [each.to_json() for each in covered]},
    }
    _write(options, results, covered, report)
    if options.output == "json":
        print_json(report)
    elif options.output == "junit":
        print_line(junit(results, covered).rstrip())
    else:
        _print(results, covered)
    enough = percent(covered) >= options.fail_under
    if not enough:
        note(f"The scenarios cover {percent(covered)} % of the ways, less than {options.fail_under:g} %")
    return FINE if enough and not report["failed"] else FAILED


def _runner(options: Namespace) -> Runner:
    """Return what runs the scenarios, with the definitions and tasks of the folders."""
    settings = load_settings()
    folders = [path if Path(path).is_dir() else str(Path(path).parent) for path in options.paths]
    definitions, refused, files = [], {}, {}
    tasks: dict[str, TaskDefinition] = {}
    values = environment(options.env)
    loaded = (load(file, values) for file in expand([*options.definitions, *folders]))
    for each in check(loaded, Catalogue(), Policy.of(settings)):
        if each.is_task and each.valid and each.model is not None:
            tasks[each.model.task_id] = each.model
        if each.is_task or each.name is None:
            continue
        model = tolerated(each)
        if model is not None:
            definitions.append(model)
            files[model.workflow_id, model.version] = each.file
        else:
            errors = [found for found in each.diagnostics if found.severity == "error"]
            refused[each.name] = f"{each.file}: {errors[0].code} at {errors[0].pointer or '/'}: {errors[0].message}"
            note(f"warning: {each.file} is invalid and is left out; see airflow-workflows validate")
    simulator = make_simulator(settings, Catalogue(tasks), by_reference(definitions))
    return Runner(simulator, refused, settings.receive_window, files)


def _run_all(runner: Runner, files: Iterator[ReadFile]) -> Iterator[Result]:
    for each in files:
        if each.scenarios is None:
            first = each.diagnostics[0]
            more = f" (and {len(each.diagnostics) - 1} more)" if len(each.diagnostics) > 1 else ""
            hint = f" ({first.suggestion})" if first.suggestion else ""
            why = f"{first.code} at {first.pointer or '/'}: {first.message}{hint}{more}"
            yield Result(each.file, Path(each.file).name, "", error=why)
            continue
        for scenario in each.scenarios.scenarios:
            yield runner.run(each.file, each.scenarios.workflow, scenario)


def _write(options: Namespace, results: Sequence[Result], covered: Sequence[Coverage], report: dict[str, Any]) -> None:
    if options.junit is not None:
        write_text(options.junit, junit(results, covered))
    if options.coverage is not None:
        write_text(options.coverage, visible_json(dumps(report["coverage"], indent=2)) + "\n")


def _print(results: Sequence[Result], covered: Sequence[Coverage]) -> None:
    for each in results:
        print_line(f"{'ok    ' if each.passed else 'FAILED'} {each.file}: {each.name}")
        for reason in [each.error] if each.error is not None else each.failures:
            print_line(f"         {reason}")
    print_line(f"\n{sum(each.passed for each in results)} of {len(results)} scenarios passed.")
    _print_coverage(covered)


def _print_coverage(covered: Sequence[Coverage]) -> None:
    columns = ("workflow", "covered", "steps", "transitions", "handlers", "branches", "items", "compensations")
    rows = []
    for each in covered:
        counts = each.counts()
        shown = (f"{taken}/{of}" if of else "" for taken, of in (counts[name] for name in columns[2:]))
        rows.append((f"{each.definition.workflow_id}@{each.definition.version}", f"{percent([each])} %", *shown))
    print_table(columns, rows, title="Coverage")
    for each in covered:
        missed = each.missed()
        if missed and any(each.begun.values()):
            print_line(f"Not taken in {each.definition.workflow_id}:")
            for way in missed[:MAX_MISSED]:
                print_line(f"  {way.id} -> {way.target}" + (f"  {way.label}" if way.label else ""))
            if len(missed) > MAX_MISSED:
                print_line(f"  and {len(missed) - MAX_MISSED} more")
    print_line(f"In total {percent(covered)} % of the ways.")
