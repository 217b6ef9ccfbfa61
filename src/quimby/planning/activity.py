"""An activity to propose for the next cycle, from a limit and a dose per activity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from quimby.core.notes import refusal

CAP_GBQ = 20.0  # [P]
LEAST_GBQ = 3.7  # [P]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed activity, and what held it."""

    activity_gbq: float
    target_per_cycle_gy: float
    held_by: str  # "limit", "cap", "increase" or "least"


def adaptive_activity(
    limit_gy: float,
    delivered_gy: Sequence[float],
    dose_per_activity_gy_per_gbq: float,
    *,
    planned_cycles: int,
    previous_gbq: float | None = None,
    max_increase: float = 2.0,
    cap_gbq: float = CAP_GBQ,
    least_gbq: float = LEAST_GBQ,
    risk_factor: float = 1.0,
) -> Proposal:
    """Spread what the limit leaves evenly over the cycles to come (after Del Prete 2019).

    `max_increase` bounds the activity by that many times `previous_gbq`, where given;
    `risk_factor` (0 to 1) reduces it for marrow or renal risk. Below `least_gbq` it is told
    (held_by "least") and not raised. E-LU-PLAN when no cycle, dose or limit is left.
    """
    left = planned_cycles - len(delivered_gy)
    remaining = limit_gy - sum(delivered_gy)
    for what, value, unit in (
        ("the number of cycles left", float(left), ""),
        ("the dose left below the limit", remaining, "Gy"),
        ("the dose per activity", dose_per_activity_gy_per_gbq, "Gy/GBq"),
        ("the reduction for risk", risk_factor, ""),
    ):
        if not value > 0:
            raise refusal("E-LU-PLAN", where="plan", what=what, value=value, unit=unit,
                          must="above zero")  # fmt: skip
    target = remaining / left
    bounds = {"limit": target / dose_per_activity_gy_per_gbq, "cap": cap_gbq}
    if previous_gbq is not None:
        bounds["increase"] = max_increase * previous_gbq
    held = min(bounds, key=lambda name: bounds[name])
    activity = bounds[held] * min(risk_factor, 1.0)
    return Proposal(activity, target, held if activity >= least_gbq else "least")
