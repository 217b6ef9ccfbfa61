"""Dose to the thyroid, a nodule or a remnant from 131I, and the mass it is shared by.

The energy that stays, electrons and part of the photons, grows slowly with the mass:
``E(M) = (M**0.25 + 18)/7.2`` Gy g/(MBq d). Source: Hänscheid et al., EANM SOP II, EJNMMI 2013.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero
from quimby.core.source import Constant
from quimby.core.tables import constants
from quimby.core.uncertain import Uncertain, combine, exact

ENERGY_MODELS = ("mass-dependent", "fixed")
ENERGY_U = 0.02  # relative [P]
MASS_G = (1.0, 300.0)  # where E(M) is known
VOLUME_ML = (0.5, 1000.0)
ULTRASOUND_U = 0.15  # relative, of a volume by ultrasound [P]
FACTORS = {"pi/6": "ellipsoid factor", "Brunn": "Brunn factor"}
WHERE = "thyroid dose"


def table() -> Mapping[str, Constant]:
    """Constants of the radioiodine routes by name."""
    return constants("quimby.dose", "radioiodine")


@dataclass(frozen=True, slots=True)
class Energy:
    """Mean energy that one MBq leaves in the region in a day, Gy g/(MBq d)."""

    gy_g_per_mbq_d: Uncertain
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class TargetMass:
    """Volume (ml) and mass (g) of what is to be treated, and how the volume was found."""

    volume_ml: Uncertain
    mass_g: Uncertain
    factor: Constant
    constants: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class ThyroidDose:
    """Mean absorbed dose, Gy, and the energy it was made with."""

    dose_gy: Uncertain
    energy: Energy

    @property
    def notes(self) -> tuple[Note, ...]:
        """Those of the energy."""
        return self.energy.notes


def mean_energy(mass_g: Uncertain, *, model: str = "mass-dependent") -> Energy:
    """Mean energy per decay by mass, or the fixed 2.808 behind Marinelli's constant.

    The mass's causes travel (the slope is small), with "mean energy per decay" (2 %). Outside
    1 to 300 g W-MASS-EXTRAPOLATED. Raises E-NUM-NONPOS, E-TIAC-RULE.
    """
    m = above_zero(mass_g.value, "the mass", "g", where=WHERE)
    if model not in ENERGY_MODELS:
        raise refusal("E-TIAC-RULE", where=WHERE, name=model, known=", ".join(ENERGY_MODELS))
    if model == "fixed":
        fixed = table()["mean energy per decay"]
        return Energy(Uncertain(fixed.value, {fixed.name: fixed.u}), (fixed,), ())
    offset, divisor = table()["thyroid energy, offset"], table()["thyroid energy, divisor"]
    root = m**0.25
    value = (root + offset.value) / divisor.value
    energy = combine(value, (mass_g, 0.25 * root / m / divisor.value))
    low, high = MASS_G
    told = () if low <= m <= high else (
        note("W-MASS-EXTRAPOLATED", where=WHERE, value=m, limit=high, low=low, unit="g",
             what="the mean energy per decay"),)  # fmt: skip
    return Energy(energy.because("mean energy per decay", ENERGY_U * value), (offset, divisor),
                  told)  # fmt: skip


def marinelli_constant(energy_gy_g_per_mbq_d: float) -> float:
    """``100 ln 2/E``, MBq d %/(Gy g): the constant of the classical formula for this energy."""
    return 100 * log(2) / above_zero(energy_gy_g_per_mbq_d, "the energy", "", where=WHERE)


def lobe_volume_ml(size_cm: Sequence[float], factor: str = "pi/6") -> float:
    """Volume of one lobe from length, width and depth in cm. E-NUM-NONPOS, E-TIAC-RULE."""
    volume = _factor(factor).value
    for name, side in zip(("length", "width", "depth"), size_cm, strict=True):
        volume *= above_zero(side, f"the lobe's {name}", "cm", where="thyroid volume")
    return volume


def target_mass(
    lobes_cm: Sequence[Sequence[float]],
    *,
    factor: str = "pi/6",
    density_g_per_ml: float | None = None,
    volume_u: float = ULTRASOUND_U,
) -> TargetMass:
    """Mass of lobes or nodules measured by ultrasound (cm), with cause "ultrasound volume".

    `factor` is "pi/6" (ellipsoid) or "Brunn" (0.479); they differ by 9 %, so the one used is
    returned. Raises E-NUM-NONPOS, E-VOLUME-RANGE (0.5 to 1000 ml: millimetres for centimetres).
    """
    volume = sum(lobe_volume_ml(lobe, factor) for lobe in lobes_cm)
    check_volume(volume)
    density = table()["thyroid density"]
    per_ml = density.value if density_g_per_ml is None else density_g_per_ml
    above_zero(per_ml, "the density", "g/ml", where="thyroid volume")
    known = Uncertain(volume, {"ultrasound volume": volume_u * volume} if volume_u else {})
    used = (_factor(factor), *(() if density_g_per_ml is not None else (density,)))
    return TargetMass(known, known.scaled(per_ml), _factor(factor), used)


def check_volume(volume_ml: float) -> None:
    """E-VOLUME-RANGE outside 0.5 to 1000 ml."""
    low, high = VOLUME_ML
    if not low <= volume_ml <= high:
        raise refusal("E-VOLUME-RANGE", where="thyroid volume", value=volume_ml, low=low, high=high)


def _factor(name: str) -> Constant:
    if name not in FACTORS:
        raise refusal("E-TIAC-RULE", where="thyroid volume", name=name, known=", ".join(FACTORS))
    return table()[FACTORS[name]]


def dose_per_activity(
    tiac_h: Uncertain, mass_g: Uncertain, *, model: str = "mass-dependent"
) -> ThyroidDose:
    """Dose of one MBq, Gy/MBq: ``E(M) tau/M`` with tau in days."""
    above_zero(tiac_h.value, "the time-integrated uptake", "h", where=WHERE)
    energy = mean_energy(mass_g, model=model)
    return ThyroidDose(energy.gy_g_per_mbq_d * tiac_h.scaled(1 / 24) / mass_g, energy)


def dose(
    administered_mbq: Uncertain,
    tiac_h: Uncertain,
    mass_g: Uncertain,
    *,
    model: str = "mass-dependent",
) -> ThyroidDose:
    """Mean absorbed dose, Gy, with every cause of activity, uptake, mass and energy.

    Raises E-NUM-NONPOS; W-MASS-EXTRAPOLATED outside 1 to 300 g.
    """
    above_zero(administered_mbq.value, "the administered activity", "MBq", where=WHERE)
    one = dose_per_activity(tiac_h, mass_g, model=model)
    return ThyroidDose(one.dose_gy * administered_mbq, one.energy)


def lesion_tiac_h(uptake_at_zero: Uncertain, half_life_h: Uncertain) -> Uncertain:
    """Residence of a remnant or lesion that empties as one exponential, ``U0 T/ln 2``, h."""
    for value, what, unit in ((uptake_at_zero.value, "the uptake", ""),
                              (half_life_h.value, "the half-life", "h")):  # fmt: skip
        above_zero(value, what, unit, where="lesion dose")
    if uptake_at_zero.value > 1:
        raise refusal("E-RIU-RANGE", where="lesion dose", value=uptake_at_zero.value, time=0.0,
                      limit=1.0)  # fmt: skip
    return (uptake_at_zero * half_life_h).scaled(1 / log(2))


def dose_mass_product(administered_mbq: Uncertain, tiac_h: Uncertain) -> Uncertain:
    """Dose times mass, Gy g, for a remnant whose mass cannot be measured (fixed energy)."""
    energy = mean_energy(exact(1.0), model="fixed").gy_g_per_mbq_d
    return energy * tiac_h.scaled(1 / 24) * administered_mbq
