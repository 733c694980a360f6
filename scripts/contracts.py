"""Contracts of imports that import-linter has no type for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from importlinter import Contract, ContractCheck, fields, output

if TYPE_CHECKING:
    from grimp import ImportGraph

_FROM = re.compile(r"\s*from\s+(?P<module>[\w.]+)\s+import\b(?P<names>.*)")
_IMPORT = re.compile(r"\s*import\s+(?P<modules>.+)")


class AirflowContract(Contract):
    """Parts of Airflow that only some packages may import; other types of contract know packages as a whole only.

    :ivar parts: modules of Airflow, with all in them
    :ivar packages: packages that may import them, with everything in them
    """

    type_name = "airflow"

    parts: Any = fields.ListField(subfield=fields.StringField())
    packages: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - the signature is given
        """Look at the lines of all imports of Airflow."""
        found = []
        for importer in sorted(graph.find_modules_that_directly_import("airflow")):
            if any(within(importer, package) for package in self.packages):
                continue
            for each in graph.get_import_details(importer=importer, imported="airflow"):
                line = str(each["line_contents"])
                if any(within(module, part) for module in modules_in(line) for part in self.parts):
                    found.append(f"{importer} (l. {each['line_number']}): {line.strip()}")
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that are not allowed."""
        metadata: Mapping[str, Any] = check.metadata
        for each in metadata["found"]:
            output.print_error(each)


def modules_in(line: str) -> list[str]:
    """Return the modules that a line may import."""
    if (match := _FROM.match(line)) is not None:
        module = match["module"]
        names = re.findall(r"\w+", match["names"].partition("#")[0])
        return [module, *(f"{module}.{name}" for name in names)]
    match = _IMPORT.match(line)
    return [part.split()[0] for part in match["modules"].split(",")] if match is not None else []


def within(module: str, package: str) -> bool:
    """Return whether a module is a package or in it."""
    return module == package or module.startswith(f"{package}.")
