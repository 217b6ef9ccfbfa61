"""Where a probe or monitor stands: does it come back there, and does distance do what it should?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more

LEAST = 10  # set-ups [P]
SCATTER_LIMIT = 0.05  # standard deviation of set-ups [P]
SQUARE_LIMIT = 0.05  # departure from the inverse square [P]


@dataclass(frozen=True, slots=True)
class Repeatability:
    """Scatter of one measurement set up again and again, as a fraction of its mean."""

    u_rel: float
    setups: int
    notes: tuple[Note, ...] = ()


def repeatability(
    readings: Sequence[float], *, counting_u_rel: float = 0.0, where: str = "position"
) -> Repeatability:
    """Scatter of net readings over at least ten set-ups; W-CNT-POSITION above 5 %.

    `counting_u_rel` is the share that counting explains; it is taken out in squares.
    """
    if len(readings) < LEAST:
        raise refusal("E-QC-READINGS", where=where, given=len(readings), least=LEAST,
                      what="repeatability of the position")  # fmt: skip
    for reading in readings:
        above_zero(reading, "reading", "", where=where)
    zero_or_more(counting_u_rel, "share of counting", "", where=where)
    scatter = stdev(readings) / fmean(readings)
    u = sqrt(max(scatter**2 - counting_u_rel**2, 0.0))
    notes = (note("W-CNT-POSITION", where=where, value=u, limit=SCATTER_LIMIT),)
    return Repeatability(u, len(readings), notes if u > SCATTER_LIMIT else ())


def inverse_square(
    distances: Sequence[float], rates_cps: Sequence[float], *, where: str = "distance"
) -> tuple[tuple[float, ...], tuple[Note, ...]]:
    """Departure of rate times distance squared from its mean, at each distance (any unit).

    W-CNT-DISTANCE where one exceeds 5 %. Rates are net and without dead time.
    """
    if len(distances) != len(rates_cps) or len(distances) < 3:
        raise refusal("E-QC-READINGS", where=where, least=3, what="the law of distance",
                      given=min(len(distances), len(rates_cps)))  # fmt: skip
    products = [
        above_zero(r, "rate", "", where=where) * above_zero(d, "distance", "", where=where) ** 2
        for d, r in zip(distances, rates_cps, strict=True)
    ]
    mean = fmean(products)
    departures = tuple(p / mean - 1.0 for p in products)
    worst = max(abs(d) for d in departures)
    notes = (note("W-CNT-DISTANCE", where=where, value=worst, limit=SQUARE_LIMIT),)
    return departures, notes if worst > SQUARE_LIMIT else ()
