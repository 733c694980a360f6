"""Compare this package with the official JSON-Schema-Test-Suite, draft 2020-12, optional parts included.

The suite is not part of this repository. Get it from https://github.com/json-schema-org/JSON-Schema-Test-Suite, then::

    python -m tests.suites.json_schema PATH/TO/JSON-Schema-Test-Suite

``json_schema_differences.json`` lists what is different on purpose: the beginning of case ids, with a reason each. Any
other difference, and an entry that is none any more, is an error. ``test_json_schema.py`` proves the same kinds with
cases written here, and runs the suite too where ``JSON_SCHEMA_TEST_SUITE`` says where it is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_workflow_provider.model.json_schema.validation import schema_findings

DRAFT = Path("tests/draft2020-12")
DIFFERENCES = Path(__file__).with_name("json_schema_differences.json")


def cases(suite: Path) -> Iterator[tuple[str, Any, Any, bool]]:
    """Yield id, schema, value and whether that is valid, for each case of a suite."""
    for file in sorted((suite / DRAFT).rglob("*.json")):
        name = file.relative_to(suite / DRAFT).with_suffix("").as_posix()
        for group in json.loads(file.read_text(encoding="utf-8")):
            for test in group["tests"]:
                yield f"{name}: {group['description']}: {test['description']}", group["schema"], *_of(test)


def _of(test: dict[str, Any]) -> tuple[Any, bool]:
    return test["data"], test["valid"]


def compare(suite: Path) -> tuple[int, list[str]]:
    """Return how many cases there are, and what is different without being listed, or listed without being so."""
    listed = json.loads(DIFFERENCES.read_text(encoding="utf-8"))
    unused = set(listed)
    problems = []
    count = 0
    for name, schema, value, valid in cases(suite):
        count += 1
        findings = schema_findings(schema, value)
        if (not findings) == valid:
            continue
        reasons = {start for start in listed if name.startswith(start)}
        unused -= reasons
        if not reasons:
            problems.append(f"{name}: {'valid' if valid else 'invalid'} in the suite; {findings or 'fits here'}")
    return count, [*problems, *(f"listed, but no difference: {start}" for start in sorted(unused))]


def main(arguments: list[str]) -> int:
    """Print the comparison; the exit status is 1 where it fails."""
    if len(arguments) != 1 or not (Path(arguments[0]) / DRAFT).is_dir():
        print(__doc__)
        return 2
    count, problems = compare(Path(arguments[0]))
    print("\n".join(problems) or f"{count} cases, none different but those that are listed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
