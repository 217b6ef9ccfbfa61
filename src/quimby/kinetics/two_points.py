"""One exponential through two readings, in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log

from quimby.core.notes import Note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.fit import share_notes
from quimby.kinetics.models import LN2
from quimby.kinetics.samples import samples


@dataclass(frozen=True, slots=True)
class TwoPoints:
    """Exponential through two readings."""

    rate_per_h: Uncertain
    half_life_h: Uncertain
    amplitude_mbq: Uncertain
    tia_mbq_h: Uncertain
    slopes: tuple[float, float]  # d ln TIA / d ln A, first and second
    notes: tuple[Note, ...]


def two_points(
    times_h: Sequence[float],
    activities_mbq: Sequence[Uncertain],
    *,
    physical_half_life_h: float = inf,
    where: str = "curve",
) -> TwoPoints:
    """Exponential through exactly two readings (MBq at h), integrated from zero to infinity.

    With dt = t2 - t1 and rate k: d ln TIA / d ln A1 = t2/dt - 1/(k dt), and the second is one
    minus the first. Strict: a half-life above the physical one is refused whatever the noise.

    Raises E-TIA-TIME, E-TIA-NONPOS, E-TIA-FEW, E-TIA-NOCLEAR, E-TIA-TEFF-GT-TPHYS.
    Source: elementary.
    """
    read = samples(times_h, activities_mbq, where=where)
    if len(read.times_h) != 2:
        raise refusal("E-TIA-FEW", where=where, samples=len(read.times_h), priors=0,
                      parameters=2, model="two points")  # fmt: skip
    (t1, t2), (a1, a2) = read.times_h, read.activities_mbq
    dt, rate = t2 - t1, log(a1.value / a2.value) / (t2 - t1)
    _clears(
        rate, physical_half_life_h, where, f"{a1.value:g} at {t1:g} h, {a2.value:g} at {t2:g} h"
    )
    amplitude = a1.value * exp(rate * t1)
    tia = amplitude / rate
    first = t2 / dt - 1 / (rate * dt)

    def both(value: float, one: float, two: float) -> Uncertain:
        return combine(value, (a1, one / a1.value), (a2, two / a2.value))

    return TwoPoints(
        rate_per_h=both(rate, 1 / dt, -1 / dt),
        half_life_h=both(LN2 / rate, -LN2 / rate**2 / dt, LN2 / rate**2 / dt),
        amplitude_mbq=both(amplitude, amplitude * t2 / dt, -amplitude * t1 / dt),
        tia_mbq_h=both(tia, tia * first, tia * (1 - first)),
        slopes=(first, 1 - first),
        notes=(*read.notes, *share_notes(1 - exp(-rate * t1), exp(-rate * t2), where=where)),
    )


def _clears(rate: float, physical_half_life_h: float, where: str, what: str) -> None:
    if rate <= 0:
        raise refusal("E-TIA-NOCLEAR", where=where, what=what)
    if rate < LN2 / physical_half_life_h * (1 - 1e-9):
        raise refusal("E-TIA-TEFF-GT-TPHYS", where=where, effective=LN2 / rate,
                      physical=physical_half_life_h)  # fmt: skip
