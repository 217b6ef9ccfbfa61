"""A straight line through logarithms, with or without a belief about its slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp

import numpy as np

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.uncertain import Uncertain
from quimby.kinetics.models import Array

SHARE_LIMIT = 0.80  # of the precision of the integral from the population [P]


@dataclass(frozen=True, eq=False)
class LogLine:
    """``ln y = ln A - lambda t``: answer, covariance of (ln A, lambda), and what it rests on."""

    amplitude: float
    rate_per_h: Uncertain
    covariance: Array
    tia: Uncertain
    chi2: float
    degrees_of_freedom: int
    prior_share: float  # of the precision of the TIA that comes from the prior
    notes: tuple[Note, ...]


def log_line(
    times_h: Sequence[float],
    values: Sequence[float],
    *,
    u_relative: float,
    rate_prior: Uncertain | None = None,
    where: str = "curve",
) -> LogLine:
    """Weighted least squares of logarithms in closed form; a normal belief about the rate
    (1/h) makes it the MAP. Covariance is not widened (known noise).

    W-PRIOR-DOMINATES where more than 80 % of the precision of the integral is the population's.
    Raises E-TIA-TIME, E-TIA-FEW, E-NUM-NONPOS, E-TIA-NOCLEAR. Source: normal equations.
    """
    _check(times_h, values, u_relative, rate_prior, where)
    design = np.stack([np.ones(len(times_h)), -np.asarray(times_h, float)], axis=1) / u_relative
    data = np.log(np.asarray(values, float)) / u_relative
    own = design.T @ design
    precision, right = own.copy(), design.T @ data
    if rate_prior is not None:
        precision[1, 1] += rate_prior.u**-2
        right[1] += rate_prior.value * rate_prior.u**-2
    cov: Array = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    ln_a, rate = (float(x) for x in cov @ right)
    if rate <= 0:
        raise refusal("E-TIA-NOCLEAR", where=where, what=f"it rises up to {times_h[-1]:g} h")
    slope = np.array([1.0, -1.0 / rate])
    tia, u = exp(ln_a) / rate, float(np.sqrt(slope @ cov @ slope))
    misfit = data - design @ np.array([ln_a, rate])
    share = _prior_share(own, slope, u) if rate_prior else 0.0
    told = (note("W-PRIOR-DOMINATES", where=where, value=share, limit=SHARE_LIMIT),)
    return LogLine(
        exp(ln_a), Uncertain(rate, {f"line, {where}": float(np.sqrt(cov[1, 1]))}), cov,
        Uncertain(tia, {f"line, {where}": u * tia}), float(misfit @ misfit), len(times_h) - 2,
        share, told if share > SHARE_LIMIT else (),
    )  # fmt: skip


def _check(times_h: Sequence[float], values: Sequence[float], u_relative: float,
           prior: Uncertain | None, where: str) -> None:  # fmt: skip
    above_zero(u_relative, "the relative uncertainty", "", where=where)
    if any(b <= a for a, b in pairwise(times_h)) or len(times_h) != len(values):
        raise refusal("E-TIA-TIME", where=where, times=", ".join(f"{t:g} h" for t in times_h))
    for time_h, value in zip(times_h, values, strict=True):
        above_zero(value, f"the value at {time_h:g} h", "", where=where)
    if prior is not None:
        above_zero(prior.u, "the spread of the rate", "1/h", where=where)
    if len(times_h) + (prior is not None) < 2:
        raise refusal("E-TIA-FEW", where=where, samples=len(times_h), priors=int(prior is not None),
                      parameters=2, model="one exponential")  # fmt: skip


def _prior_share(own: Array, slope: Array, u: float) -> float:
    """One minus the precision of ln TIA from the readings alone over that with the prior."""
    if np.linalg.matrix_rank(own) < 2:
        return 1.0
    alone = float(slope @ np.linalg.inv(own) @ slope)
    return 1.0 - u**2 / alone
