"""``runscheduler`` that counts its statements in a file which another process reads.

``python -m benchmarks.counting FILE [options of runscheduler]``
"""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created

__all__ = ["Counter"]

SIZE = 8


class Counter:
    """A number in a file: one process counts, others read."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(SIZE))
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), SIZE)

    @property
    def value(self) -> int:
        """How many there were."""
        return int.from_bytes(self._memory[:SIZE], "little")

    def add_one(self) -> None:
        """Count one more. Two threads at once may count one: it is a measure, not a proof."""
        self._memory[:SIZE] = (self.value + 1).to_bytes(SIZE, "little")

    def watch(self, connection: Any, **_others: Any) -> None:
        """Count what is executed on a connection from now on."""
        connection.execute_wrappers.append(self._wrap)

    def _wrap(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.add_one()
        return execute(sql, params, many, context)


def main() -> None:
    """Count, and be a scheduler."""
    counter = Counter(Path(sys.argv[1]))
    connection_created.connect(counter.watch, weak=False)
    from django.core.management import execute_from_command_line

    execute_from_command_line(["django-admin", "runscheduler", *sys.argv[2:]])


if __name__ == "__main__":
    main()
