"""The versions of the bundle as text: the revision that its files are of.

Airflow looks for new files only where the version differs from the one before. Where the files change although nothing
was published, the same revision is written with a leading zero, and at the next such change without it again: as a
number, which is what everybody reads, it stays the same.
"""

from __future__ import annotations


def spellings(revision: int) -> tuple[str, str]:
    """Return both ways to write a revision as a version."""
    return str(revision), f"0{revision}"


def revision_in(version: str | None) -> int | None:
    """Return the revision that a version names; None where a bundle has no versions, or others."""
    return int(version) if version is not None and version.isdecimal() else None


def respelled(version: str) -> str:
    """Return the other way to write the revision of a version."""
    plain, other = spellings(int(version))
    return other if version == plain else plain
