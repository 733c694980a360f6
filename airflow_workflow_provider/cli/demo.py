"""``make demo``: order approvals on a real Airflow and PostgreSQL, from nothing to their logs; then all is stopped.

Run as ``python -m airflow_workflow_provider.cli.demo`` in a working copy, whose ``examples`` it shows.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from airflow_workflow_provider.cli.console import console, note, print_error, print_json, print_line, print_table
from airflow_workflow_provider.cli.documents import not_json
from airflow_workflow_provider.cli.main import FAILED, FINE
from airflow_workflow_provider.cli.main import main as run_command
from airflow_workflow_provider.errors import InvalidDefinition, Misuse, NotFound, WorkflowsError
from airflow_workflow_provider.local.airflow import EnvironmentFailure, LocalEnvironment
from airflow_workflow_provider.local.configuration import connection_json
from airflow_workflow_provider.model.json_text import loads_document
from airflow_workflow_provider.settings import DEFAULT_CONNECTION_ID
from airflow_workflow_provider.store.database import Database
from airflow_workflow_provider.store.instances import Instance, Instances, instance_id
from airflow_workflow_provider.store.logs import LogRow, Logs
from airflow_workflow_provider.vocabulary import ProblemCode

if TYPE_CHECKING:
    from airflow_workflow_provider.local.client import AirflowClient

WORKFLOW = "order-approval"
ENDED = frozenset({"completed", "failed"})
POLL = 0.3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOWN_DATA = ("next", "output", "error")
MAX_DATA = 100
"""Characters of a log row's data that are shown."""


@dataclass(frozen=True)
class Case:
    """One order: its input, and the step that must decide about it; null where the input must be refused."""

    title: str
    input_file: str
    decided_by: str | None


CASES = (
    Case("a small order", "order-approval.input.json", "autoApprove"),
    Case("a large order", "order-approval.manager.input.json", "managerApproval"),
    Case("a very large order", "order-approval.board.input.json", "boardApproval"),
    Case("an order that is invalid", "order-approval.refused.input.json", None),
)


