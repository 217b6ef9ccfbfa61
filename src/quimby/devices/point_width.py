"""Width of a reconstructed point or line source along the three axes."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import curve_fit

from quimby.core.grid import Image
from quimby.core.notes import refusal

Float = NDArray[np.float64]
PER_SIGMA_HALF, PER_SIGMA_TENTH = 2.0 * sqrt(2.0 * log(2.0)), 2.0 * sqrt(2.0 * log(10.0))
LEAST_POINTS = 7
LEAST_SPARE = 1e-3  # of a point that the fit follows wholly


@dataclass(frozen=True, slots=True)
class Width:
    """Full width at half and at a tenth of the maximum of a Gaussian fitted to a profile, mm."""

    fwhm_mm: float
    fwtm_mm: float
    u_fwhm_mm: float  # of the fit alone
    centre_mm: float  # from the first voxel


@dataclass(frozen=True, slots=True)
class PointWidths:
    """Widths along the columns (x), rows (y) and slices (z) of a scan."""

    x: Width
    y: Width
    z: Width
    voxel: tuple[int, int, int]  # (slice, row, column) the profiles go through


def point_widths(image: Image, *, where: str = "point source") -> PointWidths:
    """Gaussian widths of the profiles through a point source.

    The profiles go through the voxel nearest to the centroid of the slice that holds the
    centroid of the scan. E-PLN-POINT for an empty scan or a profile that no Gaussian fits.
    Source: IAEA Human Health Series 6, test 4.3.4.
    """
    values = np.clip(image.values, 0.0, None)
    if not values.sum() > 0:
        raise refusal("E-PLN-POINT", where=where, why="the scan is empty")
    slice_ = round(float(ndimage.center_of_mass(values)[0]))
    row, column = (round(float(c)) for c in ndimage.center_of_mass(values[slice_]))
    across, down, along = image.grid.spacing_mm
    return PointWidths(
        gaussian_width(values[slice_, row, :], across, where=f"{where}, x"),
        gaussian_width(values[slice_, :, column], down, where=f"{where}, y"),
        gaussian_width(values[:, row, column], along, where=f"{where}, z"),
        (slice_, row, column),
    )


def gaussian_width(profile: Float, step_mm: float, *, where: str = "profile") -> Width:
    """Width of one profile without background, by least squares. E-PLN-POINT."""
    p: Float = np.asarray(profile, dtype=np.float64)
    if p.ndim != 1 or p.size < LEAST_POINTS or not step_mm > 0 or not p.max() > 0:
        raise refusal("E-PLN-POINT", where=where, why="the profile is too short or empty")
    x: Float = np.arange(p.size, dtype=np.float64) * step_mm
    near = p > p.max() / 2.0
    start = (p.max(), float(x[np.argmax(p)]), max(float(near.sum()) * step_mm / 2.4, step_mm / 2))
    try:
        found, _ = curve_fit(_gauss, x, p, p0=start)
    except RuntimeError:
        raise refusal("E-PLN-POINT", where=where, why="no Gaussian fits its profile") from None
    sigma = abs(float(found[2]))
    if not (0 < sigma < x[-1] and x[0] <= found[1] <= x[-1]):
        raise refusal("E-PLN-POINT", where=where, why="no Gaussian fits its profile")
    u = _width_u(x, p, (float(found[0]), float(found[1]), sigma))
    return Width(sigma * PER_SIGMA_HALF, sigma * PER_SIGMA_TENTH, u * PER_SIGMA_HALF,
                 float(found[1]))  # fmt: skip


def _width_u(x: Float, p: Float, found: tuple[float, float, float]) -> float:
    """Standard uncertainty of sigma from each point's own residual.

    A common variance would be that of the many empty points, and say ten times too little.
    Source: MacKinnon and White, J Econometrics 1985;29:305 (HC3).
    """
    height, centre, sigma = found
    model = _gauss(x, *found)
    away = (x - centre) / sigma
    slopes = np.stack([model / height, model * away / sigma, model * away**2 / sigma], axis=1)
    inner = np.linalg.inv(slopes.T @ slopes)
    leverage = np.einsum("ij,jk,ik->i", slopes, inner, slopes)
    own = ((p - model) / np.maximum(1.0 - leverage, LEAST_SPARE)) ** 2
    return float(np.sqrt((inner @ (slopes.T * own) @ slopes @ inner)[2, 2]))


def _gauss(x: Float, height: float, centre: float, sigma: float) -> Float:
    return np.asarray(height * np.exp(-0.5 * ((x - centre) / sigma) ** 2))
