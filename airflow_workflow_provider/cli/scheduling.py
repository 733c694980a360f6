"""``schedule``: when the schedules of a definition start it, and with which input."""

from __future__ import annotations

import json
from argparse import Namespace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.cli.checking import read_definition
from airflow_workflow_provider.cli.console import note, print_json, print_table
from airflow_workflow_provider.cli.counts import from_one
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.errors import Misuse, StepFailure
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.engine.scheduling import Due
    from airflow_workflow_provider.model.definition import WorkflowDefinition


def schedule(options: Namespace) -> int:
    """Print the next times; exit code 1 for an invalid definition, or where the input of one is refused."""
    from airflow_workflow_provider.dag.timetable import timetable_of

    definition = read_definition(options.file)
    if definition is None:
        return FAILED
    after, count = _moment(options.after), from_one(options.count, "--count")
    if not definition.schedules:
        note("The definition has no schedule")
    found = timetable_of(definition.schedules, [after.isoformat()] * len(definition.schedules))
    lines = [_line(definition, due) for due in islice(found.times_after(after), count)]
    if options.output == "json":
        print_json(lines)
    else:
        rows = [(each["trigger"], each["scheduledTime"], each["localTime"], _shown(each)) for each in lines]
        print_table(("trigger", "time", "local time", "input"), rows)
    return FAILED if any(each["error"] for each in lines) else FINE


def _moment(text: str | None) -> datetime:
    from airflow_workflow_provider.model.schedules import parse_date

    try:
        return parse_date(text) or datetime.now(UTC)
    except ValueError as error:
        raise Misuse(str(error), code=ProblemCode.BAD_ARGUMENTS) from error


def _line(definition: WorkflowDefinition, due: Due) -> dict[str, Any]:
    from airflow_workflow_provider.engine.inputs import accepted_input

    event = due.event(definition, due.run_id)
    times = {name: event.data[name] for name in ("scheduledTime", "localTime")}
    line = {"trigger": definition.scheduled[due.number][0], **times}
    try:
        given = accepted_input(definition.input_schema, due.input(definition, event, due.run_id))
    except StepFailure as error:
        return {**line, "input": None, "error": error.message}
    return {**line, "input": given, "error": None}


def _shown(line: dict[str, Any]) -> str:
    return line["error"] or json.dumps(line["input"], ensure_ascii=False)
