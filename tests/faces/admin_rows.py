"""Rows as an installation of some weeks has them, for tests that look at pages."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from django.contrib.auth.models import Permission, User

from django_scheduler import job, jobs, registry
from django_scheduler.models import Job, JobClock, Process, Run, uuid7
from django_scheduler.states import FINAL, Trigger

NOW = datetime(2026, 3, 10, 14, 3, 20, tzinfo=timezone.utc)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

TRACEBACK = """Traceback (most recent call last):
  File "shop/jobs.py", line 84, in import_orders
    order = read_order(line)
  File "shop/orders.py", line 31, in read_order
    return Order(number=int(fields[0]), total=Decimal(fields[3]))
decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]
"""

LOG = """14:00:00.412 INFO    shop.jobs  Reading orders-2026-03-10.csv
14:00:01.090 INFO    shop.jobs  412 of 1,250 lines
14:00:02.731 WARNING shop.orders  Line 611 has no customer, taken as a guest's
14:00:03.055 ERROR   shop.orders  Line 907: total is 'n/a'
"""


@contextmanager
def registered(*names: str) -> Iterator[None]:
    """Functions of these names exist meanwhile; they take ``region`` and ``batch``."""
    for name in names:

        def work(region: str = "all", batch: int = 100) -> None: ...

        work.__qualname__ = f"work_{name}"
        job(name)(work)
    try:
        yield
    finally:
        for name in names:
            registry.unregister(name)


def staff(name: str, *codenames: str) -> User:
    """Make a staff user with just these permissions of the scheduler."""
    user = User.objects.create_user(name, password="secret", is_staff=True)
    found = Permission.objects.filter(
        content_type__app_label="django_scheduler", codename__in=codenames
    )
    assert found.count() == len(codenames)
    user.user_permissions.set(found)
    return user


def make_job(name: str, schedule: str = "*/5 * * * *", **fields: Any) -> Job:
    """Add a job that calls the function "work"."""
    return jobs.add(name, "work", schedule, **fields)


def make_run(row: Job | None, status: str = "succeeded", at: datetime = NOW, **fields: Any) -> Run:
    """Store a run of the job as the engine would have left it."""
    fields.setdefault("job_name", row.name if row else "removed")
    took = fields.pop("took", 3 * SECOND)
    values: dict[str, Any] = {
        "id": uuid7(at),
        "job": row,
        "function": "work",
        "key": f"{at.isoformat()}/{uuid.uuid4()}",
        "trigger": Trigger.SCHEDULE.value,
        "status": status,
        "scheduled_for": at,
        "queued_at": at,
        "executor": "default",
    }
    if status == "running":
        values["process"] = uuid.uuid4()
    if status not in ("queued", "dispatched", "skipped"):
        values |= {"started_at": at + SECOND / 20, "lateness": SECOND / 20}
        if status in FINAL:
            over = at + SECOND / 20 + took
            values |= {"finished_at": over, "left_at": over, "duration": took}
    return Run.objects.create(**{**values, **fields})


def make_process(name: str = "web-1", **fields: Any) -> Process:
    """Store a live scheduler."""
    values: dict[str, Any] = {
        "kind": "scheduler",
        "host": "app-1.example.org",
        "pid": 4711,
        "name": name,
        "version": "0.1.0",
        "started_at": NOW - timedelta(days=3, hours=2),
        "heartbeat_at": NOW - 2 * SECOND,
        "lease_until": NOW + 13 * SECOND,
        "clock_offset": timedelta(milliseconds=3),
    }
    return Process.objects.create(**{**values, **fields})


def furnish() -> tuple[Job, Run, Run]:
    """Store an installation worth looking at; return a job, a failed run and a running one."""
    processes = _processes()
    shop, report = _shop_jobs()
    _other_jobs()
    _past(shop, report, processes)
    failed = _failed_attempts(shop, processes[1])
    running = make_run(
        shop,
        "running",
        NOW - 100 * SECOND,
        completed=412,
        total=1250,
        message="Booking orders of 10 March",
        progress_at=NOW - SECOND,
        process=processes[0].pk,
        dispatched_at=NOW - 100 * SECOND,
        kwargs={"region": "eu", "batch": 250},
        data={"last_order": 88213, "skipped": ["88190", "88191"]},
        log=LOG,
    )
    return shop, failed, running


def _processes() -> list[Process]:
    gone = NOW - timedelta(hours=5)
    return [
        make_process("app-1"),
        make_process("app-2", host="app-2.example.org", pid=1873),
        make_process(
            "worker-old",
            kind="worker",
            state="dead",
            heartbeat_at=gone,
            lease_until=gone,
            clock_offset=timedelta(seconds=2, milliseconds=140),
        ),
    ]


def _shop_jobs() -> tuple[Job, Job]:
    shop = make_job(
        "shop.import-orders",
        "*/5 * * * *",
        timezone="Europe/Paris",
        description="Reads new orders from the shop's export and books them.",
        tags=["shop", "orders"],
        kwargs={"region": "eu", "batch": 250},
        retry=3,
    )
    report = make_job("shop.sales-report", "0 9 * * 1-5", timezone="Europe/Paris", tags=["shop"])
    ended = {"last_status": "failed", "last_finished_at": NOW - 11 * MINUTE}
    Job.objects.filter(pk=shop.pk).update(
        **ended,
        last_started_at=NOW - 12 * MINUTE,
        last_success_at=NOW - 20 * MINUTE,
        last_duration=3 * SECOND,
        success_count=18_204,
        failure_count=31,
        consecutive_failures=1,
    )
    Job.objects.filter(pk=report.pk).update(
        last_status="succeeded",
        last_started_at=NOW - timedelta(hours=6),
        last_finished_at=NOW - timedelta(hours=6),
        last_success_at=NOW - timedelta(hours=6),
        last_duration=43 * SECOND,
        success_count=211,
    )
    return shop, report


def _other_jobs() -> None:
    make_job("accounts.clear-sessions", "@daily", timezone="America/New_York")
    make_job("search.rebuild-index", "@every 1h30m", executor="default")
    make_job("billing.send-invoices", "0 6 1 * *", timezone="Europe/Paris", tags=["billing"])
    make_job("ops.backfill", "@manual")
    paused = make_job("newsletter.send", "30 7 * * MON", timezone="Asia/Tokyo")
    jobs.pause(paused, "Waiting for legal to approve the new footer", by="anna")
    broken = make_job("legacy.sync-crm", "15 * * * *")
    Job.objects.filter(pk=broken.pk).update(
        schedule="61 * * * *", state="broken", error="minute is 61; use 0 to 59."
    )
    JobClock.objects.filter(job=broken).update(next_run_at=None)


def _past(shop: Job, report: Job, processes: list[Process]) -> None:
    told = {"skipped": "overlap", "timed_out": "timeout", "failed": "exception"}
    for n in range(30, 0, -1):
        status = {7: "skipped", 12: "timed_out", 21: "failed"}.get(n, "succeeded")
        make_run(
            shop,
            status,
            NOW.replace(minute=0, second=0) - n * 5 * MINUTE,
            took=(4 + (n * 7) % 11) * SECOND,
            process=processes[n % 2].pk,
            reason=told.get(status, ""),
        )
    for n in range(9, 0, -1):
        make_run(report, "succeeded", NOW - timedelta(days=n), took=(40 + n * n % 17) * SECOND)


def _failed_attempts(shop: Job, process: Process) -> Run:
    """Store three attempts at one occurrence, all failed; return the last."""
    due, failed = NOW.replace(minute=0, second=0), None
    for number in (1, 2, 3):
        at = due + (number - 1) * MINUTE
        failed = make_run(
            shop,
            "failed",
            at,
            key="2026-03-10T14:00:00Z",
            number=number,
            attempt=number,
            trigger="schedule" if number == 1 else "retry",
            reason="exception",
            scheduled_for=due,
            dispatched_at=at,
            error="decimal.InvalidOperation: [<class 'decimal.ConversionSyntax'>]",
            traceback=TRACEBACK,
            log=LOG,
            kwargs={"region": "eu", "batch": 250},
            metadata={"owner": "shop team"},
            data={"last_order": 88177},
            hook_errors={"on_error": "SlackError: channel_not_found"},
            process=process.pk,
        )
    assert failed is not None
    return failed
