"""Doubt by Monte Carlo (GUM Supplement 1): the check on doubt to first order.

Every named cause is drawn once in a trial, for all values that name it, and the whole chain is
worked out again: readings, fitted curve, integral. Draws depend on the cause's name and a seed
alone, so a value has the same draws wherever it is asked for, and a run the same result always.

What is positive by nature is drawn log-normally, with its value as mean and its standard
uncertainty as standard deviation. To first order that is the normal distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from math import log1p, sqrt

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain
from quimby.kinetics import trapezoid
from quimby.kinetics.fit import Fit
from quimby.kinetics.joint import Joint, JointProblem, joint_bounds
from quimby.kinetics.many import Whitened, solve_many
from quimby.kinetics.models import LN2, Array
from quimby.kinetics.one_scan import RULES
from quimby.kinetics.solve import Problem, bounds, solve

TRIALS = 100_000
SEED = 20260302
AGREES = 0.10  # relative difference of u; IMAGING 8.6 [P]
LEAST_TRIALS = 1000
KEPT = 128  # causes whose draws are kept: 100 MB
GATHERED = "curve fit"
SOFT_LN = 1e-3  # of a held quantity: a fiftieth of any reading's doubt


@dataclass(frozen=True, slots=True)
class Draws:
    """Standard normal draws by name of cause."""

    trials: int = TRIALS
    seed: int = SEED

    def of(self, cause: str) -> Array:
        """Draws of one cause, (trials,): the same for one name, independent for another."""
        return _normal(self.seed, cause, self.trials)

    def deviations(self, x: Uncertain) -> Array:
        """What all causes together do to a value, in its unit, (trials,)."""
        found = np.zeros(self.trials)
        for cause, part in x.parts.items():
            if part:
                found += part * self.of(cause)
        return found

    def positive(self, x: Uncertain) -> Array:
        """Draws of a value that cannot be negative: log-normal with its mean and u, (trials,)."""
        if not x.u:
            return np.full(self.trials, x.value)
        spread = sqrt(log1p(x.u_rel**2))
        size = spread / x.u
        return np.asarray(x.value * np.exp(size * self.deviations(x) - spread**2 / 2))


@lru_cache(maxsize=KEPT)
def _normal(seed: int, cause: str, trials: int) -> Array:
    key = int.from_bytes(sha256(cause.encode()).digest()[:8], "big")
    found = np.random.default_rng([seed, key]).standard_normal(trials)
    found.flags.writeable = False
    return found


@dataclass(frozen=True, slots=True)
class Spread:
    """What the trials gave: mean, standard uncertainty, 95 % interval, trials without a result."""

    mean: float
    u: float
    interval_95: tuple[float, float]
    lost: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """First order beside Monte Carlo, for one quantity."""

    name: str
    first_order: Uncertain
    monte_carlo: Spread
    trials: int

    @property
    def ratio(self) -> float:
        """u by Monte Carlo over u to first order."""
        return self.monte_carlo.u / self.first_order.u if self.first_order.u else 1.0

    @property
    def agrees(self) -> bool:
        """Whether the two standard uncertainties differ by no more than 10 %."""
        return abs(self.ratio - 1) <= AGREES


def spread(draws: Array) -> Spread:
    """Mean, u and the 95 % interval (2.5 to 97.5 %) of the trials with a result."""
    found = draws[np.isfinite(draws)]
    if len(found) < LEAST_TRIALS:
        raise refusal("E-UNC-TRIALS", where="Monte Carlo", found=len(found), least=LEAST_TRIALS)
    low, high = np.quantile(found, (0.025, 0.975))
    return Spread(float(found.mean()), float(found.std(ddof=1)), (float(low), float(high)),
                  len(draws) - len(found))  # fmt: skip


def compare(name: str, first_order: Uncertain, draws: Array) -> Comparison:
    """A result to first order beside its draws."""
    return Comparison(name, first_order, spread(draws), len(draws))


def fitted_tia(fit: Fit, draws: Draws, *, lines: trapezoid.Lines | None = None) -> Array:
    """Integrals of a curve fitted again to drawn readings and priors, MBq h, (trials,).

    Not finite where a trial has none. `lines` says how trapezoids are joined.
    """
    problem = fit.problem
    if fit.model in RULES:
        return fit.tia_weights_h[0] * draws.positive(fit.samples.activities_mbq[0])
    if problem is None:
        return _trapezoids(fit, draws, lines or trapezoid.Lines())
    data = _data([problem], draws)
    problem = _softer(problem)
    x = _moved(problem, solve(problem), data)
    rates = [1] if "rate" in problem.model.logs else []
    low, high = bounds(problem)
    found, arrived = _held(problem, data, x, low, high, rates, problem.physical_rate)
    integrals = problem.model.build(found, problem.physical_rate).integrals()
    return np.where(arrived, integrals, np.nan)


def joint_tia(joint: Joint, draws: Draws) -> dict[str, Array]:
    """Integrals of regions fitted together again to drawn readings, by region, (trials,)."""
    data = _data(joint.problem.blocks, draws)
    problem = replace(joint.problem, blocks=tuple(map(_softer, joint.problem.blocks)))
    x = _moved(problem, joint.x, data)
    rates = sorted({i[1] for b, i in zip(problem.blocks, problem.index, strict=True)
                    if "rate" in b.model.logs})  # fmt: skip
    low, high = joint_bounds(problem)
    physical = problem.blocks[0].physical_rate
    found, arrived = _held(problem, data, x, low, high, rates, physical)
    rows = zip(joint.fits, problem.blocks, problem.index, strict=True)
    return {
        name: np.where(arrived, block.model.build(found[list(i)], physical).integrals(), np.nan)
        for name, block, i in rows
    }


def _data(blocks: Sequence[Problem], draws: Draws) -> Array:
    """Drawn logarithms of readings and priors, (data, trials)."""
    rows = []
    for block in blocks:
        rows += [np.log(draws.positive(a)) for a in block.samples.activities_mbq]
        rows += [p.as_datum().value + draws.deviations(p.as_datum()) for p in block.priors]
    return np.array(rows)


def _softer(problem: Problem) -> Problem:
    """The same problem with held quantities held a little less hard: search is easier then."""
    priors = [replace(p, sd_ln=SOFT_LN, fixed=False) if p.fixed else p for p in problem.priors]
    return replace(problem, priors=tuple(priors))


def _moved(problem: Problem | JointProblem, x: Array, data: Array) -> Array:
    """Where each trial ends to first order: a good place to start from."""
    return np.asarray(x[:, None] + problem.sensitivity(x) @ (data - problem.data[:, None]))


def _held(problem: Whitened, data: Array, x: Array, low: Array, high: Array, rates: Sequence[int],
          physical: float) -> tuple[Array, NDArray[np.bool_]]:  # fmt: skip
    """Solved, and with a rate slower than decay held at decay, as a fit holds it."""
    free = np.ones(x.shape, dtype=bool)
    found, arrived = solve_many(problem, data, x, free=free, low=low, high=high)
    slow = np.zeros(x.shape[1], dtype=bool)
    for i in rates if physical > 0 else ():
        here = found[i] < np.log(physical)
        free[i, here] = False
        found[i, here] = np.log(physical)
        slow |= here
    if slow.any():
        found[:, slow], arrived[slow] = solve_many(
            problem, data[:, slow], found[:, slow], free=free[:, slow], low=low, high=high
        )
    return found, arrived


def _trapezoids(fit: Fit, draws: Draws, lines: trapezoid.Lines) -> Array:
    values = np.array([draws.positive(a) for a in fit.samples.activities_mbq])
    rate = LN2 / fit.half_lives_h["effective"].value
    return trapezoid.tia(fit.samples.times_h, values, lines, rate)


def remaining(tia: Uncertain, fits: Sequence[Fit]) -> Uncertain:
    """The parts of an integral that no reading and no prior brings, drawn as they stand.

    That is the choice of a model, and what readings did not see. Causes gathered under the name
    "curve fit, …" are the readings' own.
    """
    known = {c for f in fits for a in f.samples.activities_mbq for c in a.parts}
    known |= {p.cause for f in fits if f.problem for p in f.priors}
    return Uncertain(tia.value, {c: p for c, p in tia.parts.items()
                                 if c not in known and not c.startswith(GATHERED)})  # fmt: skip
