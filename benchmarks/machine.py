"""What was measured on: versions and size of the machine, and nothing that names it."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib import metadata
from pathlib import Path

from django_scheduler import __version__

from . import databases

__all__ = ["describe"]

PACKAGES = (
    "django-runscheduler", "django", "psycopg", "mysqlclient", "celery", "redis", "croniter",
)  # fmt: skip


def describe(kinds: tuple[str, ...]) -> list[str]:
    """Return the lines of the report that say on what it was made."""
    processor = platform.machine() or "unknown"
    lines = [
        f"{os.cpu_count()} cores ({processor}), {_memory()} memory, {_system()}",
        f"Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
    ]
    return [*lines, ", ".join(filter(None, map(_server, kinds)))]


def _memory() -> str:
    try:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{pages / 2**30:.0f} GiB"


def _system() -> str:
    release = ".".join(platform.release().split(".")[:2])
    load = ""
    if Path("/proc/loadavg").exists():
        load = f", load {Path('/proc/loadavg').read_text().split()[0]} at the end"
    return f"{platform.system()} {release}{load}"


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return f"{__version__} (checkout)" if package == "django-runscheduler" else "absent"


def _server(kind: str) -> str:
    if kind == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    try:
        with databases.fresh(kind) as config:
            connection = databases.connect(config)
            cursor = connection.cursor()
            cursor.execute("SELECT version()")
            text = str(cursor.fetchone()[0])
            connection.close()
    except Exception:
        return f"{kind} absent"
    words = text.split()
    return f"PostgreSQL {words[1]}" if kind == "postgres" else f"MariaDB {words[0].split('-')[0]}"
