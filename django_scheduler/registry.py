"""Which functions are jobs. Filled by ``@job`` when modules are imported; pure, no database.

Knows names, signatures and what the code declares about a job. It must not know rows: carrying
declarations into the database is the engine's ``sync``.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar, Union, overload

from .exceptions import FunctionNotRegistered, InvalidArguments, InvalidJob, InvalidSchedule
from .hooks import HOOK_NAMES, Hook, read_hooks
from .job_fields import check_schedule, check_together, read_field, read_name
from .policies import Retry, to_timedelta
from .schedules import Schedule, parse_schedule

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = [
    "HOOK_NAMES",
    "Definition",
    "Hook",
    "JobOptions",
    "all_definitions",
    "bind_arguments",
    "get",
    "is_registered",
    "job",
    "label_with",
    "names",
    "register",
    "unregister",
]

P = ParamSpec("P")
R = TypeVar("R")
Duration = Union[timedelta, float, int]  # noqa: UP007 - evaluated on Python 3.10


@dataclass(frozen=True)
class Definition:
    """A registered function and what the code declares about the job it makes.

    ``declared`` holds the job fields that ``@job`` was given; it is empty when there was no
    schedule, and then no row is made.
    """

    name: str
    function: Callable[..., Any]
    takes_context: bool = False
    hooks: Mapping[str, Hook] = field(default_factory=dict)
    declared: Mapping[str, Any] = field(default_factory=dict)
    next_run_in: timedelta | None = None

    @property
    def origin(self) -> str:
        """Where the function is defined, as ``module.qualname``."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def is_async(self) -> bool:
        """Whether the function is a coroutine function."""
        return inspect.iscoroutinefunction(self.function)

    def check_arguments(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Do nothing if the function can be called with these arguments.

        Raises:
            InvalidArguments: saying which argument is missing, unexpected or given twice.
        """
        leading = ("context",) if self.takes_context else ()
        bind_arguments(self.function, (*leading, *args), kwargs, name=self.name)


def bind_arguments(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, name: str
) -> None:
    """Do nothing if ``function`` accepts the arguments; raise InvalidArguments otherwise."""
    signature = _signature_of(function)
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        message = f"The arguments do not fit {name!r}{signature}: {error}."
        raise InvalidArguments(message, field="kwargs" if kwargs else "args") from None


_signature_of = lru_cache(1024)(inspect.signature)  # reading one takes longer than binding to it
_lock = threading.Lock()
_definitions: dict[str, Definition] = {}
_unnamed: list[Definition] = []
_label: Callable[[str], str] | None = None


def register(definition: Definition) -> None:
    """Make the function known under its name; without a name, under ``app_label.function``.

    Registering the very same function again replaces its definition.

    Raises:
        InvalidJob: another function has this name already.
    """
    with _lock:
        if not definition.name and _label is None:
            _unnamed.append(definition)
            return
        _store(definition)


def _store(definition: Definition) -> None:
    if not definition.name:
        assert _label is not None
        label = _label(definition.function.__module__)
        definition = _renamed(definition, f"{label}.{definition.function.__name__}")
    known = _definitions.get(definition.name)
    if known is not None and known.origin != definition.origin:
        raise InvalidJob(
            f"Two functions are registered as {definition.name!r}: {known.origin} and "
            f"{definition.origin}. Give one of them another name in @job(...).",
            field="name",
        )
    _definitions[definition.name] = definition


def _renamed(definition: Definition, name: str) -> Definition:
    values = {f: getattr(definition, f) for f in definition.__dataclass_fields__}
    return Definition(**{**values, "name": name})


def label_with(label_of: Callable[[str], str] | None) -> None:
    """Give unnamed functions their names, now and from now on.

    Called once the apps are ready, when a module's app label can be told.
    """
    global _label  # noqa: PLW0603 - set once by the app's ready()
    with _lock:
        _label = label_of
        if label_of is not None:
            while _unnamed:
                _store(_unnamed.pop(0))


def unregister(name: str) -> None:
    """Forget the function. Its jobs and their history stay.

    Raises:
        FunctionNotRegistered: there is none of this name.
    """
    with _lock:
        if _definitions.pop(name, None) is None:
            raise _unknown(name)


def is_registered(name: str) -> bool:
    """Tell whether a function is registered under ``name`` in this process."""
    return name in _definitions


def get(name: str) -> Definition:
    """Return the definition registered under ``name``.

    Raises:
        FunctionNotRegistered: there is none in this process.
    """
    try:
        return _definitions[name]
    except KeyError:
        raise _unknown(name) from None


def _unknown(name: str) -> FunctionNotRegistered:
    return FunctionNotRegistered(
        f"No function is registered as {name!r} in this process. Decorate it with "
        f"@job({name!r}) in a module that is imported, such as jobs.py of an installed app.",
        field="function",
    )


def names() -> list[str]:
    """Return the names of all registered functions, sorted."""
    return sorted(_definitions)


def all_definitions() -> list[Definition]:
    """Return all definitions, sorted by name."""
    return [_definitions[name] for name in names()]


class JobOptions(TypedDict, total=False):
    """What ``@job`` takes besides a name, all optional; None of a policy: the setting's value."""

    schedule: Schedule | str | None
    timezone: str | None
    args: Sequence[Any]
    kwargs: Mapping[str, Any] | None
    executor: str
    queue: str
    priority: int
    timeout: Duration | None
    stall_timeout: Duration | None
    retry: int | Retry | None
    pause_after_failures: int | None
    on_lost: str
    overlap: str
    max_running: int | None
    buffer_limit: int
    catch_up: str
    catch_up_window: Duration | None
    catch_up_limit: int | None
    misfire_grace: Duration | None
    start_deadline: Duration | None
    start_at: datetime | None
    end_at: datetime | None
    max_runs: int | None
    next_run_in: Duration | None
    run_on_start: bool
    jitter: Duration | None
    description: str
    metadata: Mapping[str, Any] | None
    tags: Iterable[str]
    takes_context: bool
    on_start: Hook | Callable[..., Any] | None
    on_success: Hook | Callable[..., Any] | None
    on_error: Hook | Callable[..., Any] | None
    on_stop: Hook | Callable[..., Any] | None
    on_pause: Hook | Callable[..., Any] | None
    on_resume: Hook | Callable[..., Any] | None
    on_finally: Hook | Callable[..., Any] | None


_OPTIONS = frozenset(JobOptions.__annotations__)


def _zone(schedule: Schedule, timezone: str | None) -> str | None:
    if timezone and schedule.timezone and schedule.timezone != timezone:
        raise InvalidSchedule(
            f"The schedule says {schedule.timezone!r} and the job {timezone!r}: "
            "give the zone in one place only.",
            field="timezone",
        )
    return schedule.timezone or timezone


def _declare(schedule: Schedule | str | None, options: dict[str, Any]) -> dict[str, Any]:
    timezone = options.pop("timezone", None)
    declared = {name: read_field(name, value) for name, value in options.items()}
    declared = {name: value for name, value in declared.items() if value is not None}
    check_schedule(schedule)
    if schedule is None:
        return {}
    if isinstance(schedule, str):
        schedule = parse_schedule(schedule, timezone=timezone)
    declared["schedule"] = str(schedule)
    zone = _zone(schedule, timezone)
    if zone:
        schedule = parse_schedule(str(schedule), timezone=zone)
        declared["timezone"] = zone
    together = {name: declared.get(name) for name in ("start_at", "end_at")}
    check_together(schedule, overlap=declared.get("overlap", ""), placed=False, **together)
    return declared


@overload
def job(name: Callable[P, R]) -> Callable[P, R]: ...
@overload
def job(
    name: str | None = None, **options: Unpack[JobOptions]
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
def job(name: Any = None, **options: Any) -> Any:
    """Register the decorated function as a job function and return it unchanged.

    With ``schedule`` the next ``runscheduler`` makes a job row of the same name; without, only
    the function is known, and jobs for it are added from code, command line or admin. Durations
    are ``timedelta`` or seconds; None of a policy means the setting's value. ``retry=3`` is
    ``Retry(max_attempts=3)``. ``next_run_in`` moves the first run of a new row only. A hook is a
    callable ``(context, error=None)`` or a :class:`Hook`.

    Args:
        name: unique; left out, it is ``app_label.function_name``.

    Raises:
        InvalidJob: a name that is empty, malformed or taken, or an option out of range.
        InvalidSchedule: a schedule or zone that cannot be read.
        TypeError: an option that does not exist.
    """
    if callable(name):
        register(Definition("", name))
        return name
    unknown = set(options) - _OPTIONS
    if unknown:
        known = ", ".join(sorted(_OPTIONS))
        raise TypeError(f"@job() has no option {sorted(unknown)[0]!r}; use one of: {known}.")
    return _decorator("" if name is None else read_name(name), options)


def _decorator(name: str, options: dict[str, Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    options = dict(options)
    hooks = read_hooks({hook: options.pop(hook, None) for hook in HOOK_NAMES})
    takes_context = bool(options.pop("takes_context", False))
    next_run_in = to_timedelta(options.pop("next_run_in", None), "next_run_in")
    schedule = options.pop("schedule", None)
    declared = _declare(schedule, options)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        definition = Definition(name, function, takes_context, hooks, declared, next_run_in)
        if declared:
            definition.check_arguments(declared.get("args", ()), declared.get("kwargs", {}))
        register(definition)
        return function

    return decorate
