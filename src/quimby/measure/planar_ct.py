"""What passes a patient along the line of the views, from CT."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from quimby.core.grid import Grid, Image, frozen
from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.measure.planar import Transmission
from quimby.measure.planar_roi import Roi
from quimby.physics.materials import DensityCurve, density_curve

Float = NDArray[np.float64]
BONE_PER_DENSITY = 0.95
"""Attenuation per gram of cortical bone over water's at 150 to 250 keV (NIST XCOM: 0.97, 0.95)."""
BONE_ABOVE = 1.10  # g/ml: tissue denser than this counts as bone
AIR_BELOW_HU = -900.0


@dataclass(frozen=True, eq=False)
class WaterPath:
    """Water-equivalent length of the patient from front to back, mm, seen from the front.

    `mm` has the shape (rows, columns): rows from head to feet, columns from the patient's right
    to left. `grid_mm` is the pixel's size; `corner_mm` the LPS x and z of the first pixel.
    """

    mm: Float
    pixel_mm: tuple[float, float]
    corner_mm: tuple[float, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "mm", frozen(self.mm, np.float64))


def water_path(ct: Image, *, curve: DensityCurve | None = None, body: Image | None = None
               ) -> WaterPath:  # fmt: skip
    """Line integral of water-equivalent density along front to back.

    CT numbers become densities by `curve`; bone attenuates 5 % less than its density says.
    `body` (occupancy on the CT's grid) leaves out the couch. E-PLN-WATER for a CT whose axes
    do not run along the patient's, or that is not in HU.
    """
    if ct.unit != "HU":
        raise refusal("E-PLN-WATER", where="CT", why=f"it is in {ct.unit!r}")
    _axial(ct.grid)
    hu = ct.values
    density = (curve or density_curve()).density(hu)
    bony = np.where(density > BONE_ABOVE, BONE_PER_DENSITY, 1.0)
    water = np.where(hu > AIR_BELOW_HU, density * bony, 0.0)
    if body is not None:
        water = water * body.values
    dx, dy, dz = (ct.grid.affine[n, n] for n in range(3))
    path = water.sum(axis=1) * abs(dy)
    path = path if dx > 0 else path[:, ::-1]
    path = path[::-1] if dz > 0 else path
    shape = ct.grid.shape
    far = ct.grid.points_mm((shape[2] - 1, 0, shape[0] - 1))
    x0 = min(ct.grid.origin_mm[0], far[0])
    z0 = max(ct.grid.origin_mm[2], far[2])
    return WaterPath(path, (abs(float(dz)), abs(float(dx))), (float(x0), float(z0)))


def _axial(grid: Grid) -> None:
    steps = np.abs(np.asarray(grid.affine)[:3, :3])
    if np.abs(steps - np.diag(np.diag(steps))).max() > 1e-3 * steps.max():
        raise refusal("E-PLN-WATER", where="CT", why="its slices are tilted or not axial")


def resampled(path: WaterPath, *, pixel_mm: tuple[float, float], corner_mm: tuple[float, float],
              shape: tuple[int, int]) -> WaterPath:  # fmt: skip
    """The same map at the pixels of a planar image; zero outside the CT.

    `corner_mm` is the LPS x and z of the planar image's first (upper left) pixel, in the CT's
    frame; a planar image says it rarely, so it comes from laying one on the other.
    """
    x = corner_mm[0] + np.arange(shape[1]) * pixel_mm[1]
    z = corner_mm[1] - np.arange(shape[0]) * pixel_mm[0]
    rows = (path.corner_mm[1] - z) / path.pixel_mm[0]
    columns = (x - path.corner_mm[0]) / path.pixel_mm[1]
    at = np.meshgrid(rows, columns, indexing="ij")
    values = map_coordinates(path.mm, at, order=1, mode="constant", cval=0.0)
    return WaterPath(values, pixel_mm, corner_mm)


def transmission_of_ct(
    path: WaterPath,
    mu_per_mm: Uncertain,
    *,
    roi: Roi | None = None,
    image: Float | None = None,
    ct_u_rel: float = 0.02,
) -> Transmission:
    """What passes the patient in a region: exp(-mu L), with mu of water for the broad beam.

    With `image` (counts, the geometric mean) the mean goes by where the activity lies: the
    geometric mean of a pixel is its activity times exp(-mu L/2), so what is wanted is
    (sum image / sum(image exp(mu L/2)))^2. `ct_u_rel` is the doubt of the CT's lengths.
    """
    weight = roi.share if roi is not None else np.ones_like(path.mm)
    if weight.shape != path.mm.shape:
        why = f"it is {path.mm.shape}, the region {weight.shape}"
        raise refusal("E-PLN-WATER", where=roi.name if roi else "CT", why=why)
    weight = weight * np.clip(image, 0.0, None) if image is not None else weight
    if not float(np.sum(weight * (path.mm > 0))) > 0:
        raise refusal("E-PLN-WATER", where=roi.name if roi else "CT",
                      why="the region lies outside it")  # fmt: skip
    mu = mu_per_mm.value
    grown = weight * np.exp(0.5 * mu * path.mm)
    value = float(weight.sum() / grown.sum()) ** 2
    length = float(np.sum(grown * path.mm) / grown.sum())  # d ln(value)/d mu = -length
    lengths = Uncertain(length, {"CT, path of the views": ct_u_rel * length})
    slopes = ((mu_per_mm, -length * value), (lengths, -mu * value))
    return Transmission(combine(value, *slopes), "CT")
