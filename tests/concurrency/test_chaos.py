"""A short run of chaos on the suite's own database; the long ones are a command of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from random import SystemRandom

import pytest
from django.db import connection

pytestmark = [pytest.mark.chaos, pytest.mark.django_db(transaction=True)]

SEED = os.environ.get("CHAOS_SEED") or str(SystemRandom().randrange(10**6))
KILLS = os.environ.get("CHAOS_KILLS") or "24"
LONGEST = 240
"""Seconds for everything: the run itself breaks off earlier, and tells what it has seen."""


def test_kills_and_freezes_lose_double_and_overwrite_nothing(subprocess_env, request):
    """T1, T3, P5-P7, C4: its seed is in the output; `CHAOS_SEED` plays the same dice again."""
    faults = ["--kills", KILLS, "--freezes", "3", "--outages", "1", "--cuts", "3"]
    command = [sys.executable, "-m", "tests.concurrency.chaos", "--seed", SEED, "--jobs", "14"]
    # The run cuts whatever connection it finds on this database: this process is to have none.
    connection.close()
    done = subprocess.run(
        [*command, *faults, "--schedulers", "3", "--pace", "0.7", "--longest", "190"],
        env=subprocess_env,
        timeout=LONGEST,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stdout.write(f"\nchaos from seed {SEED}: {done.stdout.rstrip().splitlines()[-1]}\n")
    assert done.returncode == 0, done.stdout
