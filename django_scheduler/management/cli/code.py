"""``sync``: what the code declares, carried into rows, or only compared with them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from django.db import transaction

from ... import clock as clocks
from ... import conf, jobs
from ...engine.sync import SyncResult, overrides, sync
from .render import table
from .subcommand import Answer, Subcommand

__all__ = ["SYNC"]


def _sync_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--check",
        action="store_true",
        help="change nothing; exit with 1 if anything would change",
    )


def _carry(using: str, *, keep: bool) -> SyncResult:
    """Sync, and take it back again unless it is to be kept."""
    with transaction.atomic(using=using):
        result = sync(using, clocks.installed())
        if not keep:
            transaction.set_rollback(True, using=using)
    return result


def _edited() -> dict[str, list[str]]:
    """The fields, by job, that were edited and no longer follow the code."""
    found = {job.name: sorted(overrides(job)) for job in jobs.all().filter(declared_in_code=True)}
    return {name: fields for name, fields in found.items() if fields}


def _failure(result: SyncResult, *, check: bool) -> str:
    if result.refused:
        return f"Declarations are refused: {', '.join(sorted(result.refused))}."
    changes = len(result.added) + len(result.changed) + len(result.set_aside)
    if check and changes:
        return f"{changes} job(s) would change; run `manage.py scheduler sync`."
    return ""


def _sync(options: Namespace) -> Answer:
    result = _carry(conf.current().database, keep=not options.check)
    edited = _edited()
    done = "would be " if options.check else ""
    rows = [
        *((name, f"{done}added", "") for name in result.added),
        *((name, f"{done}changed", "") for name in result.changed),
        *((name, f"{done}set aside", "vanished from the code") for name in result.set_aside),
        *((name, "refused", why) for name, why in sorted(result.refused.items())),
        *((name, "differs", ", ".join(fields)) for name, fields in sorted(edited.items())),
    ]
    text = table(("job", "what", "detail"), rows, empty="The rows are as the code declares them.")
    document = {**asdict(result), "differs": edited, "checked_only": options.check}
    return Answer(document, text, _failure(result, check=options.check))


SYNC = Subcommand("sync", "make the rows follow the code", _sync_arguments, _sync)
