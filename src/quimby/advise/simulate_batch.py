"""Many small fits at once: the same least squares as `kinetics.solve`, over all patients.

Only what is plainly the answer is returned: a patient whose fit stopped at an edge, is slower
than decay, is rejected by chi-square or did not settle is left to `kinetics` itself. Tests hold
the two to each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from quimby.advise.simulate_curves import Array
from quimby.kinetics.choose import REJECT_BELOW
from quimby.kinetics.fit import UNSEEN_U_LN
from quimby.kinetics.models import LN2
from quimby.kinetics.priors import Prior

NDBool = NDArray[np.bool_]
MODELS: Mapping[str, tuple[str, ...]] = {
    "partial-uptake": ("effective", "uptake", "start ratio"),
    "uptake-clearance": ("effective", "uptake"),
    "mono": ("effective",),
}
"""Models that are solved here, with the quantities that a prior may speak of.

A model has one logarithm more than that: its amplitude.
"""
STEPS, SETTLED = 300, 1e-9
RANGE = 12.0  # of a logarithm about its start; wider is no plain answer
FIRST_EXCESS_H = 4.0  # uptake half-life to start from where no population tells one
START_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Batch:
    """Readings of n patients, m each: hours, logarithms, and relative random u; all (n, m)."""

    times_h: Array
    logs: Array
    spread: Array


@dataclass(frozen=True, eq=False)
class Told:
    """Priors as residuals: which quantity, its logarithm and spread."""

    quantities: tuple[str, ...]
    logs: Array
    spread: Array


def told(priors: Sequence[Prior], model: str) -> Told:
    """The priors that mean anything to the model."""
    used = [p for p in priors if p.quantity in MODELS[model]]
    return Told(tuple(p.quantity for p in used), np.log([p.median for p in used]),
                np.array([p.sd_ln for p in used]))  # fmt: skip


def chosen(batch: Batch, models: Sequence[str], priors: Sequence[Prior], *, half_life_h: float
           ) -> Array:  # fmt: skip
    """Integral by the rule of `kinetics.choose`, (n,): the first model that is not rejected, or
    of all that are rejected the likeliest. NaN where a fit on the way is not plain.
    """
    found = np.full(len(batch.logs), np.nan)
    likeliest, asked = np.full(len(found), -1.0), np.ones(len(found), dtype=bool)
    for model in models:
        rows = np.flatnonzero(asked)
        if model not in MODELS or not len(rows):
            break
        part = Batch(batch.times_h[rows], batch.logs[rows], batch.spread[rows])
        values, p = integrals(part, model, priors, half_life_h=half_life_h)
        best = np.isnan(values) | (p > likeliest[rows])
        found[rows[best]], likeliest[rows[best]] = values[best], p[best]
        asked[rows] = np.isfinite(values) & (p < REJECT_BELOW)
    else:
        return found
    found[asked] = np.nan  # a model that is not solved here might be the one
    return found


def integrals(
    batch: Batch, model: str, priors: Sequence[Prior], *, half_life_h: float
) -> tuple[Array, Array]:
    """Integral of each patient's fitted curve, and p of its chi-square; (n,) each.

    NaN where the fit is not plain; p is one with no degree of freedom.
    """
    known, size = told(priors, model), len(MODELS[model]) + 1
    count = len(batch.logs)
    if batch.logs.shape[1] + len(known.quantities) < size:
        return np.full(count, np.nan), np.ones(count)
    start = _start(batch, known, size, LN2 / half_life_h)
    x, settled = _descend(batch, known, start)
    residuals, slopes = _residuals(batch, known, x)
    plain = settled & (np.abs(x - start).max(axis=1) < RANGE)
    plain &= x[:, 1] >= log(LN2 / half_life_h)
    plain &= _u_ln(slopes, plain) <= UNSEEN_U_LN
    free = residuals.shape[1] - size
    p = gammaincc(free / 2, np.sum(residuals**2, axis=1) / 2) if free > 0 else np.ones(count)
    a, k, fast, share = _parts(x)
    return np.where(plain, a / k - a * (1 - share) / fast, np.nan), p


def _u_ln(slopes: Array, where: NDBool) -> Array:
    """Largest standard doubt of a logarithm, (n,)."""
    found = np.full(len(slopes), np.inf)
    if where.any():
        square = np.einsum("nri,nrj->nij", slopes[where], slopes[where])
        spread = np.diagonal(np.linalg.pinv(square), axis1=1, axis2=2)
        found[where] = np.sqrt(np.abs(spread)).max(axis=1)
    return found


def _parts(x: Array) -> tuple[Array, Array, Array, Array]:
    """Amplitude, rate, fast rate and share at the start; one exponential has all at the start."""
    a, k = np.exp(x[:, :2]).T
    excess = np.exp(x[:, 2]) if x.shape[1] > 2 else np.ones_like(a)
    share = np.exp(x[:, 3]) if x.shape[1] > 3 else np.full_like(a, float(x.shape[1] == 2))
    return a, k, k + excess, share


def _start(batch: Batch, known: Told, size: int, physical: float) -> Array:
    medians = dict(zip(known.quantities, np.exp(known.logs), strict=True))
    n, m = batch.logs.shape
    rate = np.full(n, LN2 / medians["effective"] if "effective" in medians else 2 * physical)
    if m > 1:
        late = (batch.logs[:, -2] - batch.logs[:, -1]) / (batch.times_h[:, -1]
                                                          - batch.times_h[:, -2])  # fmt: skip
        rate = np.where(late > 0, late, rate)
    excess = np.full(n, LN2 / medians.get("uptake", FIRST_EXCESS_H))
    share = np.full(n, medians.get("start ratio", START_SHARE))
    columns = [batch.logs[:, -1] + rate * batch.times_h[:, -1], *np.log([rate, excess, share])]
    return np.stack(columns[:size], axis=1)


def _residuals(batch: Batch, known: Told, x: Array) -> tuple[Array, Array]:
    """(curve - data) / spread, (n, m + p), and its slopes, (n, m + p, size)."""
    a, k, fast, share = (v[:, None] for v in _parts(x))
    t, excess = batch.times_h, fast - k
    slow_left, fast_left = np.exp(-k * t), (1 - share) * np.exp(-fast * t)
    height = np.maximum(slow_left - fast_left, 1e-290)  # over the amplitude
    by_k = -k * t
    by_excess = excess * t * fast_left / height
    by_share = share * np.exp(-fast * t) / height
    curve = [np.ones_like(height), by_k, by_excess, by_share][: x.shape[1]]
    of_data = (np.log(a) + np.log(height) - batch.logs) / batch.spread
    slopes = np.stack(curve, axis=2) / batch.spread[:, :, None]
    rows, tilts = [of_data], [slopes]
    for i, name in enumerate(known.quantities):
        value, tilt = _told_value(name, x, k[:, 0], excess[:, 0])
        rows.append(((value - known.logs[i]) / known.spread[i])[:, None])
        tilts.append(tilt[:, None, :] / known.spread[i])
    return np.concatenate(rows, axis=1), np.concatenate(tilts, axis=1)


def _told_value(name: str, x: Array, k: Array, excess: Array) -> tuple[Array, Array]:
    tilt = np.zeros_like(x)
    if name == "start ratio":
        tilt[:, 3] = 1.0
        return x[:, 3], tilt
    if name == "effective":
        tilt[:, 1] = -1.0
        return log(LN2) - x[:, 1], tilt
    fast = k + excess
    tilt[:, 1], tilt[:, 2] = -k / fast, -excess / fast
    return np.log(LN2 / fast), tilt


def _descend(batch: Batch, known: Told, start: Array) -> tuple[Array, NDBool]:
    """Levenberg and Marquardt for every patient, each with a damping of his own."""
    x, rows = start.copy(), np.arange(len(start))
    settled, damping = np.zeros(len(start), dtype=bool), np.full(len(start), 1e-2)
    for _ in range(STEPS):
        part = Batch(batch.times_h[rows], batch.logs[rows], batch.spread[rows])
        residuals, slopes = _residuals(part, known, x[rows])
        step = _step(residuals, slopes, damping[rows])
        tried = np.clip(x[rows] + step, start[rows] - RANGE, start[rows] + RANGE)
        after = np.sum(_residuals(part, known, tried)[0] ** 2, axis=1)
        better = after <= np.sum(residuals**2, axis=1)
        x[rows] = np.where(better[:, None], tried, x[rows])
        damping[rows] = np.clip(damping[rows] * np.where(better, 0.2, 4.0), 1e-12, 1e8)
        settled[rows] = np.abs(step).max(axis=1) < SETTLED
        rows = np.flatnonzero(~settled)
        if not len(rows):
            break
    return x, settled


def _step(residuals: Array, slopes: Array, damping: Array) -> Array:
    square = np.einsum("nri,nrj->nij", slopes, slopes)
    down = np.einsum("nri,nr->ni", slopes, residuals)
    scale = np.maximum(np.einsum("nii->ni", square), 1e-12)
    damped = square + (damping[:, None] * scale)[:, :, None] * np.eye(square.shape[1])
    return np.asarray(np.clip(-np.linalg.solve(damped, down[..., None])[..., 0], -2.0, 2.0))
