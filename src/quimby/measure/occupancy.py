"""Fractional occupancies: how much of each voxel an outlined region fills.

A region is kept as its own fine mask on its own planes, and laid on the grid of each scan where
it is used. Voxel-centre masks of small objects can be 17 % wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import ceil

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.outline import Outline
from quimby.measure.polygons import Stack, coverage, stacked

Float = NDArray[np.float64]
Box = tuple[slice, slice, slice]

FINEST_MM, COARSEST_MM, PIXELS_ACROSS = 0.5, 3.0, 40
"""In-plane pixel of a contour mask. Areas are exact, so it only limits the sharpness of edges."""
MARGIN = 2
DIVISIONS = ((10.0, 16), (50.0, 10))
"""Below these volumes, ml, a voxel is divided so often along each axis; else 5 times."""
FOV_REFUSED, FOV_NOTED = 0.95, 0.999
MISMATCH_ML = 1e-9


def contour_volume_ml(outline: Outline, *, spacing_mm: float | None = None) -> float:
    """Volume of an outline made of contours: enclosed areas times the spacing of the planes.

    Holes and keyholes count by the even-odd rule. Errors: see `polygons.stacked`.
    """
    return stacked(outline, spacing_mm=spacing_mm).volume_ml


def outline_notes(outline: Outline) -> tuple[Note, ...]:
    """W-IMG-CONTOUR-GAP where planes are missing between the first and the last contour."""
    if not outline.contours:
        return ()
    missing = stacked(outline, spacing_mm=1.0).missing
    if not missing:
        return ()
    planes = ", ".join(f"{at:.1f}" for at in missing)
    return (
        note("W-IMG-CONTOUR-GAP", where=outline.name, value=float(len(missing)), planes=planes),
    )


def region_mask(outline: Outline, *, like: Grid | None = None) -> Image:
    """The region's own fractional mask, unit "1", cropped to its box with a margin of voxels.

    Contours are filled with exact pixel areas on their own planes, each plane standing for half
    a spacing to either side (`like` gives the spacing of a single plane). A mask is handed on as
    it came, cropped. Errors: E-IMG-EMPTY for a mask with nothing in it, E-IMG-MASK-RANGE for
    values outside [0, 1], and those of `polygons.stacked`.
    """
    if outline.mask is not None:
        return _cropped_mask(outline.mask, outline.name)
    spacing = None if like is None else like.spacing_mm[2]
    return _filled(stacked(outline, spacing_mm=spacing), outline.name)


def _cropped_mask(mask: Image, name: str) -> Image:
    values = np.asarray(mask.array)
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise refusal("E-IMG-MASK-RANGE", where=name)
    filled = [np.flatnonzero(values.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    if not filled[0].size:
        raise refusal("E-IMG-EMPTY", where=name)
    low = [max(0, int(index[0]) - MARGIN) for index in filled]
    high = [min(n, int(i[-1]) + 1 + MARGIN) for i, n in zip(filled, values.shape, strict=True)]
    part = values[low[0] : high[0], low[1] : high[1], low[2] : high[2]].astype(np.float32)
    grid = mask.grid.cropped((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    return Image(grid, part, "1")


def _filled(stack: Stack, name: str) -> Image:
    if stack.volume_ml <= MISMATCH_ML:
        raise refusal("E-IMG-EMPTY", where=name)
    pixel = float(np.clip(10 * np.cbrt(stack.volume_ml) / PIXELS_ACROSS, FINEST_MM, COARSEST_MM))
    points = np.concatenate([p for plane in stack.planes for p in plane.polygons])
    corner = points.min(axis=0) - MARGIN * pixel
    columns, rows = (ceil(n) + MARGIN for n in (points.max(axis=0) - corner) / pixel)
    first = stack.planes[0].at_mm
    layers = [round((plane.at_mm - first) / stack.spacing_mm) for plane in stack.planes]
    array = np.zeros((layers[-1] + 1, rows, columns), dtype=np.float32)
    for layer, plane in zip(layers, stack.planes, strict=True):
        array[layer] += coverage(plane, origin_mm=corner, step_mm=pixel, shape=(rows, columns))
    affine = np.eye(4)
    affine[:3, :3] = stack.axes * [pixel, pixel, stack.spacing_mm]
    affine[:3, 3] = stack.axes @ [corner[0] + pixel / 2, corner[1] + pixel / 2, first]
    return Image(Grid((array.shape[0], rows, columns), affine), array, "1")


def volume_ml(mask: Image) -> float:
    """Volume of a fractional mask."""
    return float(np.sum(mask.array, dtype=np.float64)) * mask.grid.voxel_ml


@dataclass(frozen=True, eq=False)
class Placed:
    """Occupancy of part of a grid, the rest being empty.

    `box` (slices, rows, columns) is where `array` stands in the whole grid.
    """

    box: Box
    array: Float
    inside: float  # share of the region's volume that lies in the grid
    shape: tuple[int, int, int]  # of the whole grid


def occupancy(mask: Image, grid: Grid, moved: Rigid) -> Image:
    """Share of each voxel of `grid` that a region fills, unit "1", shape of the grid.

    `moved` takes the mask's points to the grid's frame. Every voxel is divided at least
    5 x 5 x 5 (up to 16 x 16 x 16 for small regions). What lies outside the grid is lost here;
    `fov_notes` says how much and refuses too much.
    """
    part = placed(mask, grid, moved)
    whole = np.zeros(grid.shape)
    whole[part.box] = part.array
    return Image(grid, whole, "1")


def placed(mask: Image, grid: Grid, moved: Rigid, *, divide: int | None = None) -> Placed:
    """As `occupancy`, but only the box of the grid that the region touches.

    `divide` sets the divisions of a voxel along each axis.
    """
    to_mask = _index_map(mask.grid, grid, moved)
    low, high = _box(mask.grid, grid, moved)
    parts = divide or _divisions(volume_ml(mask))
    values = np.ascontiguousarray(mask.array, dtype=np.float32)
    array = _sampled(values, to_mask, low, high - low, parts)
    keep_low = np.clip(low, 0, grid.shape)
    keep_high = np.clip(high, 0, grid.shape)
    cut = tuple(slice(a, b) for a, b in zip(keep_low - low, keep_high - low, strict=True))
    box = tuple(slice(int(a), int(b)) for a, b in zip(keep_low, keep_high, strict=True))
    whole = float(array.sum())
    inside = np.ascontiguousarray(array[cut])
    share = float(inside.sum()) / whole if whole > 0 else 0.0
    return Placed((box[0], box[1], box[2]), inside, share, grid.shape)


def _divisions(volume: float) -> int:
    return next((count for below, count in DIVISIONS if volume < below), 5)


def _index_map(mask: Grid, grid: Grid, moved: Rigid) -> Float:
    """(3, 4): from (column, row, slice) of the grid to those of the mask."""
    back = np.eye(4)
    back[:3, :3] = moved.rotation.T
    back[:3, 3] = -moved.rotation.T @ moved.translation_mm
    return np.ascontiguousarray((np.linalg.inv(mask.affine) @ back @ grid.affine)[:3])


def _box(mask: Grid, grid: Grid, moved: Rigid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last + 1 voxel (slice, row, column) that the mask's block of voxels touches."""
    nk, nj, ni = mask.shape
    corners = np.array(list(product((-0.5, ni - 0.5), (-0.5, nj - 0.5), (-0.5, nk - 0.5))))
    index = grid.index_of(moved.apply(mask.points_mm(corners)))[:, ::-1]
    low = np.floor(index.min(axis=0) + 0.5).astype(np.int64)
    return low, np.ceil(index.max(axis=0) + 0.5).astype(np.int64)


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sampled(
    mask: NDArray[np.float32],
    to_mask: Float,
    low: NDArray[np.int64],
    size: NDArray[np.int64],
    divide: int,
) -> Float:
    """Mean of the mask at divide**3 points of each voxel of a box; outside the mask is 0."""
    out = np.zeros((size[0], size[1], size[2]))
    nk, nj, ni = mask.shape
    points = _spread(divide)
    m = to_mask
    for k in range(size[0]):
        for j in range(size[1]):
            for i in range(size[2]):
                total = 0.0
                for n in range(points.shape[0]):
                    x, y, z = low[2] + i + points[n, 0], low[1] + j + points[n, 1], points[n, 2]
                    z += low[0] + k
                    u = m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3] + 0.5
                    v = m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3] + 0.5
                    w = m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3] + 0.5
                    if 0.0 <= u < ni and 0.0 <= v < nj and 0.0 <= w < nk:
                        total += mask[int(w), int(v), int(u)]
                out[k, j, i] = total / points.shape[0]
    return out


@njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _spread(divide: int) -> Float:
    """divide**3 points of a unit voxel about its centre, (n, 3).

    Each of the divide**3 cells has one point, but no two points share a coordinate: faces of slabs
    run along the axes, and a plain lattice would take or lose whole rows of points there.
    """
    points = np.empty((divide**3, 3))
    n = 0
    for a in range(divide):
        for b in range(divide):
            for c in range(divide):
                points[n, 0] = (a + (b * divide + c + 0.5) / divide**2) / divide - 0.5
                points[n, 1] = (b + (c * divide + a + 0.5) / divide**2) / divide - 0.5
                points[n, 2] = (c + (a * divide + b + 0.5) / divide**2) / divide - 0.5
                n += 1
    return points


def fov_notes(name: str, inside: float) -> tuple[Note, ...]:
    """What it means that only a share of a region lies in the field of view.

    Below 95 % E-IMG-FOV is raised; from 95 to 99.9 % W-IMG-FOV.
    """
    if inside < FOV_REFUSED:
        raise refusal("E-IMG-FOV", where=name, value=inside, limit=FOV_REFUSED)
    if inside < FOV_NOTED:
        return (note("W-IMG-FOV", where=name, value=inside, limit=FOV_NOTED),)
    return ()
