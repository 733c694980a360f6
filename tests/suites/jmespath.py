"""Compare this package with the official compliance tests of JMESPath.

They are not part of this repository. Get them from https://github.com/jmespath/jmespath.test, then::

    python -m tests.suites.jmespath PATH/TO/jmespath.test

There is no list of differences, because there is none. Of errors it is compared only that there is one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from airflow_workflow_provider.model.expressions import CompiledTransform, ExpressionFailure, ExpressionSyntaxError
from airflow_workflow_provider.model.expressions.numbers import same


def compare(suite: Path) -> tuple[int, list[str]]:
    """Return how many cases there are, and what is different."""
    problems, count = [], 0
    for file in sorted((suite / "tests").glob("*.json")):
        for group in json.loads(file.read_text(encoding="utf-8")):
            for case in group["cases"]:
                if "bench" in case:
                    continue
                count += 1
                found = _difference(case, group["given"])
                if found is not None:
                    problems.append(f"{file.stem}: {case['expression']!r} {found}")
    return count, problems


def _difference(case: dict[str, Any], given: Any) -> str | None:
    try:
        found = CompiledTransform("jmespath", case["expression"]).evaluate(given)
    except (ExpressionFailure, ExpressionSyntaxError) as error:
        return None if "error" in case else f"fails: {error}"
    if "result" in case and same(found, case["result"]):
        return None
    return f"gives {found!r:.80} instead of {case.get('result', 'an error')!r:.80}"


def main(arguments: list[str]) -> int:
    """Print the comparison; the exit status is 1 where it fails."""
    if len(arguments) != 1 or not (Path(arguments[0]) / "tests").is_dir():
        print(__doc__)
        return 2
    count, problems = compare(Path(arguments[0]))
    print("\n".join(problems) or f"{count} cases, none different")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
