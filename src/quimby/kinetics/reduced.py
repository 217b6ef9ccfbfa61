"""Later cycles with fewer scans: what the first cycle taught, carried over with its doubt."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, sqrt

from quimby.core.notes import Note, note
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.models import LN2

BETWEEN_CYCLES = {"organ": 0.10, "lesion": 0.25}  # sd between cycles, relative [P]
LESIONS = ("lesion", "tumour", "metastasis")


@dataclass(frozen=True, slots=True)
class Carried:
    """A value that rests on another cycle."""

    value: Uncertain
    notes: tuple[Note, ...]


def between_cycles(tissue: str) -> float:
    """Relative standard deviation between the cycles of one patient."""
    return BETWEEN_CYCLES["lesion" if tissue in LESIONS else "organ"]


def own_half_life_tia(
    activity_mbq: Uncertain,
    time_h: float,
    half_life_h: Uncertain,
    *,
    between: float = 0.0,
    cycle: str = "cycle 1",
    where: str = "one scan",
) -> Carried:
    """TIA (MBq h) of a later cycle from one scan and the patient's own half-life.

    `between` is the relative spread of the half-life between cycles; its part of the TIA never
    falls below that half-life spread's second-order effect. Carries I-TIA-CARRIED.
    Source: elementary; use as in Willowson et al. 2018.
    """
    T = half_life_h.because("half-life between cycles", between * half_life_h.value)
    rate = LN2 / T.value
    tia = activity_mbq.value * exp(rate * time_h) / rate
    slope = tia / T.value * (1 - rate * time_h)
    value = combine(tia, (activity_mbq, tia / activity_mbq.value), (T, slope))
    bend = (1 - rate * time_h) ** 2 / 2 + 0.5 - (1 - rate * time_h)  # half of T²/TIA d²TIA/dT²
    curved = abs(bend) * T.u_rel**2 * tia
    value = value.because("half-life, curvature", curved) if curved else value
    return Carried(value, (note("I-TIA-CARRIED", where=where, cycle=f"the half-life of {cycle}"),))


def same_dose_per_activity(
    dose_gy: Uncertain,
    activity_mbq: float,
    later_activity_mbq: float,
    *,
    tissue: str = "organ",
    cycle: str = "cycle 1",
    where: str = "cycle not measured",
) -> Carried:
    """Dose (or TIA) of a cycle not measured: that of another, scaled by administered activity.

    Adds the spread between cycles. Carries I-TIA-CARRIED, and W-TIA-TUMOUR-CARRY for a lesion.
    Source: elementary.
    """
    value = dose_gy.scaled(later_activity_mbq / activity_mbq)
    value = value.because("spread between cycles", between_cycles(tissue) * value.value)
    notes = [note("I-TIA-CARRIED", where=where, cycle=cycle)]
    if tissue in LESIONS:
        notes.append(note("W-TIA-TUMOUR-CARRY", where=where))
    return Carried(value, tuple(notes))


def between_measured(
    before: tuple[int, Uncertain],
    after: tuple[int, Uncertain],
    cycle: int,
    *,
    tissue: str = "organ",
    where: str = "cycle not measured",
) -> Carried:
    """Dose per activity of a cycle between two measured ones, by a straight line in the cycle.

    Pairs are (cycle, dose per activity). Adds the spread between cycles. Source: elementary.
    """
    (i, first), (k, last) = before, after
    share = (cycle - i) / (k - i)
    value = first.scaled(1 - share) + last.scaled(share)
    value = value.because("spread between cycles", between_cycles(tissue) * value.value)
    ends = f"cycle {i}", f"cycle {k}"
    notes = (note("I-TIA-CARRIED", where=where, cycle=f"cycles {i} and {k}"),
             note("I-TIA-BETWEEN", where=where, before=ends[0], after=ends[1]))  # fmt: skip
    return Carried(value, notes)


def another_cycle(
    per_gbq: Uncertain, activity_mbq: Uncertain, *, tissue: str, cycle: str
) -> Uncertain:
    """Dose (Gy) of a cycle not measured from another's dose per activity (Gy/GBq).

    The spread between cycles, `between_cycles(tissue)`, is that of one cycle against another. Half
    of its variance is the measured cycle's own standing, which every cycle drawn from it shares
    ("spread between cycles"); half belongs to `cycle` alone. Source: spec's spread [P]; split [D].
    """
    value = per_gbq * activity_mbq.scaled(1e-3)
    half = between_cycles(tissue) * value.value / sqrt(2)
    return value.because("spread between cycles", half).because(
        f"spread between cycles, {cycle}", half
    )
