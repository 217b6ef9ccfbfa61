"""Densities of tissue from CT or by organ, and the attenuation of water."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quimby.core.notes import Note, note, refusal
from quimby.core.source import Constant

Float = NDArray[np.float64]
DEFAULT_CURVE = "water-air-bone"
METAL_HU = 2000.0  # brighter voxels take the density of this number
ORGAN_SOURCE = "ICRP and ICRU figures, from memory"


@dataclass(frozen=True, slots=True)
class DensityCurve:
    """CT number to mass density, straight lines between points; level beyond the ends.

    `u_relative` is the standard uncertainty of a mass from it, shared by all regions.
    """

    name: str
    hu: tuple[float, ...]
    density_g_per_ml: tuple[float, ...]
    u_relative: float
    source: str
    tag: str

    def __post_init__(self) -> None:
        why = _fault(self.hu, self.density_g_per_ml)
        if why:
            raise refusal("E-MAT-CURVE", where="density curve", name=self.name, why=why)

    def density(self, hu: ArrayLike) -> Float:
        """g/ml of each CT number, same shape; above 2000 HU (metal) as at 2000 HU.

        Raises E-MAT-HU for numbers that are not finite.
        """
        values = np.asarray(hu, dtype=np.float64)
        if bad := int(np.count_nonzero(~np.isfinite(values))):
            raise refusal("E-MAT-HU", where="density from CT", count=bad)
        return np.interp(np.minimum(values, METAL_HU), self.hu, self.density_g_per_ml)

    def metal_notes(self, hu: ArrayLike, *, where: str) -> tuple[Note, ...]:
        """W-MAT-METAL where voxels were cut at 2000 HU."""
        count = int(np.count_nonzero(np.asarray(hu) > METAL_HU))
        return (note("W-MAT-METAL", where=where, value=count, limit=METAL_HU),) if count else ()


def _fault(hu: tuple[float, ...], density: tuple[float, ...]) -> str:
    if len(hu) != len(density) or len(hu) < 2:
        return f"{len(hu)} CT numbers and {len(density)} densities"
    if not np.all(np.diff(hu) > 0):
        return "its CT numbers do not rise"
    return "it holds a density below zero" if min(density) < 0 else ""


def density_curve(name: str = DEFAULT_CURVE) -> DensityCurve:
    """A shipped curve by name, or E-MAT-CURVE. The default goes through water and air.

    Schneider 2000 gives soft tissue about 1.3 % more mass and lies within `u_relative`.
    """
    rows = _table("density_curves.toml")
    if name not in rows:
        raise refusal("E-MAT-CURVE", where="density curve", name=name,
                      why=f"it is none of {', '.join(rows)}")  # fmt: skip
    row = dict(rows[name])
    points = {key: tuple(row.pop(key)) for key in ("hu", "density_g_per_ml")}
    return DensityCurve(name, points["hu"], points["density_g_per_ml"], **row)


def lung_density(mean_hu: float) -> float:
    """g/ml of lung from its mean CT number: (HU + 1000)/1000. Kao et al. 2014."""
    if not -1000.0 <= mean_hu < 0.0:
        raise refusal("E-MAT-CURVE", where="lung density", name="lung",
                      why=f"{mean_hu:g} HU is not lung")  # fmt: skip
    return (mean_hu + 1000.0) / 1000.0


def organ_density(organ: str) -> Constant:
    """Default density of an organ, g/ml, where no CT can be used; or E-MAT-ORGAN."""
    rows = _table("organ_densities.toml")
    if organ not in rows:
        known = ", ".join(rows)
        raise refusal("E-MAT-ORGAN", where="organ density", organ=organ, known=known)
    value = float(rows[organ]["value"])
    return Constant(f"density of {organ}", value, "g/ml", ORGAN_SOURCE, "M")


def water_mu_per_cm(energy_mev: float) -> float:
    """Linear attenuation coefficient of water, 1/cm, narrow beam (NIST); 0.01 to 3 MeV."""
    return _water("mu_cm2_per_g", energy_mev)


def water_mu_en_cm2_per_g(energy_mev: float) -> float:
    """Mass energy-absorption coefficient of water, cm2/g (NIST); 0.01 to 3 MeV."""
    return _water("mu_en_cm2_per_g", energy_mev)


def _water(column: str, energy_mev: float) -> float:
    """Log-log interpolation, as the cross sections run."""
    table = _table("water_attenuation.toml")
    energies = table["energy_mev"]
    if not energies[0] <= energy_mev <= energies[-1]:
        raise refusal("E-MAT-ENERGY", where="attenuation of water", energy_mev=energy_mev,
                      lowest=energies[0], highest=energies[-1])  # fmt: skip
    return float(np.exp(np.interp(np.log(energy_mev), np.log(energies), np.log(table[column]))))


@cache
def _table(name: str) -> Mapping[str, Any]:
    return tomllib.loads(files("quimby.physics").joinpath("data", name).read_text("utf-8"))
