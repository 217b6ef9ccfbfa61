"""Time-integrated activity from a single measurement and a population's half-life.

The doubt comes from quantiles of the population, not from a slope: at t = T/ln 2 the slope is
zero, while a patient far from the median on either side has more than the method says. It is
chosen so that, with the doubt of the reading, the 95 % interval holds 95 of 100 patients, whatever
the skew.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from statistics import NormalDist

import numpy as np

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.kinetics.models import LN2, Array
from quimby.kinetics.priors import Prior
from quimby.kinetics.spread import least_part, normal_quantiles, population_part

WINDOW = (0.75, 2.5)  # effective half-lives; Hänscheid et al., J Nucl Med 2018;59:75
CENTILES = (0.05, 0.95)
NEAR = 0.10  # bias from 5 to 95 % above which the note is given
DOSE_2017 = 0.125  # Gy g/(MBq h): 0.0866/ln 2; Hänscheid et al., Nuklearmedizin 2017;56:219
DOSE_2018 = 0.25  # Gy g/(MBq h): 2 * 0.0866/ln 2; Hänscheid et al. 2018


@dataclass(frozen=True, slots=True)
class OnePoint:
    """A TIA from one reading, the half-life behind it and how far patients may stand off."""

    tia_mbq_h: Uncertain
    half_life_h: float
    half_life_sd_ln: float
    time_in_half_lives: float
    bias: tuple[float, float]  # method / truth - 1, extremes for T_eff from 5th to 95th centile
    notes: tuple[Note, ...]


@dataclass(frozen=True, eq=False)
class Hours:
    """What a reading is multiplied by, and what it should have been in each of many patients."""

    factor: float
    true: Array


def population_half_life_tia(
    activity_mbq: Uncertain, time_h: float, population: Prior, *, where: str = "one scan"
) -> OnePoint:
    """TIA = A(t) * 2**(t/T) * T/ln 2 with the population's median T.

    `population` is a prior on "effective", h. Notes W-STP-WINDOW, W-STP-SPREAD,
    I-STP-POPULATION; raises E-STP-INPUT. Source: Madsen et al., Med Phys 2018.
    """
    _above_zero(where, activity_mbq, time_h, population)
    factor = _factor(time_h, population.median)
    return _result(activity_mbq, time_h, population, factor, where)


def twice_time_tia(
    activity_mbq: Uncertain, time_h: float, population: Prior, *, where: str = "one scan"
) -> OnePoint:
    """TIA = A(t) * 2 t / ln 2, near the truth for t from 0.75 to 2.5 half-lives.

    The population only tells the doubt and the window. Raises E-STP-INPUT.
    Source: Hänscheid et al., J Nucl Med 2018;59:75.
    """
    _above_zero(where, activity_mbq, time_h, population)
    return _result(activity_mbq, time_h, population, 2 * time_h / LN2, where)


def by_hours_tia(
    activity_mbq: Uncertain, time_h: float, population: Prior, hours: Hours, *,
    where: str = "one scan",
) -> OnePoint:  # fmt: skip
    """TIA = A(t) * hours, its doubt from the patients that `hours.true` is of.

    `population` tells the window and names the doubt. Raises E-STP-INPUT.
    """
    _above_zero(where, activity_mbq, time_h, population)
    low, high = (float(q) for q in np.quantile(hours.true, CENTILES))
    bias = (hours.factor / high - 1, hours.factor / low - 1)
    return _told(activity_mbq, time_h, population, hours, bias, where)


def other_nuclide_tia_mbq_h(
    imaged_mbq: Uncertain,
    time_h: float,
    *,
    imaged_half_life_h: float,
    therapy_half_life_h: float,
    biological_half_life_h: float,
    activity_ratio: float = 1.0,
) -> Uncertain:
    """TIA of the therapy nuclide from one scan of another on the same molecule.

    `activity_ratio` is administered therapy over administered imaging activity. Raises
    E-STP-INPUT. Source: elementary; general case in Gustafsson & Taprogge 2022.
    """
    imaged, therapy = LN2 / imaged_half_life_h, LN2 / therapy_half_life_h
    biological = LN2 / biological_half_life_h
    if not (imaged_mbq.value > 0 and time_h > 0):
        raise refusal("E-STP-INPUT", where="one scan", what="activity or time",
                      value=min(imaged_mbq.value, time_h), unit="MBq, h")  # fmt: skip
    at_start = exp((imaged + biological) * time_h)
    return imaged_mbq.scaled(activity_ratio * at_start / (biological + therapy))


def twice_time_ratio(time_in_half_lives: float) -> float:
    """Method over truth of `twice_time_tia` for one exponential: 2x / 2**x."""
    return 2 * time_in_half_lives / 2**time_in_half_lives


def population_bias(time_h: float, *, population_h: float, true_h: float) -> float:
    """Method over truth minus 1 of `population_half_life_tia`: never above zero at t = T/ln 2."""
    return _factor(time_h, population_h) / _factor(time_h, true_h) - 1


def best_time_h(half_life_h: float) -> float:
    """When to scan so that a half-life slightly off does not matter: T/ln 2."""
    return half_life_h / LN2


def window_notes(time_h: float, half_life_h: float, *, where: str) -> tuple[Note, ...]:
    """W-STP-WINDOW outside 0.75 to 2.5 effective half-lives."""
    x, (low, high) = time_h / half_life_h, WINDOW
    if low <= x <= high:
        return ()
    return (note("W-STP-WINDOW", where=where, value=x, limit=high, low=low,
                 from_h=low * half_life_h, to_h=high * half_life_h),)  # fmt: skip


def concentration_dose_gy(
    concentration_mbq_per_g: Uncertain, time_h: float, half_life_h: float
) -> Uncertain:
    """Dose of a known half-life, 0.125 * C * 2**(t/T) * T (Hänscheid 2017; 177Lu, unit density)."""
    factor = DOSE_2017 * 2 ** (time_h / half_life_h) * half_life_h
    return concentration_mbq_per_g.scaled(factor)


def concentration_dose_short_gy(concentration_mbq_per_g: Uncertain, time_h: float) -> Uncertain:
    """Dose without a half-life, 0.25 * C * t (Hänscheid 2018; 177Lu, unit density)."""
    return concentration_mbq_per_g.scaled(DOSE_2018 * time_h)


def _factor(time_h: float, half_life_h: float) -> float:
    return 2 ** (time_h / half_life_h) * half_life_h / LN2


def _result(activity: Uncertain, time_h: float, population: Prior, factor: float, where: str
            ) -> OnePoint:  # fmt: skip
    low, high = (_centile(population, c) for c in CENTILES)
    turning = min(max(time_h * LN2, low), high)  # where the factor is smallest
    errors = [factor / _factor(time_h, T) - 1 for T in (low, turning, high)]
    true = np.array([_factor(time_h, population.median * exp(population.sd_ln * z))
                     for z in normal_quantiles()])  # fmt: skip
    return _told(activity, time_h, population, Hours(factor, true), (min(errors), max(errors)),
                 where)  # fmt: skip


def _told(activity: Uncertain, time_h: float, population: Prior, hours: Hours,
          bias: tuple[float, float], where: str) -> OnePoint:  # fmt: skip
    """The population's part is such that it and the reading's doubt together hold 95 of 100."""
    tia = combine(activity.value * hours.factor, (activity, hours.factor))
    u_rel = population_part(hours.true / hours.factor, activity.u_rel)
    tia = _doubted(tia, u_rel, population.cause)
    notes = [
        *window_notes(time_h, population.median, where=where),
        note("I-STP-POPULATION", where=where, value=population.median, source=population.source),
    ]
    if max(map(abs, bias)) > NEAR:
        notes.append(note("W-STP-SPREAD", where=where, value=max(map(abs, bias)), limit=NEAR,
                          low=bias[0], high=bias[1]))  # fmt: skip
    return OnePoint(tia, population.median, population.sd_ln, time_h / population.median, bias,
                    tuple(notes))  # fmt: skip


def _centile(population: Prior, centile: float) -> float:
    return exp(log(population.median) + population.sd_ln * NormalDist().inv_cdf(centile))


def _doubted(tia: Uncertain, u_rel: float, cause: str) -> Uncertain:
    """With the population's doubt, and what is missing to the least doubt as a cause apart."""
    told = tia.because(cause, u_rel * tia.value)
    return Uncertain(tia.value, {**told.parts, **least_part(u_rel, tia.value)})


def _above_zero(where: str, activity: Uncertain, time_h: float, population: Prior) -> None:
    for what, value, unit in (
        ("the activity", activity.value, "MBq"),
        ("the time", time_h, "h"),
        ("the half-life", population.median, "h"),
    ):
        if not value > 0:
            raise refusal("E-STP-INPUT", where=where, what=what, value=value, unit=unit)
