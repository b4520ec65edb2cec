"""The threads beside an event loop: plain functions, and what coroutines ask the database.

All are daemons, so that a function which never returns cannot hold the process back, and each
call leaves its thread's connections fit for the next one.
"""

from __future__ import annotations

import contextvars
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import partial
from typing import Any

from asgiref.sync import SyncToAsync, ThreadSensitiveContext
from django.db import connections

from .transactions import end_transactions, open_transactions, tidy_connections

__all__ = ["DaemonThreads", "DatabaseThreads", "RunThread", "thread_of_its_own"]

logger = logging.getLogger("django_scheduler.runs")

_PATIENCE = 5.0
"""Seconds to wait for connections to be closed."""

OneCall = tuple["Future[Any]", Callable[[], Any]]


class DaemonThreads(ThreadPoolExecutor):
    """At most ``most`` threads, started when none is idle.

    An event loop takes only the standard library's pool as its default one. Of that, this keeps
    the name: its threads hold up the end of the process for as long as a function likes.
    """

    def __init__(self, name: str, most: int) -> None:
        super().__init__(max_workers=most)
        self._name = name
        self._most = most
        self._state = threading.Condition()
        self._calls: deque[OneCall] = deque()
        self._count = 0
        self._idle = 0
        self._ended = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have the call made in a thread, and its connections tidied before it has ended."""
        return self.put(partial(_tidily, partial(fn, *args, **kwargs)))

    def put(self, call: Callable[[], Any]) -> Future[Any]:
        """Have the call made in a thread, and nothing else."""
        future: Future[Any] = Future()
        with self._state:
            if self._ended:
                raise RuntimeError("The event loop has ended: no thread takes calls any more.")
            self._calls.append((future, call))
            if self._idle >= len(self._calls) or self._count >= self._most:
                self._state.notify()
            else:
                self._count += 1
                threading.Thread(target=self._work, name=self._name, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end when nothing is left to do. It waits for nobody."""
        with self._state:
            self._ended = True
            self._state.notify_all()

    def _work(self) -> None:
        try:
            while (call := self._next()) is not None:
                _make(*call)
                del call  # or it would keep the call's values until the next one comes
        finally:
            connections.close_all()

    def _next(self) -> OneCall | None:
        with self._state:
            self._idle += 1
            self._state.wait_for(lambda: self._calls or self._ended)
            self._idle -= 1
            return self._calls.popleft() if self._calls else None


def _make(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        value = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(value)


def _tidily(call: Callable[[], Any]) -> Any:
    tidy_connections()
    try:
        return _closing_transactions(call)
    finally:
        tidy_connections()


def _closing_transactions(call: Callable[[], Any]) -> Any:
    """Make the call, and let none of its transactions stay open after it.

    Other runs may use the thread before this one comes back to it, and would write into it.
    """
    before = open_transactions()
    try:
        value = call()
    except BaseException as error:
        left = end_transactions(before)
        if left is not None:
            logger.warning("After %s: %s", type(error).__name__, left)
        raise
    left = end_transactions(before)
    if left is not None:
        raise left
    return value


class DatabaseThreads:
    """At most ``most`` threads for calls that must be made in one and the same thread of a run.

    A run has one to itself from its first such call on. When more runs than there are threads need
    one, they share: their calls are made in turn. So there are never more connections than threads.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._lock = threading.Lock()
        self._users: dict[DaemonThreads, int] = {}
        self._ended = False

    def take(self) -> DaemonThreads:
        """Return the thread that the fewest runs use, or a new one."""
        with self._lock:
            if self._ended:
                raise RuntimeError("The event loop has ended: no thread takes calls any more.")
            thread = min(self._users, key=self._users.__getitem__, default=None)
            if thread is None or (self._users[thread] and len(self._users) < self._most):
                thread = DaemonThreads(self._name, 1)
                self._users[thread] = 0
            self._users[thread] += 1
            return thread

    def give_back(self, thread: DaemonThreads) -> bool:
        """Take back the thread of a run; return whether no other run uses it."""
        with self._lock:
            self._users[thread] -= 1
            return not self._users[thread]

    def shutdown(self) -> None:
        """Let the threads end when nothing is left to do."""
        with self._lock:
            self._ended = True
            for thread in self._users:
                thread.shutdown()


class RunThread(Executor):
    """The one thread in which a run's thread-sensitive calls are made, once there is one.

    Such calls are those of ``sync_to_async``, and so all of the ORM's asynchronous methods. They
    ask the context in which they are made for their executor.
    """

    def __init__(self, threads: DatabaseThreads) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._thread: DaemonThreads | None = None
        self._over = False

    def use_here(self) -> None:
        """Have the calls made from this context, and from copies of it, made in this thread."""
        # asgiref keeps it for as long as a context holds the key, so nothing else may.
        key = ThreadSensitiveContext()
        SyncToAsync.context_to_thread_executor[key] = self
        SyncToAsync.thread_sensitive_context.set(key)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have the call made in the run's thread."""
        with self._lock:
            if self._over:
                raise RuntimeError("The run is over: its thread takes no calls any more.")
            if self._thread is None:
                self._thread = self._threads.take()
                self._thread.put(tidy_connections)
            return self._thread.put(partial(_closing_transactions, partial(fn, *args, **kwargs)))

    def end(self, tidy: Callable[[], None] = tidy_connections) -> Future[Any] | None:
        """Take no more calls. Return what is done once ``tidy`` was called in the thread.

        None: there is nothing to wait for, or other runs use the thread.
        """
        with self._lock:
            self._over = True
            thread, self._thread = self._thread, None
        if thread is None:
            return None
        tidied = thread.put(tidy)
        return tidied if self._threads.give_back(thread) else None


@contextmanager
def thread_of_its_own() -> Iterator[contextvars.Context]:
    """Yield a context whose thread-sensitive calls have a thread; it is gone after the block.

    Without it they share one thread with all of the process, and its connection, that nobody
    tidies.
    """
    threads = DatabaseThreads("scheduler-database", 1)
    thread = RunThread(threads)
    context = contextvars.copy_context()
    context.run(thread.use_here)
    try:
        yield context
    finally:
        closed = thread.end(connections.close_all)
        threads.shutdown()
        if closed is not None:
            # One that was left behind in a call that hangs is not waited for.
            wait([closed], timeout=_PATIENCE)
