"""Fails unless the installed package holds exactly the package files of the repository.

The tests import the package from the repository, so they would not notice a wheel without its
templates. Run outside the repository, in an environment where the wheel is installed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "django_scheduler"


def files(folder: Path) -> set[str]:
    """Every file below `folder` that is not a by-product of running it."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder))
        for path in found
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def main() -> int:
    repository = Path(sys.argv[1]) / PACKAGE
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        print(f"{PACKAGE} is not installed")
        return 1
    installed = Path(spec.origin).parent
    if installed == repository:
        print(f"{PACKAGE} comes from the repository, not from a wheel")
        return 1
    missing = files(repository) - files(installed)
    surplus = files(installed) - files(repository)
    for title, names in (("missing in the wheel", missing), ("only in the wheel", surplus)):
        for name in sorted(names):
            print(f"{title}: {name}")
    print(f"{len(files(installed))} files in {PACKAGE}")
    return 1 if missing or surplus else 0


if __name__ == "__main__":
    sys.exit(main())
