"""Which rules answer: our own and the matching library's, and the time zone database in use.

An answer kept in a database stays right only as long as both stay what they were.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path

__all__ = ["RULES_VERSION", "zones_version"]

#: Raised by one whenever a spec text comes to mean other instants than before.
_OWN_RULES = 1
#: Changes when the same spec text in the same zone may mean other instants.
RULES_VERSION = f"{_OWN_RULES}/croniter-{metadata.version('croniter').partition('.')[0]}"

_UNKNOWN = "unknown"
# Zones present wherever a database is, and the files that tell its version.
_MARK = "UTC"
_TOLD_BY = {"tzdata.zi": re.compile(r"# version (\S+)"), "+VERSION": re.compile(r"(\S+)")}


@lru_cache(maxsize=1)
def zones_version() -> str:
    """The version of the time zone database in use, such as ``2026a``, or ``unknown``.

    Asked once: a process keeps the zones it has read until it ends, so a database that is
    updated below it is in use only after a restart.
    """
    for folder in map(Path, zoneinfo.TZPATH):
        # Zones come from the first folder that has them; the package only where none has.
        if (folder / _MARK).is_file():
            return next(_told_in(folder), _UNKNOWN)
    return _packaged()


def _told_in(folder: Path) -> Iterator[str]:
    for name, pattern in _TOLD_BY.items():
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as lines:
                found = pattern.match(lines.readline())
        except OSError:
            continue
        if found is not None:
            yield found.group(1)


def _packaged() -> str:
    try:
        return str(import_module("tzdata").IANA_VERSION)
    except (ImportError, AttributeError):
        return _UNKNOWN
