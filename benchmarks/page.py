"""Write ``docs/benchmarks.md`` from the results in ``benchmarks/results``; run as ``python -m benchmarks.page``."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "benchmarks.md"

HEAD: Final = """\
# Benchmarks

<!-- Written by python -m benchmarks.page from benchmarks/results. -->

What takes longer than the measurements of `make bench`: many definitions and many instances. The page
[Performance](performance.md) has the others. Each measurement is a script that prints JSON:

```sh
.venv/bin/python -m benchmarks.instances 1000000 10 > benchmarks/results/instances.json
.venv/bin/python -m benchmarks.definitions 1000 > benchmarks/results/definitions.json
.venv/bin/python -m benchmarks.starts 0 > benchmarks/results/starts.json
python -m benchmarks.building > benchmarks/results/building.json
.venv/bin/python -m benchmarks.page
```

"""
ABOUT_INSTANCES: Final = """\
## Many instances

PostgreSQL makes the instances and the rows of their logs. Then each kind of read is done 200 times, of different
instances, and its statement is explained with `EXPLAIN ANALYZE`. The time in PostgreSQL is planning and execution;
the other time is that of the caller, which on a busy machine mostly waits for a processor.
`tests/integration/store/test_hot_queries.py` proves for the lists, pages and overviews that they read a small part of
an index. A text that few have is searched in a whole index, and the numbers and causes of all instances count one.

"""
ABOUT_INPUT: Final = """
A filter by input (`input=$.customer.id == "c1"`) has no index. It reads instances of the workflow, newest first, until
the page is full: fast where many match, and all instances of the workflow where few do. A correlation id or a time
span bounds it, because both have indexes.

"""
ABOUT_DEFINITIONS: Final = """\
## Many definitions

An empty Airflow with a dag-processor of default parallelism gets definitions of 10 steps. The oldest 256 have a file
each, the others are in [files of several](decisions/many-definitions.md). Times begin with the start of the
dag-processor; the processor time includes the processes that read the files.

In another run with 10,000 definitions, while 12 processes wanted a processor, all were known after 440 s of processor
time: 46 for each second of two processors. Of 0.044 s for a definition, Airflow's dag-processor used 0.019 s to write
the DAG to its database, in one process, and the processes that read files 0.025 s.

"""
ABOUT_BUILDING: Final = """\

## Building a DAG

Ten tasks in a row from the text of a definition, which is also checked; from a YAML file by dag-factory; and
hand-written. In turn in one process, by an interpreter that has dag-factory 1.1 as well; processor time.

"""
ABOUT_STARTS: Final = """\

## Starts

The API in one process: a start of an inline workflow of three steps, and a trigger of a DAG by Airflow's API, in turn.
A start sends 28 statements. Some are Airflow's own, which create the DAG run; the others check that Airflow has loaded
what is published, write the audit log, and write the row and the log of the instance.
`python -m benchmarks.starts 1000` also sends 1,000 starts to a real Airflow, and checks that none is lost.

