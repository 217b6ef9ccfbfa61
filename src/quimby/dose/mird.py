"""Dose by S values: the MIRD sum, scaling to a patient's mass, and spheres by power law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine

SCALE_RANGE = (0.3, 3.0)  # [P] outside it W-MASS-SCALE


def mird_sum(tia: Mapping[str, Uncertain], s: Mapping[str, float]) -> Uncertain:
    """D(target) = sum over sources of TIA x S(target <- source).

    The unit of the answer is that of TIA times S. A source without an S value, or the other
    way about, stops (E-DOSE-INPUT): nothing is left out unsaid.
    """
    lost = sorted(set(tia) ^ set(s))
    if lost:
        raise refusal("E-DOSE-INPUT", where="MIRD sum", what=f"the number of sources {lost}",
                      value=1, unit="time", must="in activities and S values alike")  # fmt: skip
    return combine(sum(tia[k].value * s[k] for k in tia), *((tia[k], s[k]) for k in tia))


@dataclass(frozen=True, slots=True)
class ScaledS:
    """A self S value carried to another mass."""

    s: float
    electrons: float
    photons: float
    notes: tuple[Note, ...]


def scale_self_s(
    s_electron: float, s_photon: float, *, reference_g: float, mass_g: float, where: str = "S value"
) -> ScaledS:
    """Self S value at a patient's mass: electrons and alphas as 1/m, photons as m**(-2/3).

    More mass means less dose from the same activity. Outside 0.3 to 3 times the reference mass
    W-MASS-SCALE. Any one unit of S. E-DOSE-INPUT unless both masses are above zero.
    """
    for what, mass in (("the reference mass", reference_g), ("the mass", mass_g)):
        if not mass > 0:
            raise refusal("E-DOSE-INPUT", where=where, what=what, value=mass, unit="g",
                          must="above zero")  # fmt: skip
    ratio = reference_g / mass_g
    low, high = SCALE_RANGE
    factor = mass_g / reference_g
    told = () if low <= factor <= high else (note("W-MASS-SCALE", where=where, value=factor),)
    electrons, photons = s_electron * ratio, s_photon * ratio ** (2 / 3)
    return ScaledS(electrons + photons, electrons, photons, told)


def cross_s(s: float, *, reference_g: float, mass_g: float) -> float:
    """S from another organ: not scaled by the target's mass.

    Photons from afar deposit in proportion to mass, so energy over mass stays. The masses are
    arguments so that a caller cannot scale it himself by mistake.
    """
    if not (reference_g > 0 and mass_g > 0):
        raise refusal("E-DOSE-INPUT", where="cross S", what="the mass", unit="g",
                      value=min(reference_g, mass_g), must="above zero")  # fmt: skip
    return s


def check_pair(*, table_side: str, patient_side: str, where: str) -> None:
    """E-MASS-PAIR when a single organ's mass meets the S value of a pair, or the other way."""
    if (table_side == "both") != (patient_side == "both"):
        raise refusal("E-MASS-PAIR", where=where, table=_words(table_side),
                      patient=_words(patient_side))  # fmt: skip


def _words(side: str) -> str:
    return "the pair" if side == "both" else "a single organ"


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """S = c1 * m**(-c2), with the covariance of (ln c1, c2)."""

    c1: float
    c2: float
    covariance: NDArray[np.float64]

    def s(self, mass_g: float) -> float:
        """S at this mass."""
        return float(self.c1 * mass_g**-self.c2)


def fit_power_law(mass_g: Sequence[float], s: Sequence[float]) -> PowerLaw:
    """Line through ln S against ln m by least squares; two masses or more, all above zero."""
    m, values = np.asarray(mass_g, dtype=float), np.asarray(s, dtype=float)
    if m.size < 2 or m.size != values.size or not (m > 0).all() or not (values > 0).all():
        raise refusal("E-DOSE-INPUT", where="sphere power law", what="the smallest mass or S",
                      value=float(min(m.min(initial=0), values.min(initial=0))), unit="",
                      must="above zero, for two masses or more")  # fmt: skip
    design = np.stack([np.ones_like(m), -np.log(m)], axis=1)
    (ln_c1, c2), *_ = np.linalg.lstsq(design, np.log(values), rcond=None)
    misfit = np.log(values) - design @ np.array([ln_c1, c2])
    spread = float(misfit @ misfit) / max(m.size - 2, 1)
    return PowerLaw(float(np.exp(ln_c1)), float(c2), spread * np.linalg.inv(design.T @ design))


def refuse_effective_dose(purpose: str, *, therapy: bool) -> None:
    """Effective dose is no therapy quantity: E-DOSE-EFFECTIVE; diagnostics may pass."""
    if therapy:
        raise refusal("E-DOSE-EFFECTIVE", where="effective dose", purpose=purpose)
