"""Compare this package with the official test suite of JSONata.

The suite is not part of this repository. Get it from https://github.com/jsonata-js/jsonata, then::

    python -m tests.suites.jsonata PATH/TO/jsonata

``jsonata_differences.json`` lists what is different on purpose: the beginning of case ids, each with a reason.
Any other difference, and an entry that is none any more, is an error. Of errors it is compared only that there is one:
this package has words of its own. ``test_expressions.py`` proves the same kinds with cases written here, and runs the
suite too where ``JSONATA_TEST_SUITE`` says where it is.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError

SUITE = Path("test/test-suite")
DIFFERENCES = Path(__file__).with_name("jsonata_differences.json")


def cases(suite: Path) -> Iterator[tuple[str, dict[str, Any], str, Any]]:
    """Yield id, case, expression and data, for each case of a suite."""
    datasets = {file.stem: _read(file) for file in (suite / SUITE / "datasets").glob("*.json")}
    for file in sorted((suite / SUITE / "groups").glob("*/*.json")):
        content = _read(file)
        group = content if isinstance(content, list) else [content]
        for number, case in enumerate(group):
            name = f"{file.parent.name}/{file.stem}" + (f"#{number}" if len(group) > 1 else "")
            source = case["expr"] if "expr" in case else (file.parent / case["expr-file"]).read_text(encoding="utf-8")
            data = case["data"] if "data" in case else datasets.get(case.get("dataset") or "")
            yield name, case, source, data


def _read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def difference(case: dict[str, Any], source: str, data: Any) -> str | None:
    """Return how the result differs from what a case expects, or None."""
    fails = "result" not in case and not case.get("undefinedResult")
    try:
        found = CompiledTransform("jsonata", source).evaluate(data, variables=case.get("bindings") or {})
    except (ExpressionFailure, ExpressionSyntaxError) as error:
        return None if fails else f"fails: {error}"
    if fails:
        return f"gives {found!r:.80} instead of an error"
    wanted = case.get("result")
    if case.get("unordered"):
        found, wanted = sorted(map(json.dumps, found)), sorted(map(json.dumps, wanted or []))
    return None if same(wanted, found) else f"gives {found!r:.80} instead of {wanted!r:.80}"


def same(left: Any, right: Any) -> bool:
    """Tell whether two JSON values are the same; fractions up to rounding in the last places."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right or math.isclose(left, right, rel_tol=1e-14)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(part, right[key]) for key, part in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and left == right


def compare(suite: Path) -> tuple[int, list[str]]:
    """Return how many cases there are, and what is different without being listed, or listed without being so."""
    listed = _read(DIFFERENCES)
    unused = {start for start, reason in listed.items() if not reason.startswith("Time: ")}
    problems, count = [], 0
    for name, case, source, data in cases(suite):
        count += 1
        found = difference(case, source, data)
        if found is None:
            continue
        reasons = {start for start in listed if name.startswith(start)}
        unused -= reasons
        if not reasons:
            problems.append(f"{name}: {source!r:.100} {found}")
    return count, [*problems, *(f"listed, but no difference: {start}" for start in sorted(unused))]


def main(arguments: list[str]) -> int:
    """Print the comparison; the exit status is 1 where it fails."""
    if len(arguments) != 1 or not (Path(arguments[0]) / SUITE).is_dir():
        print(__doc__)
        return 2
    count, problems = compare(Path(arguments[0]))
    text = "\n".join(problems) or f"{count} cases, none different but those that are listed"
    print(text.encode("utf-8", "backslashreplace").decode())
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
