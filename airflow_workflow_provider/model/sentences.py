"""A definition in sentences, for people who do not read JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_workflow_provider.model.definition import END, FAIL, EventTrigger, Step, WorkflowDefinition
from airflow_workflow_provider.model.durations import parse_duration
from airflow_workflow_provider.model.fields import Transform
from airflow_workflow_provider.model.flow import Flow, workflow_targets
from airflow_workflow_provider.model.plain import one_line
from airflow_workflow_provider.model.ways import (
    Holds,
    Way,
    WayKind,
    continues_normally,
    inner_lists,
    ways_of_workflow,
)

if TYPE_CHECKING:
    from datetime import timedelta

    from airflow_workflow_provider.model.definition import ForEach, OnFailure, RetryPolicy, Schedule, WorkflowOnFailure

T = TypeVar("T")

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_ON_LIMIT: Final = {
    "queue": "One more waits for its turn.",
    "skip": "One more is cancelled at once.",
    "fail": "One more fails at once.",
    "replace": "One more ends those that run before it.",
}


def sentences(definition: WorkflowDefinition) -> Iterator[str]:
    """Yield the lines: how it starts, each step with where it leads, and how it ends.

    :param definition: a valid definition
    """
    yield f"{one_line(definition.name)} ({definition.workflow_id} {definition.version})"
    if definition.description:
        yield one_line(definition.description)
    yield ""
    yield from _starts(definition)
    yield from _input(definition)
    yield ""
    yield from _listed(definition.steps, "", workflow_targets(definition))
    yield ""
    yield from _end(definition)


def _starts(definition: WorkflowDefinition) -> Iterator[str]:
    yield "It starts when somebody starts it, in Airflow, by the API or as a step of another workflow."
    for each in definition.triggers:
        if isinstance(each, EventTrigger):
            yield f"It starts with each event {each.event_pattern!r}."
        else:
            yield f"It starts {_times(each.schedule)}."


def _times(schedule: Schedule) -> str:
    if schedule.cron is not None:
        found = f"at the times of the cron expression {schedule.cron!r} in the time zone {schedule.timezone}"
    elif schedule.every is not None:
        found = f"every {_length(schedule.every)}"
    else:
        found = f"at the times of Airflow's timetable {one_line(schedule.timetable or '')}"
    dates = [
        *([f"from {schedule.start_date}"] if schedule.start_date else []),
        *([f"until {schedule.end_date}"] if schedule.end_date else []),
    ]
    late = "missed times are made up for" if schedule.catchup else "of missed times only the latest one"
    return f"{' '.join([found, *dates])} ({late})"


def _input(definition: WorkflowDefinition) -> Iterator[str]:
    schema = definition.input_schema
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set()
    yield "It takes:"
    for name, each in properties.items():
        yield f"  - {one_line(name)}{_described(each)}{', required' if name in needed else ''}"


def _described(schema: Any) -> str:
    if not isinstance(schema, dict):
        return ""
    kind = schema.get("type")
    kinds = one_line(" or ".join(map(str, kind)) if isinstance(kind, list) else str(kind or "anything"))
    title = schema.get("title") or schema.get("description")
    return f": {one_line(str(title))} ({kinds})" if title else f" ({kinds})"


def _listed(steps: tuple[Step, ...], indent: str, named: tuple[str, ...] = ()) -> Iterator[str]:
    flow = Flow.of(steps, named_before=named)
    for number, step in enumerate(steps, 1):
        mark = f"{number}. "
        yield f"{indent}{mark}{_title(step)}"
        inside = indent + " " * len(mark)
        yield from (f"{inside}{line}" for line in _does(step))
        for inner in inner_lists(step):
            of_items = inner.branch_id is None
            head = f"For each {one_line(inner.way.label)}" if of_items else f"Branch {inner.branch_id}"
            yield f"{inside}{head}:{'' if inner.steps else ' nothing.'}"
            yield from _listed(inner.steps, inside + "  ")
        yield from (f"{inside}{line}" for line in _leaves(step, flow))


def _title(step: Step) -> str:
    name = f'"{one_line(step.name)}" ' if step.name else ""
    if step.choice is not None:
        tasks = " or ".join(map(one_line, step.task_ids))
        return f"{step.step_id}: {name}runs the task {tasks}, as {one_line(step.choice.select.expression)} says."
    return f"{step.step_id}: {name}runs the task {one_line(step.task_name)}."


def _does(step: Step) -> Iterator[str]:
    if step.description:
        yield one_line(step.description)
    if step.timeout is not None:
        longer = f"if it takes longer than {_setting(step.timeout, _length)}"
        yield f"{'It fails with TimeoutError' if step.on_timeout == 'fail' else 'It is reported once'} {longer}."
    yield from _retries(step)
    if step.parallel_branches:
        yield f"Its {len(step.parallel_branches)} branches then run at the same time." + (
            f" It continues when {step.join.at_least} of them have completed, and stops the others."
            if step.join is not None
            else " The first that fails stops the others."
            if step.fail_fast
            else ""
        )
    if step.for_each is not None:
        each = step.for_each
        yield (
            f"Its steps then run for each item of {one_line(each.items.expression)}, "
            f"at most {_setting(each.max_concurrency, str)} at a time.{_tolerated(each)}"
        )


def _tolerated(each: ForEach) -> str:
    number, share = each.tolerated_failures, each.tolerated_failure_percentage
    parts = [] if number is None and share is not None else [_setting(number or 0, str)]
    if share is not None:
        parts.append(f"{_setting(share, lambda given: format(given, 'g'))} %")
    smaller = ", whichever is less," if len(parts) > 1 else ""
    return "" if parts == ["0"] else f" Up to {' or '.join(parts)} of them{smaller} may fail."


def _setting(given: T | Transform, written: Callable[[T], str]) -> str:
    """Return what a setting says: its expression where it is computed."""
    return one_line(given.expression) if isinstance(given, Transform) else written(given)


def _leaves(step: Step, flow: Flow) -> Iterator[str]:
    yield from (_next(way) for way in flow.ways(step.step_id, WayKind.NEXT))
    yield from _failures(flow.ways(step.step_id, WayKind.FAILURE), step.on_failure)
    if step.compensation is not None:
        yield f"If the workflow is undone, the task {one_line(step.compensation.task_id)} undoes this step."


def _retries(step: Step) -> Iterator[str]:
    given = step.retry_policy
    if given is None:
        if step.on_failure is not None and step.on_failure.action == "retry":
            yield "A failed attempt is repeated as [workflows] default_retry says."
        return
    for each in given if isinstance(given, tuple) else (given,):
        yield _retry(each)


def _retry(policy: RetryPolicy) -> str:
    which = f" that fails with {_any_of(policy.retry_on)}" if policy.retry_on else ""
    never = f", but not after {_any_of(policy.do_not_retry_on)}" if policy.do_not_retry_on else ""
    pause = f", {_length(policy.delay)} apart" if parse_duration(policy.delay) else ""
    grows = _growth(policy) if pause and policy.max_attempts > 2 else ""  # noqa: PLR2004 - one pause cannot grow
    return f"An attempt{which} is repeated, up to {policy.max_attempts} attempts in all{pause}{grows}{never}."


def _growth(policy: RetryPolicy) -> str:
    if policy.strategy == "exponential":
        return f" and each time {policy.multiplier:g} times as long"
    return " and each time longer by as much" if policy.strategy == "linear" else ""


def _any_of(names: tuple[str, ...]) -> str:
    return one_line(" or ".join(names))


def _next(way: Way) -> str:
    condition = f"If {one_line(way.guard.condition)}, " if isinstance(way.guard, Holds) else ""
    start = condition or ("Otherwise " if way.is_otherwise else "Then ")
    return f"{start}{_leads(way.target)}."


def _leads(target: str) -> str:
    if target == END:
        return "this path ends"
    if target == FAIL:
        return "the workflow fails"
    return f"it goes to {target}"


def _failures(ways: tuple[Way, ...], on_failure: OnFailure | None) -> Iterator[str]:
    for way in ways:
        yield f"If it fails with {one_line(way.label)}, {_leads(way.target)}."
    if continues_normally(on_failure):
        otherwise = " otherwise" if ways else ""
        yield f"If it fails{otherwise}, it continues as after a success, with an empty output."


def _end(definition: WorkflowDefinition) -> Iterator[str]:
    settings = definition.settings
    if settings.timeout is not None:
        what = "fails with TimeoutError" if settings.on_timeout == "fail" else "is reported once"
        yield f"The workflow {what} if it takes longer than {_length(settings.timeout)}."
    if settings.deadline is not None:
        yield f"It is reported once if it has not ended {_length(settings.deadline)} after its start."
    limit = settings.concurrency
    if limit is not None:
        key = f" with the same {one_line(limit.key.expression)}" if limit.key is not None else ""
        yield f"At most {limit.limit} instances{key} run at the same time. {_ON_LIMIT[limit.on_limit]}"
    yield from _workflow_failure(definition.on_failure, ways_of_workflow(definition))
    if definition.output is None:
        yield "Its result is the output of the step that completed last."
    else:
        yield f"Its result is {one_line(definition.output.expression)}."


def _workflow_failure(on_failure: WorkflowOnFailure | None, ways: tuple[Way, ...]) -> Iterator[str]:
    yield "A failure that no step handles fails the workflow."
    if on_failure is None:
        return
    if on_failure.compensate:
        yield "Then what was done is undone, the newest step first."
    yield from (f"On such a failure with {one_line(way.label)}, {_leads(way.target)}." for way in ways)
    if on_failure.action == "continue":
        yield "It then counts as completed."


def _length(text: str) -> str:
    return length_in_words(parse_duration(text))


def length_in_words(length: timedelta) -> str:
    """Return a duration in words, such as ``2 days 1 hour``."""
    left, found = length.total_seconds(), []
    for unit, seconds in _UNITS:
        number, left = divmod(left, seconds)
        if number:
            found.append(f"{number:g} {unit}{'s' if number > 1 else ''}")
    if left or not found:
        found.append(f"{left:g} second{'' if left == 1 else 's'}")
    return " ".join(found)
