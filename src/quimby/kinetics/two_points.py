"""One exponential through two readings, in closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log

import numpy as np
from scipy.special import ndtri
from scipy.stats.qmc import Halton

from quimby.core.notes import Note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.fit import share_notes
from quimby.kinetics.models import LN2, Array
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import samples
from quimby.kinetics.spread import population_part

UPTAKE = "uptake before the first scan"  # cause: what a population tells and two scans do not
PATIENTS, ROUNDS = 1024, 4  # of that population, spread evenly; rounds to find their rates


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
    uptake: Sequence[Prior] = (),
    where: str = "curve",
) -> TwoPoints:
    """Exponential through exactly two readings (MBq at h), integrated from zero to infinity.

    With dt = t2 - t1 and rate k: d ln TIA / d ln A1 = t2/dt - 1/(k dt), and the second is one
    minus the first. Strict: a half-life above the physical one is refused whatever the noise.
    With priors on "uptake" (half-life, h) and "start ratio" (from zero without) the integral
    carries the doubt of the uptake phase, which two scans do not show, under `UPTAKE`.

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

    found = both(tia, tia * first, tia * (1 - first))
    told = {p.quantity: p for p in uptake}
    if "uptake" in told:
        ratios = _with_uptake(np.array([t1, t2]), rate, told)
        found = found.because(UPTAKE, tia * population_part(ratios, found.u_rel))
    return TwoPoints(
        rate_per_h=both(rate, 1 / dt, -1 / dt),
        half_life_h=both(LN2 / rate, -LN2 / rate**2 / dt, LN2 / rate**2 / dt),
        amplitude_mbq=both(amplitude, amplitude * t2 / dt, -amplitude * t1 / dt),
        tia_mbq_h=found,
        slopes=(first, 1 - first),
        notes=(*read.notes, *share_notes(1 - exp(-rate * t1), exp(-rate * t2), where=where)),
    )


def _with_uptake(times_h: Array, found: float, told: Mapping[str, Prior]) -> Array:
    """True integral over that of the exponential of rate `found`, for patients of the population.

    They lack (1 - start) 2**(-t/uptake) of their exponential: it is missing from the integral,
    and a little from each reading, so that their rate is not quite the one that was found.
    """
    z = _even_patients()
    start = _drawn(told["start ratio"], z[1]) if "start ratio" in told else np.zeros(PATIENTS)
    uptake = LN2 / _drawn(told["uptake"], z[0])
    first, last = times_h
    rate, there = np.full(PATIENTS, found), np.ones(PATIENTS)
    for _ in range(ROUNDS):
        fast = np.maximum(uptake, rate * (1 + 1e-9))
        there, then = (1 - (1 - start) * np.exp(-t * (fast - rate)) for t in (first, last))
        rate = np.maximum(found - np.log(there / then) / (last - first), found / 10)
    amplitude = np.exp(first * (rate - found)) / there
    return np.asarray(amplitude * found * (1 / rate - (1 - start) / fast), dtype=np.float64)


@cache
def _even_patients() -> Array:
    """Standard normal draws of two quantities, spread evenly, (2, PATIENTS)."""
    return np.asarray(ndtri(Halton(2, scramble=False).random(PATIENTS + 1)[1:].T))


def _drawn(prior: Prior, z: Array) -> Array:
    return np.asarray(prior.median * np.exp(prior.sd_ln * z), dtype=np.float64)


def _clears(rate: float, physical_half_life_h: float, where: str, what: str) -> None:
    if rate <= 0:
        raise refusal("E-TIA-NOCLEAR", where=where, what=what)
    if rate < LN2 / physical_half_life_h * (1 - 1e-9):
        raise refusal("E-TIA-TEFF-GT-TPHYS", where=where, effective=LN2 / rate,
                      physical=physical_half_life_h)  # fmt: skip
