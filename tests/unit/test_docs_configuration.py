"""docs/configuration.md says what the settings are."""

from __future__ import annotations

from pathlib import Path

from airflow_workflow_provider.settings import OPTIONS

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_every_option_is_described_with_its_default() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{option.name}` | {f'`{option.default}`' if option.default else '(empty)'} "
        f"| {option.description.replace('``', '`')} |"
        for option in OPTIONS
    ]
