"""A uniform sphere seen through a Gaussian point spread: centre, edge and mean inside."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import erf

from quimby.devices.recovery import FWHM_PER_SIGMA, sphere_recovery

Float = NDArray[np.float64]


def profile(distance_mm: ArrayLike, diameter_mm: float, fwhm_mm: float) -> Float:
    """Value at a distance from the centre, for a sphere of value 1 in a cold surrounding.

    The convolution of ball and Gaussian in closed form; at the centre its limit.
    """
    sigma, r = fwhm_mm / FWHM_PER_SIGMA, diameter_mm / 2.0
    rho = np.maximum(np.abs(np.asarray(distance_mm, dtype=np.float64)), 1e-3 * sigma)
    near, far = (r - rho) / (sqrt(2.0) * sigma), (r + rho) / (sqrt(2.0) * sigma)
    bell = np.exp(-(near**2)) - np.exp(-(far**2))
    return np.asarray(0.5 * (erf(near) + erf(far)) - sigma / (sqrt(2.0 * pi) * rho) * bell)


def edge_share_of_mean(diameter_mm: float, fwhm_mm: float) -> float:
    """Value at the sphere's own edge over its mean inside: the threshold that finds the edge.

    Both are above background, which cancels (Hofheinz et al., Phys Med Biol 2010;55:1099).
    """
    edge = float(profile(diameter_mm / 2.0, diameter_mm, fwhm_mm))
    return edge / sphere_recovery(diameter_mm, fwhm_mm)


def edge_share_of_maximum(diameter_mm: float, fwhm_mm: float) -> float:
    """Value at the sphere's own edge over that at its centre."""
    edge, centre = profile([diameter_mm / 2.0, 0.0], diameter_mm, fwhm_mm)
    return float(edge / centre)


def mean_within(within_mm: float, diameter_mm: float, fwhm_mm: float) -> float:
    """Mean over a central sphere of diameter `within_mm`, of a sphere of value 1 in the cold.

    By the midpoint rule in r cubed, so that every shell has the same volume.
    """
    shells = (np.arange(400) + 0.5) / 400.0
    distances = np.cbrt(shells) * within_mm / 2.0
    return float(np.mean(profile(distances, diameter_mm, fwhm_mm)))
