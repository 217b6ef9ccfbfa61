"""What the spread of a population does to an integral, beyond its slope.

At t = T/ln 2 one scan with a population's half-life has no slope against that half-life, yet a
patient off the median on either side is off the answer; far from there the errors are skewed.
So the doubt is chosen by what its 95 % interval holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import copysign, hypot, sqrt
from statistics import NormalDist

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from quimby.core.uncertain import LOGNORMAL_ABOVE, Uncertain
from quimby.kinetics.many import solve_many
from quimby.kinetics.models import Array, Terms
from quimby.kinetics.priors import Prior
from quimby.kinetics.solve import Problem, bounds

HELD = 0.95  # share of the population that the interval with k = 2 holds
QUANTILES = 400
MOST_U = 7.0  # relative; above it the upper end of a log-normal interval falls again
LEVERAGE = 0.05  # of a prior on the rate; below it the readings decide and the slope will do
LEAST_U = 0.10  # relative, of the population and the curve's shape together; IMAGING 3.3 [P]
LEAST = "least doubt of one scan"  # cause: what a population of half-lives does not tell
RATE = 1  # place of the logarithm of the effective rate in every model that has one
REACH, STEPS = 6.0, 121  # half-lives tried: as many standard deviations to each side, in steps


@cache
def normal_quantiles() -> Array:
    """Evenly spaced quantiles of the standard normal, from the middle of each share."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / QUANTILES) for i in range(QUANTILES)])


def u_that_holds(
    ratios: Array, *, beside: Array | float = 0.0, weights: Array | None = None
) -> float:
    """Relative u whose `Uncertain.interval` about 1 holds 95 % of these, true over found.

    `beside` is another relative doubt, normal and independent of them: then 95 % of the two
    together. A population that errs to one side, as with one scan near T/ln 2, needs more than
    the sum of squares gives. `weights` are those of the ratios, all alike without. Where no
    interval can (scans so late that some patients have many times what is found), `MOST_U`: such
    a scan tells next to nothing.
    """
    shares = np.full(len(ratios), 1 / len(ratios)) if weights is None else weights
    if not np.any(beside):
        half = _quantile(np.abs(ratios - 1), shares) / 2
        if half <= LOGNORMAL_ABOVE:
            return half
    elif _held(LOGNORMAL_ABOVE, ratios, beside, shares) >= HELD:
        return float(
            brentq(lambda u: _held(u, ratios, beside, shares) - HELD, 0.0, LOGNORMAL_ABOVE)
        )
    for u in np.geomspace(LOGNORMAL_ABOVE * (1 + 1e-9), MOST_U, 200):
        if _held(float(u), ratios, beside, shares) >= HELD:
            return float(u)
    return MOST_U


def _quantile(sizes: Array, shares: Array) -> float:
    order = np.argsort(sizes)
    below = np.cumsum(shares[order]) - shares[order] / 2
    return float(np.interp(HELD, below, sizes[order]))


def _held(u: float, ratios: Array, beside: Array | float, shares: Array) -> float:
    """Share of patients in the interval of relative u about 1.

    A reading off by 1 + e makes what is found as much too large, so the interval holds the truth
    where ratio / high <= 1 + e <= ratio / low.
    """
    low, high = Uncertain(1.0, {"": u}).interval()
    if not np.any(beside):
        return float(shares @ ((low <= ratios) & (ratios <= high)))
    above, below = ((ratios / end - 1) / beside for end in (low, high))
    return float(shares @ (ndtr(above) - ndtr(below)))


def population_part(ratios: Array, beside: float) -> float:
    """Relative part of the population that brings a reading's doubt `beside` to what holds 95 %."""
    return sqrt(max(u_that_holds(ratios, beside=beside) ** 2 - beside**2, 0.0))


