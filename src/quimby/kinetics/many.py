"""One curve fitted to very many sets of readings: what Monte Carlo needs.

Levenberg-Marquardt of all sets side by side, from the answer to the readings themselves moved by
its own slopes. Sets that have arrived are left alone.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quimby.kinetics.models import Array

ROUNDS = (4, 8, 50)  # after each, those that have not arrived are packed together
ARRIVED = 2e-4  # of chi-square promised by the last step: a hundredth of a standard uncertainty
BLOCK = 5000  # sets at a time: small enough to stay in the cache
FREE = 1e-2  # damping below which a small step means arrival, and not a step held back
EDGE = 1e-3
MORE, LESS, LEAST_DAMPING = 8.0, 0.2, 1e-9


class Whitened(Protocol):
    """A problem of least squares: data, curve, and what makes deviations independent."""

    @property
    def data(self) -> Array: ...

    @property
    def whitener(self) -> Array: ...

    def predicted(self, x: Array) -> tuple[Array, Array]: ...


def solve_many(
    problem: Whitened, data: Array, start: Array, *, free: NDArray[np.bool_], low: Array,
    high: Array,
) -> tuple[Array, NDArray[np.bool_]]:  # fmt: skip
    """Logarithms (k, d) that fit each column of `data` (m, d) best, and which have arrived.

    One that ends at the edge of its range has not: there a phase is not seen at all.

    `start` (k, d); `free` (k, d) says which logarithms may move; `low` and `high` (k,).
    """
    x, left = start.copy(), np.arange(data.shape[1])
    for rounds in ROUNDS:
        done = np.zeros(len(left), dtype=bool)
        for first in range(0, len(left), BLOCK):
            here = left[first : first + BLOCK]
            x[:, here], done[first : first + BLOCK] = _block(
                problem, data[:, here], x[:, here], free[:, here], low[:, None], high[:, None],
                rounds=rounds)  # fmt: skip
        left = left[~done]
    arrived = np.ones(data.shape[1], dtype=bool)
    arrived[left] = False
    at_edge = ((x < low[:, None] + EDGE) | (x > high[:, None] - EDGE)) & free
    return x, arrived & ~at_edge.any(axis=0)


def _block(problem: Whitened, data: Array, x: Array, free: NDArray[np.bool_], low: Array,
           high: Array, *, rounds: int) -> tuple[Array, NDArray[np.bool_]]:  # fmt: skip
    left = np.arange(data.shape[1])
    x, done = np.clip(x, low, high), np.zeros(data.shape[1], dtype=bool)
    damping = np.full(data.shape[1], 1e-6)
    misfit, design = _whitened(problem, data, x)
    cost = np.sum(misfit**2, axis=0)
    for _ in range(rounds):
        step, gain = _step(misfit, design, free[:, left], damping[left])
        tried = np.clip(x[:, left] + step, low, high)
        last = (gain < ARRIVED) & (damping[left] < FREE)  # the step is taken on trust
        x[:, left[last]] = tried[:, last]
        done[left[last]] = True
        left, tried = left[~last], tried[:, ~last]
        if not len(left):
            break
        misfit, design = misfit[:, ~last], design[:, :, ~last]
        new_misfit, new_design = _whitened(problem, data[:, left], tried)
        new_cost = np.sum(new_misfit**2, axis=0)
        better = new_cost <= cost[left]
        still = (np.abs(cost[left] - new_cost) < ARRIVED) & (damping[left] < FREE)
        x[:, left[better]] = tried[:, better]
        cost[left[better]] = new_cost[better]
        damping[left] = np.where(better, np.maximum(damping[left] * LESS, LEAST_DAMPING),
                                 damping[left] * MORE)  # fmt: skip
        misfit = np.where(better, new_misfit, misfit)
        design = np.where(better, new_design, design)
        done[left[still]] = True
        left, misfit, design = left[~still], misfit[:, ~still], design[:, :, ~still]
        if not len(left):
            break
    return x, done


def _whitened(problem: Whitened, data: Array, x: Array) -> tuple[Array, Array]:
    values, slopes = problem.predicted(x)
    white = problem.whitener
    return white @ (data - values), np.einsum("ij,jkd->ikd", white, slopes)


def _step(misfit: Array, design: Array, free: NDArray[np.bool_], damping: Array
          ) -> tuple[Array, Array]:  # fmt: skip
    """Solution of the damped normal equations of every set (k, d), and the gain it promises."""
    design = design * free
    size = np.sqrt(np.sum(design**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    scaled = np.moveaxis(design / size, 2, 0)  # (d, m, k)
    normal = scaled.transpose(0, 2, 1) @ scaled
    k = normal.shape[1]
    fixed = ~free.T  # held logarithms: a one on the diagonal, nothing beside it
    normal[:, np.arange(k), np.arange(k)] += damping[:, None] + fixed
    right = np.einsum("dmk,md->dk", scaled, misfit)
    found = np.linalg.solve(normal, right[:, :, None])[:, :, 0]
    return np.asarray(found.T / size), np.asarray(np.sum(found * right, axis=1))