"""


@dataclass(frozen=True)
class Target:
    """Something promised.

    :param unit: after the number
    :param at_least: more is better
    """

    name: str
    limit: float
    unit: str
    measured: Callable[[dict[str, Any]], float]
    at_least: bool = False

    def row(self, results: dict[str, Any]) -> tuple[str, ...]:
        """Return its row of the table."""
        found = self.measured(results)
        kept = found >= self.limit if self.at_least else found <= self.limit
        sign = "≥" if self.at_least else "≤"
        shown = (f"{sign} {self.limit:,g} {self.unit}".rstrip(), f"{_number(found)} {self.unit}".rstrip())
        return (self.name, *shown, "kept" if kept else "**missed**")


OF_ALL: Final = frozenset(
    {
        "causes of all failures",
        "list of a text that few have",
        "number of all by status",
        "numbers of all",
        "page of a text that few have",
    }
)
"""What reads an index from one end to the other."""

LOOK: Final = "a look without changes (ms)"


def _number(found: float) -> str:
    short = f"{found:,.4g}"
    return f"{found:,.0f}" if "e" in short else short


def _slowest(results: dict[str, Any], *, by_input: bool) -> float:
    reads = results["instances"]["reads"]
    return max(
        float(times["p95 in PostgreSQL"])
        for what, times in reads.items()
        if (what.startswith("page by input")) == by_input and what not in OF_ALL
    )


def _slowest_request(results: dict[str, Any]) -> float:
    return max(float(times["p95"]) for what, times in results["instances"]["requests"].items() if what not in OF_ALL)


def _of_all(results: dict[str, Any]) -> float:
    reads = results["instances"]["reads"]
    return max(float(times["p95 in PostgreSQL"]) for what, times in reads.items() if what in OF_ALL)


TARGETS: Final = (
    Target("Reads, p95 in PostgreSQL", 20, "ms", lambda found: _slowest(found, by_input=False)),
    Target("Text that few have, numbers and causes of all, p95 in PostgreSQL", 20, "ms", _of_all),
    Target("Requests of lists and pages, p95", 50, "ms", _slowest_request),
    Target("Filter by input, p95 in PostgreSQL", 20, "ms", lambda found: _slowest(found, by_input=True)),
    Target(
        "Cost of a step, beside an empty database", 1.1, "times", lambda found: found["instances"]["a step"]["ratio"]
    ),
    Target("Purge", 20_000, "rows/s", lambda found: found["instances"]["purge"]["rows a second"], at_least=True),
    Target(
        "Definitions known for each second of two processors",
        56,
        "",
        lambda found: 2 * found["definitions"]["definitions"] / found["definitions"]["processor time"],
        at_least=True,
    ),
    Target("A look without changes, median", 20, "ms", lambda found: found["definitions"][LOOK]["median"]),
    Target(
        "A DAG is built faster than by dag-factory",
        3.5,
        "times",
        lambda found: found["building"]["dag-factory, times as long"],
        at_least=True,
    ),
    Target(
        "Processor time of a start, beside Airflow's trigger",
        1.1,
        "times",
        lambda found: found["starts"]["cost"]["processor time, times as much"],
    ),
    Target(
        "A changed definition is known, median",
        2,
        "s",
        lambda found: found["definitions"]["changed one known"]["median"],
    ),
)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" if not number else "---:" for number in range(len(head))), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _plain(found: dict[str, Any], skipped: str = "") -> Iterator[tuple[str, ...]]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield from ((f"{name}: {inner}", f"{each:,.6g}") for inner, each in value.items())
        elif name != skipped:
            yield name, f"{value:,.6g}"


def _machine(found: dict[str, Any]) -> str:
    about = found["machine"]
    return (
        f"{about['processor']}, {about['cores']} cores, {about['memory (GiB)']} GiB; Python {about['Python']}, Airflow "
        f"{about['Airflow']}; {about['load']:g} processes wanted a processor at the end of the measurement.\n\n"
    )


def page(results: dict[str, Any]) -> str:
    """Return the page."""
    instances, definitions = results["instances"], results["definitions"]
    reads = [(what, *(f"{each:,.2f}" for each in times.values())) for what, times in instances["reads"].items()]
    columns = ("Read (ms)", "median", "p95", "median in PostgreSQL", "p95 in PostgreSQL")
    others = {name: instances[name] for name in ("a step", "purge")}
    numbers = {name: value for name, value in definitions.items() if name != "machine"}
    return "".join(
        (
            HEAD,
            "## Targets\n\n",
            _table(("What", "promised", "measured", ""), (target.row(results) for target in TARGETS)),
            "\n",
            ABOUT_INSTANCES,
            f"{instances['instances']:,} instances, {instances['rows of the log']:,} rows. ",
            _machine(instances),
            _table(columns, reads),
            ABOUT_INPUT,
            *_requests(instances),
            _table(("Other work (ms, rows)", "measured"), _plain(others)),
            "\n",
            ABOUT_DEFINITIONS,
            _machine(definitions),
            _table(("Definitions (s)", "measured"), _plain(numbers)),
            *_others(results),
        )
    )


def _requests(instances: dict[str, Any]) -> Iterator[str]:
    """Yield the table of requests."""
    rows = [(what, *(f"{each:,.2f}" for each in times.values())) for what, times in instances["requests"].items()]
    yield "The same over HTTP, from a client in the process of the API:\n\n"
    yield _table(("Request (ms)", "median", "p95"), rows)
    yield "\n"


def _others(results: dict[str, Any]) -> Iterator[str]:
    """Yield the sections of what has a table of its own."""
    for about, what in ((ABOUT_BUILDING, "building"), (ABOUT_STARTS, "starts")):
        found = {name: value for name, value in results[what].items() if name != "machine"}
        yield from (about, _machine(results[what]), _table(("What", "measured"), _plain(found)))


def main() -> int:
    """Write the page."""
    results = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in RESULTS.glob("*.json")}
    PAGE.write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
