"""Whole-body dose from 131I by an S value that falls with the patient's mass.

``S = 1.34e-4 m**-0.921`` Gy/(MBq h), m in kg (Buckley et al. 2009; Gear et al., EJNMMI Phys
2020;7:15). Electrons that all stay, and the photon term of the blood formula, confirm it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from quimby.core.notes import Note, note
from quimby.core.numbers import above_zero
from quimby.core.source import Constant
from quimby.core.tables import with_doubt
from quimby.core.uncertain import Uncertain, combine
from quimby.dose.thyroid import table
from quimby.physics.nuclides import delta_gy_g_per_mbq_h

MASS_KG = (3.0, 100.0)
WHERE = "whole-body dose"


@dataclass(frozen=True, slots=True)
class WholeBodyS:
    """Whole-body S value, Gy/(MBq h)."""

    s_gy_per_mbq_h: Uncertain
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """The S value a second way, Gy/(MBq h), and its ratio to the power law."""

    electrons: float
    photons: float
    ratio: float

    @property
    def together(self) -> float:
        """Electrons and photons."""
        return self.electrons + self.photons


@dataclass(frozen=True, slots=True)
class WholeBodyDose:
    """Mean whole-body dose, Gy, and the S value behind it."""

    dose_gy: Uncertain
    s: WholeBodyS


def s_whole_body(mass_kg: Uncertain) -> WholeBodyS:
    """S value at a mass, with the mass's causes times 0.921 and "whole-body S value" (5 %).

    Outside 3 to 100 kg W-MASS-EXTRAPOLATED. Raises E-NUM-NONPOS.
    """
    m = above_zero(mass_kg.value, "the weight", "kg", where=WHERE)
    scale, power = table()["whole-body S value"], table()["whole-body S exponent"]
    falls = m**-power.value
    s = with_doubt(scale) * combine(falls, (mass_kg, -power.value * falls / m))
    low, high = MASS_KG
    told = () if low <= m <= high else (
        note("W-MASS-EXTRAPOLATED", where=WHERE, value=m, limit=high, low=low, unit="kg",
             what="the whole-body S value"),)  # fmt: skip
    return WholeBodyS(s, (scale, power), told)


def cross_check(mass_kg: float, electron_mev: float | None = None) -> CrossCheck:
    """S from electrons that all stay in the body, plus the photon term 0.0188 m**(-2/3)."""
    above_zero(mass_kg, "the weight", "kg", where=WHERE)
    energy = electron_mev or table()["electron energy, whole-body check"].value
    electrons = delta_gy_g_per_mbq_h(energy) / (1000 * mass_kg)
    photons = table()["whole-body photon constant"].value / 1000 / mass_kg ** (2 / 3)
    power_law = s_whole_body(Uncertain(mass_kg)).s_gy_per_mbq_h.value
    return CrossCheck(electrons, photons, power_law / (electrons + photons))


def whole_body_dose(tia_mbq_h: Uncertain, mass_kg: Uncertain) -> WholeBodyDose:
    """Dose = TIA x S(m), Gy. Raises E-NUM-NONPOS.

    Adds "urine held in the bladder": readings after a void miss it, and its photons count.
    """
    above_zero(tia_mbq_h.value, "the time-integrated activity", "MBq h", where=WHERE)
    s, parts = s_whole_body(mass_kg), cross_check(mass_kg.value)
    urine = table()["urine held in the bladder"]
    dose = tia_mbq_h * s.s_gy_per_mbq_h
    missed = urine.value * parts.photons / parts.together
    return WholeBodyDose(dose.because(urine.name, missed * dose.value),
                         replace(s, constants=(*s.constants, urine)))  # fmt: skip


def scaled_dose(
    tia_mbq_h: Uncertain,
    *,
    s_electron: float,
    s_photon: float,
    phantom_kg: float,
    mass_kg: Uncertain,
) -> Uncertain:
    """Whole-body dose of any nuclide from a phantom's S values, Gy (S in Gy/(MBq h)).

    Electrons scale as 1/m, photons as m**(-2/3). Source: Hindorf et al., EJNMMI 2010.
    """
    above_zero(mass_kg.value, "the weight", "kg", where=WHERE)
    ratio = above_zero(phantom_kg, "the phantom's weight", "kg", where=WHERE) / mass_kg.value
    electrons, photons = s_electron * ratio, s_photon * ratio ** (2 / 3)
    slope = -(electrons + 2 / 3 * photons) / mass_kg.value
    return tia_mbq_h * combine(electrons + photons, (mass_kg, slope))
