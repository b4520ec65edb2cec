"""The history of a run, gathered from the database, the functions' notes and the keeper's."""

from __future__ import annotations

import json
from pathlib import Path

from django_scheduler.models import Job, Process, Run

from . import database, effects
from .crowd import Member
from .director import Stage
from .history import Fate, History, JobFacts, ProcessRow, Row


def written(stage: Stage) -> History:
    """Return everything that is known of a run that is over."""
    calls, starved = effects.read(stage.folder)
    fates, trouble = read_fates(stage.folder / "fates")
    for name, spans in starved.items():
        if name in fates:
            frozen = fates[name].frozen
            fates[name].starved += [
                (a, b) for a, b in spans if not any(c < b and d > a for c, d in frozen)
            ]
    rows = {job.name: job for job in Job.objects.all()}
    return History(
        end=database.instant(),
        jobs=[_facts(member, rows.get(member.name)) for member in stage.crowd.members],
        rows=[_row(run) for run in Run.objects.order_by("queued_at").iterator()],
        calls=calls,
        fates=fates,
        processes=[
            ProcessRow(str(each.pk), each.name, each.state, each.lease_until)
            for each in Process.objects.all()
        ],
        changed=stage.sampler.changed,
        triggered=stage.people.triggered,
        disturbed=stage.disturbed,
        outages=stage.outages + stage.people.nobody_ran,
        steady={each.name for each in stage.crowd.members if each.is_steady},
        trouble=trouble + stage.trouble,
    )


def _facts(member: Member, job: Job | None) -> JobFacts:
    facts = JobFacts(
        member.name, member.book, member.policy, brought_forward=member.brought_forward
    )
    if job is None or member.removed:
        return facts
    return JobFacts(
        **{
            **vars(facts),
            "state": job.state,
            "error": job.error,
            "success_count": job.success_count,
            "failure_count": job.failure_count,
        }
    )


def _row(run: Run) -> Row:
    return Row(
        id=str(run.pk),
        job=run.job_name,
        key=run.key,
        number=run.number,
        attempt=run.attempt,
        trigger=run.trigger,
        status=run.status,
        reason=run.reason,
        missed=run.missed,
        scheduled_for=run.scheduled_for,
        queued_at=run.queued_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        stop_requested=run.stop_requested_at is not None,
        epoch=run.epoch,
    )


def read_fates(path: Path) -> tuple[dict[str, Fate], list[str]]:
    """Return what befell each process, and what went wrong with keeping them."""
    fates: dict[str, Fate] = {}
    trouble: list[str] = []
    frozen: dict[str, float] = {}
    for text in path.read_text().splitlines():
        line = json.loads(text)
        what, at, name = line["what"], line["t"], line.get("name", "")
        if what == "born":
            fates[name] = Fate(name, at)
        elif what == "frozen":
            frozen[name] = at
        elif what == "thawed":
            fates[name].frozen.append((frozen.pop(name), at))
        elif what == "overdue":
            trouble.append("the keeper ran out of time")
        elif what == "stubborn":
            trouble.append(f"{name} did not stop in order in time and was killed")
        else:
            _note_end(fates[name], what, at, line)
    return fates, trouble


def _note_end(fate: Fate, what: str, at: float, line: dict[str, object]) -> None:
    if what == "killed":
        fate.killed = at
    elif what == "asked":
        fate.asked = at
    else:
        assert what == "ended"
        code = line["code"]
        assert isinstance(code, int)
        fate.ended, fate.code = at, code
