"""Radioiodine in the thyroid: blood fills it, it empties, and the readings say how fast.

All uptakes are effective fractions of the administered activity (as they were at their time).
``RIU(t) = k_t/(k_B - k_T) * (exp(-k_T t) - exp(-k_B t))`` with k_t the uptake from blood, k_B
all loss from blood and k_T all loss from the thyroid, each with decay, 1/h. The curve is the
same when k_B and k_T change places: k_B is always the larger.
Source: Hänscheid et al., EANM SOP II, EJNMMI 2013;40:1126.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import e, exp, expm1, log, log1p, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from quimby.core.errors import QuimbyError
from quimby.core.notes import Note, in_order, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.choose import REJECT_BELOW
from quimby.kinetics.fit import SLOWER_IN_NOISE, Fit, fit
from quimby.kinetics.models import LN2
from quimby.kinetics.one_point import OnePoint, population_half_life_tia, twice_time_tia
from quimby.kinetics.priors import Prior, priors
from quimby.kinetics.retention import sampling
from quimby.kinetics.samples import samples
from quimby.measure.uptake import check_uptake

EARLIEST_SINGLE_H = 96.0  # Jönsson & Mattsson 2003, 515 patients
WASHOUT_FROM_H = 24.0
SEEN_BEFORE = 0.5  # of the time of the maximum: the first reading must lie before [P]
PLACE = "thyroid"


@dataclass(frozen=True, slots=True)
class Compartments:
    """What the two-compartment curve of given rates says."""

    tiac_h: float
    peak_time_h: float
    peak_uptake: float


@dataclass(frozen=True, eq=False)
class ThyroidCurve:
    """Time-integrated uptake and what it rests on.

    `fit` is None for one reading and for equal rates.
    """

    method: str
    tiac_h: Uncertain
    half_life_h: Uncertain | None  # effective, of the thyroid
    uptake_rate_per_h: Uncertain | None  # k_t
    blood_rate_per_h: Uncertain | None  # k_B
    fit: Fit | None
    one_point: OnePoint | None
    notes: tuple[Note, ...]

    @property
    def tiac_d(self) -> float:
        """The same in days, the unit of the classical formulas."""
        return self.tiac_h.value / 24


def uptake_at(time_h: float, *, k_t: float, k_b: float, k_thyroid: float) -> float:
    """Uptake of the two-compartment curve; also where k_B = k_T (``k_t t exp(-k t)``)."""
    _rates(k_t, k_b, k_thyroid)
    x = (k_b - k_thyroid) * time_h
    share = 1.0 if x == 0 else -expm1(-x) / x
    return k_t * time_h * exp(-k_thyroid * time_h) * share


def compartments(*, k_t: float, k_b: float, k_thyroid: float) -> Compartments:
    """Integral, time and height of the maximum; also where k_B = k_T."""
    _rates(k_t, k_b, k_thyroid)
    x = k_b / k_thyroid - 1
    peak_h = (1.0 if x == 0 else log1p(x) / x) / k_thyroid
    peak = uptake_at(peak_h, k_t=k_t, k_b=k_b, k_thyroid=k_thyroid)
    return Compartments(k_t / (k_b * k_thyroid), peak_h, peak)


def _rates(k_t: float, k_b: float, k_thyroid: float) -> None:
    for value, what in ((k_t, "k_t"), (k_b, "k_B"), (k_thyroid, "k_T")):
        above_zero(value, f"the rate {what}", "1/h", where=PLACE)


def two_compartments(
    times_h: Sequence[float], uptakes: Sequence[Uncertain], *, physical_half_life_h: float
) -> ThyroidCurve:
    """Three or more readings: the two-compartment curve through or near them.

    With three readings the curve goes through all; nothing is left to judge it by (no
    chi-square), and the doubt is that of the readings. Best at 4-6 h, 1-2 d and 5-8 d.
    Where the readings cannot tell k_B from k_T, and saw the uptake, the limit of both equal is
    used (W-RIU-EQUAL). Raises E-RIU-RANGE and what `kinetics.fit.fit` raises; notes
    W-RIU-KINETICS and those of fit.
    """
    try:
        found = _fitted("uptake-clearance", times_h, uptakes, physical_half_life_h, ())
    except QuimbyError as error:
        limit = equal_rates(times_h, uptakes, physical_half_life_h=physical_half_life_h)
        if error.code != "E-TIA-UNSEEN" or limit is None:
            raise
        return limit
    return _with_uptake(found, "two compartments", physical_half_life_h, ())


def equal_rates(
    times_h: Sequence[float], uptakes: Sequence[Uncertain], *, physical_half_life_h: float
) -> ThyroidCurve | None:
    """The limit ``k_t t exp(-k t)`` near three or more readings, where they agree with it.

    Its logarithm over t is a straight line, so the fit is closed. None where chi-square rejects
    it (p < 0.05), where it would be slower than decay, or where no reading saw the uptake.
    """
    read = samples(times_h, uptakes, where=PLACE)
    t, u = np.array(read.times_h), np.array([a.value for a in read.activities_mbq])
    spread = np.array(read.random_mbq) / u
    design = np.stack([np.ones_like(t), -t], axis=1) / spread[:, None]
    answer = np.linalg.pinv(design) / spread  # d(ln k_t, k)/d(ln U), (2, n)
    ln_k_t, k = (float(x) for x in answer @ np.log(u / t))
    misfit = (np.log(u / t) - ln_k_t + k * t) / spread
    p = float(gammaincc((len(t) - 2) / 2, float(misfit @ misfit) / 2))
    if p < REJECT_BELOW or k < LN2 / physical_half_life_h or t[0] > SEEN_BEFORE / k:
        return None
    k_t, inputs = exp(ln_k_t), read.activities_mbq

    def carried(value: float, by_ln_k_t: float, by_k: float) -> Uncertain:
        slopes = (by_ln_k_t * answer[0] + by_k * answer[1]) / u
        return combine(value, *((x, float(w)) for x, w in zip(inputs, slopes, strict=True)))

    tiac, half_life = k_t / k**2, LN2 / k
    said = note("W-RIU-EQUAL", where=PLACE, value=half_life)
    found = _with_model(carried(tiac, tiac, -2 * tiac / k))
    return ThyroidCurve("two compartments, equal rates", found,
                        carried(half_life, 0, -half_life / k), carried(k_t, k_t, 0),
                        carried(k, 0, 1), None, None, in_order([*read.notes, said]))  # fmt: skip


def assumed_uptake(
    times_h: Sequence[float], uptakes: Sequence[Uncertain], uptake_half_time: Prior, *,
    physical_half_life_h: float,
) -> ThyroidCurve:  # fmt: skip
    """Two readings and an assumed uptake half-time (prior on "uptake"): the curve through both.

    The assumption's spread is one more cause. Notes W-UPTAKE-ASSUMED; raises as above.
    """
    _falls(times_h, uptakes)
    found = _fitted("uptake-clearance", times_h, uptakes, physical_half_life_h, (uptake_half_time,))
    said = note("W-UPTAKE-ASSUMED", where=PLACE, value=uptake_half_time.median)
    return _with_uptake(found, "two readings, assumed uptake", physical_half_life_h, (said,))


def washout_only(
    times_h: Sequence[float], uptakes: Sequence[Uncertain], *, physical_half_life_h: float
) -> ThyroidCurve:
    """Two or more readings and one exponential from time zero: leaves out the uptake phase.

    W-UPTAKE-NEGLECTED always: the result is too large, by about the cause "uptake phase, left
    out" (what an assumed uptake would take off). Raises E-RIU-RANGE, E-TIA-NOCLEAR (no
    washout), E-TIA-TEFF-GT-TPHYS (slower than decay: decay-corrected values?) and others of fit.
    """
    _falls(times_h, uptakes)
    found = _fitted("mono", times_h, uptakes, physical_half_life_h, ())
    said = note("W-UPTAKE-NEGLECTED", where=PLACE)
    share = sampling()["uptake phase, left out"]
    missed = share.value * _uptake_left_out(found, _uptake_prior())
    tiac = found.tia_mbq_h.because(share.name, missed) if missed else found.tia_mbq_h
    return ThyroidCurve("washout only", tiac, found.half_lives_h["effective"], None,
                        None, found, None, in_order([*found.notes, said]))  # fmt: skip


def _uptake_prior() -> Prior:
    """The usual uptake half-time of iodide."""
    known = priors("organ", file="priors_i131_thyroid")
    return next(p for p in known if p.quantity == "uptake")


def _uptake_left_out(found: Fit, uptake: Prior) -> float:
    """Integral of the exponential less that of a curve with uptake through its ends, h.

    With the root mean square of the population's uptake half-times (the loss is nearly linear
    in it). Zero where the uptake would be as slow as the washout.
    """
    first, last = found.samples.times_h[0], found.samples.times_h[-1]
    k_b = LN2 / (uptake.median * exp(uptake.sd_ln**2))
    rate = slow = found.rates_per_h[0]
    height = found.amplitudes_mbq[0]
    for _ in range(20):
        rise = log(expm1(-(k_b - rate) * first) / expm1(-(k_b - rate) * last))
        rate = slow - rise / (last - first)
        if rate >= 0.8 * k_b:
            return 0.0
    full = height * exp((rate - slow) * last) / -expm1(-(k_b - rate) * last)
    return abs(height / slow - full * (1 / rate - 1 / k_b))


def one_reading(time_h: float, uptake: Uncertain, population: Prior) -> ThyroidCurve:
    """One late reading and the population's effective half-life: ``U 2**(t/T) T/ln 2``.

    The population's cause is the spread of true over found, with the uptake phase that the rule
    leaves out. W-SINGLE-EARLY before 96 h. Raises E-RIU-RANGE, E-NUM-NONPOS.
    """
    _check([time_h], [uptake])
    found = population_half_life_tia(uptake, time_h, population, where=PLACE)
    return _single("one reading, population half-life", time_h, uptake, found, population)


def one_reading_twice_time(time_h: float, uptake: Uncertain, population: Prior) -> ThyroidCurve:
    """One late reading and the rule ``2 t U/ln 2``; the population tells only the doubt."""
    _check([time_h], [uptake])
    found = twice_time_tia(uptake, time_h, population, where=PLACE)
    return _single("one reading, twice the time", time_h, uptake, found, population)


def _single(method: str, time_h: float, uptake: Uncertain, found: OnePoint, population: Prior
            ) -> ThyroidCurve:  # fmt: skip
    early = time_h < EARLIEST_SINGLE_H
    said = [note("W-SINGLE-EARLY", where=PLACE, value=time_h, limit=EARLIEST_SINGLE_H)]
    notes = in_order([*found.notes, *(said if early else ())])
    factor = found.tia_mbq_h.value / uptake.value
    spread = _population_spread(time_h, factor, population, _uptake_prior())
    tiac = uptake.scaled(factor).because(population.cause, spread * factor * uptake.value)
    used = replace(found, tia_mbq_h=tiac)
    return ThyroidCurve(method, tiac, None, None, None, None, used, notes)


def _population_spread(time_h: float, factor: float, washout: Prior, uptake: Prior) -> float:
    """Root mean square of true over found, less one, in patients of both half-lives."""
    k = LN2 / _quantiles(washout, 40)[:, None]
    k_b = np.maximum(LN2 / _quantiles(uptake, 12)[None, :], 1.05 * k)
    true = (1 / k - 1 / k_b) / (np.exp(-k * time_h) - np.exp(-k_b * time_h))
    return sqrt(float(np.mean((true / factor - 1) ** 2)))


def _quantiles(of: Prior, count: int) -> NDArray[np.float64]:
    z = [NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)]
    return np.asarray(of.median * np.exp(of.sd_ln * np.array(z)), dtype=np.float64)


def least_tiac_h(time_h: float, uptake: float) -> float:
    """No washing-out curve through this reading has a smaller integral: ``e t U``, h.

    Holds for one exponential from time zero, whatever its half-life (it is smallest at T = t ln 2).
    """
    _check([time_h], [Uncertain(uptake)])
    return e * time_h * uptake


def twice_time_tiac_h(time_h: float, uptake: float) -> float:
    """The rule ``2 t U/ln 2``, h, without its doubt."""
    _check([time_h], [Uncertain(uptake)])
    return 2 * time_h * uptake / LN2


def first_order_u_rel(time_h: float, half_life_h: Uncertain) -> float:
    """Relative error of a one-reading integral for a half-life off by one u: ``|lambda t - 1|``.

    Zero at t = T/ln 2, where the second order rules; `one_reading` uses quantiles instead.
    """
    above_zero(half_life_h.value, "the half-life", "h", where=PLACE)
    return abs(LN2 * time_h / half_life_h.value - 1) * half_life_h.u_rel


def _fitted(model: str, times_h: Sequence[float], uptakes: Sequence[Uncertain],
            physical_h: float, priors: Sequence[Prior]) -> Fit:  # fmt: skip
    _check(times_h, uptakes)
    noise = SLOWER_IN_NOISE if all(u.parts for u in uptakes) else 0.0
    return fit(model, times_h, uptakes, physical_half_life_h=physical_h, priors=priors,
               noise_u=noise, where=PLACE)  # fmt: skip


def _with_uptake(found: Fit, method: str, physical_h: float, said: Sequence[Note]) -> ThyroidCurve:
    a, slow, fast = (
        found.parameters[n] for n in ("amplitude_mbq", "rate_per_h", "uptake_rate_per_h")
    )
    k_t = a * (fast - slow)
    entering = k_t.value / (fast.value - LN2 / physical_h)
    notes = [*found.notes, *said]
    if not 0 < entering <= 1 + max(0.05, 2 * k_t.u_rel):
        notes.append(note("W-RIU-KINETICS", where=PLACE, value=entering, limit=1.0))
    return ThyroidCurve(method, _with_model(found.tia_mbq_h), found.half_lives_h["effective"], k_t,
                        fast, found, None, in_order(notes))  # fmt: skip


def _with_model(tiac_h: Uncertain) -> Uncertain:
    """The integral with the doubt that a real gland is not quite one compartment."""
    beside = sampling()["thyroid curve beside two compartments"]
    return tiac_h.because(beside.name, beside.value * tiac_h.value)


def _check(times_h: Sequence[float], uptakes: Sequence[Uncertain]) -> None:
    for time_h, uptake in zip(times_h, uptakes, strict=True):
        above_zero(time_h, "the time", "h", where=PLACE)
        check_uptake(uptake.value, time_h, where=f"{PLACE}, {time_h:g} h")


def _falls(times_h: Sequence[float], uptakes: Sequence[Uncertain]) -> None:
    """E-TIA-NOCLEAR where the last reading from 24 h on is not below the first such one."""
    late = sorted((t, u.value) for t, u in zip(times_h, uptakes, strict=True)
                  if t >= WASHOUT_FROM_H)  # fmt: skip
    if len(late) > 1 and late[-1][1] >= late[0][1]:
        (t1, u1), (t2, u2) = late[0], late[-1]
        raise refusal("E-TIA-NOCLEAR", where=PLACE,
                      what=f"{u1:g} at {t1:g} h, {u2:g} at {t2:g} h")  # fmt: skip
