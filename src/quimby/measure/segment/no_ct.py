"""Masses where no CT goes with the scan: three diameters, a threshold, a reference person."""

from __future__ import annotations

from math import pi

from quimby.core.notes import note, refusal
from quimby.core.uncertain import Uncertain
from quimby.measure.mass import Mass, mass_of_organ
from quimby.measure.segment.constants import constants, figure
from quimby.measure.segment.made import Segmented, above_zero

SEXES = {"M": "m", "F": "f"}


def ellipsoid_volume(
    diameters_mm: tuple[float, float, float], *, name: str, u_relative: float | None = None
) -> Uncertain:
    """Volume by pi/6 of three diameters measured on a CT, MR or ultrasound elsewhere, ml.

    Relative doubt 0.18 unless given, cause "outline <name>". E-SEG-NUMBER.
    """
    for diameter in diameters_mm:
        above_zero(diameter, "the diameter, mm,", where=name)
    length, width, thickness = diameters_mm
    volume = pi / 6.0 * length * width * thickness / 1000.0
    share = figure("ellipsoid_u") if u_relative is None else u_relative
    return Uncertain(volume, {f"outline {name}": share * volume})


def mass_from_diameters(
    diameters_mm: tuple[float, float, float], organ: str, *, name: str,
    u_relative: float | None = None,
) -> Mass:  # fmt: skip
    """Mass of an organ or lesion from three diameters and its usual density."""
    return mass_of_organ(ellipsoid_volume(diameters_mm, name=name, u_relative=u_relative), organ)


def mass_from_outline(made: Segmented, organ: str) -> Mass:
    """Mass of a region outlined on the scan itself, from the organ's usual density.

    W-SEG-NO-CT: nothing but the scan's own blur bounds this mass.
    """
    found = mass_of_organ(made.volume_ml, organ)
    said = note("W-SEG-NO-CT", where=made.outline.name, value=made.volume_ml.u_rel)
    return Mass(found.volume_ml, found.mass_g, found.density_g_per_ml,
                "outline on the scan, organ density", (*found.notes, said))  # fmt: skip


def reference_mass(organ: str, sex: str, *, where: str = "") -> Uncertain:
    """Mass of a reference adult's kidneys (the pair), liver or spleen, g, in doubt by 25 %.

    `sex` is "F" or "M". E-SEG-REFERENCE for an organ or sex without one. Not of this patient:
    to be used where nothing was measured.
    """
    key = f"reference_{organ}_{SEXES.get(sex, '')}"
    if key not in constants():
        raise refusal("E-SEG-REFERENCE", where=where or organ, organ=organ, sex=sex or "not given")
    mass = constants()[key].value
    return Uncertain(mass, {f"reference mass of {organ}": figure("reference_u") * mass})
