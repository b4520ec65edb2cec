"""One claiming transaction of 500 due jobs, against the bare driver's.

Once in the database's own SQL, and once in the ORM's, which other databases get.
"""

from __future__ import annotations

from contextlib import closing

from ..figures import Figure, Pairs, pairwise
from ..loading import load, make_due
from ..raw import Bare, timed
from ..seams import BATCH, ByHand, by_the_orm
from .place import Place

__all__ = ["measure"]

TARGETS = {"sqlite": 0.75, "postgres": 0.85, "mariadb": 0.85}
ORM_TARGET = 0.4


def measure(place: Place) -> list[Figure]:
    """Both in turn, on the same rows: ours is the engine's own turn, with nowhere to wait."""
    batch = place.pick(20, BATCH, BATCH)
    ids = load(2 * batch)[:batch]
    own = _pairs(place, ids)
    with by_the_orm():
        orm = _pairs(place, ids)
    return [
        _figure(place, f"claim, batch {batch}", batch, own, TARGETS[place.kind]),
        _figure(place, f"claim, batch {batch}, by the ORM alone", batch, orm, ORM_TARGET),
    ]


def _pairs(place: Place, ids: list[int]) -> Pairs:
    batch = len(ids)
    rounds = place.pick(1, 8, 30)
    scheduler = ByHand()
    with closing(scheduler), place.bare() as bare:

        def ours() -> float:
            scheduler.keep_alive()
            _prepare(bare, ids)
            return timed(lambda: _all(batch, scheduler.claim()))

        def raw() -> float:
            _prepare(bare, ids)
            return timed(lambda: _all(batch, _claim(bare)))

        return pairwise(ours, raw, rounds, place.seconds)


def _figure(place: Place, what: str, batch: int, pairs: Pairs, target: float) -> Figure:
    return Figure(
        "claim", what, place.kind, pairs.rate(batch), "runs/s",
        ratio=pairs.ratio, target=f"≥ {target} of raw", good=pairs.ratio >= target,
        note=f"raw {pairs.raw_rate(batch):,.0f}/s; {pairs.rounds} rounds",
        series={"ours": pairs.ours, "raw": pairs.raw},
    )  # fmt: skip


def _prepare(bare: Bare, ids: list[int]) -> None:
    bare.close_runs()
    make_due(ids)


def _claim(bare: Bare) -> int:
    with bare.transaction():
        return len(bare.claim(BATCH))


def _all(wanted: int, claimed: int) -> None:
    if claimed != wanted:
        raise RuntimeError(f"{claimed} of {wanted} due jobs were claimed")
