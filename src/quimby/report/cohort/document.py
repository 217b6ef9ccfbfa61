"""Level 1 in result.json and in tables/."""

from __future__ import annotations

from typing import Any

from quimby.report.values import floats, maybe, uncertain
from quimby.study.cohort_dose import CohortDose, Delivery
from quimby.study.result import Result

HEAD = ("organ", "group", "dose per activity [Gy/GBq]", "u dose per activity [Gy/GBq]",
        "dose [Gy]", "u dose [Gy]", "5 % [Gy]", "95 % [Gy]", "patients", "spread", "tag",
        "sources")  # fmt: skip


def parts(result: Result) -> dict[str, Any]:
    """The keys `cohort` and `delivery`; empty and null where something was measured."""
    return {
        "cohort": [_dose(d) for d in result.cohort],
        "delivery": _delivery(result.delivery) if result.delivery else None,
    }


def _dose(d: CohortDose) -> dict[str, Any]:
    return {
        "organ": d.organ,
        "group": d.group,
        "dose_per_activity_gy_per_gbq": uncertain(d.dose_per_activity_gy_per_gbq),
        "dose_gy": uncertain(d.dose_gy),
        "range_5_95_gy": floats(d.range_5_95_gy) if d.range_5_95_gy else None,
        "n": d.n,
        "sources": list(d.sources),
        "tag": d.tag,
        "spread": d.spread,
    }


def _delivery(d: Delivery) -> dict[str, Any]:
    return {
        "prescribed_mbq": maybe(d.prescribed_mbq),
        "deviation": maybe(d.deviation),
        "within": d.within,
        "tolerance": float(d.tolerance),
        "how": d.how,
        "by": d.by,
        "at": d.at.isoformat() if d.at else None,
        "as_expected": d.as_expected,
        "words": d.words,
    }


def rows(result: Result) -> list[list[Any]]:
    """One row an organ, under `HEAD`."""
    return [
        [d.organ, d.group, float(d.dose_per_activity_gy_per_gbq.value),
         float(d.dose_per_activity_gy_per_gbq.u), float(d.dose_gy.value), float(d.dose_gy.u),
         *(floats(d.range_5_95_gy) if d.range_5_95_gy else (None, None)), d.n, d.spread, d.tag,
         "; ".join(d.sources)]
        for d in result.cohort
    ]  # fmt: skip
