"""A concentration laid on another grid by cubic B-splines, which keep it as sharp as it was.

Between voxel centres a linear value is a mean of neighbours. In a scan with 5 mm voxels that
takes 4 to 7 % from a lesion of 4 to 6 ml (case A); a cubic spline takes less than 1 %. Source
of the method: Unser, IEEE Signal Process Mag 1999;16(6):22-38.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import spline_filter

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import refusal
from quimby.measure.resample import COARSER, resample

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]


def resample_sharp(image: Image, grid: Grid, moved: Rigid, *, outside: float) -> Image:
    """A concentration (intensive unit) on another grid, float32; `moved` takes its points there.

    `outside` is the value more than half a voxel beyond the source. A value below zero where
    the source has none nearby would be the spline's own; there the linear value is taken. Onto
    voxels more than 1.2 times as long values are averaged instead (`resample`). E-IMG-NAN.
    """
    steps = zip(grid.spacing_mm, image.grid.spacing_mm, strict=True)
    if any(new > COARSER * old for new, old in steps):
        found = resample(image, grid, moved, outside=outside)
        return Image(grid, np.asarray(found.array, dtype=np.float32), image.unit)
    if not np.isfinite(image.array).all():
        raise refusal("E-IMG-NAN", where="resampling")
    values = np.ascontiguousarray(image.values)
    weights = np.ascontiguousarray(spline_filter(values, order=3, mode="mirror"))
    to_source = np.linalg.inv(image.grid.affine) @ _matrix(moved.inverse()) @ grid.affine
    out = _laid(weights, values, np.ascontiguousarray(to_source[:3]), np.array(grid.shape),
                float(outside))  # fmt: skip
    return Image(grid, out, image.unit)


def _matrix(moved: Rigid) -> Float:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = moved.rotation, moved.translation_mm
    return matrix


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _laid(
    weights: Float, values: Float, m: Float, shape: NDArray[np.int64], outside: float
) -> Float32:
    """The spline at every voxel centre of the new grid; `m` leads there from its indices."""
    out = np.empty((shape[0], shape[1], shape[2]), dtype=np.float32)
    nk, nj, ni = weights.shape
    a, b, c = np.empty(5), np.empty(5), np.empty(5)
    p, q, r = np.empty(4, np.int64), np.empty(4, np.int64), np.empty(4, np.int64)
    for k in range(shape[0]):
        for j in range(shape[1]):
            for i in range(shape[2]):
                u = m[0, 0] * i + m[0, 1] * j + m[0, 2] * k + m[0, 3]
                v = m[1, 0] * i + m[1, 1] * j + m[1, 2] * k + m[1, 3]
                w = m[2, 0] * i + m[2, 1] * j + m[2, 2] * k + m[2, 3]
                if not (-0.5 <= u <= ni - 0.5 and -0.5 <= v <= nj - 0.5 and -0.5 <= w <= nk - 0.5):
                    out[k, j, i] = outside
                    continue
                _taps(u, ni, a, p)
                _taps(v, nj, b, q)
                _taps(w, nk, c, r)
                out[k, j, i] = _value(weights, values, a, b, c, p, q, r)
    return out


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _taps(at: float, count: int, share: Float, index: NDArray[np.int64]) -> None:
    """Shares of the four coefficients about a place, the way past the second, and their indices.

    Indices beyond an end are mirrored at it, as `spline_filter` takes it.
    """
    at = min(max(at, 0.0), count - 1.0)
    first = int(np.floor(at))
    t = at - first
    share[0] = (1.0 - t) ** 3 / 6.0
    share[1] = 2.0 / 3.0 - t * t * (2.0 - t) / 2.0
    share[3] = t**3 / 6.0
    share[2] = 1.0 - share[0] - share[1] - share[3]
    share[4] = t
    for n in range(4):
        x = abs(first - 1 + n)
        x = x if x < count else 2 * (count - 1) - x
        index[n] = max(x, 0)


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _value(
    weights: Float, values: Float, a: Float, b: Float, c: Float,
    p: NDArray[np.int64], q: NDArray[np.int64], r: NDArray[np.int64],
) -> float:  # fmt: skip
    total = 0.0
    for n in range(4):
        for o in range(4):
            row = 0.0
            for x in range(4):
                row += a[x] * weights[r[n], q[o], p[x]]
            total += c[n] * b[o] * row
    if total >= 0.0:
        return total
    least, linear = 0.0, 0.0
    for n in range(2):
        for o in range(2):
            for x in range(2):
                near = values[r[1 + n], q[1 + o], p[1 + x]]
                least = min(least, near)
                part = (c[4] if n else 1.0 - c[4]) * (b[4] if o else 1.0 - b[4])
                linear += part * (a[4] if x else 1.0 - a[4]) * near
    return linear if least >= 0.0 else total
