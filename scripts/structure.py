"""Print how the package is built: import circles, untyped values in its core, long files and functions.

Imports for type checking count too. Fails where a number is above the limit in pyproject.toml.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

import grimp

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = "airflow_workflow_provider"
CORE: Final = ("engine", "instances")
BEGIN: Final = "<!-- layers: written by scripts/structure.py --write -->"
END: Final = "<!-- end of layers -->"
LONG: Final = 400
"""Lines that a file should not exceed."""
LONG_FUNCTION: Final = 50
"""Lines that a function should not exceed, its docstring included."""
FUNCTIONS: Final = (PACKAGE, "scripts", "tests/support")
"""Where functions are counted; tests read from top to bottom, and migrations never change."""


@cache
def circles() -> list[list[str]]:
    """Return the groups of modules that import each other, directly or through others."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    modules = sorted(graph.modules)
    follow = {module: sorted(graph.find_modules_directly_imported_by(module)) for module in modules}
    return [sorted(group) for group in strongly_connected(modules, follow) if len(group) > 1]


def strongly_connected(nodes: Iterable[str], follow: dict[str, list[str]]) -> Iterator[list[str]]:
    """Yield the strongly connected components of a graph (Kosaraju)."""
    order: list[str] = []
    seen: set[str] = set()
    for start in nodes:
        stack = [(start, iter(follow[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            node, rest = stack[-1]
            fresh = next((each for each in rest if each not in seen), None)
            if fresh is None:
                order.append(node)
                stack.pop()
            else:
                seen.add(fresh)
                stack.append((fresh, iter(follow[fresh])))
    back: dict[str, list[str]] = {node: [] for node in follow}
    for node, others in follow.items():
        for other in others:
            back[other].append(node)
    taken: set[str] = set()
    for start in reversed(order):
        group, waiting = [], [start]
        while waiting:
            node = waiting.pop()
            if node not in taken:
                taken.add(node)
                group.append(node)
                waiting.extend(back[node])
        if group:
            yield group


def untyped() -> list[str]:
    """Return the places in the core where ``Any`` stands in an annotation."""
    found = []
    for folder in CORE:
        for path in sorted((ROOT / PACKAGE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Name) and node.id == "Any":
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def long_files() -> list[str]:
    """Return the files that are longer than :data:`LONG` lines."""
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / PACKAGE).rglob("*.py")}
    return [f"{path.relative_to(ROOT)} ({count})" for path, count in sorted(lines.items()) if count > LONG]


def long_functions() -> list[str]:
    """Return the functions that are longer than :data:`LONG_FUNCTION` lines."""
    found = []
    for folder in FUNCTIONS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, count in function_lines(path.read_text(encoding="utf-8")):
                if count > LONG_FUNCTION:
                    found.append(f"{path.relative_to(ROOT)}: {name} ({count})")
    return found


def function_lines(module: str) -> Iterator[tuple[str, int]]:
    """Yield the name and the number of lines of each function of a module, nested ones too."""
    for node in ast.walk(ast.parse(module)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def drawing() -> str:
    """Return the layers of the import contract, the highest first, each package with the summary of its docstring."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(each["layers"] for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    rows = []
    for layer in layers:
        packages = [package.strip().strip("()") for package in layer.split(":")]
        rows += [
            (package if first else f"· {package}", summary(package))
            for first, package in zip([True, *[False] * len(packages)], packages, strict=False)
        ]
    width = max(len(package) for package, _ in rows)
    return "\n".join(f"    {package:{width}}  {text}" for package, text in rows)


def summary(package: str) -> str:
    """Return the first sentence of the docstring of a package or module."""
    path = ROOT / PACKAGE / package
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ").removesuffix(".")


def with_drawing(page: str) -> str:
    """Return a page with the drawing of the layers between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{drawing()}\n\n{END}{after}"


def main() -> int:
    """Print the numbers; return 1 where one is above its limit. ``--write`` draws the layers in CONTRIBUTING.md."""
    if "--write" in sys.argv:
        page = ROOT / "CONTRIBUTING.md"
        page.write_text(with_drawing(page.read_text(encoding="utf-8")), encoding="utf-8")
    limits = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["structure"]
    found = {
        "import circles": (["  ".join(group) for group in circles()], limits["circles"]),
        f"Any in {' and '.join(CORE)}": (untyped(), limits["untyped"]),
        f"files over {LONG} lines": (long_files(), limits["long-files"]),
        f"functions over {LONG_FUNCTION} lines": (long_functions(), limits["long-functions"]),
    }
    above = [name for name, (places, limit) in found.items() if len(places) > limit]
    for name, (places, limit) in found.items():
        print(f"{name}: {len(places)} (at most {limit})")
        if name in above or "--all" in sys.argv:
            for place in places:
                print(f"  {place}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
