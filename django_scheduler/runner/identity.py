"""Which operating system process this is, and which others on this machine are gone.

Reads ``/proc``; where there is none nothing is known, and everybody waits for the lease. It must
not know what becomes of those that are gone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Identity", "is_gone"]

_PROC = Path("/proc")
_STATE, _THREADS, _STARTED = 0, 17, 19
"""Positions in ``/proc/PID/stat`` after the name, which is in brackets and may hold anything."""


@dataclass(frozen=True)
class Identity:
    """What tells this process from all others, as long as its machine runs.

    Attributes:
        boot_id: new at every start of the machine.
        namespaces: in which its process id and its start time are counted: a container has its own.
        pid_started: when it started, in clock ticks; an id given anew has another start.
    """

    boot_id: str
    namespaces: str
    pid_started: int

    @classmethod
    def own(cls, proc: Path = _PROC) -> Identity | None:
        """Return this process's; None where the system does not tell."""
        try:
            if os.readlink(proc / "self") != str(os.getpid()):
                # This /proc shows another namespace's processes under its own numbers.
                return None
            boot_id = (proc / "sys/kernel/random/boot_id").read_text().strip()
            kinds = [kind for kind in ("pid", "time") if (proc / "self/ns" / kind).is_symlink()]
            namespaces = " ".join(os.readlink(proc / "self/ns" / kind) for kind in kinds)
            started = _stat(os.getpid(), proc)[_STARTED]
        except (OSError, ValueError, IndexError):
            return None
        if not boot_id or "pid" not in kinds:
            return None
        return cls(boot_id[:64], namespaces[:128], int(started))


def is_gone(
    pid: int,
    pid_started: int,
    *,
    proc: Path = _PROC,
    probe: Callable[[int, int], None] = os.kill,
) -> bool:
    """Tell whether the process with this id and start, of this namespace, surely runs no more.

    In doubt it is not gone. A process that ended and was not yet collected by its parent is gone.
    """
    if pid <= 0:
        return False
    try:
        probe(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        pass  # Somebody else's: it exists.
    try:
        found = _stat(pid, proc)
        ended = found[_STATE] in ("Z", "X") and int(found[_THREADS]) <= 1
        return ended or int(found[_STARTED]) != pid_started
    except (OSError, ValueError, IndexError):
        # It exists and cannot be looked at, or ended this instant.
        return False


def _stat(pid: int, proc: Path) -> list[str]:
    return (proc / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
