"""Rates above a background that must be above it, and activities that look like a wrong unit."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.notes import Note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain
from quimby.devices import counting
from quimby.devices.counting import BusyTime, Counting

ACTIVITY_MBQ = (0.01, 1e5)
"""What can be an administered activity or its standard, MBq: outside it is a unit's slip [P]."""


@dataclass(frozen=True, slots=True)
class Net:
    """A rate above background, and what was noted on the way."""

    cps: Uncertain
    notes: tuple[Note, ...]


def counted(
    gross: Counting,
    background: Counting,
    *,
    busy: BusyTime | None = None,
    scale: float = 1.0,
    where: str,
) -> Net:
    """Net rate of two countings, dead time taken from the gross rates first.

    `scale` is the size of the region over that of the background region (planar images). Raises
    E-NET-NONPOSITIVE, E-NUM-NONPOS, E-DT-NOSOLUTION; notes W-BELOW-LC, W-DT-HIGH.
    """
    above_zero(scale, "the ratio of region sizes", "", where=where)
    one, other = (counting.true_rate(reading, busy) for reading in (gross, background))
    net = above_background(one.true_cps, other.true_cps.scaled(scale), what=gross.what,
                           where=where)  # fmt: skip
    if scale != 1.0:  # Currie's limit is for a background of the same size
        return Net(net, (*one.notes, *other.notes))
    return Net(net, counting.net_rate(gross, background, busy=busy, where=where).notes)


def above_background(gross: Uncertain, background: Uncertain, *, what: str, where: str
                     ) -> Uncertain:  # fmt: skip
    """Gross less background; E-NET-NONPOSITIVE where nothing is left."""
    net = gross - background
    if net.value <= 0:
        raise refusal("E-NET-NONPOSITIVE", where=where, what=what, gross=gross.value,
                      background=background.value)  # fmt: skip
    return net


def check_activity(mbq: float, what: str, *, where: str) -> None:
    """E-NUM-NONPOS, E-NUM-FINITE, or E-ACTIVITY-RANGE for one that looks like Bq."""
    above_zero(mbq, f"the {what}", "MBq", where=where)
    low, high = ACTIVITY_MBQ
    if not low <= mbq <= high:
        raise refusal("E-ACTIVITY-RANGE", where=where, what=what, value=mbq, low=low, high=high)
