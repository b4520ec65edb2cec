"""Who is to look at once, because something is due sooner than a scheduler may know.

Told by what people do, never by the engine's own turn: it would wake itself for ever. A notice
only brings forward what the next look would find.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections, transaction

from ..models.vendors import notify

__all__ = ["DUE", "ORDERS", "Hearer", "heard_here", "tell"]

DUE = "due"
"""Something may be due: claim."""
ORDERS = "orders"
"""A run may have been told to stop: look at the orders, and claim."""

Hearer = Callable[[str], None]
"""Called with :data:`DUE` or :data:`ORDERS`, in any thread; it must only set events."""

_hearers: dict[str, list[Hearer]] = {}


def tell(word: str, *, using: str) -> None:
    """Have every scheduler look once the present transaction is committed.

    Those in this process hear it on every database, those in others where the database can pass
    it on. Told again in the same transaction, it costs nothing.
    """
    if _is_told(word, using):
        return
    notify(using, word)
    transaction.on_commit(_Told(word, using), using=using)


class _Told:
    """Calls this process's hearers; also the mark that the transaction has sent its notice."""

    def __init__(self, word: str, using: str) -> None:
        self.key = (word, using)

    def __call__(self) -> None:
        word, using = self.key
        for hear in list(_hearers.get(using, ())):
            hear(word)


def _is_told(word: str, using: str) -> bool:
    # Django forgets these, as the database its notices, with the savepoint they were made in.
    waiting = (entry[1] for entry in connections[using].run_on_commit)
    return any(isinstance(call, _Told) and call.key == (word, using) for call in waiting)


@contextmanager
def heard_here(using: str, hear: Hearer) -> Iterator[None]:
    """Call ``hear`` for what is told in this process, as long as the block lasts."""
    hearers = _hearers.setdefault(using, [])
    hearers.append(hear)
    try:
        yield
    finally:
        hearers.remove(hear)
