"""A declared function keeps its signature; an unused `type: ignore` is an error of its own."""

from __future__ import annotations

from datetime import timedelta

from typing_extensions import assert_type

from django_scheduler import RunContext, cron, every, job


@job("report", schedule=cron("0 3 * * *", timezone="Europe/Paris"), timeout=timedelta(hours=1))
def report(region: str = "all", *, limit: int = 10) -> int:
    return limit


@job
def bare(path: str) -> list[str]:
    return [path]


@job("import", schedule=every(minutes=5), takes_context=True)
def with_context(context: RunContext, batch: int = 100) -> None:
    assert_type(context.delay, timedelta)


assert_type(report("north", limit=3), int)
assert_type(bare("here"), list[str])
report(region=3)  # type: ignore[arg-type]
bare()  # type: ignore[call-arg]
job("wrong", threads=3)  # type: ignore[call-overload]
