"""The bare driver doing what the engine makes durable: the same rows, columns and batches.

No Django, no planning, no threads: a claim reads the due jobs under their locks, inserts a run
of each and moves their clocks; an outcome locks and updates the run and its job's counters.
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any

from .databases import connect

__all__ = ["Bare", "bare"]

JOB, CLOCK = "django_scheduler_job", "django_scheduler_jobclock"
RUN = "django_scheduler_run"
PERIOD = timedelta(hours=24)
Rows = Sequence[Sequence[Any]]
PROCESS = uuid.uuid4()
JOB_COLUMNS = (
    "id", "name", "function", "args", "kwargs", "metadata", "executor", "queue", "priority",
    "schedule", "timezone", "timeout", "stall_timeout", "retry", "on_lost", "overlap",
)  # fmt: skip
RUN_COLUMNS = (
    "id", "job_id", "job_name", "function", "key", "number", "attempt", "trigger", "status",
    "reason", "missed", "scheduled_for", "due_at", "queued_at", "expires_at", "dispatched_at",
    "started_at", "finished_at", "left_at", "stop_requested_at", "pause_requested_at", "duration",
    "lateness", "process", "epoch", "executor", "queue", "priority", "args", "kwargs", "metadata",
    "policy", "completed", "total", "message", "progress_at", "data", "carried_state", "result",
    "error", "traceback", "hook_errors", "log",
)  # fmt: skip
CLOCK_COLUMNS = ("next_run_at", "next_occurrence", "planned_until", "by_hand", "catch_up")
OUTCOME = (
    "status", "reason", "started_at", "finished_at", "left_at", "duration", "lateness", "result",
    "data", "error", "traceback", "log", "hook_errors", "due_at",
)  # fmt: skip


def _quoted(names: Sequence[str], mark: str, table: str = "") -> str:
    return ", ".join(f"{table}{mark}{name}{mark}" for name in names)


class Bare:
    """One connection of a driver. Sub-classes speak each database's fastest plain SQL."""

    mark = '"'
    placeholder = "%s"
    begin = "BEGIN"
    for_update = " FOR UPDATE SKIP LOCKED"
    lock_rows = " FOR UPDATE"
    ignoring = ("INSERT", " ON CONFLICT DO NOTHING")

    def __init__(self, config: dict[str, Any]) -> None:
        self.connection = connect(config)
        self.cursor = self.connection.cursor()

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block between BEGIN and COMMIT."""
        self.cursor.execute(self.begin)
        yield
        self.cursor.execute("COMMIT")

    def instant(self, value: datetime) -> Any:
        """Return an instant as the driver takes it."""
        return value

    def span(self, value: timedelta) -> Any:
        """Return a span as Django stores it in this database."""
        return value

    def key(self, value: uuid.UUID) -> Any:
        """Return an id as Django stores it in this database."""
        return value

    def due(self, now: datetime, batch: int) -> list[tuple[Any, ...]]:
        """Lock the due clocks and return their jobs, earliest first."""
        self.cursor.execute(
            f"SELECT {_quoted(JOB_COLUMNS, self.mark, 'j.')}, c.next_run_at FROM {CLOCK} c"
            f" JOIN {JOB} j ON j.id = c.job_id WHERE c.next_run_at <= {self.placeholder}"
            " AND j.state = 'active' AND j.removed_at IS NULL"
            f" ORDER BY c.next_run_at, j.priority, j.id LIMIT {batch}{self.for_update}",
            (self.instant(now),),
        )
        return list(self.cursor.fetchall())

    def many(self, statement: str, rows: Rows) -> None:
        """Execute the statement for each row, in the driver's fastest way."""
        self.cursor.executemany(statement, rows)

    def insert(self, rows: Rows) -> None:
        """Insert runs; those that exist already are left alone."""
        verb, tail = self.ignoring
        places = ", ".join([self.placeholder] * len(RUN_COLUMNS))
        columns = _quoted(RUN_COLUMNS, self.mark)
        self.many(f"{verb} INTO {RUN} ({columns}) VALUES ({places}){tail}", rows)

    def update(self, table: str, names: Sequence[str], rows: Rows, key: str = "id") -> None:
        """Set the columns of many rows; each row is its values, then its key."""
        sets = ", ".join(f"{self.mark}{name}{self.mark} = {self.placeholder}" for name in names)
        self.many(f"UPDATE {table} SET {sets} WHERE {key} = {self.placeholder}", rows)

    def claim(self, batch: int) -> list[tuple[uuid.UUID, int]]:
        """Make runs of the due jobs and advance their clocks; the caller is in a transaction."""
        now = datetime.now(timezone.utc)
        found = self.due(now, batch)
        if not found:
            return []
        ids = [_uuid7(now) for _ in found]
        self.insert([self._run(each, run, now) for each, run in zip(found, ids, strict=True)])
        following = self.instant(now + PERIOD)
        moved = [(following, following, self.instant(now), False, "", each[0]) for each in found]
        self.update(CLOCK, CLOCK_COLUMNS, moved, key="job_id")
        return [(run, each[0]) for each, run in zip(found, ids, strict=True)]

    def _run(self, job: tuple[Any, ...], run: uuid.UUID, now: datetime) -> tuple[Any, ...]:
        at = self.instant(now)
        policy = json.dumps(dict(zip(JOB_COLUMNS[9:], job[9:16], strict=True)), default=str)
        args, kwargs, metadata = (
            each if isinstance(each, str) else json.dumps(each) for each in job[3:6]
        )
        return (
            self.key(run), job[0], job[1], job[2], now.isoformat(), 1, 1, "schedule", "queued",
            "", 0, at, None, at, None, None, None, None, None, None, None, None, None,
            self.key(PROCESS), 1, job[6], job[7], job[8], args, kwargs, metadata, policy,
            None, None, "", None, "{}", None, None, "", "", "{}", "",
        )  # fmt: skip

    def finish(self, runs: Sequence[tuple[uuid.UUID, int]], started: datetime) -> None:
        """Write how the runs ended, and their jobs' counters; the caller is in a transaction."""
        if not runs:
            return
        keys, jobs = [self.key(run) for run, _ in runs], sorted(job for _, job in runs)
        self._lock(RUN, keys)
        self._lock(JOB, jobs)
        at, span = self.instant(started), self.span(timedelta(microseconds=5))
        outcome = ("succeeded", "", at, at, at, span, span, None, "{}", "", "", "", "{}", None)
        self.update(RUN, OUTCOME, [(*outcome, key) for key in keys])
        names = (
            "last_started_at", "last_finished_at", "last_success_at", "last_duration",
            "last_status", "consecutive_failures", "success_count",
        )  # fmt: skip
        counted = [(at, at, at, span, "succeeded", 0, 1, job) for job in jobs]
        self.update(JOB, names, counted)

    def _lock(self, table: str, ids: Sequence[Any]) -> None:
        places = ", ".join([self.placeholder] * len(ids))
        self.cursor.execute(
            f"SELECT id FROM {table} WHERE id IN ({places}) ORDER BY id{self.lock_rows}", ids
        )
        self.cursor.fetchall()

    def drain(self, batch: int, call: Callable[[], None]) -> int:
        """Carry out everything due: each transaction writes a batch's outcomes and claims the next.

        Returns how many runs there were.
        """
        total, outcomes, began = 0, [], datetime.now(timezone.utc)
        while True:
            with self.transaction():
                self.finish(outcomes, began)
                outcomes = self.claim(batch)
            if not outcomes:
                return total
            began = datetime.now(timezone.utc)
            for _ in outcomes:
                call()
            total += len(outcomes)

    def nothing_left(self) -> bool:
        """Tell whether no job is due and no run is open."""
        now = self.instant(datetime.now(timezone.utc))
        for statement, values in (
            (f"SELECT 1 FROM {CLOCK} WHERE next_run_at <= {self.placeholder} LIMIT 1", (now,)),
            (f"SELECT 1 FROM {RUN} WHERE status = 'queued' LIMIT 1", ()),
            (f"SELECT 1 FROM {RUN} WHERE status = 'running' LIMIT 1", ()),
        ):
            self.cursor.execute(statement, values)
            if self.cursor.fetchone():
                return False
        return True

    def close_runs(self) -> None:
        """End all open runs, so that their jobs can be claimed again. Not timed."""
        self.cursor.execute(
            f"UPDATE {RUN} SET status = 'succeeded', process = NULL WHERE status <> 'succeeded'"
        )


