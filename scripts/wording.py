"""Refuse the phrases of the word list in CONTRIBUTING.md.

Checked are the pages, and of Python files the docstrings, comments and texts of several words, such as messages and the
descriptions of options and routes. Code blocks, inline code and names of links are not text. Names in Python files are
checked too, word by word, those of tests included.
"""

from __future__ import annotations

import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "examples/*.md", "ui/README.md")
MODULES = ("airflow_workflow_provider/**/*.py", "benchmarks/**/*.py", "migrations/**/*.py", "scripts/*.py")
NAMES = (*MODULES, "tests/**/*.py", "examples/**/*.py")
TEXTS = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING))
LIST = "## Words"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)
KEPT = frozenset({"go_on", "STEP_SKIPPED_BY_HAND"})
"""Names that stay: the method at which a deferred task continues, which Airflow has stored, and that of a log event."""
SEVERAL = 3
"""Words from which a string in code counts as text."""
NO_TEXT = re.compile(r"^```.*?^```|^    \S.*?$|`[^`\n]*`|\]\([^)\s]*\)|<[^>\s]*>", re.MULTILINE | re.DOTALL)


def words() -> dict[str, str]:
    """Return the refused phrases and what to write instead, from the table in CONTRIBUTING.md."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"{LIST}\n")[2].partition("\n## ")[0]
    return dict(ROW.findall(section))


def pattern(phrases: dict[str, str]) -> re.Pattern[str]:
    """Return a pattern for all phrases, in any case and across line breaks."""
    each = (r"\s+".join(map(re.escape, phrase.split())) for phrase in sorted(phrases, key=len, reverse=True))
    return re.compile(rf"\b({'|'.join(each)})\b", re.IGNORECASE)


def text_of(page: str) -> str:
    """Return a page with everything that is no text replaced by blanks, so that positions stay."""
    return NO_TEXT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), page)


def prose_of(module: str) -> str:
    """Return a Python file with everything replaced by blanks but comments and strings of several words."""
    lines = module.splitlines(keepends=True)
    prose = [re.sub(r"[^\n]", " ", line) for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(module).readline):
        is_short = token.type == tokenize.STRING and len(token.string.split()) < SEVERAL
        if token.type not in TEXTS or is_short:
            continue
        (first, start), (last, end) = token.start, token.end
        for number in range(first - 1, last):
            begin, stop = start if number == first - 1 else 0, end if number == last - 1 else len(lines[number])
            prose[number] = prose[number][:begin] + lines[number][begin:stop] + prose[number][stop:]
    return re.sub(r"`+[^`\n]*`+", lambda found: " " * len(found.group()), "".join(prose))


def findings(page: str, phrases: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    """Yield line, phrase and what to write instead, for each refused phrase of a page."""
    yield from _findings(text_of(page), phrases)


def findings_in_python(module: str, phrases: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    """Yield the same for the comments and texts of a Python file."""
    yield from _findings(prose_of(module), phrases)


def findings_in_names(module: str, phrases: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    """Yield the same for the names in a Python file."""
    for token in tokenize.generate_tokens(io.StringIO(module).readline):
        if token.type != tokenize.NAME or token.string in KEPT:
            continue
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", token.string).lower()
        for phrase, instead in phrases.items():
            if f"_{phrase.replace(' ', '_')}_" in f"_{words}_":
                yield token.start[0], token.string, instead.strip()


def _findings(text: str, phrases: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    for found in pattern(phrases).finditer(text):
        phrase = " ".join(found.group().lower().split())
        yield text.count("\n", 0, found.start()) + 1, phrase, phrases[phrase].strip()


def main() -> int:
    """Print every finding; return 1 if there is one."""
    phrases, count = words(), 0
    for globs, check in ((PAGES, findings), (MODULES, findings_in_python), (NAMES, findings_in_names)):
        for path in sorted({path for glob in globs for path in ROOT.glob(glob)}):
            for line, phrase, instead in check(path.read_text(encoding="utf-8"), phrases):
                count += 1
                print(f"{path.relative_to(ROOT)}:{line}: {phrase!r}; write: {instead}")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
