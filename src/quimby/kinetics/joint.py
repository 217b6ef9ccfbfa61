"""Curves of several regions of one patient, fitted together.

One scan's own factor (its counting time, its dead time, an activity standard that drifted) moves
all regions alike. Fitted apart, each region takes that for noise of its own. Fitted together, the
readings tell it: their covariance is what is random on the diagonal and, for each shared cause,
the product of its parts, `V = D + S S'`. That is the same as one more unknown for each cause,
known to zero with a doubt of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf, log
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.kinetics.fit import SLOWER_IN_NOISE, UNSEEN_U_LN, Agreement, Carry, Fit, enough
from quimby.kinetics.fit import reported as as_fit
from quimby.kinetics.models import LN2, Array, model
from quimby.kinetics.priors import Prior
from quimby.kinetics.samples import samples
from quimby.kinetics.solve import Problem, bounds, edges, solve


def unsigned(cause: str) -> bool:
    """Whether a cause's parts have lost their signs, so that no region tells of another by it.

    A shift gains in one organ what it loses in another, and `measure.partial_volume` keeps the
    size alone. Such a cause is shared in sums, not weighed as shared.
    """
    return cause.startswith("registration, ") and not cause.startswith("registration, planar")


@dataclass(frozen=True, eq=False)
class Part:
    """One region of a joint fit."""

    name: str
    times_h: tuple[float, ...]
    activities_mbq: tuple[Uncertain, ...]
    model: str
    priors: tuple[Prior, ...] = ()
    washout: str = ""  # regions of one name here have one effective half-life


@dataclass(frozen=True, eq=False)
class JointProblem:
    """Several problems with one covariance of their data.

    `index` says which of the joint logarithms each one's own are; `scan_parts` (data, causes)
    are the relative parts of causes that regions share.
    """

    blocks: tuple[Problem, ...]
    index: tuple[tuple[int, ...], ...]
    scan_parts: Array
    size: int
    held: tuple[tuple[int, float], ...] = ()

    @cached_property
    def data(self) -> Array:
        """Logarithms: each region's samples and priors in turn."""
        return np.concatenate([b.data for b in self.blocks])

    @cached_property
    def covariance(self) -> Array:
        """Of what is random in the data, `D + S S'`."""
        own = np.concatenate([b.spread for b in self.blocks]) ** 2
        shared = np.sum(self.scan_parts**2, axis=1)
        return np.asarray(np.diag(own - shared) + self.scan_parts @ self.scan_parts.T)

    @cached_property
    def whitener(self) -> Array:
        """Makes the data's deviations independent and of size one."""
        return np.asarray(np.linalg.inv(np.linalg.cholesky(self.covariance)), dtype=np.float64)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each region's data begin."""
        return tuple(np.cumsum([0, *(len(b.spread) for b in self.blocks)]).tolist())

    def predicted(self, x: Array) -> tuple[Array, Array]:
        """Logarithms the models give for the data, and their slopes."""
        values, slopes = [], []
        for block, index in zip(self.blocks, self.index, strict=True):
            value, slope = block.predicted(x[list(index)])
            wide = np.zeros((len(value), self.size, *slope.shape[2:]))
            wide[:, list(index)] = slope
            values.append(value)
            slopes.append(wide)
        return np.concatenate(values), np.concatenate(slopes)

    def among(self, _: NDArray[np.int_]) -> Self:
        """The same for any sets of readings: all are taken at the same times."""
        return self

    def residuals(self, x: Array) -> Array:
        """Whitened data less curves."""
        return np.asarray(self.whitener @ (self.data - self.predicted(x)[0]))

    def sensitivity(self, x: Array) -> Array:
        """d(parameter)/d(ln datum), (parameters, data); nothing moves one that is held."""
        design = self.whitener @ self.predicted(x)[1]
        held = [i for i, _ in self.held]
        design[:, held] = 0.0
        scale = np.linalg.norm(design, axis=0)
        scale[held] = 1.0
        if not np.all(scale > 0):
            raise refusal("E-TIA-NOCLEAR", where="curves", what="a phase has no slope left")
        inverse = np.linalg.pinv(design / scale, rcond=1e-12) / scale[:, None]
        return np.asarray(inverse @ self.whitener, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Joint:
    """Fits by region, and the problem they were solved from."""

    fits: dict[str, Fit]
    problem: JointProblem
    x: Array


def fit_together(
    parts: Sequence[Part], *, physical_half_life_h: float = inf,
    noise_u: float = SLOWER_IN_NOISE,
) -> Joint:  # fmt: skip
    """Fit the curves of several regions at once (generalised least squares of logarithms).

    A cause that one sample of each of several regions has is shared and weighed by its parts;
    one of a single sample is random; one of several samples of a region is systematic and only
    carried through, as in `fit`. Every result keeps all causes by name, so that `total` over
    regions has the right doubt. chi2 and degrees of freedom of each fit are those of all.

    Raises what `fit` raises, with the region in it.
    """
    blocks = tuple(_block(part, physical_half_life_h) for part in parts)
    index, size = _index(parts, blocks)
    problem = JointProblem(blocks, index, _scan_parts(blocks), size)
    x = _solved(problem, _start(problem))
    problem, x, notes = _held(problem, x, parts, noise_u)
    carried = problem.sensitivity(x)
    _seen(problem, x, carried, parts)
    fits = {
        part.name: _one(problem, x, carried, n, notes=notes.get(part.name, ()), where=part.name)
        for n, part in enumerate(parts)
    }
    return Joint(fits, problem, x)


def _block(part: Part, physical_h: float) -> Problem:
    chosen = model(part.model)
    read = samples(part.times_h, part.activities_mbq, where=part.name)
    used = tuple(p for p in part.priors if chosen.has(p.quantity))
    enough(chosen, read, used, part.name)
    return Problem(chosen, read, used, LN2 / physical_h)


def _index(parts: Sequence[Part], blocks: Sequence[Problem]
           ) -> tuple[tuple[tuple[int, ...], ...], int]:  # fmt: skip
    """Places of each region's logarithms among the joint ones; a shared washout has one."""
    taken: dict[str, int] = {}
    rows, size = [], 0
    for part, block in zip(parts, blocks, strict=True):
        row = []
        for name in block.model.logs:
            if name == "rate" and part.washout in taken:
                row.append(taken[part.washout])
                continue
            if name == "rate" and part.washout:
                taken[part.washout] = size
            row.append(size)
            size += 1
        rows.append(tuple(row))
    return tuple(rows), size


def _scan_parts(blocks: Sequence[Problem]) -> Array:
    """Relative parts of causes that one sample of each of several regions has."""
    regions = Counter(c for b in blocks for c in b.samples.random_causes)
    systematic = {
        c
        for b in blocks
        for a in b.samples.activities_mbq
        for c in a.parts
        if c not in b.samples.random_causes and a.parts[c] != 0.0
    }
    shared = sorted(
        c for c, count in regions.items() if count > 1 and c not in systematic and not unsigned(c)
    )
    rows = []
    for block in blocks:
        rows += [[a.parts.get(c, 0.0) / a.value for c in shared]
                 for a in block.samples.activities_mbq]  # fmt: skip
        rows += [[0.0] * len(shared)] * len(block.priors)
    found = np.array(rows, dtype=np.float64).reshape(len(rows), len(shared))
    return np.asarray(found[:, found.any(axis=0)])


def _start(problem: JointProblem) -> Array:
    """Where each region by itself ends; a shared logarithm starts from their mean."""
    found: list[list[float]] = [[] for _ in range(problem.size)]
    for block, index in zip(problem.blocks, problem.index, strict=True):
        for place, value in zip(index, solve(block), strict=True):
            found[place].append(float(value))
    return np.array([np.mean(row) for row in found])


def joint_bounds(problem: JointProblem) -> tuple[Array, Array]:
    """Ranges of the joint logarithms, wide, there to keep the search out of overflow."""
    low, high = np.full(problem.size, -inf), np.full(problem.size, inf)
    for block, index in zip(problem.blocks, problem.index, strict=True):
        one, two = bounds(block)
        low[list(index)] = np.maximum(low[list(index)], one)
        high[list(index)] = np.minimum(high[list(index)], two)
    return low, high


def _solved(problem: JointProblem, start: Array) -> Array:
    low, high = joint_bounds(problem)
    held = dict(problem.held)
    free = [i for i in range(problem.size) if i not in held]
    fixed = np.clip(start, low + 1e-6, high - 1e-6)
    for i, value in held.items():
        fixed[i] = value

    def whole(some: Array) -> Array:
        x = fixed.copy()
        x[free] = some
        return x

    def slopes(some: Array) -> Array:
        return np.asarray(-(problem.whitener @ problem.predicted(whole(some))[1])[:, free])

    found = least_squares(
        lambda some: problem.residuals(whole(some)), fixed[free], slopes,
        bounds=(low[free], high[free]), xtol=1e-13, ftol=1e-14, gtol=1e-13, x_scale=1.0,
        max_nfev=300,
    )  # fmt: skip
    return whole(found.x)


def _held(problem: JointProblem, x: Array, parts: Sequence[Part], noise_u: float
          ) -> tuple[JointProblem, Array, dict[str, tuple[Note, ...]]]:  # fmt: skip
    """The answer with T_eff <= T_phys in every region, as `fit` holds it."""
    notes: dict[str, tuple[Note, ...]] = {}
    root = np.linalg.cholesky(problem.covariance)
    for part, block, index in zip(parts, problem.blocks, problem.index, strict=True):
        if "rate" not in block.model.logs:
            continue
        place, physical = index[1], block.physical_rate
        rate = float(np.exp(x[place]))
        if rate * part.times_h[-1] < 1e-3:
            raise refusal("E-TIA-NOCLEAR", where=part.name,
                          what=f"it does not fall up to {max(part.times_h):g} h")  # fmt: skip
        if rate >= physical * (1 - 1e-9):
            continue
        u_ln = float(np.linalg.norm(problem.sensitivity(x)[place] @ root))
        if physical - rate > noise_u * u_ln * rate:
            raise refusal("E-TIA-TEFF-GT-TPHYS", where=part.name, effective=LN2 / rate,
                          physical=LN2 / physical)  # fmt: skip
        problem = replace(problem, held=(*problem.held, (place, log(physical))))
        x = _solved(problem, x)
        notes[part.name] = (note("W-TIA-AT-PHYSICAL", where=part.name, value=LN2 / rate,
                                 limit=LN2 / physical),)  # fmt: skip
    return problem, x, notes


def _seen(problem: JointProblem, x: Array, carried: Array, parts: Sequence[Part]) -> None:
    """Refuse a model of which a region's readings show some phase not at all (E-TIA-UNSEEN)."""
    u_ln = np.linalg.norm(carried @ np.linalg.cholesky(problem.covariance), axis=1)
    held = {i for i, _ in problem.held}
    for part, block, index in zip(parts, problem.blocks, problem.index, strict=True):
        lost = set(edges(block, x[list(index)]))
        named = zip(block.model.logs, index, strict=True)
        lost |= {name for name, i in named if u_ln[i] > UNSEEN_U_LN}
        lost -= {n for n, i in zip(block.model.logs, index, strict=True) if i in held}
        if lost:
            raise refusal("E-TIA-UNSEEN", where=part.name, model=block.model.name,
                          what=" and ".join(sorted(lost)))  # fmt: skip


def _one(problem: JointProblem, x: Array, carried: Array, n: int, *,
         notes: tuple[Note, ...], where: str) -> Fit:  # fmt: skip
    """One region's fit, its doubt carried from the readings of all of them."""
    block, index, first = problem.blocks[n], list(problem.index[n]), problem.offsets[n]
    inputs = [v for b in problem.blocks
              for v in (*b.samples.activities_mbq, *(p.as_datum() for p in b.priors))]  # fmt: skip
    units = np.concatenate([b.units for b in problem.blocks])
    doubt = np.concatenate([b.doubt for b in problem.blocks])
    weight = np.concatenate([b.spread for b in problem.blocks])
    root = np.linalg.cholesky(problem.covariance) * (doubt / weight)[:, None]
    carry = Carry(inputs, units, carried[index], root)
    misfit = problem.residuals(x)
    count = len(block.samples.times_h)
    apart = (block.data - block.predicted(x[index])[0]) / block.spread
    said = Agreement(
        tuple(map(float, apart[:count])), float(misfit @ misfit),
        len(misfit) - problem.size + len(problem.held), _told(problem, carried, x),
    )  # fmt: skip
    return as_fit(block, x[index], carry, said, first=first, where=where,
                  notes=(*block.samples.notes, *notes))  # fmt: skip


def _told(problem: JointProblem, carried: Array, x: Array) -> float:
    """How many parameters the samples of all regions settle."""
    hat = np.diag(problem.predicted(x)[1] @ carried)
    return float(
        sum(
            np.sum(hat[first : first + len(block.samples.times_h)])
            for first, block in zip(problem.offsets, problem.blocks, strict=False)
        )
    )


def common_factor(activity: Uncertain, scan: str, u: float) -> Uncertain:
    """An activity with a factor that all regions of its scan share, relative uncertainty `u`."""
    return activity.because(f"common factor of {scan}", u * activity.value)
