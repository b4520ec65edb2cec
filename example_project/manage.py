#!/usr/bin/env python
"""The example project's command line: `python example_project/manage.py demo`."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one management command; the demo works on a database file of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if sys.argv[1:2] == ["demo"]:
        os.environ.setdefault("DEMO_DATABASE_FILE", "demo.sqlite3")

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
