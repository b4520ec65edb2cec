"""The repository as house tests read it: modules, tracked files, reference tables."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "django_scheduler"
REFERENCE = REPOSITORY / "docs" / "reference"


def modules(*folders: str) -> list[Path]:
    """Every Python file below these folders of the repository, migrations excepted."""
    found = (path for folder in folders for path in (REPOSITORY / folder).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def relative(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def tracked_texts() -> dict[str, str]:
    """The content of every text file that git tracks, by its name in the repository."""
    # The checkout may belong to another user than the one who tests it.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True, text=True)
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = REPOSITORY / name
        if not path.is_file():
            continue
        try:
            texts[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def table_rows(page: str) -> list[list[str]]:
    """The cells of every table row of a reference page whose first cell starts with code."""
    text = (REFERENCE / page).read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if re.match(r"\|\s*`", line)]
    # A pipe inside a cell is written \| in Markdown.
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))] for row in rows
    ]


def documented(page: str) -> set[str]:
    """The names at the start of the table rows of a page: `name`, `name(arguments)`, `name --x`."""
    names = set()
    for first, *_ in table_rows(page):
        match = re.match(r"`([^`(\[<]+?)(?:[(\[<]| -| [A-Z]|`)", first)
        assert match, f"{page}: cannot read the name in {first!r}"
        names.add(match.group(1).strip())
    return names
