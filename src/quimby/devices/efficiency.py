"""Efficiency of a counter: from a standard, by volume, and held by a long-lived check source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from math import floor, isfinite
from typing import Literal

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import BusyTime, Counting, at_middle, net_rate
from quimby.physics.decay import decay_factor

PIPETTE_LIMIT = 0.03  # two pipettings of one standard [P]
OLD = 2.0  # half-lives of a check source [P]
Status = Literal["pass", "warn", "action"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Relative deviations from which a reading warns, and from which the device stops."""

    warn: float
    action: float

    def __post_init__(self) -> None:
        if not 0 < self.warn <= self.action:
            raise refusal("E-QC-VALUE", where="tolerance", what="warning limit", value=self.warn,
                          must=f"above zero and no more than {self.action:g}")  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceCheck:
    """A reading of the check source against its decayed reference."""

    expected: float  # unit of the reading
    deviation: float  # reading / expected - 1
    half_lives: float  # age of the reference reading
    status: Status
    notes: tuple[Note, ...] = ()


def check_source(
    reading: float,
    reference: float,
    *,
    elapsed_h: float,
    half_life_h: float,
    tolerance: Tolerance,
    where: str = "check source",
) -> SourceCheck:
    """Compare a net reading with the reference reading, decayed over `elapsed_h`.

    W-QC-WARN beyond the warning limit, S-QC-FAILED beyond the action limit; W-SOURCE-OLD more
    than 2 half-lives after the reference reading. E-QC-VALUE for a time before it.
    """
    if elapsed_h < 0:
        raise refusal("E-QC-VALUE", where=where, what="time since the reference reading",
                      value=elapsed_h, must="zero h or more")  # fmt: skip
    if not isfinite(reading):
        raise refusal("E-QC-VALUE", where=where, what="reading", value=reading, must="a number")
    expected = above_zero(reference, "reference reading", "", where=where) * decay_factor(
        elapsed_h, half_life_h
    )
    deviation, age = reading / expected - 1.0, elapsed_h / half_life_h
    status = judged(deviation, tolerance)
    notes = deviation_notes(deviation, tolerance, test="The check source", where=where)
    if age > OLD:
        notes += (note("W-SOURCE-OLD", where=where, value=age, limit=OLD),)
    return SourceCheck(expected, deviation, age, status, notes)


def judged(deviation: float, tolerance: Tolerance) -> Status:
    """pass, warn or action for a relative deviation; exactly at a limit still passes it."""
    size = abs(deviation)
    if size > tolerance.action:
        return "action"
    return "warn" if size > tolerance.warn else "pass"


def deviation_notes(
    deviation: float, tolerance: Tolerance, *, test: str, where: str
) -> tuple[Note, ...]:
    """S-QC-FAILED or W-QC-WARN for a relative deviation, with the figures in words."""
    status = judged(deviation, tolerance)
    if status == "pass":
        return ()
    limit = tolerance.action if status == "action" else tolerance.warn
    why = f"{deviation:+.1%} off (limit {limit:.0%})"
    code = "S-QC-FAILED" if status == "action" else "W-QC-WARN"
    return (note(code, where=where, value=abs(deviation), limit=limit, test=test, why=why),)


def replace_by(reference_on: dt.date, *, half_life_h: float) -> dt.date:
    """Last day on which a check source is not yet 2 half-lives old.

    A source that outlives the calendar (137Cs lasts) gives the last date there is.
    """
    days = floor(OLD * above_zero(half_life_h, "half-life", "", where="check source") / 24.0)
    return reference_on + dt.timedelta(days=min(days, (dt.date.max - reference_on).days))


def efficiency(
    sample: Counting,
    background: Counting,
    standard_mbq: Uncertain,
    *,
    elapsed_h: float,
    half_life_h: float,
    busy: BusyTime | None = None,
) -> Uncertain:
    """Counts per second and MBq of a standard in its geometry.

    `standard_mbq` holds at its reference time; `elapsed_h` runs from there to the middle of
    the counting. E-NUM-NONPOS where the standard or its net rate is not above zero.
    """
    above_zero(standard_mbq.value, "activity of the standard", "", where="efficiency")
    net = net_rate(sample, background, busy=busy, where="efficiency").cps
    above_zero(net.value, "net rate of the standard", "", where="efficiency")
    held = standard_mbq.scaled(decay_factor(elapsed_h, half_life_h))
    return at_middle(net, sample.time_s, half_life_h) / held


def geometry_factor(of: Uncertain, reference: Uncertain) -> Uncertain:
    """Efficiency in one volume or tube over that in the reference one."""
    for what, one in (("efficiency", of), ("reference efficiency", reference)):
        above_zero(one.value, what, "", where="geometry factor")
    return of / reference


def factor_at_volume(volume_ml: float, measured: Mapping[float, Uncertain]) -> Uncertain:
    """Geometry factor at a volume, on straight lines between the measured volumes (ml).

    E-CNT-GEOMETRY outside them: nothing is extrapolated. E-CNT-GEOMETRY-TABLE.
    """
    if not measured or any(f.value <= 0 for f in measured.values()):
        why = "none is given" if not measured else "one is not above zero"
        raise refusal("E-CNT-GEOMETRY-TABLE", where="geometry factor", why=why)
    known = sorted(measured)
    if volume_ml in measured:
        return measured[volume_ml]
    if not known[0] <= volume_ml <= known[-1]:
        raise refusal("E-CNT-GEOMETRY", where="geometry factor", volume=volume_ml,
                      lowest=known[0], highest=known[-1])  # fmt: skip
    low = max(v for v in known if v < volume_ml)
    high = min(v for v in known if v > volume_ml)
    share = (volume_ml - low) / (high - low)
    return measured[low].scaled(1.0 - share) + measured[high].scaled(share)


def pipetting_notes(first: Uncertain, second: Uncertain, *, where: str) -> tuple[Note, ...]:
    """W-CNT-PIPETTE where two independent pipettings of a standard differ by more than 3 %."""
    size = abs(first.value - second.value) / _mean(first.value, second.value, where)
    if size <= PIPETTE_LIMIT:
        return ()
    return (note("W-CNT-PIPETTE", where=where, value=size, limit=PIPETTE_LIMIT),)


def _mean(a: float, b: float, where: str) -> float:
    return above_zero((a + b) / 2.0, "mean of the pipettings", "", where=where)