class OneStatement(Bare):
    """A batch is one statement: columns that are the same in all rows are sent once."""

    def table_of(self, table: str, names: Sequence[str], rows: Rows) -> tuple[str, list[Any]]:
        """Return the SQL of a table ``d`` that holds these rows, and its parameters."""
        raise NotImplementedError

    def insert(self, rows: Rows) -> None:
        """Insert runs; those that exist already are left alone."""
        same, names, varying = _apart(RUN_COLUMNS, rows)
        source, values = self.table_of(RUN, names, varying)
        verb, tail = self.ignoring
        picked = ", ".join("%s" if name in same else f"d.{name}" for name in RUN_COLUMNS)
        self.cursor.execute(
            f"{verb} INTO {RUN} ({_quoted(RUN_COLUMNS, self.mark)})"
            f" SELECT {picked} FROM {source}{tail}",
            [*same.values(), *values],
        )

    def update(self, table: str, names: Sequence[str], rows: Rows, key: str = "id") -> None:
        """Set the columns of many rows; each row is its values, then its key."""
        same, columns, varying = _apart((*names, key), rows, always=key)
        source, values = self.table_of(table, columns, varying)
        sets = [f"{name} = %s" if name in same else f"{name} = d.{name}" for name in names]
        self.cursor.execute(
            self.joined.format(table=table, sets=", ".join(sets), source=source, key=key),
            [*same.values(), *values] if self.sets_first else [*values, *same.values()],
        )

    joined = ""
    sets_first = True


