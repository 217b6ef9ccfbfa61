"""How an outline's doubt reaches volume, counts, activity and dose (GUM; as Gear 2018).

All in relative units; a volume drawn too large holds more counts, is given less recovery, and
gets a smaller S value. The three move together, so they are added with signs first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erf, exp, hypot, log, pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.notes import refusal
from quimby.devices.recovery import FWHM_PER_SIGMA


def _above_zero(what: str, value: float, unit: str) -> None:
    if not value > 0:
        raise refusal("E-UNC-INPUT", where="uncertainty of an outline", what=what, value=value,
                      unit=unit, must="above zero")  # fmt: skip


def sphere_diameter(volume: float) -> float:
    """Diameter of the sphere of this volume (ml -> cm, mm3 -> mm)."""
    _above_zero("the volume", volume, "ml")
    return float((6 * volume / pi) ** (1 / 3))


def diameter_u(voxel: float, fwhm: float) -> float:
    """Standard uncertainty of an outlined diameter, in the unit of both arguments.

    Two edges: voxels spread each evenly over one voxel width, blur as a Gaussian:
    ``u**2 = a**2/6 + FWHM**2/(4 ln 2)``. Both belong to the image that was outlined.
    """
    if not (voxel >= 0 and fwhm >= 0):
        _above_zero("voxel width or resolution", min(voxel, fwhm), "mm")
    return sqrt(voxel**2 / 6 + fwhm**2 / (4 * log(2)))


def volume_u_rel(volume_ml: float, *, voxel_mm: float, fwhm_mm: float) -> float:
    """Relative standard uncertainty of an outlined volume: 3 u(d)/d."""
    return 3 * diameter_u(voxel_mm, fwhm_mm) / (10 * sphere_diameter(volume_ml))


def edge_intensity(radius: float, sigma: float) -> float:
    """phi: twice the brightness at the edge of a blurred sphere, over that of the object.

    `sigma` is that of the emission image, not of the image used for outlining.
    """
    _above_zero("the radius", radius, "mm")
    _above_zero("the resolution", sigma, "mm")
    x = 2 * radius / sigma
    lost = 2 * sigma / (radius * sqrt(2 * pi)) * (1 - exp(-(x**2) / 2))
    return erf(x / sqrt(2)) - lost


@dataclass(frozen=True, slots=True)
class VolumeSensitivity:
    """Relative change of counts, recovery, activity and dose for a relative change of volume."""

    counts: float  # phi/(2 R)
    recovery: float  # (v/R) dR/dv
    s_value: float  # c2, entered as a positive exponent

    @property
    def activity(self) -> float:
        """d ln A / d ln v."""
        return self.counts - self.recovery

    @property
    def dose(self) -> float:
        """d ln D / d ln v; -0.5 for a large object: half as sensitive as its volume."""
        return self.activity - self.s_value


def volume_sensitivity(
    volume_ml: float, *, fwhm_mm: float, recovery: float, recovery_slope_per_ml: float,
    s_exponent: float = 1.0,
) -> VolumeSensitivity:  # fmt: skip
    """Sensitivities of a spherical region; `recovery` is R(v), and its slope dR/dv."""
    _above_zero("the recovery", recovery, "")
    radius = 10 * sphere_diameter(volume_ml) / 2
    phi = edge_intensity(radius, fwhm_mm / FWHM_PER_SIGMA)
    return VolumeSensitivity(
        phi / (2 * recovery), volume_ml / recovery * recovery_slope_per_ml, s_exponent
    )


def combined_u_rel(sensitivity: float, volume_u: float, *others: float) -> float:
    """Relative u of a quantity from the volume (with its sensitivity) and independent causes."""
    return hypot(sensitivity * volume_u, *others)


def product_u_rel(u_a: float, u_b: float, correlation: float = 0.0) -> float:
    """Relative u of a product of two correlated factors. E-UNC-CORR when |correlation| > 1."""
    check_correlation(correlation)
    return sqrt(max(u_a**2 + u_b**2 + 2 * correlation * u_a * u_b, 0.0))


def check_correlation(correlation: float) -> None:
    """E-UNC-CORR unless -1 <= correlation <= 1."""
    if not -1 <= correlation <= 1:
        raise refusal("E-UNC-CORR", where="uncertainty", value=correlation)


def check_covariance(covariance: ArrayLike) -> NDArray[np.float64]:
    """The matrix, if it is one of covariances: symmetric, correlations in [-1, 1], no negative
    variance in any combination (to rounding). Else E-UNC-CORR.
    """
    matrix = np.asarray(covariance, dtype=float)
    scale = np.sqrt(np.clip(np.diag(matrix), 1e-300, None))
    correlation = matrix / np.outer(scale, scale)
    worst = float(np.abs(correlation - np.diag(np.diag(correlation))).max(initial=0.0))
    ok = (
        np.allclose(matrix, matrix.T)
        and (np.diag(matrix) >= 0).all()
        and worst <= 1 + 1e-9
        and np.linalg.eigvalsh(matrix).min() >= -1e-9 * np.abs(matrix).max()
    )
    if not ok:
        raise refusal("E-UNC-CORR", where="covariance matrix", value=worst)
    return matrix


def activity_covariance(
    activity: Sequence[float], random_u: Sequence[float], systematic_rel: float
) -> NDArray[np.float64]:
    """Covariance of activities that share one factor: diag(u_random**2) + s s^T, s = A u_sys."""
    shared = np.asarray(activity, dtype=float) * systematic_rel
    return check_covariance(
        np.diag(np.asarray(random_u, dtype=float) ** 2) + np.outer(shared, shared)
    )


def mean_u_rel(activity: Sequence[float], covariance: ArrayLike) -> float:
    """Relative u of the mean of correlated activities; a shared factor does not average out."""
    values, matrix = np.asarray(activity, dtype=float), check_covariance(covariance)
    return float(np.sqrt(matrix.sum()) / abs(values.sum()))


AGREEMENT = 0.07  # SNMMI 177Lu challenge, part 3 (Brosch-Lenz 2024): all but livers with lesions


def agrees_with_other_software(
    dose_gy: float, reference_gy: float, *, tolerance: float = AGREEMENT
) -> bool:
    """Whether a dose from shared TIA lies within 7 % of another program's."""
    _above_zero("the other program's dose", reference_gy, "Gy")
    return abs(dose_gy / reference_gy - 1) <= tolerance
