"""A child process as the operating system knows it: started, written to, ended with all it started.

It must not know what is said over its pipes. A process it starts inherits its three pipes and
nothing else of this one: no connection, no lock, no thread.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any
from weakref import WeakSet

from django.conf import settings
from django.db import connections

from ...clock import Clock
from ...exceptions import BackendUnsupported

__all__ = ["ChildProcess", "how_it_ended"]

BOOT = Path(__file__).with_name("boot.py")

GROUP_PATIENCE = 1.0
"""How long, in seconds, to wait for killed grandchildren to leave the process table. Whoever
adopted them collects them; some containers' first process never does."""

_alive: WeakSet[ChildProcess] = WeakSet()


class ChildProcess:
    """A child that gets ready for one run.

    Ending it is up to one thread; anything else may be called from any.

    Args:
        captured: its output can be read from ``output``; else it goes where this process's errors
            go.

    Raises:
        BackendUnsupported: it could not find its settings.
        OSError: the system has no room for it.
    """

    def __init__(self, clock: Clock, *, captured: bool) -> None:
        self.captured = captured
        self._clock = clock
        self._writing = threading.Lock()
        alone: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            # So that Ctrl-C reaches the scheduler only.
            alone = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        self._popen = subprocess.Popen(
            [sys.executable, str(BOOT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if captured else None,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": _settings_module()},
            **alone,
        )
        _alive.add(self)
        self.write(_hello(captured))

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def words(self) -> IO[bytes]:
        """What it says."""
        assert self._popen.stdout is not None
        return self._popen.stdout

    @property
    def output(self) -> IO[bytes] | None:
        """What it and its own children print; None if that is not captured."""
        return self._popen.stderr

    def write(self, message: dict[str, Any]) -> None:
        """Say something to it; to one that is gone, nothing is said."""
        assert self._popen.stdin is not None
        with self._writing, contextlib.suppress(OSError, ValueError):
            self._popen.stdin.write(json.dumps(message).encode() + b"\n")
            self._popen.stdin.flush()

    def has_ended(self) -> bool:
        """Tell whether it runs no more. Its id stays taken until :meth:`end`, where that works."""
        if not hasattr(os, "waitid"):
            return self._popen.poll() is not None
        try:
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            return os.waitid(os.P_PID, self.pid, flags) is not None
        except ChildProcessError:
            return True

    def kill(self) -> None:
        """End it, and where the system can, all that it started and that stayed in its group."""
        if self._popen.returncode is not None:
            return
        if not hasattr(os, "killpg"):
            self._popen.kill()
            return
        # macOS refuses to signal what has ended already.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """Return how it ended, once it and its group have left the process table."""
        # Before it is waited for: until then no other process can have its id, or its group's.
        self.kill()
        code = self._popen.wait()
        _alive.discard(self)
        self._wait_for_its_group()
        assert self._popen.stdin is not None
        with contextlib.suppress(OSError):
            self._popen.stdin.close()
        return code

    def _wait_for_its_group(self) -> None:
        deadline = self._clock.monotonic() + GROUP_PATIENCE
        while self._clock.monotonic() < deadline and _is_group(self.pid):
            with contextlib.suppress(ChildProcessError):
                # As the first process of a container this one adopts them itself.
                os.waitpid(-self.pid, os.WNOHANG)
            self._clock.wait(threading.Event(), 0.01)


def _is_group(number: int) -> bool:
    if not hasattr(os, "killpg"):
        return False
    try:
        os.killpg(number, 0)
    except OSError:
        return False
    return True


@atexit.register
def _kill_all() -> None:
    """A child ends when this process does; one that is deep in C code does not notice."""
    for child in list(_alive):
        child.kill()


def _settings_module() -> str:
    module = os.environ.get("DJANGO_SETTINGS_MODULE") or settings.SETTINGS_MODULE
    if not module:
        raise BackendUnsupported(
            "A child process finds its settings by DJANGO_SETTINGS_MODULE, which is not set: "
            "settings.configure() reaches this process only. Put them into a module, or let the "
            "job's executor be a thread pool."
        )
    return str(module)


def _hello(captured: bool) -> dict[str, Any]:
    """What a child must know before it can import anything."""
    names = {alias: each.get("NAME") for alias, each in connections.settings.items()}
    return {
        "kind": "hello",
        "path": sys.path,
        "argv": sys.argv,
        "databases": {alias: str(name) for alias, name in names.items() if name},
        "captured": captured,
    }


def how_it_ended(code: int) -> str:
    """Return an exit code in words: a negative one is the number of a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
