"""Red marrow dose from blood, organs and the rest of the body.

S values are the user's own (no table ships from memory): Gy/(MBq h), masses in kg.
Source: Hindorf et al., EJNMMI 2010;37:1238; Sgouros, J Nucl Med 1993;34:689.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain, combine, total
from quimby.dose.mird import mird_sum
from quimby.dose.thyroid import table

HAEMATOCRIT = (0.15, 0.70)
WHERE = "marrow dose"


@dataclass(frozen=True, slots=True)
class Organ:
    """A source organ: its mass, and the S value to the marrow."""

    name: str
    mass_kg: float
    s_gy_per_mbq_h: float


@dataclass(frozen=True, slots=True)
class Remainder:
    """Mass and S value of the body less marrow and named organs."""

    mass_kg: float
    s_gy_per_mbq_h: float
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class MarrowDose:
    """Dose to the red marrow, Gy, from itself, the remainder and each organ."""

    dose_gy: Uncertain
    shares_gy: Mapping[str, Uncertain]
    notes: tuple[Note, ...]


def marrow_to_blood(haematocrit: Uncertain, extracellular: float | None = None) -> Uncertain:
    """Red marrow to blood ratio of concentrations, RMECFF/(1 - HCT).

    For antibodies; 0.19 by default, with "extracellular share of marrow" (16 %); one given is
    taken as exact. Raises E-HCT-RANGE (per cent for a fraction).
    """
    low, high = HAEMATOCRIT
    if not low < haematocrit.value < high:
        raise refusal("E-HCT-RANGE", where=WHERE, value=haematocrit.value, low=low, high=high)
    known = table()["RMECFF"]
    share = known.value if extracellular is None else extracellular
    above_zero(share, "the extracellular fraction", "", where=WHERE)
    ratio = share / (1 - haematocrit.value)
    found = combine(ratio, (haematocrit, ratio / (1 - haematocrit.value)))
    if extracellular is not None:
        return found
    return found.because("extracellular share of marrow", known.u / known.value * ratio)


def marrow_tia_mbq_h(
    blood_mbq_h_per_g: Uncertain, ratio: Uncertain, marrow_kg: Uncertain
) -> Uncertain:
    """TIA of the marrow from that of a gram of blood and the patient's marrow mass, MBq h."""
    return blood_mbq_h_per_g * ratio * marrow_kg.scaled(1000.0)


def self_dose_from_blood(
    blood_mbq_h_per_g: Uncertain,
    ratio: Uncertain,
    *,
    phantom_marrow_kg: float,
    s_gy_per_mbq_h: float,
) -> Uncertain:
    """Marrow self-dose, Gy. The patient's marrow mass cancels: only the phantom's is needed."""
    above_zero(blood_mbq_h_per_g.value, "the blood's TIA", "MBq h/g", where=WHERE)
    above_zero(phantom_marrow_kg, "the phantom's marrow mass", "kg", where=WHERE)
    above_zero(s_gy_per_mbq_h, "the marrow's S value", "Gy/(MBq h)", where=WHERE)
    return (blood_mbq_h_per_g * ratio).scaled(1000.0 * phantom_marrow_kg * s_gy_per_mbq_h)


def remainder_tia_mbq_h(
    whole_body: Uncertain, marrow: Uncertain, organs: Sequence[Uncertain]
) -> Uncertain:
    """TIA of the rest of the body, MBq h; E-REMAINDER-NEGATIVE below zero."""
    rest = whole_body - total([marrow, *organs])
    if rest.value < 0:
        raise refusal("E-REMAINDER-NEGATIVE", where=WHERE, value=rest.value)
    return rest


def remainder_s(
    *,
    body_kg: float,
    marrow_kg: float,
    organs: Sequence[Organ],
    s_body: float,
    s_marrow: float,
    photons_only: bool = False,
) -> Remainder:
    """S value from the rest of the body to the marrow, Gy/(MBq h).

    ``S_rest m_rest = S_body m_body - S_marrow m_marrow - sum S_h m_h``. With `photons_only` the
    S values given must be the photon parts; else W-MARROW-S (Stabin 2001: bone's electrons).
    Raises E-NUM-NONPOS, E-MARROW-MASS, E-S-NEGATIVE.
    """
    parts = [(marrow_kg, s_marrow), *((o.mass_kg, o.s_gy_per_mbq_h) for o in organs)]
    for mass, s in [(body_kg, s_body), *parts]:
        above_zero(mass, "a mass", "kg", where=WHERE)
        zero_or_more(s, "an S value", "Gy/(MBq h)", where=WHERE)
    rest = body_kg - sum(mass for mass, _ in parts)
    if rest <= 0:
        raise refusal("E-MARROW-MASS", where=WHERE, value=rest)
    s_rest = (s_body * body_kg - sum(mass * s for mass, s in parts)) / rest
    if s_rest < 0:
        raise refusal("E-S-NEGATIVE", where=WHERE, value=s_rest)
    return Remainder(rest, s_rest, () if photons_only else (note("W-MARROW-S", where=WHERE),))


def marrow_dose(
    self_gy: Uncertain,
    *,
    remainder_tia: Uncertain,
    remainder: Remainder,
    organ_tia: Mapping[str, Uncertain],
    organs: Sequence[Organ],
    diseased: bool = False,
) -> MarrowDose:
    """Self-dose, remainder and organs together, Gy. W-MARROW-DISEASE where marrow is diseased.

    Raises E-DOSE-INPUT where organs with TIA and with S values differ.
    """
    s = {o.name: o.s_gy_per_mbq_h for o in organs}
    mird_sum(organ_tia, s)  # refuses an organ without its partner
    shares = {"marrow": self_gy, "remainder": remainder_tia.scaled(remainder.s_gy_per_mbq_h)}
    shares |= {name: tia.scaled(s[name]) for name, tia in organ_tia.items()}
    told = (note("W-MARROW-DISEASE", where=WHERE),) if diseased else ()
    return MarrowDose(total(list(shares.values())), shares, (*remainder.notes, *told))


def from_lumbar_tia_mbq_h(lumbar_mbq_h: Uncertain, fraction: float | None = None) -> Uncertain:
    """TIA of all red marrow from that of L2 to L4, which hold 6.7 % of it in adults, MBq h."""
    above_zero(lumbar_mbq_h.value, "the TIA of L2 to L4", "MBq h", where=WHERE)
    share = table()["marrow in L2 to L4"].value if fraction is None else fraction
    return lumbar_mbq_h.scaled(1 / above_zero(share, "the share of L2 to L4", "", where=WHERE))
