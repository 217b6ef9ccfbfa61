"""An estimate of how much of the photon energy stays in a sphere of water."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from quimby.dose.spheres import overlap, radius_cm
from quimby.physics.materials import water_mu_en_cm2_per_g, water_mu_per_cm

Float = NDArray[np.float64]

LOWEST_MEV = 0.01  # of the table of water

BUILD_UP_GROWTH = 0.25  # Berger's D for water, 50 to 1000 keV, chosen here [D]


def coefficients(energy_mev: float) -> tuple[float, float]:
    """Attenuation and energy absorption of water, per cm; as E**-3 below 10 keV."""
    known = max(energy_mev, LOWEST_MEV)
    steeper = (known / energy_mev) ** 3
    return water_mu_per_cm(known) * steeper, water_mu_en_cm2_per_g(known) * steeper


@cache
def photon_fraction(energy_mev: float, mass_g: float) -> float:
    """Absorbed fraction of photons of one energy in an evenly filled sphere of water.

    Point kernel ``mu_en exp(-x) (1 + C x exp(D x))`` with x = mu r (Berger's build-up), and
    ``C = (mu/mu_en - 1)(1 - D)**2`` so that an endless medium absorbs all the energy. D was
    chosen here against Monte Carlo of single energies. An estimate (15 %).
    """
    radius = radius_cm(mass_g)
    mu, mu_en = coefficients(energy_mev)
    step = 2 * radius / 400
    r: Float = np.asarray((np.arange(400) + 0.5) * step, np.float64)
    x, build_up = mu * r, (mu / mu_en - 1) * (1 - BUILD_UP_GROWTH) ** 2
    kernel = mu_en * np.exp(-x) * (1 + build_up * x * np.exp(BUILD_UP_GROWTH * x))
    return float((kernel * overlap(r, radius)).sum() * step)
