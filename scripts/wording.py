"""Refuse the phrases of the word list in CONTRIBUTING.md in texts for users.

Checked are the pages, the help of the command line and the descriptions of options and routes (which the generated
pages contain). Code blocks, inline code and names of links are not text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md", "examples/*.md", "ui/README.md")
LIST = "## Words"
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)
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


def findings(page: str, phrases: dict[str, str]) -> Iterator[tuple[int, str, str]]:
    """Yield line, phrase and what to write instead, for each refused phrase of a page."""
    text = text_of(page)
    for found in pattern(phrases).finditer(text):
        phrase = " ".join(found.group().lower().split())
        yield text.count("\n", 0, found.start()) + 1, phrase, phrases[phrase].strip()


def main() -> int:
    """Print every finding; return 1 if there is one."""
    phrases, count = words(), 0
    for path in sorted({path for glob in PAGES for path in ROOT.glob(glob)}):
        for line, phrase, instead in findings(path.read_text(encoding="utf-8"), phrases):
            count += 1
            print(f"{path.relative_to(ROOT)}:{line}: {phrase!r}; write: {instead}")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
