"""Was it an incident? National criteria as functions; none is active unless a centre asks."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.numbers import above_zero, zero_or_more
from quimby.planning.thyroid import table

WHERE = "incident"


@dataclass(frozen=True, slots=True)
class MedicalEvent:
    """Difference of the activity as a fraction, and whether the rule asks for a report."""

    difference: float
    reportable: bool


@dataclass(frozen=True, slots=True)
class DoseRatio:
    """Delivered over intended dose, and whether it reaches the threshold."""

    ratio: float
    notify: bool


def nrc_medical_event(
    *,
    prescribed_mbq: float,
    administered_mbq: float,
    effective_dose_difference_sv: float,
    organ_dose_difference_sv: float,
) -> MedicalEvent:
    """US rule 10 CFR 35.3045: 20 % off, and above 0.05 Sv effective or 0.5 Sv to an organ."""
    above_zero(prescribed_mbq, "the prescribed activity", "MBq", where=WHERE)
    zero_or_more(administered_mbq, "the administered activity", "MBq", where=WHERE)
    known = table()
    off = administered_mbq / prescribed_mbq - 1
    doses = (
        abs(effective_dose_difference_sv) > known["NRC effective dose"].value
        or abs(organ_dose_difference_sv) > known["NRC organ dose"].value
    )
    return MedicalEvent(off, abs(off) >= known["NRC activity difference"].value - 1e-12 and doses)


def dose_ratio(*, intended_gy: float, delivered_gy: float, threshold: float) -> DoseRatio:
    """Delivered over intended dose against a national threshold (UK code 7.1: 1.1)."""
    above_zero(intended_gy, "the intended dose", "Gy", where=WHERE)
    zero_or_more(delivered_gy, "the delivered dose", "Gy", where=WHERE)
    above_zero(threshold, "the threshold", "", where=WHERE)
    ratio = delivered_gy / intended_gy
    return DoseRatio(ratio, ratio >= threshold)
