"""Curves from one scan by a published rule, handed back as a fit is.

The planned curve of one scan weighs the reading against what a population tells; these take the
reading as it is and multiply it by a number of hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import exp, inf

import numpy as np
from scipy.special import ndtri

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.kinetics.fit import BAND_POINTS, Fit, share_notes
from quimby.kinetics.models import LN2, Array
from quimby.kinetics.one_point import (
    Hours,
    OnePoint,
    by_hours_tia,
    population_half_life_tia,
    twice_time_tia,
)
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import samples

TWICE_TIME, POPULATION, TIME_FACTOR = "twice-time", "population-half-life", "time-factor"
RULES = (TWICE_TIME, POPULATION, TIME_FACTOR)
QUANTITIES = ("effective", "uptake", "start ratio")
PATIENTS = 4096  # of a population, spread evenly


def one_scan_fit(
    name: str, times_h: Sequence[float], activities_mbq: Sequence[Uncertain], *,
    priors: Sequence[Prior], physical_half_life_h: float = inf, where: str = "one scan",
) -> Fit:  # fmt: skip
    """TIA of one reading (MBq at h) by one of `RULES`.

    `priors` must have the half-life; the time factor takes the uptake from them too.
    `amplitudes_mbq` and `rates_per_h` are the exponential of the population's half-life with the
    same integral, for what needs exponentials (repair during decay). Raises E-TIA-ONE,
    E-NLME-PRIOR, E-STP-INPUT and what `samples` raises.
    """
    read = samples(times_h, activities_mbq, where=where)
    if len(read.times_h) != 1:
        raise refusal("E-TIA-ONE", where=where, name=name, samples=len(read.times_h))
    wanted = QUANTITIES if name == TIME_FACTOR else QUANTITIES[:1]
    used = tuple(p for p in priors if p.quantity in wanted)
    half_life = next((p for p in used if p.quantity == "effective"), None)
    if half_life is None:
        raise refusal("E-NLME-PRIOR", where=where, what="effective half-life")
    (time_h,), (activity,) = read.times_h, read.activities_mbq
    found = _found(name, activity, time_h, half_life, used, physical_half_life_h, where)
    rate, tia = LN2 / half_life.median, found.tia_mbq_h
    left = exp(-rate * time_h)
    band = np.linspace(0.0, 1.25 * time_h, BAND_POINTS)
    u_h = half_life.sd_ln * half_life.median
    return Fit(
        model=name, samples=read, parameters={}, covariance=np.zeros((0, 0)),
        amplitudes_mbq=(tia.value * rate,), rates_per_h=(rate,),
        half_lives_h={"effective": Uncertain(half_life.median, {half_life.cause: u_h})},
        tia_mbq_h=tia, tia_weights_h=(tia.value / activity.value,), residuals_u=(0.0,), chi2=0.0,
        degrees_of_freedom=0, parameters_told=1.0, head_fraction=1 - left, tail_fraction=left,
        band_times_h=tuple(map(float, band)),
        band_u_mbq=tuple(map(float, tia.u * rate * np.exp(-rate * band))), priors=used,
        notes=(*read.notes, *found.notes, *share_notes(1 - left, left, where=where)),
    )  # fmt: skip


def _found(
    name: str, activity: Uncertain, time_h: float, half_life: Prior, used: tuple[Prior, ...],
    physical_half_life_h: float, where: str,
) -> OnePoint:  # fmt: skip
    if name == TWICE_TIME:
        return twice_time_tia(activity, time_h, half_life, where=where)
    if name == POPULATION:
        return population_half_life_tia(activity, time_h, half_life, where=where)
    hours = time_factor(time_h, used, physical_half_life_h=physical_half_life_h)
    return by_hours_tia(activity, time_h, half_life, hours, where=where)


def time_factor(
    time_h: float, priors: Sequence[Prior], *, physical_half_life_h: float = inf
) -> Hours:
    """A population's time–dose factor in hours, with what each of its patients would need.

    The integral of the population's mean curve over that curve at the time of the scan; times
    `physics.nuclides.delta_gy_g_per_mbq_h` it is Gy per (MBq/g). Source: the definition of
    Jackson et al., J Nucl Med 2020;61:1030, over our own populations; their table is not used.
    """
    told = {p.quantity: p for p in priors}
    z = dict(zip(QUANTITIES, _even_patients(), strict=True))
    drawn = {q: told[q].median * np.exp(told[q].sd_ln * z[q]) for q in QUANTITIES if q in told}
    half_life = np.minimum(drawn["effective"], physical_half_life_h)
    there, integral = np.exp2(-time_h / half_life), half_life / LN2
    if "uptake" in drawn:
        uptake = np.minimum(drawn["uptake"], half_life)
        missing = 1 - drawn.get("start ratio", np.zeros(PATIENTS))
        there = there - missing * np.exp2(-time_h / uptake)
        integral = integral - missing * uptake / LN2
    return Hours(float(integral.mean() / there.mean()), integral / there)


@cache
def _even_patients() -> Array:
    """Standard normal draws of each quantity, spread evenly."""
    from scipy.stats.qmc import Halton  # slow to load, and only this rule needs it

    even = Halton(len(QUANTITIES), scramble=False).random(PATIENTS + 1)[1:]
    return np.asarray(ndtri(even.T))
