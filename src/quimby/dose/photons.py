"""An estimate of how much of the photon energy stays in a sphere of water."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from quimby.dose.spheres import overlap, radius_cm

Float = NDArray[np.float64]

BUILD_UP_GROWTH = 0.25  # Berger's D for water, 50 to 1000 keV, chosen here [D]


@cache
def _water() -> Float:
    lines = files("quimby.dose").joinpath("data", "water_photons.csv").read_text("utf-8")
    rows = [row for row in lines.splitlines() if row and row[0].isdigit()]
    return np.asarray(np.log([[float(x) for x in row.split(",")] for row in rows]), np.float64)


def coefficients(energy_mev: float) -> tuple[float, float]:
    """Attenuation and energy absorption of water, per cm, log-log; as E**-3 below 10 keV."""
    energy, attenuation, absorption = _water().T
    x = np.log(energy_mev)
    below = 3.0 * max(energy[0] - x, 0.0)
    mu, mu_en = (np.exp(np.interp(x, energy, y) + below) for y in (attenuation, absorption))
    return float(mu), float(mu_en)


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
