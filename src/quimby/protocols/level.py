"""The level of dosimetry that a completed study has reached: computed, not typed.

Source: Konijnenberg et al., EJNMMI 2021;48:67-72.
"""

from __future__ import annotations

from dataclasses import dataclass

ACTIVITY_TOLERANCE = 0.10  # of the prescribed activity: level 1's own demand
ROUNDING = 1e-9


def as_prescribed(deviation: float, *, tolerance: float = ACTIVITY_TOLERANCE) -> bool:
    """Whether what was given, over what was prescribed less one, is within; exactly 10 % is."""
    return abs(deviation) <= tolerance + ROUNDING


@dataclass(frozen=True, slots=True)
class Reached:
    """Level 1, 2 or 3, and why in one sentence."""

    level: int
    reason: str


def reached(*, doses: int, planned_by_dose: bool, verified: bool) -> Reached:
    """The level that a study's own records show.

    `doses` counts absorbed doses measured in this patient; `planned_by_dose` is true where an
    activity was planned for a dose aim or limit, `verified` where the therapy was then measured.
    """
    if planned_by_dose and verified:
        return Reached(3, "The activity was planned by absorbed dose, and the therapy was measured "
                          "afterwards.")  # fmt: skip
    if doses:
        lacks = "no plan by absorbed dose is recorded" if not planned_by_dose else (
            "the therapy that was planned has not been measured")  # fmt: skip
        which = "an absorbed dose" if doses == 1 else f"{doses} absorbed doses"
        return Reached(2, f"Measured in this patient: {which}; {lacks}.")
    return Reached(1, "No absorbed dose was measured in this patient.")
