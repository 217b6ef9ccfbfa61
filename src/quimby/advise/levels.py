"""Levels of dosimetry: what the rules ask for at least (`study.level`: what a study reached).

Source: Konijnenberg et al., EJNMMI 2021;48:67-72, on Article 56 of 2013/59/Euratom.
"""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.notes import Note, note
from quimby.core.numbers import above_zero
from quimby.protocols.level import ACTIVITY_TOLERANCE, ROUNDING, as_prescribed

ABOVE_LABEL = 1.25  # times the label's activity; more than this is no longer standardised


@dataclass(frozen=True, slots=True)
class ActivityCheck:
    """An administered activity against the intended."""

    deviation: float  # administered / intended - 1
    within: bool
    notes: tuple[Note, ...]


def activity_check(
    administered_mbq: float, intended_mbq: float, *, tolerance: float = ACTIVITY_TOLERANCE
) -> ActivityCheck:
    """Whether the activity given is the intended within `tolerance` (relative); 10 % counts.

    W-ACTIVITY-DEVIATION where it is not. E-NUM-NONPOS, E-NUM-FINITE.
    """
    above_zero(administered_mbq, "administered activity", "MBq", where="activity check")
    above_zero(intended_mbq, "intended activity", "MBq", where="activity check")
    above_zero(tolerance, "tolerance", "", where="activity check")
    deviation = administered_mbq / intended_mbq - 1.0
    within = as_prescribed(deviation, tolerance=tolerance)
    told = () if within else (note("W-ACTIVITY-DEVIATION", where="administered activity",
                                   value=deviation, limit=tolerance),)  # fmt: skip
    return ActivityCheck(deviation, within, told)


@dataclass(frozen=True, slots=True)
class MinimumLevel:
    """The least level that the rules ask for."""

    level: int
    reason: str  # a word for programs
    sentence: str  # for people


def minimum_level(
    *,
    planned_mbq: float | None = None,
    label_mbq: float | None = None,
    approved: bool = True,
    investigational: bool = False,
    dose_prescribed: bool = False,
) -> MinimumLevel:
    """The least level: 3 where dose is prescribed, 2 where treatment is not standardised, else 1.

    More than 25 % above the label's activity is not standardised; exactly 25 % still is.
    E-NUM-NONPOS, E-NUM-FINITE for activities that cannot be.
    """
    for name, number in (("planned activity", planned_mbq), ("label activity", label_mbq)):
        if number is not None:
            above_zero(number, name, "MBq", where="minimum level")
    if dose_prescribed:
        words = "The absorbed dose is what is prescribed, so level 3 is the least."
        return MinimumLevel(3, "dose_based_prescription", words)
    if investigational:
        words = "The treatment is investigational, so level 2 is the least."
        return MinimumLevel(2, "investigational", words)
    if not approved:
        words = "The product is not approved, so level 2 is the least."
        return MinimumLevel(2, "not_approved", words)
    above = _above(planned_mbq, label_mbq)
    if above is not None and above > ABOVE_LABEL * (1 + ROUNDING):
        words = f"The activity is {100 * (above - 1):.0f} % above the label, more than 25 %"
        return MinimumLevel(2, "above_label", f"{words}, so level 2 is the least.")
    words = "The treatment is standardised, so level 1 is the least."
    return MinimumLevel(1, "standardised", words)


def _above(planned_mbq: float | None, label_mbq: float | None) -> float | None:
    return None if planned_mbq is None or label_mbq is None else planned_mbq / label_mbq
