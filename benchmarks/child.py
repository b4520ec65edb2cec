"""One measurement in a process of its own: ``python -m benchmarks.child MEASURE …``."""

from __future__ import annotations

import argparse
import tempfile
from importlib import import_module
from pathlib import Path

from .figures import dump
from .measures.place import Place
from .processes import end_in_order


def main(arguments: list[str] | None = None) -> None:
    """Prepare Django and the tables, measure, and write the figures to a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.child")
    parser.add_argument("measure")
    parser.add_argument("--kind", required=True)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--effort", default="full")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    end_in_order()
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    module = import_module(f"benchmarks.measures.{options.measure}")
    with tempfile.TemporaryDirectory(prefix="scheduler-benchmark-") as folder:
        place = Place(
            options.kind, settings.DATABASES["default"], options.effort, options.size, Path(folder)
        )
        dump(module.measure(place), options.out)


if __name__ == "__main__":
    main()
