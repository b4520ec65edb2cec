"""The only room that knows which database it speaks to."""

from __future__ import annotations

from .locks import locked
from .notices import Listener, notify, open_listener
from .now import read_now
from .sessions import prepare_session, session_problems, writing

__all__ = [
    "Listener",
    "locked",
    "notify",
    "open_listener",
    "prepare_session",
    "read_now",
    "session_problems",
    "writing",
]
