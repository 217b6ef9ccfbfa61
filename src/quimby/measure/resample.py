"""Moving values from one grid to another: amounts are conserved, concentrations interpolated."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import refusal

Float = NDArray[np.float64]

EXTENSIVE = frozenset({"counts", "Bq", "kBq", "MBq", "GBq", "MBq h"})
"""Units of amounts in a voxel. All others (Bq/ml, HU, Gy, 1 …) are densities of some kind."""
LOSS_ALLOWED = 0.005
COARSER = 1.2
"""A new voxel this many times as long as an old one is averaged over, not sampled."""


def resample(
    image: Image,
    grid: Grid,
    moved: Rigid | None = None,
    *,
    outside: float | None = None,
    total_within: float | None = LOSS_ALLOWED,
) -> Image:
    """The image on another grid; `moved` takes its points to the grid's frame.

    Intensive values (concentration, HU, Gy) are interpolated linearly, or averaged by volume
    where the new voxels are the larger; amounts in a voxel (counts, Bq) are shared out by
    overlap, so the total stays. `outside` is the value beyond the source (0 for amounts; must
    be given for the others). E-IMG-CONSERVE when an amount's total changes by more than
    `total_within` (None: do not ask), E-IMG-OUTSIDE when a value beyond the source is needed
    and none was given.
    """
    movement = Rigid.identity() if moved is None else moved
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where="resampling")
    if image.unit in EXTENSIVE:
        return _amount(image, grid, movement, total_within)
    return _density(image, grid, movement, outside)


def _amount(image: Image, grid: Grid, moved: Rigid, total_within: float | None) -> Image:
    source = np.ascontiguousarray(image.values)
    divide = _divisions(image.grid, grid)
    to_new = _index_map(image.grid, grid, moved)
    new = _shared_out(source, to_new, np.array(grid.shape), np.array(divide))
    before, after = float(source.sum()), float(new.sum())
    if total_within is not None and abs(after - before) > total_within * abs(before):
        change = after / before - 1.0 if before else float("inf")
        raise refusal("E-IMG-CONSERVE", where="resampling", value=change, limit=total_within)
    return Image(grid, new, image.unit)


def _divisions(source: Grid, target: Grid) -> tuple[int, int, int]:
    """Parts of a source voxel along (slice, row, column): a fifth of the finer voxel each."""
    fine = min(*source.spacing_mm, *target.spacing_mm) / 5
    k, j, i = (max(2, int(np.ceil(step / fine))) for step in source.spacing_mm[::-1])
    return min(k, 20), min(j, 20), min(i, 20)


def _index_map(source: Grid, target: Grid, moved: Rigid) -> Float:
    forth = np.eye(4)
    forth[:3, :3], forth[:3, 3] = moved.rotation, moved.translation_mm
    return np.ascontiguousarray((np.linalg.inv(target.affine) @ forth @ source.affine)[:3])


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _shared_out(
    source: Float, to_new: Float, shape: NDArray[np.int64], divide: NDArray[np.int64]
) -> Float:
    """Each source voxel in equal parts, every part given to the new voxel it lies in.

    Nothing is lost but what lies beyond the new grid.
    """
    new = np.zeros((shape[0], shape[1], shape[2]))
    parts = divide[0] * divide[1] * divide[2]
    for k in range(source.shape[0]):
        for j in range(source.shape[1]):
            for i in range(source.shape[2]):
                if source[k, j, i] == 0.0:
                    continue
                amount = source[k, j, i] / parts
                for c in range(divide[0]):
                    z = k + (c + 0.5) / divide[0] - 0.5
                    for b in range(divide[1]):
                        y = j + (b + 0.5) / divide[1] - 0.5
                        for a in range(divide[2]):
                            x = i + (a + 0.5) / divide[2] - 0.5
                            u, v, w = _nearest(to_new, x, y, z)
                            if 0 <= u < shape[2] and 0 <= v < shape[1] and 0 <= w < shape[0]:
                                new[w, v, u] += amount
    return new


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _nearest(m: Float, x: float, y: float, z: float) -> tuple[int, int, int]:
    u = np.floor(m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3] + 0.5)
    v = np.floor(m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3] + 0.5)
    w = np.floor(m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3] + 0.5)
    return int(u), int(v), int(w)


def _density(image: Image, grid: Grid, moved: Rigid, outside: float | None) -> Image:
    to_source = np.linalg.inv(image.grid.affine) @ _matrix(moved.inverse()) @ grid.affine
    source = np.ascontiguousarray(image.array)
    divide = np.array(_points(image.grid, grid))
    values = _averaged(source, np.ascontiguousarray(to_source[:3]), np.array(grid.shape), divide)
    beyond = ~np.isfinite(values)
    if beyond.any():
        if outside is None:
            raise refusal("E-IMG-OUTSIDE", where="resampling", value=float(beyond.mean()))
        values[beyond] = outside
    return Image(grid, values, image.unit)


def _points(source: Grid, target: Grid) -> tuple[int, int, int]:
    """Points to average along (slice, row, column) of a new voxel: one for each old one in it."""
    i, j, k = (
        1 if new <= COARSER * old else int(np.ceil(new / old))
        for new, old in zip(target.spacing_mm, source.spacing_mm, strict=True)
    )
    return k, j, i


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _averaged(
    source: NDArray[np.generic], m: Float, shape: NDArray[np.int64], divide: NDArray[np.int64]
) -> Float:
    """Mean of the source over points spread in each new voxel; NaN where one lies beyond it."""
    out = np.empty((shape[0], shape[1], shape[2]))
    parts = divide[0] * divide[1] * divide[2]
    for k in range(shape[0]):
        for j in range(shape[1]):
            for i in range(shape[2]):
                total = 0.0
                for c in range(divide[0]):
                    z = k + (c + 0.5) / divide[0] - 0.5
                    for b in range(divide[1]):
                        y = j + (b + 0.5) / divide[1] - 0.5
                        for a in range(divide[2]):
                            x = i + (a + 0.5) / divide[2] - 0.5
                            u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
                            v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
                            w = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
                            total += _linear(source, u, v, w)
                out[k, j, i] = total / parts
    return out


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _linear(source: NDArray[np.generic], u: float, v: float, w: float) -> float:
    """Trilinear value at (column, row, slice); to half a voxel beyond the centres the edge's."""
    nk, nj, ni = source.shape
    if u < -0.5 or u > ni - 0.5 or v < -0.5 or v > nj - 0.5 or w < -0.5 or w > nk - 0.5:
        return np.nan
    u, v, w = min(max(u, 0.0), ni - 1.0), min(max(v, 0.0), nj - 1.0), min(max(w, 0.0), nk - 1.0)
    i, j, k = int(u), int(v), int(w)
    p, q, r = u - i, v - j, w - k
    i2, j2, k2 = min(i + 1, ni - 1), min(j + 1, nj - 1), min(k + 1, nk - 1)
    low = (1 - q) * ((1 - p) * source[k, j, i] + p * source[k, j, i2]) + q * (
        (1 - p) * source[k, j2, i] + p * source[k, j2, i2]
    )
    high = (1 - q) * ((1 - p) * source[k2, j, i] + p * source[k2, j, i2]) + q * (
        (1 - p) * source[k2, j2, i] + p * source[k2, j2, i2]
    )
    return float((1 - r) * low + r * high)


def _matrix(moved: Rigid) -> Float:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = moved.rotation, moved.translation_mm
    return matrix


def _read(image: Image, index: list[Float]) -> Float:
    """Linear interpolation; within half a voxel of the outermost centres the edge value."""
    found = map_coordinates(
        np.asarray(image.array, dtype=np.float64), index, order=1, mode="nearest"
    )
    for place, count in zip(index, image.grid.shape, strict=True):
        found[(place < -0.5) | (place > count - 0.5)] = np.nan
    return np.asarray(found, dtype=np.float64)


def sampled(image: Image, points_mm: Float, *, outside: float) -> Float:
    """Values at LPS points (n, 3), interpolated linearly; `outside` beyond the image."""
    index = image.grid.index_of(points_mm)
    values = _read(image, [index[..., 2], index[..., 1], index[..., 0]])
    return np.where(np.isfinite(values), values, outside)
