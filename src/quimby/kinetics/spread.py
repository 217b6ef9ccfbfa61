"""What the spread of a population does to an integral, beyond its slope.

At t = T/ln 2 one scan with a population's half-life has no slope against that half-life, yet a
patient off the median on either side is off the answer; far from there the errors are skewed.
So the doubt is chosen by what its 95 % interval holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import copysign, exp, sqrt
from statistics import NormalDist

import numpy as np

from quimby.core.uncertain import LOGNORMAL_ABOVE, Uncertain
from quimby.kinetics.models import Array
from quimby.kinetics.priors import Prior
from quimby.kinetics.solve import Problem, solve

HELD = 0.95  # share of the population that the interval with k = 2 holds
QUANTILES = 400
MOST_U = 7.0  # relative; above it the upper end of a log-normal interval falls again
LEVERAGE = 0.05  # of a prior on the rate; below it the readings decide and the slope will do
NODES = np.array([-2.2, -1.1, 0.0, 1.1, 2.2])  # standard deviations


def normal_quantiles() -> Array:
    """Evenly spaced quantiles of the standard normal, from the middle of each share."""
    normal = NormalDist()
    return np.array([normal.inv_cdf((i + 0.5) / QUANTILES) for i in range(QUANTILES)])


def u_that_holds(ratios: Array) -> float:
    """Relative u whose `Uncertain.interval` about 1 holds 95 % of these, true over found.

    Where no interval can (scans so late that some patients have many times what is found), the
    root mean square of the errors, which is then larger than the value itself.
    """
    half = float(np.quantile(np.abs(ratios - 1), HELD)) / 2
    if half <= LOGNORMAL_ABOVE:
        return half
    for u in np.geomspace(LOGNORMAL_ABOVE * (1 + 1e-9), MOST_U, 200):
        low, high = Uncertain(1.0, {"": float(u)}).interval()
        if np.mean((low <= ratios) & (ratios <= high)) >= HELD:
            return float(u)
    return sqrt(float(np.mean((ratios - 1) ** 2)))


def with_spread(tia: Uncertain, problem: Problem, x: Array) -> Uncertain:
    """The integral with the parts of priors on the effective half-life as `u_that_holds` has
    them, where those priors have weight and that is more than the slope says.
    """
    parts: Mapping[str, float] = tia.parts
    lever = problem.sensitivity(x)
    first = len(problem.samples.times_h)
    for i, prior in enumerate(problem.priors):
        if prior.quantity == "effective" and abs(lever[1, first + i]) > LEVERAGE:
            linear = parts[prior.cause]
            u = max(abs(linear), _u(problem, x, i, prior) * tia.value)
            parts = {**parts, prior.cause: copysign(u, linear)}
    return Uncertain(tia.value, parts)


def _u(problem: Problem, x: Array, index: int, prior: Prior) -> float:
    """From fits with the prior's median moved over its own spread."""
    at = problem.model.build(x, problem.physical_rate).integral()
    logs = [np.log(_moved(problem, index, z * prior.sd_ln) / at) if z else 0.0 for z in NODES]
    curve = np.polynomial.Polynomial.fit(NODES, logs, len(NODES) - 1)
    within = np.clip(normal_quantiles(), NODES[0], NODES[-1])
    return u_that_holds(np.exp(curve(within)))


def _moved(problem: Problem, index: int, by_ln: float) -> float:
    """The integral with one prior's median moved."""
    prior = problem.priors[index]
    other = replace(prior, median=prior.median * exp(by_ln))
    priors = (*problem.priors[:index], other, *problem.priors[index + 1 :])
    again = replace(problem, priors=priors)
    return again.model.build(solve(again), again.physical_rate).integral()
