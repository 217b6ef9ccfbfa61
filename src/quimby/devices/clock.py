"""Clocks of devices: how far off they were, and when a reading was really made."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.notes import Note, note
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.time import hours_between
from quimby.core.uncertain import Uncertain
from quimby.physics.nuclides import LN2

OFFSET_LIMIT_S = 60.0  # [P]
AGE_LIMIT_D = 31.0  # days between a reading and the nearest comparison [P]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the device showed when the reference clock stood at `true` (both timezone-aware)."""

    shown: dt.datetime
    true: dt.datetime

    @property
    def ahead_s(self) -> float:
        """Seconds by which the device is fast (negative: slow)."""
        return hours_between(self.true, self.shown) * 3600.0


@dataclass(frozen=True, slots=True)
class Moment:
    """The true time of a reading."""

    at: dt.datetime
    ahead_s: float
    notes: tuple[Note, ...] = ()


def true_time(
    shown: dt.datetime, comparisons: Sequence[Comparison], *, where: str = "clock"
) -> Moment:
    """The true time of what the device recorded as `shown`.

    Between two comparisons the offset runs on a straight line, outside it stays as it was
    (a clock that was set in between needs a comparison before and one after). No comparison:
    as shown. W-DEV-CLOCK above 60 s, W-DEV-CLOCK-OLD more than 31 days from any comparison.
    """
    if not comparisons:
        return Moment(shown, 0.0)
    ahead = _ahead_s(shown, sorted(comparisons, key=lambda c: c.shown))
    days = min(abs(hours_between(c.shown, shown)) for c in comparisons) / 24.0
    notes: tuple[Note, ...] = ()
    if abs(ahead) > OFFSET_LIMIT_S:
        notes += (note("W-DEV-CLOCK", where=where, value=ahead, limit=OFFSET_LIMIT_S),)
    if days > AGE_LIMIT_D:
        notes += (note("W-DEV-CLOCK-OLD", where=where, value=days, limit=AGE_LIMIT_D),)
    return Moment(shown - dt.timedelta(seconds=ahead), ahead, notes)


def _ahead_s(shown: dt.datetime, ordered: Sequence[Comparison]) -> float:
    before = [c for c in ordered if c.shown <= shown]
    after = [c for c in ordered if c.shown > shown]
    if not before or not after:
        return (before[-1] if before else after[0]).ahead_s
    low, high = before[-1], after[0]
    share = hours_between(low.shown, shown) / hours_between(low.shown, high.shown)
    return low.ahead_s + share * (high.ahead_s - low.ahead_s)


def decay_doubt(value: Uncertain, *, u_s: float, half_life_h: float, device: str) -> Uncertain:
    """The same value with the doubt that `u_s` seconds of clock bring into its decay correction.

    One cause per clock ("clock of …"): all readings of a device are early or late together.
    """
    zero_or_more(u_s, "doubt of the clock in seconds", "", where="clock")
    rate = LN2 / above_zero(half_life_h, "half-life", "", where="clock")
    return value.because(f"clock of {device}", abs(value.value) * rate * u_s / 3600.0)
