"""Delete local environments: ``python -m airflow_workflow_provider.local.remove FOLDER``, for ``make clean``."""

from __future__ import annotations

import sys
from pathlib import Path

from airflow_workflow_provider.local.airflow import LocalEnvironment


def main(folder: Path) -> None:
    """Stop every environment directly below a folder and delete its database, wherever its data are."""
    for found in sorted(folder.glob("*/postgres")):
        LocalEnvironment(found.parent).remove()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
