"""Electrons a nuclide sends out: beta spectra by Fermi theory, conversion and Auger lines."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

ELECTRON_MEV = 0.510998950
ALPHA = 1 / 137.035999


def beta_spectrum(
    end_point_mev: float, daughter_z: int, *, shape: str = "allowed", bins: int = 200
) -> tuple[Float, Float]:
    """Energies (MeV) and intensities, summing to one, of beta-minus decay.

    `shape` is "allowed" or "unique" (first forbidden). The Fermi function is the
    non-relativistic one with the Bethe-Bacher correction; no screening.
    """
    edges = np.linspace(0.0, end_point_mev, bins + 1)
    energy = (edges[1:] + edges[:-1]) / 2
    W = energy / ELECTRON_MEV + 1
    p = np.sqrt(W**2 - 1)
    neutrino = (end_point_mev - energy) / ELECTRON_MEV
    rate = p * W * neutrino**2 * _fermi(p, W, daughter_z)
    if shape == "unique":
        rate = rate * (p**2 + neutrino**2)
    return energy, rate / rate.sum()


def _fermi(p: Float, W: Float, z: int) -> Float:
    gamma = ALPHA * z
    eta = 2 * pi * gamma * W / p
    relativistic = (W**2 * (1 + 4 * gamma**2) - 1) ** (sqrt(1 - gamma**2) - 1)
    return np.asarray(eta / (1 - np.exp(-eta)) * relativistic, dtype=np.float64)


def electron_spectrum(
    beta: list[tuple[float, float, str]], line: list[tuple[float, float]], daughter_z: int
) -> tuple[Float, Float]:
    """Energies (MeV) and numbers a decay of all electrons.

    `beta` holds (end point MeV, intensity, shape), `line` (MeV, intensity).
    """
    energies, numbers = [], []
    for end_point, intensity, shape in beta:
        energy, share = beta_spectrum(end_point, daughter_z, shape=shape)
        energies.append(energy)
        numbers.append(intensity * share)
    for at, intensity in line:
        energies.append(np.array([at]))
        numbers.append(np.array([intensity]))
    return np.concatenate(energies), np.concatenate(numbers)
