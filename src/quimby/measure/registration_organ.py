"""The surroundings of one organ, made ready for registration by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from quimby.core.grid import Grid, Image, Rigid
from quimby.core.notes import refusal
from quimby.measure.occupancy import placed
from quimby.measure.registration_levels import WINDOW_HU, Level, binned, smoothed
from quimby.measure.registration_newton import Samples

Float = NDArray[np.float64]

CT_MM, ACTIVITY_MM = 2.0, 4.0
REACH_MM = 40.0
"""How far around the organ the scan is looked at: the bound, the rim and the slopes there."""
FWHM_TO_SIGMA = 2.3548
LEAST_ACROSS = 4  # voxels
ROOM = 2.2  # full widths that a blur is followed


def middle_of(mask: Image) -> Float:
    """Centre of the organ (LPS mm)."""
    k, j, i = np.nonzero(mask.values > 0)
    weights = mask.values[k, j, i]
    return mask.grid.points_mm([float(np.average(n, weights=weights)) for n in (i, j, k)])


def around(image: Image, mask: Image, moved: Rigid, where: str) -> Image:
    """The part of an image within 40 mm of the box that the moved organ touches."""
    box = placed(mask, image.grid, moved, divide=1).box
    rims = [int(np.ceil(REACH_MM / step)) for step in image.grid.spacing_mm[::-1]]
    low = [max(0, s.start - rim) for s, rim in zip(box, rims, strict=True)]
    high = [min(n, s.stop + r) for s, r, n in zip(box, rims, image.grid.shape, strict=True)]
    if (
        any(s.stop <= s.start for s in box)
        or min(h - n for n, h in zip(low, high, strict=True)) < 4
    ):
        raise refusal("E-IMG-REG", where=where)
    part = image.array[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    grid = image.grid.cropped((low[0], low[1], low[2]), (high[0], high[1], high[2]))
    return Image(grid, part, image.unit)


def ct_level(image: Image) -> Level:
    factors = [max(1, round(CT_MM / step)) for step in image.grid.spacing_mm[::-1]]
    coarse = binned(image.grid, np.ascontiguousarray(image.array), factors)
    return smoothed(Level(coarse.grid, np.clip(coarse.values, *WINDOW_HU)))


def template(mask: Image, fwhm_mm: float) -> Level:
    """The mask with the camera's blur, on voxels of about 4 mm with room around it."""
    lattice = _lattice(mask.grid, ACTIVITY_MM, fwhm_mm * ROOM)
    part = placed(mask, lattice, Rigid.identity())
    own = np.zeros(lattice.shape)
    own[part.box] = part.array
    sigmas = [fwhm_mm / FWHM_TO_SIGMA / step for step in lattice.spacing_mm[::-1]]
    return Level(lattice, gaussian_filter(own, sigmas).astype(np.float32))


def _lattice(grid: Grid, step_mm: float, rim_mm: float) -> Grid:
    """Cubes on the axes of a grid that cover it and a rim."""
    scale = step_mm / np.array(grid.spacing_mm)
    rim = rim_mm / np.array(grid.spacing_mm)
    counts = np.ceil((np.array(grid.shape[::-1]) + 2 * rim) / scale).astype(int)
    affine = np.array(grid.affine)
    affine[:3, :3] = grid.affine[:3, :3] * scale
    affine[:3, 3] = grid.points_mm(-0.5 - rim + scale / 2)
    return Grid((int(counts[2]), int(counts[1]), int(counts[0])), affine)


def near(mask: Image, grid: Grid, rim_mm: float) -> NDArray[np.bool_]:
    """Voxels within the organ or so far from its edge."""
    part = placed(mask, grid, Rigid.identity())
    away = np.ones(grid.shape, dtype=np.bool_)
    away[part.box] = part.array < 0.5
    if away.all():
        return np.zeros(grid.shape, dtype=np.bool_)
    far = np.asarray(distance_transform_edt(away, sampling=grid.spacing_mm[::-1]))
    return np.asarray(far <= rim_mm)


def everywhere(level: Level, within: NDArray[np.bool_]) -> Samples:
    k, j, i = np.nonzero(within)
    points = level.grid.points_mm(np.stack([i, j, k], axis=-1))
    return Samples(points, level.values[k, j, i].astype(np.float64), np.zeros_like(points))
