"""Weighted least squares in logarithms: find the parameters and how the data move them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from quimby.core.notes import refusal
from quimby.kinetics.models import LN2, Array, Model
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import Samples

START_FAST_H = (1.0, 4.0, 16.0)
EDGE_HALF_LIVES_H = (0.02, 1e6)


@dataclass(frozen=True, eq=False)
class Problem:
    """Readings, priors and a model. The data are logarithms: samples first, then priors.

    Residuals of logarithms make the answer scale exactly with the activities, and their
    weights are the relative uncertainties. `held` fixes logarithms by index.
    """

    model: Model
    samples: Samples
    priors: tuple[Prior, ...]
    physical_rate: float
    held: tuple[tuple[int, float], ...] = ()

    @property
    def times_h(self) -> Array:
        return np.array(self.samples.times_h)

    @property
    def data(self) -> Array:
        values = [a.value for a in self.samples.activities_mbq]
        return np.log([*values, *(p.median for p in self.priors)])

    @property
    def units(self) -> Array:
        """Change of each datum with its logarithm: a reading's value, one for a prior."""
        readings = [a.value for a in self.samples.activities_mbq]
        return np.array([*readings, *(1.0 for _ in self.priors)])

    @property
    def spread(self) -> Array:
        """What weighs the data: standard uncertainties of the logarithms, nearly none of a
        fixed quantity."""
        pairs = zip(self.samples.random_mbq, self.samples.activities_mbq, strict=True)
        return np.array([*(u / a.value for u, a in pairs), *(p.pull_ln for p in self.priors)])

    @property
    def doubt(self) -> Array:
        """Standard uncertainties of the data's logarithms, that of a fixed quantity as stated."""
        n = len(self.samples.times_h)
        return np.array([*self.spread[:n], *(p.sd_ln for p in self.priors)])

    @property
    def whitener(self) -> Array:
        """Makes the data's deviations independent and of size one, (n + m, n + m)."""
        return np.diag(1 / self.spread)

    def predicted(self, x: Array) -> tuple[Array, Array]:
        """Logarithms the model gives for the data, and their slopes (n + m, k)."""
        return predicted(self.model, x, self.times_h, self.priors, self.physical_rate)

    def among(self, _: NDArray[np.int_]) -> Self:
        """The same for any sets of readings: all are taken at the same times."""
        return self

    def residuals(self, x: Array) -> Array:
        """(data - curve) / spread, samples first."""
        return (self.data - self.predicted(x)[0]) / self.spread

    def sensitivity(self, x: Array) -> Array:
        """How the logarithms answer to the data: d(parameter)/d(ln datum), (k, n + m)."""
        design = self.predicted(x)[1] / self.spread[:, None]
        scale = np.linalg.norm(design, axis=0)
        if not np.all(scale > 0):
            raise refusal("E-TIA-NOCLEAR", where="curve", what="a phase has no slope left")
        inverse = np.linalg.pinv(design / scale, rcond=1e-12) / scale[:, None]
        return np.asarray(inverse / self.spread, dtype=np.float64)

    def told_by_data(self, x: Array) -> float:
        """Effective number of parameters: those the samples settle and not the priors."""
        n = len(self.samples.times_h)
        design = self.predicted(x)[1] / self.spread[:, None]
        hat = design @ np.linalg.pinv(design)
        return float(np.trace(hat[:n, :n]))


def predicted(
    model: Model, x: Array, times_h: Array, priors: Sequence[Prior], physical_rate: float
) -> tuple[Array, Array]:
    """Logarithms a model gives at the times and for the priors, and their slopes.

    Of one curve (n + m,) and (n + m, k), with one more axis of many; see `models.Terms`.
    """
    terms = model.build(x, physical_rate)
    values = np.maximum(terms.activity(times_h), 1e-290)
    slopes = terms.activity_slopes(times_h) / values[:, None]
    told = [model.quantity(p.quantity, x, physical_rate) for p in priors]
    return (
        np.concatenate([np.log(values), *(v[None] for v, _ in told)]),
        np.concatenate([slopes, *(s[None] for _, s in told)]),
    )