class Postgres(OneStatement):
    """psycopg: one array a column, so that a batch is one statement of few parameters."""

    for_update = " FOR UPDATE OF c SKIP LOCKED"
    lock_rows = " FOR NO KEY UPDATE"
    joined = "UPDATE {table} t SET {sets} FROM {source} WHERE t.{key} = d.{key}"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.types: dict[str, dict[str, str]] = {}

    def table_of(self, table: str, names: Sequence[str], rows: Rows) -> tuple[str, list[Any]]:
        """Unnested arrays."""
        if table not in self.types:
            self.cursor.execute(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
                " WHERE attrelid = %s::regclass AND attnum > 0",
                (table,),
            )
            self.types[table] = dict(self.cursor.fetchall())
        arrays = ", ".join(f"%s::{self.types[table][name]}[]" for name in names)
        columns = [list(column) for column in zip(*rows, strict=True)]
        return f"unnest({arrays}) AS d({', '.join(names)})", columns


class MariaDB(OneStatement):
    """mysqlclient: a derived table of values."""

    mark = "`"
    begin = "START TRANSACTION"
    ignoring = ("INSERT IGNORE", "")
    joined = "UPDATE {table} t JOIN {source} ON t.{key} = d.{key} SET {sets}"
    sets_first = False

    def table_of(self, table: str, names: Sequence[str], rows: Rows) -> tuple[str, list[Any]]:
        """A union of selects."""
        heads = ", ".join(f"%s AS {name}" for name in names)
        others = ", ".join(["%s"] * len(names))
        union = f" UNION ALL SELECT {others}" * (len(rows) - 1)
        return f"(SELECT {heads}{union}) d", [value for row in rows for value in row]

    def instant(self, value: datetime) -> Any:
        """Naive, in UTC."""
        return value.astimezone(timezone.utc).replace(tzinfo=None)

    def span(self, value: timedelta) -> Any:
        """Microseconds."""
        return value // timedelta(microseconds=1)

    def key(self, value: uuid.UUID) -> Any:
        """Text: the server has a type of its own."""
        return str(value)


class SQLite(Bare):
    """sqlite3: a prepared statement for each row costs microseconds."""

    placeholder = "?"
    begin = "BEGIN IMMEDIATE"
    for_update = lock_rows = ""

    def instant(self, value: datetime) -> Any:
        """Text, in UTC."""
        return value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")

    def span(self, value: timedelta) -> Any:
        """Microseconds."""
        return value // timedelta(microseconds=1)

    def key(self, value: uuid.UUID) -> Any:
        """Hexadecimal."""
        return value.hex


def _apart(
    names: Sequence[str], rows: Rows, always: str = "id"
) -> tuple[dict[str, Any], list[str], list[list[Any]]]:
    """Return the columns that are the same in all rows, the names of the others, and those."""
    first = rows[0]
    same = {
        name: first[place]
        for place, name in enumerate(names)
        if name != always and all(row[place] == first[place] for row in rows)
    }
    kept = [place for place, name in enumerate(names) if name not in same]
    return same, [names[place] for place in kept], [[row[p] for p in kept] for row in rows]


def _uuid7(now: datetime) -> uuid.UUID:
    value = int(now.timestamp() * 1000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def bare(config: dict[str, Any]) -> Bare:
    """Return the bare driver's connection to this database."""
    kinds = {"sqlite3": SQLite, "postgresql": Postgres, "mysql": MariaDB}
    return kinds[config["ENGINE"].rpartition(".")[2]](config)


def timed(act: Callable[[], Any]) -> float:
    """Return how many seconds the call took."""
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun
