"""Values cross to a child and back unchanged, and so do facts and their answers."""

from __future__ import annotations

import inspect
import io
import os
import threading
import uuid
from dataclasses import fields
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from django_scheduler import lifecycle
from django_scheduler.clock import SystemClock
from django_scheduler.context import Orders, Progress, Report, RunContext
from django_scheduler.executors.process import boot, child
from django_scheduler.executors.process.child_process import how_it_ended
from django_scheduler.executors.process.conversation import Conversation, Parent
from django_scheduler.executors.process.wire import plain, read
from django_scheduler.lifecycle import Fact, Started
from django_scheduler.runner import Dispatch
from django_scheduler.runner.outcome import Outcome
from django_scheduler.runner.watch import Watched
from django_scheduler.states import RunStatus
from tests.executors.doubles import DUE, Recorder, make_dispatch

FACTS = [
    kind
    for name in lifecycle.__all__
    if inspect.isclass(kind := getattr(lifecycle, name))
    # On Python 3.10 an alias such as list[int] passes for a class.
    and get_origin(kind) is None
    and issubclass(kind, Fact)
    and kind is not Fact
]

EXAMPLES: dict[Any, Any] = {
    uuid.UUID: uuid.UUID(int=7),
    datetime: datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone.utc),
    timedelta: timedelta(days=400, microseconds=1),
    Progress: Progress(1, 2, "message", 3),
    RunStatus: RunStatus.TIMED_OUT,
    int: 3,
    str: "é\x00",
    bool: True,
    Any: {"a": [1, None]},
}


def _example(hint: Any) -> Any:
    """A value of the annotated type that is not the field's default."""
    if get_origin(hint) in (Union, UnionType):
        hint = get_args(hint)[0]
    if get_origin(hint) is tuple:
        return ("a", "b")
    if hint in EXAMPLES:
        return EXAMPLES[hint]
    return ["a"] if "Sequence" in str(hint) else {"a": "b"}


@pytest.mark.parametrize("kind", [Dispatch, Outcome, Report, *FACTS])
def test_every_field_of_a_value_comes_back_as_it_was(kind):
    """A field that is added with a type that cannot cross fails here."""
    hints = get_type_hints(kind)
    value = kind(**{field.name: _example(hints[field.name]) for field in fields(kind)})
    line = boot.json.dumps(plain(value))
    assert read(kind, boot.json.loads(line)) == value


def test_what_is_not_set_stays_unset():
    dispatch = make_dispatch()
    assert read(Dispatch, boot.json.loads(boot.json.dumps(plain(dispatch)))) == dispatch


def test_a_child_takes_over_the_names_of_databases_and_no_pool(monkeypatch):
    mine = {"NAME": "in settings", "OPTIONS": {"pool": True, "timeout": 3}}
    other = {"NAME": Path("kept"), "OPTIONS": {}}
    monkeypatch.setattr(child, "connections", SimpleNamespace(settings={"a": mine, "b": other}))
    child.work_on({"a": "in use", "gone": "nowhere"})
    assert mine == {"NAME": "in use", "OPTIONS": {"timeout": 3}}
    assert other == {"NAME": Path("kept"), "OPTIONS": {}}


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (3, "ended with exit code 3"),
        (0, "ended with exit code 0"),
        (-9, "was killed by SIGKILL"),
        (-250, "was killed by signal 250"),
    ],
)
def test_an_exit_code_is_said_in_words(code, words):
    assert how_it_ended(code) == words


class _Child:
    """A child whose words are those of `said`, and which passes on what it is told."""

    captured = False
    output = None

    def __init__(self) -> None:
        self.asking = child.Asking(SimpleNamespace(say=self._say))
        self.said: list[bytes] = []
        self.told: list[dict[str, Any]] = []

    def _say(self, kind: str, **fields: Any) -> None:
        self.said.append(boot.json.dumps({"kind": kind, **fields}).encode())
        self.conversation._take(self.said[-1])

    def write(self, message: dict[str, Any]) -> None:
        self.told.append(message)
        child.obey(message, Orders(), self.asking)

    @property
    def conversation(self) -> Conversation:
        return self._conversation

    def meet(self, recorder: Recorder) -> None:
        clock = SystemClock()
        parent = Parent(recorder, clock, timedelta(0), lambda: None)
        context = RunContext(SimpleNamespace())  # type: ignore[arg-type]
        watched = Watched(make_dispatch(), context, clock, DUE, 0.0)
        self._conversation = Conversation(self, watched, parent)  # type: ignore[arg-type]


def test_a_fact_asked_for_in_the_child_is_asked_for_in_the_parent():
    """C2: a child cannot write down that it paused; its parent does, and answers."""
    recorder, one = Recorder(), _Child()
    one.meet(recorder)
    fact = Started(**make_dispatch().guard, at=DUE, due_at=DUE)
    assert one.asking.ask(fact) is True
    assert recorder.of(Started) == [fact]
    assert [message["kind"] for message in one.told] == ["reply"]
    one.asking.tell(fact)
    assert recorder.of(Started) == [fact, fact]


def test_words_nobody_understands_are_logged_and_change_nothing(caplog):
    one = _Child()
    one.meet(Recorder())
    for line in (b"no json", b"[]", b'{"kind": "unheard"}', b'{"kind": "outcome"}'):
        one.conversation._take(line)
    assert one.conversation._outcome is None
    assert len(caplog.records) == 4


def test_orders_that_come_early_are_kept_for_who_obeys_them():
    inbox, obeyed = boot.Inbox(), []
    inbox.put({"kind": "stop"})
    inbox.put({"kind": "dispatch"})
    inbox.hand_over_to(obeyed.append)
    inbox.put({"kind": "pause"})
    assert obeyed == [{"kind": "stop"}, {"kind": "pause"}]
    assert inbox.dispatches.get_nowait() == {"kind": "dispatch"}


def test_a_message_longer_than_a_pipe_is_heard_whole_and_the_end_is_none():
    reading, writing = os.pipe()
    ear, line = boot.Ear(reading), boot.Line(writing)
    message = {"kind": "long", "text": "é" * 200_000}

    def speak() -> None:
        line.say(**message)
        line.say("short")
        line.fall_silent()

    speaker = threading.Thread(target=speak)
    speaker.start()
    assert ear.hear() == message
    assert ear.hear() == {"kind": "short"}
    assert ear.hear() is None
    speaker.join()
    ear.close()
    line.say("unheard")
    assert ear.hear() is None


def test_speaking_to_a_parent_that_is_gone_does_nothing():
    reading, writing = os.pipe()
    os.close(reading)
    line = boot.Line(writing)
    line.say("unheard")
    line.say("unheard")
    line.fall_silent()
    os.close(writing)


def test_the_console_of_a_child_is_a_stream_like_others():
    said: list[Any] = []
    line = SimpleNamespace(say=lambda kind, **fields: said.append((kind, fields)))
    console = boot._Console(line)  # type: ignore[arg-type]
    assert isinstance(console, io.TextIOBase)
    assert console.writable()
    print("text", file=console, end="")
    assert said == [("console", {"text": "text"})]
