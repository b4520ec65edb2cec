"""Autoreload for a process that must end in order.

Django's own outer process kills its child a quarter of a second after Ctrl-C, and at once on
SIGTERM. This one passes the signal on and waits; the inner process is Django's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

from django.utils import autoreload

__all__ = ["run_with_reloader"]

CHANGED = 3
"""The exit code by which Django's inner process asks to be started again."""


def run_with_reloader(main: Callable[[], None]) -> None:
    """Call ``main`` in a process that is started anew whenever the code changes."""
    if os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true":
        # The outer process ignores it and so did this one, by inheritance.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        autoreload.run_with_reloader(main)
    else:
        sys.exit(_keep_running())


def _keep_running() -> int:
    """Start the inner process, again after each change, and return its last exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    environment = {**os.environ, autoreload.DJANGO_AUTORELOAD_ENV: "true"}
    while True:
        child = subprocess.Popen(autoreload.get_child_arguments(), env=environment, close_fds=False)
        signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGTERM))  # noqa: B023
        code = child.wait()
        if code != CHANGED:
            return code
