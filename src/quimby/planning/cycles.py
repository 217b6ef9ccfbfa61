"""How many more cycles fit below a limit. Proposals for a physician to weigh, never orders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from quimby.core.notes import refusal
from quimby.core.uncertain import Uncertain, total
from quimby.effect.limits import probability_above


def _check(what: str, value: float, unit: str, *, zero: bool = False) -> None:
    if not (value > 0 or (zero and value == 0)):
        raise refusal("E-LU-PLAN", where="plan", what=what, value=value, unit=unit,
                      must="zero or more" if zero else "above zero")  # fmt: skip


@dataclass(frozen=True, slots=True)
class CyclesLeft:
    """What the limit leaves room for."""

    remaining_gy: float  # negative when the limit is passed
    further_cycles: int
    cumulative_after_gy: float


def cycles_left(
    limit_gy: float, delivered_gy: Sequence[float], predicted_next_gy: float
) -> CyclesLeft:
    """Whole cycles of the predicted dose that fit below the limit (Sandström 2013)."""
    _check("the limit", limit_gy, "Gy")
    _check("the predicted dose", predicted_next_gy, "Gy")
    so_far = sum(delivered_gy)
    remaining = limit_gy - so_far
    # a millionth of a cycle forgives rounding: 3 x 4.1 Gy do fit below 12.3 Gy
    n = max(floor(remaining / predicted_next_gy + 1e-6), 0)
    return CyclesLeft(remaining, n, so_far + n * predicted_next_gy)


def predicted_dose(
    dose_per_activity_gy_per_gbq: Sequence[Uncertain], activity_gbq: float, *, last: bool = False
) -> Uncertain:
    """Dose (Gy) the next activity would give: the mean of earlier cycles, or only the last one."""
    _check("the number of earlier cycles", len(dose_per_activity_gy_per_gbq), "")
    _check("the activity", activity_gbq, "GBq")
    used = list(dose_per_activity_gy_per_gbq)[-1:] if last else list(dose_per_activity_gy_per_gbq)
    return total(used).scaled(activity_gbq / len(used))


@dataclass(frozen=True, slots=True)
class Forecast:
    """A running total with the next cycle added."""

    total_gy: Uncertain
    probability_above: float


def forecast(so_far_gy: Uncertain, next_gy: Uncertain, limit_gy: float) -> Forecast:
    """Expected total after the next cycle, and the chance that it passes the limit."""
    _check("the limit", limit_gy, "Gy")
    expected = so_far_gy + next_gy
    return Forecast(expected, probability_above(expected, limit_gy))


@dataclass(frozen=True, slots=True)
class Step:
    """Where a course stands against a BED step (ILUMINET)."""

    bed_after_gy: float
    give_next: bool  # the next cycle stays within step + tolerance
    step_reached: bool  # so far already within the tolerance of the step, or above


def iluminet_step(
    bed_so_far_gy: float, bed_next_gy: float, *, step_gy: float = 27.0, tolerance_gy: float = 2.0
) -> Step:
    """The next cycle may be given if the total stays at or below step + tolerance.

    Steps 27 and 40 Gy, tolerance 2 Gy [M]. Once within the tolerance of the step, stop.
    """
    _check("the next BED", bed_next_gy, "Gy")
    _check("the step", step_gy, "Gy")
    _check("the tolerance", tolerance_gy, "Gy", zero=True)
    after = bed_so_far_gy + bed_next_gy
    reached = bed_so_far_gy >= step_gy - tolerance_gy
    return Step(after, not reached and after <= step_gy + tolerance_gy, reached)
