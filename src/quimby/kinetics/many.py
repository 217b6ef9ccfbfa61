"""One curve fitted to very many sets of readings: what Monte Carlo and simulated patients need.

Levenberg-Marquardt of all sets side by side; sets that have arrived are left alone. Monte Carlo
starts from the answer to the readings themselves moved by its own slopes, patients from far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from quimby.kinetics.models import Array

BLOCK = 5000  # sets at a time: small enough to stay in the cache
EDGE = 1e-3
MORE, LESS, LEAST_DAMPING = 8.0, 0.2, 1e-9
GOOD, POOR = 0.75, 0.25


class Whitened(Protocol):
    """A problem of least squares: data, curve, and what makes deviations independent."""

    @property
    def data(self) -> Array: ...

    @property
    def whitener(self) -> Array: ...

    def predicted(self, x: Array) -> tuple[Array, Array]: ...

    def among(self, sets: NDArray[np.int_]) -> Self: ...  # the problem of these sets alone


@dataclass(frozen=True, slots=True)
class Search:
    """How far to go, and how boldly to begin."""

    rounds: Sequence[int]  # after each, those that have not arrived are packed together
    arrived: float  # of chi-square promised by the last step
    damping: float
    free: float  # damping below which a small step means arrival, and not a step held back


NEAR = Search((4, 8, 50), 2e-4, 1e-6, 1e-2)  # to a hundredth of a standard uncertainty


def solve_many(
    problem: Whitened, data: Array, start: Array, *, free: NDArray[np.bool_], low: Array,
    high: Array, search: Search = NEAR,
) -> tuple[Array, NDArray[np.bool_]]:  # fmt: skip
    """Logarithms (k, d) that fit each column of `data` (m, d) best, and which have arrived.

    One that ends at the edge of its range has not: there a phase is not seen at all.

    `start` (k, d); `free` (k, d) says which logarithms may move; `low` and `high` (k,).
    """
    x, left = start.copy(), np.arange(data.shape[1])
    for rounds in search.rounds:
        done = np.zeros(len(left), dtype=bool)
        for first in range(0, len(left), BLOCK):
            here = left[first : first + BLOCK]
            x[:, here], done[first : first + BLOCK] = _block(
                problem.among(here), data[:, here], x[:, here], free[:, here], low[:, None],
                high[:, None], rounds=rounds, search=search)  # fmt: skip
        left = left[~done]
    arrived = np.ones(data.shape[1], dtype=bool)
    arrived[left] = False
    return x, arrived & ~(at_edge(x, low, high) & free).any(axis=0)


def at_edge(x: Array, low: Array, high: Array) -> NDArray[np.bool_]:
    """Which logarithms (k, d) have stopped at the edge of their range."""
    return (x < low[:, None] + EDGE) | (x > high[:, None] - EDGE)


def _block(problem: Whitened, data: Array, x: Array, free: NDArray[np.bool_], low: Array,
           high: Array, *, rounds: int, search: Search
           ) -> tuple[Array, NDArray[np.bool_]]:  # fmt: skip
    left = np.arange(data.shape[1])
    x, done = np.clip(x, low, high), np.zeros(data.shape[1], dtype=bool)
    damping = np.full(data.shape[1], search.damping)
    misfit, design = _whitened(problem, data, x)
    cost = np.sum(misfit**2, axis=0)
    for _ in range(rounds):
        step, gain = _step(misfit, design, free[:, left], damping[left])
        tried = np.clip(x[:, left] + step, low, high)
        last = (gain < search.arrived) & (damping[left] < search.free)  # the step is taken on trust
        x[:, left[last]] = tried[:, last]
        done[left[last]] = True
        left, tried = left[~last], tried[:, ~last]
        if not len(left):
            break
        misfit, design = misfit[:, ~last], design[:, :, ~last]
        new_misfit, new_design = _whitened(problem.among(left), data[:, left], tried)
        new_cost = np.sum(new_misfit**2, axis=0)
        better = new_cost <= cost[left]
        came = cost[left] - new_cost
        still = (np.abs(came) < search.arrived) & (damping[left] < search.free)
        x[:, left[better]] = tried[:, better]
        cost[left[better]] = new_cost[better]
        kept = came / gain[~last]  # of what was promised: little on a curved way, too, is too far
        factor = np.where(kept > GOOD, LESS, np.where(kept < POOR, MORE, 1.0))
        damping[left] = np.maximum(damping[left] * factor, LEAST_DAMPING)
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
