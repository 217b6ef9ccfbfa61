"""Shapes laid on grids, wherever the patient lies: exactly for activity, smoothly for a CT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Grid, Rigid
from quimby.demo.phantom import Solid

Float32 = NDArray[np.float32]
Box = tuple[slice, slice, slice]
ENDLESS_MM = 2000.0


@dataclass(frozen=True, eq=False)
class _Lattice:
    """Points of a box of voxels, as three rows of coordinates along each own axis of a solid."""

    box: Box
    columns: NDArray[np.float64]  # (3, n): share of each own coordinate that x, y and z bring
    rows: NDArray[np.float64]
    slices: NDArray[np.float64]

    def along(self, direction: NDArray[np.float64]) -> Float32:
        """n·r at every point, shape (slices, rows, columns)."""
        x, y, z = (direction @ part for part in (self.columns, self.rows, self.slices))
        out: Float32 = (
            z.astype(np.float32)[:, None, None]
            + y.astype(np.float32)[None, :, None]
            + x.astype(np.float32)[None, None, :]
        )
        return out


def exact_occupancy(
    solid: Solid, grid: Grid, moved: Rigid, *, finest_mm: float
) -> Iterator[tuple[Box, Float32]]:
    """The boxes of voxels that a solid touches, with the fraction of each voxel that it fills.

    `moved` takes the reference position to that of the scan; voxels are divided until their parts
    are no larger than `finest_mm`. The grid's axes must be those of the patient.
    """
    divide = [int(np.ceil(step / finest_mm)) for step in grid.spacing_mm]
    lattice = _lattice(solid, grid, moved, divide)
    if lattice is None:
        return
    kept = _quadric(lattice, solid.semi_axes_mm) <= 1.0
    if solid.hollow_mm is not None:
        kept &= _quadric(lattice, solid.hollow_mm) > 1.0
    for *normal, offset in solid.cuts:
        kept &= lattice.along(np.array(normal)) <= offset
    yield lattice.box, _binned(kept, divide)


def smooth_occupancy(solid: Solid, grid: Grid, moved: Rigid) -> Iterator[tuple[Box, Float32]]:
    """As above from one point a voxel: edges fade over a voxel's width. For pictures."""
    lattice = _lattice(solid, grid, moved, [1, 1, 1])
    if lattice is None:
        return
    width = grid.spacing_mm[0]
    filled = _faded(lattice, solid.semi_axes_mm, width)
    if solid.hollow_mm is not None:
        filled = np.minimum(filled, 1.0 - _faded(lattice, solid.hollow_mm, width))
    for *normal, offset in solid.cuts:
        size = float(np.linalg.norm(normal))
        depth = (offset - lattice.along(np.array(normal))) / (size * width)
        filled = np.minimum(filled, np.clip(0.5 + depth, 0.0, 1.0))
    yield lattice.box, filled


def _faded(lattice: _Lattice, semi_axes: NDArray[np.float64], width: float) -> Float32:
    """1 inside an ellipsoid, 0 outside, by the distance to its surface to first order."""
    q = np.maximum(_quadric(lattice, semi_axes), 1e-6)
    slope = np.sqrt(np.maximum(_quadric(lattice, semi_axes**2), 1e-12))
    depth = (1.0 - np.sqrt(q)) * np.sqrt(q) / (slope * width)
    faded: Float32 = np.clip(0.5 + depth, 0.0, 1.0).astype(np.float32)
    return faded


def _quadric(lattice: _Lattice, lengths: NDArray[np.float64]) -> Float32:
    """Sum of (own coordinate / length)² over the finite lengths."""
    terms = [lattice.along(np.eye(3)[k] / lengths[k]) for k in range(3) if np.isfinite(lengths[k])]
    total = np.square(terms[0])
    for term in terms[1:]:
        total += np.square(term)
    return total


def _binned(kept: NDArray[np.bool_], divide: list[int]) -> Float32:
    dx, dy, dz = divide
    nz, ny, nx = (n // d for n, d in zip(kept.shape, (dz, dy, dx), strict=True))
    mean: Float32 = kept.reshape(nz, dz, ny, dy, nx, dx).mean(axis=(1, 3, 5), dtype=np.float32)
    return mean


def _lattice(solid: Solid, grid: Grid, moved: Rigid, divide: list[int]) -> _Lattice | None:
    box = _box(solid, grid, moved)
    if box is None:
        return None
    turn = solid.axes @ moved.rotation.T
    shift = -solid.axes @ (moved.rotation.T @ moved.translation_mm + solid.centre_mm)
    parts = []
    for axis, part in enumerate(box[::-1]):  # x, y, z
        n = divide[axis]
        index = part.start + (np.arange((part.stop - part.start) * n) + 0.5) / n - 0.5
        ticks = grid.origin_mm[axis] + index * grid.affine[axis, axis]
        parts.append(np.outer(turn[:, axis], ticks))
    parts[0] = parts[0] + shift[:, None]
    return _Lattice(box, *parts)


def _box(solid: Solid, grid: Grid, moved: Rigid) -> Box | None:
    """The voxels around a moved solid, inside the grid."""
    low, high = (np.clip(side, -ENDLESS_MM, ENDLESS_MM) for side in solid.box_mm())
    corners = np.array(list(product(*zip(low, high, strict=True))))
    index = grid.index_of(moved.apply(corners))
    first = np.maximum(np.floor(index.min(axis=0) - 0.5), 0).astype(int)
    last = np.minimum(np.ceil(index.max(axis=0) + 0.5) + 1, grid.shape[::-1]).astype(int)
    if np.any(last <= first):
        return None
    columns, rows, slices = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return slices, rows, columns
