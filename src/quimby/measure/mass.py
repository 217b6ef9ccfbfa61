"""Mass of outlined regions: from CT numbers, or from an organ's usual density."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quimby.core.grid import Image, Rigid
from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.occupancy import placed
from quimby.measure.regions import Region
from quimby.physics.materials import DensityCurve, density_curve, lung_density, organ_density

Float = NDArray[np.float64]
CT_DENSITY = "CT density"
U_ORGAN_DENSITY, U_LUNG_DENSITY = 0.02, 0.05  # [P]
COVERED = 0.95


@dataclass(frozen=True, slots=True)
class Mass:
    """Volume and mass of one region. Their common cause is "outline <region>"."""

    volume_ml: Uncertain
    mass_g: Uncertain
    density_g_per_ml: float
    method: str  # "CT", "lung CT" or "organ density"
    notes: tuple[Note, ...] = ()


def mass(
    ct: Image,
    region: Region,
    *,
    organ: str = "",
    curve: DensityCurve | None = None,
    contrast: bool = False,
    moved: Rigid | None = None,
) -> Mass:
    """Mass of a region, the sum of occupancy times density over the CT.

    Parameters
    ----------
    ct
        HU; the CT the region was drawn on, or another one with `moved` (reference to that CT).
    organ
        Canonical name. "lung" takes (HU + 1000)/1000; with `contrast` the organ's usual
        density is taken (I-MASS-CONTRAST), since iodine would count as tissue.
    curve
        CT numbers to density; the shipped one if none is given.

    Raises
    ------
    E-IMG-UNIT for a CT that is not in HU, E-MASS-CT when less than 95 % of the region lies in
    it, and E-MAT-ORGAN for contrast in an organ without a usual density.
    """
    if contrast:
        return mass_of_organ(region.volume_ml, organ, contrast=True, where=region.name)
    hu, weights = _voxels(ct, region, moved or Rigid.identity())
    if organ == "lung":
        mean = float(np.average(hu, weights=weights))
        density = lung_density(mean)
        return mass_of_density(
            region.volume_ml, density, u_relative=U_LUNG_DENSITY, method="lung CT"
        )
    table = curve or density_curve()
    density = float(np.average(table.density(hu), weights=weights))
    notes = table.metal_notes(hu[weights > 0.5], where=region.name)
    found = mass_of_density(region.volume_ml, density, u_relative=table.u_relative)
    return replace(found, notes=notes)


def mass_of_organ(
    volume_ml: Uncertain, organ: str, *, contrast: bool = False, where: str = ""
) -> Mass:
    """Mass from a volume and the organ's usual density, where a CT cannot say."""
    usual = organ_density(organ)
    said = note("I-MASS-CONTRAST", where=where or organ, value=usual.value, organ=organ)
    cause = f"density of {organ}"
    density = Uncertain(usual.value, {cause: U_ORGAN_DENSITY * usual.value})
    grams = volume_ml * density
    return Mass(volume_ml, grams, usual.value, "organ density", (said,) if contrast else ())


def mass_of_density(
    volume_ml: Uncertain, density_g_per_ml: float, *, u_relative: float = 0.0, method: str = "CT"
) -> Mass:
    """Mass of a volume of known mean density; `u_relative` enters as "CT density"."""
    density = Uncertain(density_g_per_ml, {CT_DENSITY: u_relative * density_g_per_ml})
    return Mass(volume_ml, volume_ml * density, density_g_per_ml, method)


def _voxels(ct: Image, region: Region, moved: Rigid) -> tuple[Float, Float]:
    """CT numbers of the voxels the region touches, and how far it fills each."""
    if ct.unit != "HU":
        raise refusal("E-IMG-UNIT", where=region.name, unit=ct.unit, wanted="HU")
    part = placed(region.mask, ct.grid, moved)
    if part.inside < COVERED:
        raise refusal("E-MASS-CT", where=region.name, value=part.inside, limit=COVERED)
    filled = part.array > 0
    return np.asarray(ct.array[part.box], dtype=np.float64)[filled], part.array[filled]
