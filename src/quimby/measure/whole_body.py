"""Whole-body activity from an external monitor that the patient calibrates himself.

The first reading, before any voiding, holds all that was given. Every later one is a ratio to
it, so the monitor's sensitivity cancels and only its linearity matters.
Source: Gear et al., EANM SOP for 131I-mIBG, EJNMMI Phys 2020;7:15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain, combine
from quimby.measure.rates import above_background, check_activity
from quimby.physics.decay import decay_factor

POSITION_U = 0.05  # relative, standing in the same place [P]
SINGLE_VIEW_U = 0.05  # relative, more, with one view [P]
RISE_LIMIT = 0.10  # [P]
PHYSICAL_SLACK = 1.02  # a retention may lie this far above decay alone
BEYOND_NOISE = 2.0  # standard uncertainties


@dataclass(frozen=True, slots=True)
class Reading:
    """Gross rates of one reading, any one unit (cps, µSv/h), dead time already corrected.

    Doubt comes with them: `devices.counting` names it for counts; give a dose rate its own.
    """

    time_h: float
    anterior: Uncertain
    posterior: Uncertain | None
    background: Uncertain


@dataclass(frozen=True, slots=True)
class Excreted:
    """Activity in urine, a bag or vomit, MBq when it was measured at `time_h`.

    `voided_h` is when it left the body, where that was not when it was measured.
    """

    activity_mbq: Uncertain
    time_h: float
    what: str = "urine"
    voided_h: float | None = None

    @property
    def out_h(self) -> float:
        """When it left the body, h."""
        return self.time_h if self.voided_h is None else self.voided_h


@dataclass(frozen=True, slots=True)
class Reference:
    """Activity in the body at the reference reading."""

    time_h: float
    activity_mbq: Uncertain
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class WholeBody:
    """Activity in the body at each reading, the reference first; effective, MBq."""

    times_h: tuple[float, ...]
    responses: tuple[Uncertain, ...]  # geometric means of the net rates
    activities_mbq: tuple[Uncertain, ...]
    retention: tuple[Uncertain, ...]  # fraction of the administered activity
    notes: tuple[Note, ...]


def response(reading: Reading, *, position_u: float = POSITION_U) -> Uncertain:
    """Geometric mean of the net views, or the one net view; E-NET-NONPOSITIVE.

    Adds "position, whole body 24 h" and, with one view, "single view, 24 h".
    """
    where = f"whole-body reading, {reading.time_h:g} h"
    views = [(reading.anterior, "front view"), (reading.posterior, "back view")]
    net = [above_background(v, reading.background, what=name, where=where)
           for v, name in views if v is not None]  # fmt: skip
    mean = net[0] if len(net) == 1 else _geometric(net[0], net[1])
    if position_u:
        mean = mean.because(f"position, whole body {reading.time_h:g} h", position_u * mean.value)
    if len(net) == 1:
        mean = mean.because(f"single view, {reading.time_h:g} h", SINGLE_VIEW_U * mean.value)
    return mean


def _geometric(a: Uncertain, b: Uncertain) -> Uncertain:
    value = sqrt(a.value * b.value)
    return combine(value, (a, value / (2 * a.value)), (b, value / (2 * b.value)))


def bag(
    concentration_mbq_per_ml: Uncertain, volume_ml: Uncertain, time_h: float, *,
    what: str = "urine", voided_h: float | None = None,
) -> Excreted:  # fmt: skip
    """What a bag of urine holds, from a counted sample of it. E-NUM-NONPOS."""
    where = f"{what}, {time_h:g} h"
    above_zero(volume_ml.value, "the volume", "ml", where=where)
    zero_or_more(concentration_mbq_per_ml.value, "the concentration", "MBq/ml", where=where)
    return Excreted(concentration_mbq_per_ml * volume_ml, time_h, what, voided_h)


def left_in_body_mbq(
    administered_mbq: Uncertain, time_h: float, *, half_life_h: float,
    excreted: Sequence[Excreted] = (),
) -> Uncertain:  # fmt: skip
    """What was given less what came out up to `time_h`, all decayed to then, MBq.

    E-DEC-ACTIVITY where more came out than was there.
    """
    out = [e for e in excreted if e.out_h <= time_h]
    moved = [e.activity_mbq.scaled(decay_factor(time_h - e.time_h, half_life_h)) for e in out]
    there = administered_mbq.scaled(decay_factor(time_h, half_life_h))
    left = combine(there.value - sum(m.value for m in moved), (there, 1.0),
                   *((m, -1.0) for m in moved))  # fmt: skip
    if left.value <= 0:
        raise refusal("E-DEC-ACTIVITY", where=f"whole body, {time_h:g} h",
                      what="activity left in the body", value=left.value)  # fmt: skip
    return left


def reference_activity(
    administered_mbq: Uncertain,
    time_h: float,
    *,
    half_life_h: float,
    voided: bool = False,
    excreted: Sequence[Excreted] = (),
) -> Reference:
    """Activity in the body at the reference reading, MBq.

    The administered activity holds at time zero (start of the infusion). After a void what came
    out must have been measured: E-NO-REFERENCE without, W-REFERENCE-POST-VOID with it.
    """
    where = "whole-body reference"
    check_activity(administered_mbq.value, "administered activity", where=where)
    zero_or_more(time_h, "the time of the reference", "h", where=where)
    before = [e for e in excreted if e.out_h <= time_h]
    if voided and not before:
        why = "it was taken after a void and the urine was not measured"
        raise refusal("E-NO-REFERENCE", where=where, why=why)
    left = left_in_body_mbq(administered_mbq, time_h, half_life_h=half_life_h, excreted=before)
    out = administered_mbq.value * decay_factor(time_h, half_life_h) - left.value
    notes = (note("W-REFERENCE-POST-VOID", where=where, value=out),) if before else ()
    return Reference(time_h, left, notes)


def whole_body(
    reference: Reading | None,
    readings: Sequence[Reading],
    *,
    administered_mbq: Uncertain,
    half_life_h: float,
    voided_before_reference: bool = False,
    excreted: Sequence[Excreted] = (),
    position_u: float = POSITION_U,
) -> WholeBody:
    """Activity and retention at each reading, scaled by the reference reading.

    The reference's own doubt is shared by all. Raises E-NO-REFERENCE, E-WB-VIEW, E-TIA-TIME,
    E-NET-NONPOSITIVE, E-RETENTION-GT-PHYS; notes S-RETENTION-RISING, W-REFERENCE-POST-VOID,
    W-SINGLE-VIEW.
    """
    if reference is None:
        raise refusal("E-NO-REFERENCE", where="whole body", why="there is none")
    everything = [reference, *readings]
    _check_order(everything)
    start = reference_activity(administered_mbq, reference.time_h, half_life_h=half_life_h,
                               voided=voided_before_reference, excreted=excreted)  # fmt: skip
    responses = [response(r, position_u=position_u) for r in everything]
    per = start.activity_mbq / responses[0]
    activities = [start.activity_mbq, *(r * per for r in responses[1:])]
    times = tuple(r.time_h for r in everything)
    retention = tuple(a / administered_mbq for a in activities)
    for time_h, fraction in zip(times[1:], retention[1:], strict=True):
        check_physical(fraction, time_h, half_life_h=half_life_h, where="whole body")
    notes = [*start.notes, *rising_notes(times, [a.value for a in activities], where="whole body")]
    if reference.posterior is None:
        notes.append(note("W-SINGLE-VIEW", where="whole body", value=SINGLE_VIEW_U))
    return WholeBody(times, tuple(responses), tuple(activities), retention, in_order(notes))


def _check_order(readings: Sequence[Reading]) -> None:
    times = [r.time_h for r in readings]
    if any(b <= a for a, b in pairwise(times)) or times[0] < 0:
        raise refusal("E-TIA-TIME", where="whole body", times=", ".join(f"{t:g} h" for t in times))
    if len({r.posterior is None for r in readings}) > 1:
        raise refusal("E-WB-VIEW", where="whole body")


def check_retention(retention: float, time_h: float, *, where: str) -> None:
    """E-RETENTION-RANGE unless 0 < retention < 1; E-NUM-NONPOS for the time."""
    above_zero(time_h, "the time", "h", where=where)
    if not 0 < retention < 1:
        raise refusal("E-RETENTION-RANGE", where=where, value=retention, time=time_h)


def check_physical(retention: Uncertain, time_h: float, *, half_life_h: float, where: str) -> None:
    """E-RETENTION-GT-PHYS where a retention lies above decay alone, beyond 2 % and its doubt."""
    limit = decay_factor(time_h, half_life_h)
    if retention.value - BEYOND_NOISE * retention.u > PHYSICAL_SLACK * limit:
        raise refusal("E-RETENTION-GT-PHYS", where=where, value=retention.value, time=time_h,
                      limit=limit)  # fmt: skip


def rising_notes(
    times_h: Sequence[float], activities_mbq: Sequence[float], *, where: str
) -> tuple[Note, ...]:
    """S-RETENTION-RISING for each rise of more than 10 % from one reading to the next."""
    steps = zip(times_h, times_h[1:], activities_mbq, activities_mbq[1:], strict=False)
    return tuple(
        note("S-RETENTION-RISING", where=where, value=b / a - 1, limit=RISE_LIMIT,
             early=early, late=late)
        for early, late, a, b in steps
        if b > a * (1 + RISE_LIMIT)
    )  # fmt: skip
