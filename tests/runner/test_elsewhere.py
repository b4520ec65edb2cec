"""What a run says in another process counts as what it says here."""

from __future__ import annotations

from datetime import timedelta

from django_scheduler.context import Progress, Report
from django_scheduler.context.said import Said
from django_scheduler.models.vendors import is_in_memory
from django_scheduler.runner.capture import LogTail


def test_a_report_from_elsewhere_replaces_what_was_said():
    said = Said()
    said.saved({"old": 1})
    report = Report(9, 7, Progress(1, 2), {"new": [1]}, timedelta(seconds=3), {"last": 5})
    said.adopt(report)
    assert said.report() == report
    assert (said.changes, said.data, said.run_again_in) == (7, {"new": [1]}, timedelta(seconds=3))


def test_a_listener_hears_each_line_as_it_is_kept():
    tail, heard = LogTail(limit=5), []
    tail.add("before")
    tail.listener = heard.append
    tail.add("0123456789")
    tail.add("ab")
    assert heard == ["56789", "ab"]


def test_the_database_of_the_tests_is_seen_by_other_processes():
    assert is_in_memory("default") is False
