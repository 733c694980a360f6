"""What the commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow_workflow_provider.model.json_text import dumps
from airflow_workflow_provider.model.plain import one_line, visible, visible_json

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

    from airflow_workflow_provider.errors import WorkflowsError
    from airflow_workflow_provider.model.diagnostics import Diagnostic

SEVERITY_STYLES = {"error": "bold red", "warning": "yellow"}


def console(*, stderr: bool = False) -> Console:
    """Return a console on the present standard output or error; data is never read as markup."""
    stream = sys.stderr if stderr else sys.stdout
    # a file or a pipe has no width: do not fold what another program is to read
    width = None if stream.isatty() else 200
    made = _harmless_console()
    return made(file=stream, markup=False, highlight=False, emoji=False, soft_wrap=False, width=width)


@cache
def _harmless_console() -> type[Console]:
    from rich.console import Console
    from rich.segment import Segment

    class HarmlessConsole(Console):
        """Escapes what a terminal would obey in any text; Rich's own styles are not affected."""

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
            for segment in super().render(renderable, options):
                yield segment if segment.control else Segment(visible(segment.text), segment.style)

    return HarmlessConsole


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print one JSON value: as text where standard output takes it, else with escapes. It is strict JSON always."""
    text = dumps(value, indent=indent, default=str)
    if not _is_writable(text):
        text = dumps(value, indent=indent, default=str, ensure_ascii=True)
    print_json_text(text + "\n")


def print_json_text(text: str) -> None:
    """Print the text of JSON as it is, but for what a terminal would obey, which is escaped."""
    sys.stdout.write(visible_json(text))


def _is_writable(text: str) -> bool:
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def never_fail() -> None:
    """Have standard output and error escape what they cannot write, such as names of files that are no text."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_line(text: str) -> None:
    """Print a line of the result, or several; what a terminal would obey is written out."""
    sys.stdout.write(visible(text) + "\n")


def flush() -> None:
    """Flush what was printed so far, for readers of a pipe."""
    sys.stdout.flush()


def note(text: str) -> None:
    """Say something beside the result."""
    sys.stderr.write(visible(text) + "\n")


def confirmed(what: str) -> bool:
    """Ask on a terminal whether something is to be done; without a terminal nobody says yes."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f"{visible(what)} Type 'yes' to continue: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """Print a table for people.

    :param columns: headings
    :param rows: values in the columns' order; nothing is shown for null
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text("" if cell is None else visible(str(cell))) for cell in row))
    console().print(table)


def print_rows(output: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print records as the user asked for them.

    :param output: ``table`` or ``json``
    :param columns: key of a record to its heading
    """
    if output == "json":
        print_json(list(rows))
        return
    print_table(list(columns.values()), ([_cell(key, row.get(key)) for key in columns] for row in rows))


def _cell(key: str, value: Any) -> Any:
    if key.endswith("At") and isinstance(value, str):
        return f"{value[:10]} {value[11:19]}Z"
    return value


def print_diagnostics(diagnostics: Iterable[Diagnostic], *, stderr: bool = False) -> None:
    """Print findings for people, one or two lines each."""
    listed = list(diagnostics)
    if not listed:
        return
    from rich.text import Text

    out = console(stderr=stderr)
    for found in listed:
        line = Text("  ")
        line.append(f"{found.severity} {found.code}", style=SEVERITY_STYLES[found.severity])
        line.append(f"  {one_line(found.pointer) or '/'}  ", style="cyan")
        line.append(visible(found.message))
        out.print(line, soft_wrap=True)
        if found.suggestion:
            out.print(Text(f"      {visible(found.suggestion)}", style="dim"), soft_wrap=True)


def print_error(error: WorkflowsError) -> None:
    """Print an error as one line on standard error: code, place if it has one, what is wrong and what to do."""
    place = f" at {error.pointer}" if error.pointer else ""
    way_out = f" - {error.suggestion}" if error.suggestion else ""
    note(" ".join(visible(f"error {error.code}{place}: {error.message}{way_out}").split()))


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Any]:
    """Show a progress bar on standard error while something takes long; yields a function that moves it on.

    Nothing is shown where standard error is no terminal.
    """
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=total)

        def advance(text: str | None = None, steps: int = 1) -> None:
            bar.update(task, advance=steps, description=text or description)

        yield advance
