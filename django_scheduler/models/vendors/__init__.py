"""The only room that knows which database it speaks to."""

from __future__ import annotations

from .locks import locked
from .now import read_now
from .sessions import (
    begin_immediately,
    prepare_session,
    release_session,
    session_problems,
    writing,
)

__all__ = [
    "begin_immediately",
    "locked",
    "prepare_session",
    "read_now",
    "release_session",
    "session_problems",
    "writing",
]
