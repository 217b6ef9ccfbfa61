"""Red marrow dose from images of the lumbar vertebrae L2 to L4.

The vertebrae's activity stands for that of all red marrow by the share of it that they hold.
Source: Hindorf et al., EJNMMI 2010;37:1238 (share and principle); see docs/methods.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from quimby.core.notes import Note, note
from quimby.core.source import Constant
from quimby.core.tables import constants, with_doubt
from quimby.core.uncertain import Uncertain
from quimby.dose.marrow import from_lumbar_tia_mbq_h
from quimby.dose.self_dose import ELECTRON_ENERGY, full_absorption_dose
from quimby.dose.thyroid import table as radioiodine

NAME = "Red marrow"
WANTED = frozenset({2, 3, 4})
SHARE = "share of marrow in L2 to L4"
_SEX = {"M": "man", "F": "woman"}
_ONE = re.compile(r"(?<![a-z])l\s?([1-5])(?![0-9])")
_RANGE = re.compile(r"(?<![a-z])l\s?([1-5])\s*(?:[-–_]|to|bis|à)?\s*l?\s?([1-5])(?![0-9])")


@dataclass(frozen=True, slots=True)
class MarrowByImage:
    """Dose of all red marrow with what it rests on; `factor` is marrow over vertebrae."""

    tia_mbq_h: Uncertain
    mass_g: Uncertain
    dose_gy: Uncertain
    factor: float
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


def vertebrae(text: str) -> frozenset[int]:
    """Numbers of the lumbar vertebrae that a name says; empty where it says none.

    "L2-L4", "L2_L4", "l2l4" and "L2-4" are 2 to 4; "vertebrae_L3" is 3; "Bone marrow" none.
    """
    plain = text.lower()
    between = _RANGE.search(plain)
    if between:
        low, high = sorted(int(x) for x in between.groups())
        return frozenset(range(low, high + 1))
    return frozenset(int(x) for x in _ONE.findall(plain))


def why_not(outlined: Mapping[str, frozenset[int]]) -> str:
    """Why these outlines do not hold L2, L3 and L4 each once, in words; "" where they do."""
    silent = [name for name, those in outlined.items() if not those]
    if silent:
        return f"{' and '.join(silent)} does not say which vertebrae it holds"
    held = sorted(v for those in outlined.values() for v in those)
    if held == sorted(WANTED):
        return ""
    said = ", ".join(f"L{v}" for v in held)
    return f"L2, L3 and L4 are needed, each once, and {said} is outlined"


def red_marrow(lumbar_tia_mbq_h: Uncertain, electron_energy: Constant, *, sex: str = ""
               ) -> MarrowByImage:  # fmt: skip
    """Dose (Gy) of red marrow from the time-integrated activity of L2 to L4 (MBq h).

    ``D = TIA / share * Delta / m`` with every electron absorbed where it starts and the mass of
    the reference adult of that sex. Causes: those of the TIA, "share of marrow in L2 to L4", the
    mass and the electron energy. W-MAR-IMAGE, I-MAR-MASS; E-NUM-NONPOS for no activity.
    """
    known = constants("quimby.dose", "red_marrow")
    who = _SEX.get(sex, "adult of unknown sex")
    mass, spread = known[f"red marrow mass, {who}"], known[f"doubt of the {SHARE}"]
    tia = from_lumbar_tia_mbq_h(lumbar_tia_mbq_h)
    factor = tia.value / lumbar_tia_mbq_h.value
    tia = tia.because(SHARE, spread.value * tia.value)
    energy = Uncertain(electron_energy.value, {ELECTRON_ENERGY: electron_energy.u})
    weight = with_doubt(mass)
    notes = (note("W-MAR-IMAGE", where=NAME),
             note("I-MAR-MASS", where=NAME, value=mass.value, who=who))  # fmt: skip
    return MarrowByImage(tia, weight, full_absorption_dose(tia, weight, energy), factor,
                         (radioiodine()["marrow in L2 to L4"], spread, mass), notes)  # fmt: skip
