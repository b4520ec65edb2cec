"""What was probably meant by a text that is no schedule; it is said, never acted on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean"]

_EVERY = re.compile(
    r"@?every\s+(?:(\d{1,9})\s*)?(s|sec|second|m|min|minute|h|hour|d|day|w|week)s?", re.ASCII
)
_LONGEST = 60


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """A question that names the schedule which ``text`` resembles; empty if it resembles none.

    Args:
        text: what was written.
        known: words with ``@`` that a schedule may be or begin with.
    """
    words = text.lower().split()
    if not words or len(text) > _LONGEST:
        return ""
    plain = _EVERY.fullmatch(" ".join(words))
    if plain is not None:
        return f"did you mean @every {plain.group(1) or 1}{plain.group(2)[0]}?"
    word = words[0] if words[0].startswith("@") else f"@{words[0]}"
    if len(words) > 1 and word != words[0]:
        return ""
    found = get_close_matches(word, sorted(known), n=1, cutoff=0.75)
    return f"did you mean {found[0]}?" if found else ""