def with_spread(tia: Uncertain, problem: Problem, x: Array) -> Uncertain:
    """The integral with the parts of priors on the effective half-life as `u_that_holds` has
    them, where those priors have weight and that is more than the slope says.

    One scan that rests on such a prior has the least doubt of one scan besides.
    """
    parts: Mapping[str, float] = tia.parts
    lever = problem.sensitivity(x)
    first = len(problem.samples.times_h)
    for i, prior in enumerate(problem.priors):
        if prior.quantity == "effective" and abs(lever[1, first + i]) > LEVERAGE:
            linear = parts[prior.cause]
            u = hypot(linear, _beyond_slopes(problem, x, prior, tia) * tia.value)
            parts = {**parts, prior.cause: copysign(u, linear)}
            if first == 1:
                parts |= least_part(u / tia.value, tia.value)
    return Uncertain(tia.value, parts)


def least_part(told_rel: float, value: float) -> dict[str, float]:
    """What the population's relative doubt lacks of the least doubt of one scan, if anything."""
    missing = sqrt(max(LEAST_U**2 - told_rel**2, 0.0))
    return {LEAST: missing * value} if missing else {}


def _beyond_slopes(problem: Problem, x: Array, prior: Prior, tia: Uncertain) -> float:
    """Relative u that the half-life brings beyond its slope.

    From all half-lives that readings and priors leave possible, each with its weight, its own
    best curve, and the doubt of that curve. What readings share stands beside it.
    """
    if problem.held:
        return 0.0
    own = problem.samples.random_causes | {p.cause for p in problem.priors}
    shared = hypot(*(p for c, p in tia.parts.items() if c not in own)) / tia.value
    terms = problem.model.build(x, problem.physical_rate)
    moved = problem.sensitivity(x) * problem.doubt
    slopes = terms.integral_slopes() @ moved / terms.integral()
    given = _given_half_lives(problem, x, prior, float(np.linalg.norm(moved[RATE])))
    beside = np.sqrt(given.u_rel**2 + shared**2)
    ratios = given.integrals / terms.integral()
    u = u_that_holds(ratios, beside=beside, weights=given.weights)
    return sqrt(max(u**2 - shared**2 - float(slopes @ slopes), 0.0))


@dataclass(frozen=True, eq=False)
class _Given:
    """What is found with each half-life of a row: integral, its u without the half-life's."""

    integrals: Array
    u_rel: Array
    weights: Array


def _given_half_lives(problem: Problem, x: Array, prior: Prior, sd_ln: float) -> _Given:
    """The curve solved again with each of a row of half-lives.

    Their weights follow from the agreement with readings and priors and the room that is left
    to the other parameters (Laplace); of a fixed half-life from its own distribution.
    """
    steps = REACH * np.linspace(-1, 1, STEPS)
    at = np.repeat(x[:, None], STEPS, axis=1)
    at[RATE] += steps * sd_ln
    free = np.ones(at.shape, dtype=bool)
    free[RATE] = False
    low, high = bounds(problem)
    data = np.repeat(problem.data[:, None], STEPS, axis=1)
    if prior.fixed:
        data[len(problem.samples.times_h) + problem.priors.index(prior)] -= steps * sd_ln
    at, arrived = solve_many(problem, data, at, free=free, low=low, high=high)
    values, slopes = problem.predicted(at)
    misfit = np.sum((problem.whitener @ (data - values)) ** 2, axis=0)
    others = np.delete(np.einsum("ij,jkd->dik", problem.whitener, slopes), RATE, axis=2)
    room = np.linalg.inv(others.transpose(0, 2, 1) @ others)
    logs = -(steps**2) / 2 if prior.fixed else (np.log(np.linalg.det(room)) - misfit) / 2
    weights = np.exp(logs - np.max(logs)) * arrived
    terms = problem.model.build(at, problem.physical_rate)
    gradient = np.delete(_integral_slopes(terms), RATE, axis=0) / terms.integrals()
    u = np.sqrt(np.einsum("kd,dkl,ld->d", gradient, room, gradient))
    return _Given(terms.integrals(), u, weights / weights.sum())


def _integral_slopes(terms: Terms) -> Array:
    """Slopes of the integrals of many curves, (k, d)."""
    grown = np.einsum("jd,jkd->kd", 1 / terms.rates, terms.d_amplitudes)
    shorter = np.einsum("jd,jkd->kd", terms.amplitudes / terms.rates**2, terms.d_rates)
    return np.asarray(grown - shorter, dtype=np.float64)