@dataclass
class Order:
    """A case while it runs."""

    case: Case
    input: dict[str, Any]
    run_id: str | None = None
    refusal: str | None = None
    instance: Instance | None = None

    @property
    def id(self) -> UUID | None:
        """The instance's id, null before it is started."""
        return instance_id(WORKFLOW, self.run_id) if self.run_id else None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen."""
        return self.refusal is not None or (self.instance is not None and self.instance.status in ENDED)

    @property
    def status(self) -> str:
        """Its state in words."""
        if self.refusal is not None:
            return "refused"
        return self.instance.status if self.instance else "waiting for Airflow"

    @property
    def path(self) -> list[str]:
        """The steps that were started, in that order."""
        steps = self.instance.state.steps if self.instance else {}
        return sorted(steps, key=lambda step: steps[step].started_at or "")

    @property
    def problem(self) -> str | None:
        """A deviation from the example, None if there is none."""
        if self.case.decided_by is None:
            started = self.instance is not None and self.instance.status == "completed"
            return f"{self.case.title} was accepted, but its input is invalid" if started else None
        if self.status != "completed":
            error = self.instance.error if self.instance else None
            return f"{self.case.title} is {self.status}: {self.refusal or error or 'no error was recorded'}"
        if self.case.decided_by not in self.path:
            return f"{self.case.title} went {' → '.join(self.path)}, not through {self.case.decided_by}"
        return None


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; 0 when every order took the way that its example promises."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".local/demo"), help="where its data are kept")
    parser.add_argument("--examples", type=Path, default=Path("examples"), help="the definitions to load")
    parser.add_argument("--seconds", type=float, default=300, help="how long each phase may take")
    options = parser.parse_args(argv)
    for each in SIGNALS:
        signal.signal(each, _end)
    environment = LocalEnvironment(options.folder, seconds=options.seconds)
    try:
        return demonstrate(environment, options.examples, options.seconds)
    except WorkflowsError as error:
        if isinstance(error, EnvironmentFailure):
            note(error.details)
        print_error(error)
        return FAILED
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # Whatever the demo started ends with it, unless it was running before.
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        with phases() as say:
            say("Stopping Airflow and PostgreSQL")
            environment.down()
        print_line("Everything that the demo started is stopped. `make up` starts an environment that stays.")


def demonstrate(environment: LocalEnvironment, examples: Path, seconds: float) -> int:
    """Start, load, run and show.

    :raises WorkflowsError: a part of it cannot be done
    """
    orders = [Order(case, _read(examples / case.input_file)) for case in CASES]
    heading("1. PostgreSQL and Airflow start: api-server, scheduler, dag-processor, triggerer")
    with phases() as say:
        access = environment.up(say)
    print_line(f"Airflow's UI is at {access.address} while the demo runs (user {access.username}, password in")
    print_line(f"{environment.layout.passwords}).")

    heading(f"2. The definitions in {examples}/ are checked and stored")
    _point_commands_to(environment)
    # An input stands beside its definition, as <name>.input.json.
    definitions = sorted(str(file) for file in examples.glob("*.json") if "." not in file.stem)
    if run_command(["apply", str(examples / "tasks"), *definitions]) != FINE:
        message = "Not every example could be stored"
        raise WorkflowsError(message, code=ProblemCode.DEMO_FAILED)

    heading(f"3. Orders are sent to {WORKFLOW!r} through Airflow's REST API")
    with environment.client() as client, Database(environment.workflows_url()) as database:
        with phases() as say:
            say(f"Waiting until Airflow has the DAG {WORKFLOW!r}")
            client.wait_for_dag(WORKFLOW, seconds=seconds)
        for order in orders:
            start(client, order)
        follow(client, Instances(database), orders, seconds)
        heading("4. The instances in PostgreSQL")
        for order in orders:
            show(order, Logs(database))
    print_line(f"\nAirflow's own view of it was at {access.address}/dags/{WORKFLOW}")
    problems = [order.problem for order in orders if order.problem]
    for problem in problems:
        note(f"error demo-failed: {problem}")
    return FAILED if problems else FINE


def start(client: AirflowClient, order: Order) -> None:
    """Start an instance, or keep the reason why Airflow refuses the input."""
    try:
        order.run_id = str(client.trigger(WORKFLOW, order.input)["dag_run_id"])
    except Misuse as error:
        order.refusal = error.message


def follow(client: AirflowClient, instances: Instances, orders: Sequence[Order], seconds: float) -> None:
    """Show each order's way until all are over.

    :raises WorkflowsError: one is not over after ``seconds``
    """
    deadline = time.monotonic() + seconds
    with live(orders) as refresh:
        while True:
            for order in orders:
                if order.id is not None and not order.over:
                    order.instance = _look(instances, order.id)
            refresh()
            if all(order.over for order in orders):
                return
            if time.monotonic() > deadline:
                late = next(order for order in orders if not order.over)
                state = client.run(WORKFLOW, late.run_id or "")["state"]
                message = f"{late.case.title} is {late.status} after {seconds:.0f} s; its DAG run is {state}"
                raise WorkflowsError(message, code=ProblemCode.DEMO_FAILED)
            time.sleep(POLL)


def show(order: Order, logs: Logs) -> None:
    """Print what is stored of an order."""
    print_line(f"\n{order.case.title}: {json.dumps(order.input, ensure_ascii=False)}")
    if order.refusal is not None:
        print_line(f"  refused before any step, by the definition's inputSchema: {order.refusal.splitlines()[0]}")
        return
    print_line(f"  instance {order.id}")
    print_line(f"  status   {order.status}")
    print_line(f"  path     {' → '.join(order.path)}")
    if order.instance is not None and order.instance.error is not None:
        print_line(f"  error    {order.instance.error.get('type')}: {order.instance.error.get('message')}")
    if order.instance is not None and order.instance.output is not None:
        print_json(order.instance.output)
    rows = logs.read(order.id) if order.id else ()
    print_table(
        ("at", "event", "step", "what"),
        [(f"{row.at:%H:%M:%S.%f}"[:-3], row.event, row.step_id, _what(row)) for row in rows],
        title="log",
    )


def _end(number: int, _: object) -> None:
    """Leave because of a signal.

    Python drops what is raised while it calls back a weak reference, so it is raised again until it is heard.
    """
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(128 + number))
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
    sys.exit(128 + number)


def _what(row: LogRow) -> str:
    """A log row as one line."""
    if row.message:
        return row.message
    # The instance's input is shown above, and a step's is made of what came before it.
    shown = {name: value for name, value in (row.data or {}).items() if name in SHOWN_DATA and value is not None}
    text = json.dumps(shown, ensure_ascii=False) if shown else ""
    return text if len(text) <= MAX_DATA else f"{text[:MAX_DATA]}…"


def heading(text: str) -> None:
    """Print the title of a part."""
    from rich.text import Text

    console().print(Text(f"\n{text}", style="bold"))


@contextmanager
def phases() -> Iterator[Any]:
    """Show the current phase: a spinner on a terminal, else one line for each; yields a function to report one."""
    out = console()
    if out.is_terminal:
        with out.status("") as status:
            yield status.update
        return
    said: list[str] = []

    def say(text: str) -> None:
        if text not in said:
            said.append(text)
            print_line(f"  {text}")
            sys.stdout.flush()

    yield say


@contextmanager
def live(orders: Sequence[Order]) -> Iterator[Any]:
    """Show a line for each order, updated while it runs; yields the function that updates them."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    out = console()
    columns = (
        SpinnerColumn(finished_text="•"),
        TextColumn("{task.description:<22}"),
        TextColumn("{task.fields[status]:<20}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[path]}"),
    )
    with Progress(*columns, console=out, refresh_per_second=8) as progress:
        rows = [progress.add_task(order.case.title, total=1, status="", path="") for order in orders]

        def refresh() -> None:
            for row, order in zip(rows, orders, strict=True):
                path = " → ".join(order.path)
                progress.update(row, status=order.status, path=path, completed=1 if order.over else 0)

        yield refresh


def _look(instances: Instances, wanted: UUID) -> Instance | None:
    try:
        return instances.get(wanted)
    except NotFound:
        return None


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = loads_document(path.read_bytes())
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise Misuse(
            message, code=ProblemCode.NO_EXAMPLE, suggestion="run the demo in a working copy, or name --examples"
        ) from error
    except InvalidDefinition as error:
        raise not_json(error, str(path)) from error
    return document


def _point_commands_to(environment: LocalEnvironment) -> None:
    """Make the commands use the demo's database, whatever the user's own shell points to."""
    for name in [name for name in os.environ if name.startswith("AIRFLOW")]:
        del os.environ[name]
    os.environ["AIRFLOW_HOME"] = str(environment.layout.home)
    os.environ[f"AIRFLOW_CONN_{DEFAULT_CONNECTION_ID.upper()}"] = connection_json(environment.workflows_url())


if __name__ == "__main__":
    sys.exit(main())
