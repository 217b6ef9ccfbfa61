"""Planning, plausibility and limits for 177Lu: B-LU."""

from __future__ import annotations

from typing import Any

from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, exact
from quimby.effect.limits import Limit, applicable, check
from quimby.planning.activity import adaptive_activity
from quimby.planning.cycles import cycles_left, forecast, iluminet_step
from quimby.population.plausible import likely_slip, outlier_note
from tests.vectors.registry import vector

Inputs = dict[str, Any]


@vector("B-LU-01")
def remaining(i: Inputs) -> Inputs:
    left = cycles_left(i["limit_Gy"], i["delivered_Gy"], i["predicted_next_Gy"])
    return {
        "remaining_Gy": left.remaining_gy,
        "further_cycles": left.further_cycles,
        "cumulative_after_Gy": left.cumulative_after_gy,
    }


@vector("B-LU-02")
def chance(i: Inputs) -> Inputs:
    so_far = Uncertain(i["cumulative_Gy"], {"cycles so far": i["u_cumulative_Gy"]})
    coming = Uncertain(i["next_Gy"], {"next cycle": i["u_next_Gy"]})
    seen = forecast(so_far, coming, i["limit_Gy"])
    return {"P_exceed": seen.probability_above, "expected_total_Gy": seen.total_gy.value}


def _starting(i: Inputs, *starts: str) -> Any:
    return next(v for s in starts for k, v in i.items() if k.lower().startswith(s))


@vector("B-LU-03")
def step(i: Inputs) -> Inputs:
    so_far = _starting(i, "bed_so_far", "bed_deliver", "bed_cumul", "bed_cum", "bed_current")
    so_far = sum(so_far) if isinstance(so_far, list) else so_far
    found = iluminet_step(
        so_far,
        _starting(i, "bed_next", "bed_predicted", "predicted", "next"),
        step_gy=_starting(i, "target", "bed_target", "step", "limit"),
        tolerance_gy=_starting(i, "tol"),
    )
    return {
        **dict.fromkeys(("BED_after_Gy", "cumulative_after_Gy", "after_Gy"), found.bed_after_gy),
        **dict.fromkeys(("give", "give_cycle", "give_next", "proceed", "allowed"), found.give_next),
        **dict.fromkeys(("stop", "step_reached"), found.step_reached),
        "decision": "give" if found.give_next else "stop",
    }


@vector("B-LU-04")
def adaptive(i: Inputs) -> Inputs:
    found = adaptive_activity(
        i["limit_Gy"], i["delivered_Gy"], i["dose_per_activity_Gy_per_GBq"],
        planned_cycles=i["planned_cycles"], previous_gbq=i.get("previous_GBq"),
        max_increase=i["max_increase_factor"], cap_gbq=i["cap_GBq"],
    )  # fmt: skip
    return {
        "target_per_remaining_cycle_Gy": found.target_per_cycle_gy,
        "activity_GBq": found.activity_gbq,
    }


@vector("B-LU-05", "B-LU-06", "B-LU-07", "B-LU-08", "B-LU-09", "B-LU-10", "B-LU-11")
def plausible(i: Inputs) -> Inputs:
    value, organ = i["dose_per_activity_Gy_per_GBq"], i["organ"]
    seen = outlier_note(value, organ, where=f"{i['agent']}, {organ}")
    return {"flag": seen.code if seen else None, "likely": likely_slip(value, organ)}


@vector("B-LU-12")
def both_limits(i: Inputs) -> Inputs:
    limits = [
        Limit("kidney", "BED", when, when, Constant(when, i["limits_Gy"][key], "Gy", "vector", "P"))
        for when, key in (("risk factors", "risk"), ("no risk factors", "no_risk"))
    ]
    factors = ("hypertension",) if i["risk_factors"] else ()
    (limit,) = applicable(limits, "kidney", risk_factors=factors)
    _, notes = check(limit, exact(i["BED_cumulative_Gy"]), where="kidneys")
    return {
        "flag": notes[0].code if notes else None,
        "applicable_limit_Gy": limit.constant.value,
    }
