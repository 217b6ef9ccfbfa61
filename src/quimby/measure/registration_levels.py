"""A CT made ready for registration: soft tissue and bone only, at three resolutions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image
from quimby.core.notes import refusal

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]

WORKING_MM = 4.0
BODY_HU = -300.0
WINDOW_HU = (-200.0, 300.0)
"""Soft tissue and bone; the contrast of lungs and air would drown the organs' own."""


@dataclass(frozen=True, eq=False)
class Level:
    """One resolution: windowed HU, smoothed by a voxel, float32 and contiguous."""

    grid: Grid
    values: Float32


@dataclass(frozen=True, eq=False)
class Levels:
    """A CT at about 4 mm (`image`, HU as they are) and what is compared, the finest first.

    `smooth` is the finest level smoothed twice as far, for the measure of likeness.
    """

    image: Image
    levels: tuple[Level, ...]
    smooth: Level

    @property
    def body(self) -> NDArray[np.bool_]:
        """Voxels of `image` above -300 HU."""
        return np.asarray(self.image.array) > BODY_HU

    @property
    def middle_mm(self) -> Float:
        """Centre of what the window shows (LPS)."""
        coarse = self.levels[-1]
        weights = coarse.values.astype(np.float64) - WINDOW_HU[0]
        sums = [weights.sum(axis=axes) for axes in ((0, 1), (0, 2), (1, 2))]
        total = max(float(weights.sum()), 1e-9)
        return coarse.grid.points_mm([float(s @ np.arange(len(s))) / total for s in sums])


def levels_of(image: Image, where: str) -> Levels:
    """Ready a CT (HU). Errors: E-IMG-UNIT, E-IMG-NAN, E-IMG-REG when there is no body in it."""
    if image.unit != "HU":
        raise refusal("E-IMG-UNIT", where=where, unit=image.unit, wanted="HU")
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where=where)
    factors = [max(1, round(WORKING_MM / step)) for step in image.grid.spacing_mm[::-1]]
    working = binned(image.grid, np.ascontiguousarray(image.array), factors)
    if not (working.values > BODY_HU).any():
        raise refusal("E-IMG-REG", where=where)
    plain = [Level(working.grid, np.clip(working.values, *WINDOW_HU))]
    while len(plain) < 3 and min(plain[-1].grid.shape) >= 8:
        plain.append(binned(plain[-1].grid, plain[-1].values, [2, 2, 2]))
    smooth = [smoothed(level) for level in plain]
    return Levels(Image(working.grid, working.values, "HU"), tuple(smooth), smoothed(smooth[0]))


def binned(grid: Grid, array: NDArray[np.generic], factors: list[int]) -> Level:
    """Means over whole blocks of `factors` (slices, rows, columns) voxels; a rest is left out."""
    k, j, i = (max(1, n // f) for n, f in zip(grid.shape, factors, strict=True))
    parts = [min(f, n) for f, n in zip(factors, grid.shape, strict=True)]
    affine = np.array(grid.affine)
    affine[:3, 3] = grid.points_mm([(f - 1) / 2 for f in parts[::-1]])
    affine[:3, :3] *= np.array(parts[::-1])
    return Level(Grid((k, j, i), affine), _means(array, np.array([k, j, i]), np.array(parts)))


def smoothed(level: Level) -> Level:
    """By 1-2-1 along every axis (a standard deviation of 0.7 voxels)."""
    return Level(level.grid, _smooth(_smooth(_smooth(level.values))))


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _means(
    array: NDArray[np.generic], shape: NDArray[np.int64], parts: NDArray[np.int64]
) -> Float32:
    out = np.empty((shape[0], shape[1], shape[2]), dtype=np.float32)
    a, b, c = parts
    share = 1.0 / (a * b * c)
    for k in range(shape[0]):
        for j in range(shape[1]):
            for i in range(shape[2]):
                total = 0.0
                for z in range(k * a, (k + 1) * a):
                    for y in range(j * b, (j + 1) * b):
                        for x in range(i * c, (i + 1) * c):
                            total += array[z, y, x]
                out[k, j, i] = np.float32(total * share)
    return out


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _smooth(array: Float32) -> Float32:
    """1-2-1 along the slices, handed on with its axes turned by one: three times is all three."""
    nk, nj, ni = array.shape
    out = np.empty((nj, ni, nk), dtype=np.float32)
    quarter, half = np.float32(0.25), np.float32(0.5)
    for j in range(nj):
        for k in range(nk):
            below, above = max(k - 1, 0), min(k + 1, nk - 1)
            for i in range(ni):
                sides = array[below, j, i] + array[above, j, i]
                out[j, i, k] = half * array[k, j, i] + quarter * sides
    return out
