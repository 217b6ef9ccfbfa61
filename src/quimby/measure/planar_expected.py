"""What two opposite views should show of an activity that SPECT/CT has measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from quimby.core.grid import Grid, Image, Rigid, frozen
from quimby.core.notes import refusal
from quimby.measure.occupancy import occupancy
from quimby.measure.planar_roi import Roi
from quimby.measure.resample import resample
from quimby.physics.materials import density_curve

Float = NDArray[np.float64]
AIR_HU = -1000.0
BODY_HU = -900.0  # below it there is nobody
OUTSIDE_HU = -2000.0  # told apart from air: where the CT has nothing
STRAIGHT = 1e-3  # a grid is axial when nothing else of a step exceeds this share of it


@dataclass(frozen=True, eq=False)
class Flat:
    """A picture seen from the front, (rows, columns): head to feet, patient's right to left.

    `corner_mm` are the LPS x and z of the first pixel's middle, `pixel_mm` between rows and
    between columns.
    """

    values: Float
    pixel_mm: tuple[float, float]
    corner_mm: tuple[float, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values, np.float64))

    def at(self, pixel_mm: tuple[float, float], corner_mm: tuple[float, float],
           shape: tuple[int, int]) -> Float:  # fmt: skip
        """Values at the pixels of another picture, linear; zero beyond this one."""
        z = corner_mm[1] - np.arange(shape[0]) * pixel_mm[0]
        x = corner_mm[0] + np.arange(shape[1]) * pixel_mm[1]
        rows = (self.corner_mm[1] - z) / self.pixel_mm[0]
        columns = (x - self.corner_mm[0]) / self.pixel_mm[1]
        at = np.meshgrid(rows, columns, indexing="ij")
        return np.asarray(map_coordinates(self.values, at, order=1, mode="constant", cval=0.0))


@dataclass(frozen=True, eq=False)
class Expected:
    """Both views of a known activity, any one unit; the back view is turned onto the front's.

    `seen` is 1 where SPECT and CT both reach, 0 elsewhere; `water_mm` the patient's
    water-equivalent thickness there.
    """

    first: Flat
    second: Flat
    seen: Flat
    water_mm: Flat

    @property
    def geometric_mean(self) -> Flat:
        """Root of the product of both views."""
        mean = np.sqrt(self.first.values * self.second.values)
        return Flat(mean, self.first.pixel_mm, self.first.corner_mm)


def expected_views(activity: Image, ct: Image, mu_per_mm: float) -> Expected:
    """Front and back views of an activity, each voxel weakened by what lies before it.

    Both on the reference position; `mu_per_mm` of water for the narrow beam (views without
    scatter). No collimator blur is added: the reconstruction has about as much.
    E-PLN-WATER for slices that are tilted.
    """
    grid = activity.grid
    hu = from_front(resample(ct, grid, outside=OUTSIDE_HU))
    reached = (hu > (AIR_HU + OUTSIDE_HU) / 2).any(axis=1)
    density = density_curve().density(np.clip(hu, AIR_HU, None))
    here = density * grid.spacing_mm[1]
    before = np.cumsum(here, axis=1) - 0.5 * here
    whole = here.sum(axis=1)
    values = np.clip(from_front(activity), 0.0, None)
    front = (values * np.exp(-mu_per_mm * before)).sum(axis=1)
    back = (values * np.exp(-mu_per_mm * (whole[:, None, :] - before))).sum(axis=1)
    where = placed(grid)
    made = [Flat(v, *where) for v in (front, back, reached.astype(float), whole)]
    return Expected(*made)


def background_views(grid: Grid, masks: Sequence[Image], ct: Image, mu_per_mm: float) -> Expected:
    """Views of a body that is evenly active by its mass and empty in the outlined regions.

    Any one unit: what lies before and behind a region against what lies beside it is what counts.
    """
    hu = resample(ct, grid, outside=AIR_HU).values
    left = density_curve().density(hu) * (hu > BODY_HU)
    for mask in masks:
        left = left * (1.0 - np.clip(occupancy(mask, grid, Rigid.identity()).values, 0.0, 1.0))
    return expected_views(Image(grid, left, "1"), ct, mu_per_mm)


def from_front(image: Image) -> Float:
    """Values ordered head to feet, front to back, patient's right to left. E-PLN-WATER."""
    dx, dy, dz = _steps(image.grid)
    ordered = image.values[:: 1 if dz < 0 else -1, :: 1 if dy > 0 else -1, :: 1 if dx > 0 else -1]
    return np.asarray(ordered, dtype=np.float64)


def placed(grid: Grid) -> tuple[tuple[float, float], tuple[float, float]]:
    """Pixel size and corner, LPS (x, z), of a picture of the grid seen from the front."""
    dx, _, dz = _steps(grid)
    far = grid.points_mm((grid.shape[2] - 1, 0, grid.shape[0] - 1))
    corner = min(grid.origin_mm[0], far[0]), max(grid.origin_mm[2], far[2])
    return (abs(dz), abs(dx)), (float(corner[0]), float(corner[1]))


def _steps(grid: Grid) -> tuple[float, float, float]:
    steps = np.asarray(grid.affine)[:3, :3]
    if np.abs(steps - np.diag(np.diag(steps))).max() > STRAIGHT * np.abs(steps).max():
        raise refusal("E-PLN-WATER", where="CT", why="its slices are tilted or not axial")
    return float(steps[0, 0]), float(steps[1, 1]), float(steps[2, 2])


@dataclass(frozen=True, eq=False)
class Shadow:
    """An outlined region seen from the front: where it lies."""

    name: str
    flat: Flat  # 0 to 1

    @property
    def area_mm2(self) -> float:
        """Size on the patient."""
        return float(self.flat.values.sum()) * self.flat.pixel_mm[0] * self.flat.pixel_mm[1]

    def roi(self, pixel_mm: tuple[float, float], corner_mm: tuple[float, float],
            shape: tuple[int, int]) -> Roi:  # fmt: skip
        """The region on a planar image; E-PLN-ROI where it lies beyond it."""
        share = np.clip(self.flat.at(pixel_mm, corner_mm, shape), 0.0, 1.0)
        return Roi(self.name, np.where(share < 1e-9, 0.0, share))


def shadow(name: str, mask: Image) -> Shadow:
    """The shadow of a fractional mask along front to back: where it is half a voxel or more."""
    through = from_front(mask).sum(axis=1) * mask.grid.spacing_mm[1]
    dark = (through >= 0.5 * mask.grid.spacing_mm[1]).astype(float)
    if not dark.any():
        raise refusal("E-PLN-ROI", where=name, why="it holds no pixel")
    pixel, corner = placed(mask.grid)
    edged = corner[0] - pixel[1], corner[1] + pixel[0]  # linear reading fades over the border
    return Shadow(name, Flat(np.pad(dark, 1), pixel, edged))
