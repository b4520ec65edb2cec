"""Orders to jobs and runs, from ``trigger`` to ``retry``: one call each, and what came of it."""

from __future__ import annotations

import getpass
from argparse import ArgumentParser, Namespace

from ... import clock as clocks
from ... import jobs, runs
from ...models import Job
from ...states import RunStatus
from .documents import job_document, run_document
from .history import status_text
from .render import local_time
from .subcommand import Answer, Subcommand
from .values import INSTANT_HELP, read_instant, read_json

__all__ = [
    "PAUSE",
    "PAUSE_RUN",
    "RESUME",
    "RESUME_RUN",
    "RETRY",
    "RUN_WITHIN",
    "SKIP_NEXT",
    "STOP",
    "TRIGGER",
]


def _name(parser: ArgumentParser) -> None:
    parser.add_argument("name", help="the job's name")


def _run_id(parser: ArgumentParser) -> None:
    parser.add_argument("id", help="the run's id")


def _trigger_arguments(parser: ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--args", dest="job_args", metavar="JSON", help="instead of the job's own")
    parser.add_argument(
        "--kwargs", dest="job_kwargs", metavar="JSON", help="instead of the job's own"
    )
    parser.add_argument(
        "--force", action="store_true", help="run it even if the job is running and forbids another"
    )
    parser.add_argument(
        "--wait",
        type=float,
        metavar="SECONDS",
        help="wait for its end at most so long; exit with 1 unless it succeeded",
    )


def _trigger(options: Namespace) -> Answer:
    run = jobs.trigger(
        options.name,
        args=read_json(options.job_args, "--args", list),
        kwargs=read_json(options.job_kwargs, "--kwargs", dict),
        force=options.force,
    )
    failure = ""
    if options.wait is not None:
        run = runs.wait(run, timeout=options.wait)
        if run.status != RunStatus.SUCCEEDED:
            why = f": {run.error}" if run.error else "."
            failure = f"Run {run.pk} of {run.job_name!r} is {status_text(run)}{why}"
    return Answer(run_document(run), f"Run {run.pk} of {run.job_name}: {status_text(run)}", failure)


def _pause_arguments(parser: ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("--reason", default="", help="shown beside the state")
    parser.add_argument("--until", metavar="INSTANT", help=f"resume by itself then: {INSTANT_HELP}")


def _who() -> str:
    """The user of this shell; empty where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


def _job_answer(job: Job, done: str) -> Answer:
    return Answer(job_document(job), f"{job.name}: {done}")


def _pause(options: Namespace) -> Answer:
    until = read_instant(options.until, "--until")
    job = jobs.pause(options.name, reason=options.reason, until=until, by=_who())
    return _job_answer(job, f"paused until {local_time(until)}" if until else "paused")


def _resume_arguments(parser: ArgumentParser) -> None:
    _name(parser)
    parser.add_argument(
        "--mode",
        default="next",
        help="what becomes of the time of the pause: next (nothing), latest (one run for all its "
        "occurrences) or all (one run each)",
    )


def _resume(options: Namespace) -> Answer:
    job = jobs.resume(options.name, mode=options.mode)
    behind = job.next_run_at is not None and job.next_run_at <= clocks.installed().now()
    what = "catching up from" if behind else "next run"
    return _job_answer(job, f"{job.state}, {what} {local_time(job.next_run_at)}")


def _run_within_arguments(parser: ArgumentParser) -> None:
    _name(parser)
    parser.add_argument("seconds", type=float, help="0: as soon as possible")


def _run_within(options: Namespace) -> Answer:
    when = jobs.run_within(options.name, options.seconds)
    return _job_answer(jobs.get(options.name), f"next run {local_time(when)}")


def _skip_next(options: Namespace) -> Answer:
    run = jobs.skip_next(options.name)
    job = jobs.get(options.name)
    done = (
        f"{job.name}: skipped {local_time(run.scheduled_for)}, next run "
        f"{local_time(job.next_run_at)}"
    )
    return Answer({"skipped": run_document(run), "job": job_document(job)}, done)


def _stop_arguments(parser: ArgumentParser) -> None:
    _run_id(parser)
    parser.add_argument("--reason", default="", help="kept with the run")


def _stop(options: Namespace) -> Answer:
    run = runs.stop(options.id, reason=options.reason)
    done = status_text(run) if run.is_final else f"{run.status}, asked to stop"
    return Answer(run_document(run), f"Run {run.pk} of {run.job_name}: {done}")


def _pause_run(options: Namespace) -> Answer:
    run = runs.pause(options.id)
    return Answer(
        run_document(run), f"Run {run.pk} of {run.job_name}: {run.status}, asked to pause"
    )


def _resume_run(options: Namespace) -> Answer:
    run = runs.resume(options.id)
    done = "asked to go on" if run.status == RunStatus.PAUSED else "not to pause any more"
    return Answer(run_document(run), f"Run {run.pk} of {run.job_name}: {run.status}, {done}")


def _retry_arguments(parser: ArgumentParser) -> None:
    _run_id(parser)
    parser.add_argument("--args", dest="job_args", metavar="JSON", help="instead of those it had")
    parser.add_argument(
        "--kwargs", dest="job_kwargs", metavar="JSON", help="instead of those it had"
    )


def _retry(options: Namespace) -> Answer:
    run = runs.retry(
        options.id,
        args=read_json(options.job_args, "--args", list),
        kwargs=read_json(options.job_kwargs, "--kwargs", dict),
    )
    return Answer(run_document(run), f"Run {run.pk} of {run.job_name}: {status_text(run)}")


RETRY = Subcommand("retry", "run a run that is over again", _retry_arguments, _retry)
TRIGGER = Subcommand("trigger", "run a job now, beside its schedule", _trigger_arguments, _trigger)
PAUSE = Subcommand("pause", "stop planning a job", _pause_arguments, _pause)
RESUME = Subcommand("resume", "plan a paused job again", _resume_arguments, _resume)
RUN_WITHIN = Subcommand(
    "run-within", "bring a job's next run forward", _run_within_arguments, _run_within
)
SKIP_NEXT = Subcommand("skip-next", "leave out a job's next run", _name, _skip_next)
STOP = Subcommand("stop", "stop a run", _stop_arguments, _stop)
PAUSE_RUN = Subcommand(
    "pause-run", "hold a running run at its next checkpoint", _run_id, _pause_run
)
RESUME_RUN = Subcommand("resume-run", "let a paused run go on", _run_id, _resume_run)
