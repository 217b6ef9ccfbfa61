"""How noisy a reconstructed image is, told from the image itself."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, pi, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from quimby.core.grid import Grid
from quimby.devices.point_spread import blur
from quimby.devices.recovery import FWHM_PER_SIGMA

Float = NDArray[np.float64]
LEAST_SHARE = 0.05
"""Voxels whose model value is below this share of the mean are left out: air and edges."""
FLAT = 0.1
"""A voxel is flat when the model changes by less than this share of it to the next."""
LEAST_VOXELS = 500
ODD_SHARE, ODD_MM = 0.01, 25.0
"""The voxels that lie farthest from the model over this width, and how many: uptake that nobody
outlined is no noise. In noise alone leaving them out takes some per cent of its variance [P]."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise whose variance in a voxel is `factor` times its mean, correlated as a Gaussian.

    `factor` is in the unit of the image; `sigma_mm` is the width of the smoothing that would
    give the correlation, exp(-distance^2 / (4 sigma^2)).
    """

    factor: float
    sigma_mm: float

    def effective_voxels(self, grid: Grid) -> float:
        """Number of voxels that one voxel's noise is shared with (1 or more)."""
        reach_mm3 = float((4.0 * pi * self.sigma_mm**2) ** 1.5)
        return max(1.0, reach_mm3 / (grid.voxel_ml * 1000.0))

    def correlated(self, weights: Float, grid: Grid) -> Float:
        """The correlation applied to weights: their product with `weights` sums to a variance."""
        width = FWHM_PER_SIGMA * sqrt(2.0) * self.sigma_mm
        return blur(weights, grid, width) * self.effective_voxels(grid)


def estimate(image: Float, model: Float, grid: Grid, *, use: NDArray[np.bool_]) -> Noise:
    """Noise of `image` about `model` (same unit), from differences between neighbours.

    Differences do not see slow misfits of the model (an uneven background); only voxels where
    the model is flat are used, so that edges of organs do not count, and the hundredth of them
    that the model describes worst is left out. With C0 the variance and
    rho the correlation of neighbours, D1 = 2 C0 (1 - rho) and D2 = 2 C0 (1 - rho^4) for a
    Gaussian correlation, one and two voxels apart; D2 / D1 = 1 + rho + rho^2 + rho^3 gives rho.
    """
    kept = use & (model > LEAST_SHARE * float(np.mean(model[use]))) & _flat(model)
    if kept.sum() < LEAST_VOXELS:
        kept = use & (model > 0)
    scaled = np.where(kept, (image - model) / np.sqrt(np.where(kept, model, 1.0)), 0.0)
    kept = _without_the_odd(kept, scaled, grid)
    one, two = (float(np.mean([_step(scaled, kept, a, lag) for a in range(3)])) for lag in (1, 2))
    ratio = float(np.clip(two / one if one > 0 else 1.0, 1.0, 3.8))
    rho = float(brentq(lambda r: 1 + r + r**2 + r**3 - ratio, 0.0, 0.99))
    step = float(np.cbrt(grid.voxel_ml * 1000.0))
    sigma = step / (2.0 * sqrt(-log(rho))) if rho > 0 else 0.0
    return Noise(one / (2.0 * (1.0 - rho)), sigma)


def _without_the_odd(kept: NDArray[np.bool_], scaled: Float, grid: Grid) -> NDArray[np.bool_]:
    """Voxels but those where image and model differ most over a wide neighbourhood."""
    if not kept.any():
        return kept
    wide = np.abs(blur(scaled, grid, ODD_MM))
    return np.asarray(kept & (wide <= np.quantile(wide[kept], 1.0 - ODD_SHARE)))


def _flat(model: Float) -> NDArray[np.bool_]:
    slopes = [np.gradient(model, axis=axis) for axis in range(3)]
    return np.asarray(sum(np.abs(s) for s in slopes) < FLAT * model)


def _step(scaled: Float, kept: NDArray[np.bool_], axis: int, lag: int) -> float:
    """Mean square difference of voxels `lag` apart along one axis."""
    z, k = np.moveaxis(scaled, axis, 0), np.moveaxis(kept, axis, 0)
    both = k[lag:] & k[:-lag]
    return float(np.mean((z[lag:] - z[:-lag])[both] ** 2)) if both.any() else 0.0
