"""Least squares between two images over six parameters, by Gauss-Newton with robust weights.

The slopes are those of the fixed image, worked out once ("inverse compositional": Baker and
Matthews, Int J Comput Vis 2004;56:221-255). What one image has and the other has not, such as an
arm or a couch that moved, loses its weight by Cauchy's function (Holland and Welsch, Commun Stat
1977;A6:813-827). All sums run in one order on one thread: the same images give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quimby.core.grid import Grid, Rigid
from quimby.measure.registration_levels import Level

Float = NDArray[np.float64]

CAUCHY = 2.385
MAD_TO_SIGMA = 1.4826
LEAST_SCALE = 0.3
"""Least spread of what is left over that counts as usual, in spreads of the image: where most
voxels are flat their noise would decide, and every edge would be an outlier."""
STEPS = 40
STILL_MM, ARM_MM = 0.002, 150.0
LEAST_POINTS = 50


@dataclass(frozen=True, eq=False)
class Samples:
    """Points of the fixed image (n, 3) in LPS mm, its values there, and their slopes per mm."""

    points_mm: Float
    values: Float
    slopes: Float


def samples(level: Level, most: int, *, within: NDArray[np.bool_] | None = None) -> Samples:
    """The voxels with the steepest slopes (about `most`), away from the rim of the image.

    `within` leaves out all others. Voxels that are flat are never taken.
    """
    slopes = _slopes(level.values)
    steep = np.einsum("aijk,aijk->ijk", slopes, slopes)
    if within is not None:
        steep[~within[1:-1, 1:-1, 1:-1]] = 0.0
    flat = steep.ravel()
    least = 0.0
    if most < flat.size:
        least = float(np.partition(flat, flat.size - most)[flat.size - most])
    k, j, i = np.nonzero((steep > 0.0) & (steep >= least))
    index = np.stack([i, j, k], axis=-1) + 1.0
    in_index = slopes[::-1, k, j, i].T.astype(np.float64)  # along (column, row, slice)
    in_mm = in_index @ np.linalg.inv(level.grid.affine[:3, :3])
    values = level.values[k + 1, j + 1, i + 1].astype(np.float64)
    return Samples(level.grid.points_mm(index), values, in_mm)


def _slopes(array: NDArray[np.float32]) -> NDArray[np.float32]:
    """Central differences along (slice, row, column) of all but the rim: (3, k-2, j-2, i-2)."""
    a, half = array, np.float32(0.5)
    return np.stack([
        half * (a[2:, 1:-1, 1:-1] - a[:-2, 1:-1, 1:-1]),
        half * (a[1:-1, 2:, 1:-1] - a[1:-1, :-2, 1:-1]),
        half * (a[1:-1, 1:-1, 2:] - a[1:-1, 1:-1, :-2]),
    ])  # fmt: skip


def refined(
    taken: Samples, moving: Level, start: Rigid, *, middle_mm: Float, scaled: bool = False
) -> Rigid | None:
    """The movement that lays the moving image best on the samples, from `start` on.

    `scaled` first fits gain and offset of the moving image, for images of other units. None where
    too little of the one is seen in the other, or nothing holds the six parameters.
    """
    moved = start
    for _ in range(STEPS):
        left = residuals(taken, moving, moved, scaled=scaled)
        if np.count_nonzero(np.isfinite(left)) < LEAST_POINTS:
            return None
        step = _step(taken, left, middle_mm)
        if step is None:
            return None
        moved = _composed(moved, _movement(-step, middle_mm))
        if np.abs(step[:3]).max() * ARM_MM < STILL_MM and np.abs(step[3:]).max() < STILL_MM:
            break
    return moved


def residuals(taken: Samples, moving: Level, moved: Rigid, *, scaled: bool = False) -> Float:
    """Moving less fixed at every sample (n,); NaN beyond the moving image."""
    seen = read(moving, moved, taken.points_mm)
    if scaled:
        seen = _fitted(seen, taken.values)
    return np.asarray(seen - taken.values)


def read(level: Level, moved: Rigid, points_mm: Float) -> Float:
    """The image at moved points (n,), linearly; NaN beyond its outermost voxel centres."""
    return np.asarray(_read(level.values, _to_index(level.grid, moved), points_mm))


def _fitted(seen: Float, wanted: Float) -> Float:
    inside = np.isfinite(seen)
    x, y = seen[inside], wanted[inside]
    spread = float(x.var()) if x.size else 0.0
    if spread == 0.0:
        return seen
    gain = float(((x - x.mean()) * (y - y.mean())).mean()) / spread
    return np.asarray(y.mean() + gain * (seen - x.mean()))


def _step(taken: Samples, left: Float, middle_mm: Float) -> Float | None:
    """Turn (rad, about the axes through the middle) and shift (mm) of the fixed image."""
    spread = max(float(taken.values.std()), 1e-12)
    sigma = MAD_TO_SIGMA * float(np.median(np.abs(left[np.isfinite(left)])))
    scale = CAUCHY * max(sigma, LEAST_SCALE * spread)
    h, g = _normal(taken.points_mm - middle_mm, taken.slopes, left, scale)
    h[np.diag_indices(6)] *= 1.0 + 1e-6
    if not np.linalg.cond(h / np.sqrt(np.outer(np.diag(h), np.diag(h)) + 1e-300)) < 1e6:
        return None
    return np.asarray(np.linalg.solve(h, g), dtype=np.float64)


def _movement(step: Float, middle_mm: Float) -> Rigid:
    angle = float(np.linalg.norm(step[:3]))
    x, y, z = step[:3] / angle if angle > 0 else np.zeros(3)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return Rigid(rotation, middle_mm + step[3:] - rotation @ middle_mm)


def _composed(second: Rigid, first: Rigid) -> Rigid:
    """One after the other, its axes kept at right angles to the last digits."""
    u, _, v = np.linalg.svd(second.rotation @ first.rotation)
    return Rigid(u @ v, second.apply(first.translation_mm))


def _to_index(grid: Grid, moved: Rigid) -> Float:
    forth = np.eye(4)
    forth[:3, :3], forth[:3, 3] = moved.rotation, moved.translation_mm
    return np.ascontiguousarray((np.linalg.inv(grid.affine) @ forth)[:3])


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _read(values: NDArray[np.float32], m: Float, points: Float) -> Float:
    nk, nj, ni = values.shape
    out = np.empty(points.shape[0])
    for n in range(points.shape[0]):
        x, y, z = points[n, 0], points[n, 1], points[n, 2]
        u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3]
        v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3]
        w = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3]
        if u < 0 or v < 0 or w < 0 or u > ni - 1 or v > nj - 1 or w > nk - 1:
            out[n] = np.nan
            continue
        i, j, k = min(int(u), ni - 2), min(int(v), nj - 2), min(int(w), nk - 2)
        p, q, r = u - i, v - j, w - k
        a = (1 - p) * values[k, j, i] + p * values[k, j, i + 1]
        b = (1 - p) * values[k, j + 1, i] + p * values[k, j + 1, i + 1]
        c = (1 - p) * values[k + 1, j, i] + p * values[k + 1, j, i + 1]
        d = (1 - p) * values[k + 1, j + 1, i] + p * values[k + 1, j + 1, i + 1]
        out[n] = (1 - r) * ((1 - q) * a + q * b) + r * ((1 - q) * c + q * d)
    return out


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _normal(arms: Float, slopes: Float, left: Float, scale: float) -> tuple[Float, Float]:
    """The normal equations (6, 6) and (6,) of all samples seen, weighted by Cauchy's function."""
    h, g, row = np.zeros((6, 6)), np.zeros(6), np.empty(6)
    for n in range(left.size):
        r = left[n]
        if np.isnan(r):
            continue
        x, y, z = arms[n, 0], arms[n, 1], arms[n, 2]
        a, b, c = slopes[n, 0], slopes[n, 1], slopes[n, 2]
        row[0], row[1], row[2] = y * c - z * b, z * a - x * c, x * b - y * a
        row[3], row[4], row[5] = a, b, c
        weight = 1.0 / (1.0 + (r / scale) ** 2)
        for s in range(6):
            part = weight * row[s]
            g[s] += part * r
            for t in range(s + 1):
                h[s, t] += part * row[t]
    for s in range(6):
        for t in range(s):
            h[t, s] = h[s, t]
    return h, g
