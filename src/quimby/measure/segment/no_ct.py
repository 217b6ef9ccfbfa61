"""Masses where no CT goes with the scan: three diameters, a threshold, a reference person."""

from __future__ import annotations

from math import pi

from quimby.core.notes import note, refusal
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.measure.mass import Mass, mass_of_organ
from quimby.measure.segment.constants import constants, figure
from quimby.measure.segment.made import Segmented, above_zero

SEXES = {"M": "m", "F": "f"}
PAIRED = {"kidney": "kidneys"}
"""Organs whose reference mass is that of both sides."""


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


def given_volume(
    measured: float | tuple[float, float, float], *, cause: str, u_relative: float | None = None
) -> Uncertain:
    """A volume (ml) as given, or of three diameters (mm), under a cause of its own.

    One cause for all that one way measured: what an ellipsoid gets wrong in one kidney it gets
    wrong in the other. Relative doubt 0.18 unless given, that of one ellipsoid; so serves for a
    mass (g) as well. E-SEG-NUMBER.
    """
    if isinstance(measured, tuple):
        volume = ellipsoid_volume(measured, name=cause).value
    else:
        volume = above_zero(measured, "the volume or mass", where=cause)
    share = figure("ellipsoid_u") if u_relative is None else u_relative
    return Uncertain(volume, {cause: share * volume})


def mass_on_scan(volume_ml: Uncertain, organ: str, *, name: str) -> Mass:
    """Mass of a region outlined on the scan itself, from the organ's usual density.

    W-SEG-NO-CT: nothing but the scan's own blur bounds this mass.
    """
    found = mass_of_organ(volume_ml, organ)
    said = note("W-SEG-NO-CT", where=name, value=volume_ml.u_rel)
    return Mass(found.volume_ml, found.mass_g, found.density_g_per_ml,
                "outline on the scan, organ density", (*found.notes, said))  # fmt: skip


def mass_from_outline(made: Segmented, organ: str) -> Mass:
    """As `mass_on_scan`, of an outline that the machine made."""
    return mass_on_scan(made.volume_ml, organ, name=made.outline.name)


def reference_share(
    organ: str, sex: str, *, one_side: bool = False, u_relative: float | None = None,
    where: str = "",
) -> tuple[Uncertain, Constant]:  # fmt: skip
    """Mass of an organ, or of one side of a pair, of a reference adult, g, and its source.

    The cause "mass, reference adult" is shared by all organs: a large patient's are all larger.
    E-SEG-REFERENCE as `reference_mass`.
    """
    whole = PAIRED.get(organ, organ)
    found = reference_mass(whole, sex, where=where)
    share = figure("reference_u") if u_relative is None else u_relative
    grams = found.value / (2.0 if one_side and whole != organ else 1.0)
    constant = constants()[f"reference_{whole}_{SEXES[sex]}"]
    return Uncertain(grams, {"mass, reference adult": share * grams}), constant


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
