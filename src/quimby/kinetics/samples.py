"""Readings on their way to a curve: checked, put in order, their doubt split in two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, isfinite, log

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain

DEFAULT_U = 0.05  # relative, of a sample whose own scatter is not known [P]
SHORT_SERIES_H = 24.0
DAYS_TYPED = ({1.0, 4.0, 7.0}, {1.0, 3.0, 7.0}, {1.0, 2.0, 7.0}, {1.0, 4.0}, {1.0, 7.0})


@dataclass(frozen=True, slots=True)
class Samples:
    """Times in order, activities, and the random part of each (standard, unit of activity).

    Random is what only this sample suffers; a cause that several share stays systematic.
    """

    times_h: tuple[float, ...]
    activities_mbq: tuple[Uncertain, ...]
    random_mbq: tuple[float, ...]
    random_causes: frozenset[str]
    notes: tuple[Note, ...]


def samples(times_h: Sequence[float], activities_mbq: Sequence[Uncertain], *, where: str
            ) -> Samples:  # fmt: skip
    """Check readings and split their doubt into random and shared.

    Times in h since administration, above zero and all different; activities in MBq (or any one
    unit), physical, above zero. Raises E-TIA-TIME, E-TIA-NONPOS.
    """
    _check(times_h, activities_mbq, where)
    order = sorted(range(len(times_h)), key=lambda i: times_h[i])
    times = tuple(float(times_h[i]) for i in order)
    notes: list[Note] = []
    if order != list(range(len(order))):
        notes.append(note("I-TIA-SORTED", where=where))
    found = [activities_mbq[i] for i in order]
    seen = Counter(c for a in found for c, part in a.parts.items() if part != 0.0)
    complete = [_with_scatter(t, a, seen, where) for t, a in zip(times, found, strict=True)]
    assumed = [t for t, a, b in zip(times, found, complete, strict=True) if a is not b]
    if assumed:
        at = ", ".join(f"{t:g} h" for t in assumed)
        notes.append(
            note("I-TIA-DEFAULT-U", where=where, value=DEFAULT_U, percent=100 * DEFAULT_U, at=at)
        )
    own = frozenset(c for a in complete for c in a.parts if seen.get(c, 1) == 1)
    random = tuple(hypot(*(p for c, p in a.parts.items() if c in own)) for a in complete)
    return Samples(times, tuple(complete), random, own, tuple(notes))


def _check(times_h: Sequence[float], activities: Sequence[Uncertain], where: str) -> None:
    if len(times_h) != len(activities) or len(times_h) == 0:
        raise refusal("E-TIA-TIME", where=where, times=f"{len(times_h)} times for "
                      f"{len(activities)} activities")  # fmt: skip
    if any(not (isfinite(t) and t > 0) for t in times_h) or len(set(times_h)) < len(times_h):
        raise refusal("E-TIA-TIME", where=where, times=", ".join(f"{t:g} h" for t in times_h))
    for t, a in zip(times_h, activities, strict=True):
        if a.value <= 0:
            raise refusal("E-TIA-NONPOS", where=where, activity=a.value, time=t)


def _with_scatter(time_h: float, a: Uncertain, seen: Counter[str], where: str) -> Uncertain:
    if any(part != 0.0 and seen[cause] == 1 for cause, part in a.parts.items()):
        return a
    return a.because(f"scatter assumed, {where}, {time_h:g} h", DEFAULT_U * a.value)


def looks(
    times_h: Sequence[float],
    activities_mbq: Sequence[float],
    *,
    where: str,
    physical_half_life_h: float,
    decay_reference: str = "NONE",
) -> tuple[Note, ...]:
    """What looks wrong in readings: times typed in days, a late rise, decay corrected already.

    Notes W-TIA-TIMEUNIT, W-TIA-RISING, W-TIA-DECAYCORR; times in order.
    """
    found = list(time_unit_look(times_h, where=where, physical_half_life_h=physical_half_life_h))
    if len(activities_mbq) > 1 and activities_mbq[-1] > activities_mbq[-2]:
        value = activities_mbq[-1] / activities_mbq[-2]
        found.append(note("W-TIA-RISING", where=where, value=value, percent=100 * (value - 1)))
    if decay_reference == "ADMIN":
        found.append(note("W-TIA-DECAYCORR", where=where))
    return tuple(found)


def time_unit_look(
    times_h: Sequence[float], *, where: str, physical_half_life_h: float
) -> tuple[Note, ...]:
    """W-TIA-TIMEUNIT when the times look like days: all within a day for a nuclide of days."""
    last = max(times_h)
    days = physical_half_life_h > SHORT_SERIES_H
    if days and len(times_h) > 1 and (last < SHORT_SERIES_H or set(times_h) in DAYS_TYPED):
        return (note("W-TIA-TIMEUNIT", where=where, value=last, limit=SHORT_SERIES_H),)
    return ()


def undo_decay_correction(
    activity: Uncertain, time_h: float, *, physical_half_life_h: float
) -> Uncertain:
    """Physical activity at `time_h` from one decay-corrected to the start of administration."""
    return activity.scaled(2 ** (-time_h / physical_half_life_h))


def log_slope(times_h: Sequence[float], values: Sequence[float]) -> float:
    """Rate between the last two readings, 1/h: positive when the activity falls."""
    return log(values[-2] / values[-1]) / (times_h[-1] - times_h[-2])