def solve(problem: Problem) -> Array:
    """Logarithms that fit best, from several starts; the same input gives the same answer."""
    free = [i for i in range(problem.model.size) if i not in dict(problem.held)]
    low, high = bounds(problem)
    best: tuple[float, Array] | None = None
    logs = problem.data[: len(problem.samples.times_h)]
    for start in starts(problem.model, problem.times_h, logs, problem.priors,
                        problem.physical_rate):  # fmt: skip
        found = _descend(problem, np.clip(start, low + 1e-6, high - 1e-6), free, low, high)
        if best is None or found[0] < best[0] * (1 - 1e-9):
            best = found
    assert best is not None
    return best[1]


def _descend(problem: Problem, start: Array, free: Sequence[int], low: Array, high: Array
             ) -> tuple[float, Array]:  # fmt: skip
    fixed = start.copy()
    for i, value in problem.held:
        fixed[i] = value
    if not free:
        return 0.0, fixed

    def whole(part: Array) -> Array:
        x = fixed.copy()
        x[list(free)] = part
        return x

    def slopes(part: Array) -> Array:
        return -problem.predicted(whole(part))[1][:, list(free)] / problem.spread[:, None]

    found = least_squares(
        lambda part: problem.residuals(whole(part)), start[list(free)], slopes,
        bounds=(low[list(free)], high[list(free)]), xtol=1e-13, ftol=1e-14, gtol=1e-13,
        x_scale=1.0, max_nfev=120,
    )  # fmt: skip
    return float(found.cost), whole(found.x)


def edges(problem: Problem, x: Array) -> tuple[str, ...]:
    """Names of the logarithms that stopped at the edge of their range."""
    low, high = bounds(problem)
    return tuple(
        name
        for i, name in enumerate(problem.model.logs)
        if not low[i] + 1e-3 < x[i] < high[i] - 1e-3
    )


def bounds(problem: Problem) -> tuple[Array, Array]:
    """Range of each logarithm: wide, there to keep the search out of overflow."""
    return limits(problem.model, float(np.mean(problem.data[: len(problem.samples.times_h)])))


def limits(model: Model, middle: float) -> tuple[Array, Array]:
    """The same by the mean logarithm of the readings."""
    slowest, fastest = np.log(LN2 / EDGE_HALF_LIVES_H[1]), np.log(LN2 / EDGE_HALF_LIVES_H[0])
    wide = {"amplitude": (middle - 40, middle + 40), "start ratio": (-9.0, 4.0)}
    pairs = [
        wide["amplitude"] if "amplitude" in name else wide.get(name, (slowest, fastest))
        for name in model.logs
    ]
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def starts(
    model: Model, times_h: Array, logs: Array, priors: Sequence[Prior], physical_rate: float
) -> list[Array]:
    """Starting points: the slow phase from the last readings, the fast ones from a grid.

    Times and logarithms of one set of readings (n,), then points are (k,), or of many (n, d).
    """
    told = {p.quantity: p.median for p in priors}
    rate = _late_rate(times_h, logs, told.get("effective"), physical_rate)
    amplitude = logs[-1] + rate * times_h[-1]
    grids = [_choices(name, told, amplitude, rate) for name in model.logs]
    return [np.array(np.broadcast_arrays(*point)) for point in product(*grids)]


def _late_rate(times: Array, logs: Array, told_h: float | None, physical_rate: float) -> Array:
    usual = LN2 / told_h if told_h else np.maximum(physical_rate, LN2 / (4 * times[-1]))
    if len(times) < 2:
        return np.asarray(usual)
    rate = (logs[-2] - logs[-1]) / (times[-1] - times[-2])
    return np.where(rate > 0, rate, usual)


def _choices(name: str, told: dict[str, float], amplitude: Array, rate: Array) -> list[Array]:
    if name == "amplitude":
        return [amplitude]
    if name == "rate":
        return [np.log(rate)]
    if name == "fast amplitude":
        return [amplitude, amplitude - 2.0]
    if name == "start ratio":
        return [np.log(told.get(name, 0.5))]
    half_life = told.get("uptake" if name == "uptake excess" else "fast")
    return [np.log(LN2 / t) for t in ((half_life,) if half_life else START_FAST_H)]
