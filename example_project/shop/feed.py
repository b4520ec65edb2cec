"""The outside world, played: an order feed and a payment provider that answer slowly.

What they answer follows from the occurrence's key alone, so a second attempt meets the same data.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event

ORDERS_IN_A_DELIVERY = 60
CHUNK = 10


class ProviderUnavailable(Exception):
    """The payment provider did not answer."""


@dataclass(frozen=True)
class FeedOrder:
    """One order as the feed describes it; the product is told by its place in the catalogue."""

    reference: str
    place: int
    quantity: int
    hours_ago: int


def take(seconds: float) -> None:
    """Return after `seconds`, as a remote server would."""
    Event().wait(seconds)


def delivery(key: str, *, products: int) -> list[FeedOrder]:
    """Return the orders of one delivery: the same for the same key, on any machine."""
    dice = random.Random(key)
    return [
        FeedOrder(
            reference=f"{key}/{number:03}",
            place=dice.randrange(products),
            quantity=dice.choice((1, 1, 1, 2, 2, 3, 5)),
            hours_ago=dice.randrange(24 * 7),
        )
        for number in range(1, ORDERS_IN_A_DELIVERY + 1)
    ]


def chunks(orders: Sequence[FeedOrder], size: int = CHUNK) -> list[Sequence[FeedOrder]]:
    """Return the orders in pieces of `size`, in order."""
    return [orders[start : start + size] for start in range(0, len(orders), size)]


def confirm_payments(references: Sequence[str], *, attempt: int) -> Iterator[str]:
    """Yield the references that have been paid.

    Raises:
        ProviderUnavailable: on the first two attempts, as providers do.
    """
    if attempt <= 2:
        raise ProviderUnavailable("503 Service Unavailable: the provider is being deployed")
    yield from references
