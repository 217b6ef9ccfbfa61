"""Many small fits at once: the least squares of `kinetics.fit`, over all patients.

Only what is plain is told, an answer or that there is none: a patient whose fit did not settle,
or is slower than decay, is left to `kinetics` itself. Tests hold the two to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from quimby.advise.simulate_curves import Array
from quimby.kinetics.choose import REJECT_BELOW
from quimby.kinetics.fit import UNSEEN_U_LN
from quimby.kinetics.many import Search, at_edge, solve_many
from quimby.kinetics.models import LN2, MODELS, Model
from quimby.kinetics.priors import Prior
from quimby.kinetics.solve import limits, predicted, starts

NDBool = NDArray[np.bool_]
FAR = Search((8, 24, 230), 1e-14, 1e-3, 10.0)
FLAT = 5e-4  # of its height: a curve that falls by less to the last reading does not fall at all
IMPOSSIBLE = -1.0  # in the place of p
SMALLEST, NO_SLOPE = 1e-12, 1e-150  # of a singular value; of all slopes of a logarithm


@dataclass(frozen=True, eq=False)
class Batch:
    """Readings of n patients, m each: hours, logarithms, and relative random u; all (m, n)."""

    times_h: Array
    logs: Array
    spread: Array

    def among(self, patients: NDArray[np.int_]) -> Batch:
        """Some of the patients."""
        return Batch(*(v[:, patients] for v in (self.times_h, self.logs, self.spread)))


@dataclass(frozen=True, eq=False)
class Fits:
    """One model and every patient's readings, as `solve_many` takes them: all over its spread."""

    model: Model
    batch: Batch
    priors: tuple[Prior, ...]
    physical_rate: float

    @cached_property
    def spread(self) -> Array:
        """Of readings, then priors, (m + p, n)."""
        return self._with_priors(self.batch.spread, [p.sd_ln for p in self.priors])

    @cached_property
    def data(self) -> Array:
        """Logarithms over their spread, (m + p, n)."""
        told = [log(p.median) for p in self.priors]
        return self._with_priors(self.batch.logs, told) / self.spread

    @property
    def whitener(self) -> Array:
        """Nothing is left to do."""
        return np.eye(len(self.spread))

    def _with_priors(self, read: Array, told: Sequence[float]) -> Array:
        return np.concatenate([read, np.repeat(np.array(told)[:, None], read.shape[1], axis=1)])

    def predicted(self, x: Array) -> tuple[Array, Array]:
        """What the model gives for the data, and its slopes, over the spread."""
        values, slopes = predicted(self.model, x, self.batch.times_h, self.priors,
                                   self.physical_rate)  # fmt: skip
        return values / self.spread, slopes / self.spread[:, None]

    def among(self, patients: NDArray[np.int_]) -> Fits:
        """Some of the patients."""
        return Fits(self.model, self.batch.among(patients), self.priors, self.physical_rate)


def chosen(batch: Batch, models: Sequence[str], priors: Sequence[Prior], *, half_life_h: float
           ) -> Array:  # fmt: skip
    """Integral by the rule of `kinetics.choose`, (n,): the first model that is possible and not
    rejected, or of all that are rejected the likeliest. NaN where a fit on the way is not plain,
    and where no model is possible.
    """
    found = np.full(batch.logs.shape[1], np.nan)
    likeliest, asked = np.full(len(found), IMPOSSIBLE), np.ones(len(found), dtype=bool)
    for name in models:
        rows = np.flatnonzero(asked)
        if name not in MODELS or not len(rows):
            break
        values, p = integrals(batch.among(rows), name, priors, half_life_h=half_life_h)
        unknown = np.isnan(values) & (p > IMPOSSIBLE)
        best = unknown | (p > likeliest[rows])
        found[rows[best]], likeliest[rows[best]] = values[best], p[best]
        asked[rows] = ~unknown & (p < REJECT_BELOW)
    else:
        return found
    found[asked] = np.nan  # a model that is not solved here might be the one
    return found


def integrals(
    batch: Batch, name: str, priors: Sequence[Prior], *, half_life_h: float
) -> tuple[Array, Array]:
    """Integral of each patient's fitted curve, and p of its chi-square; (n,) each.

    NaN where the fit is not plain. p is one with no degree of freedom, and `IMPOSSIBLE` where
    `kinetics.fit` would refuse: too few readings, or a phase that they do not show.
    """
    model, physical = MODELS[name], LN2 / half_life_h
    used = tuple(p for p in priors if model.has(p.quantity))
    freedom, count = len(batch.logs) + len(used) - model.size, batch.logs.shape[1]
    if freedom < (0 if used else model.spare):
        return np.full(count, np.nan), np.full(count, IMPOSSIBLE)
    problem = Fits(model, batch, used, physical)
    x, chi2, arrived, unseen = _solved(problem)
    plain = arrived & ~unseen
    if "rate" in model.logs:
        slower, fall = x[1] < log(physical), np.exp(x[1]) * batch.times_h[-1]
        plain &= ~slower
        unseen &= ~slower
        unseen |= fall < FLAT
    p = gammaincc(freedom / 2, chi2 / 2) if freedom > 0 else np.ones(count)
    values = model.build(x, physical).integrals()
    return np.where(plain, values, np.nan), np.where(unseen, IMPOSSIBLE, p)


def _solved(problem: Fits) -> tuple[Array, Array, NDBool, NDBool]:
    """The best of all starts: logarithms (k, n), chi-square, arrived there, a phase not seen."""
    batch, model = problem.batch, problem.model
    low, high = limits(model, float(batch.logs.mean()))
    count = batch.logs.shape[1]
    free, best = np.ones((model.size, count), dtype=bool), np.zeros((model.size, count))
    chi2, arrived = np.full(count, np.inf), np.zeros(count, dtype=bool)
    for start in starts(model, batch.times_h, batch.logs, problem.priors, problem.physical_rate):
        x, there = solve_many(problem, problem.data, start, free=free, low=low, high=high,
                              search=FAR)  # fmt: skip
        cost = np.sum((problem.data - problem.predicted(x)[0]) ** 2, axis=0)
        better = cost < chi2 * (1 - 1e-9)
        best[:, better], chi2[better], arrived[better] = x[:, better], cost[better], there[better]
    lost = at_edge(best, low, high).any(axis=0)
    return best, chi2, arrived, lost | (_u_ln(problem.predicted(best)[1]) > UNSEEN_U_LN)


def _u_ln(slopes: Array) -> Array:
    """Largest standard uncertainty of a logarithm, (n,), from slopes (m + p, k, n)."""
    size = np.maximum(np.sqrt(np.sum(slopes**2, axis=0)), NO_SLOPE)
    _, single, turned = np.linalg.svd(np.moveaxis(slopes / size, 2, 0), full_matrices=False)
    spread = turned / np.maximum(single, SMALLEST)[:, :, None]
    return np.asarray((np.sqrt(np.sum(spread**2, axis=1)).T / size).max(axis=0))
