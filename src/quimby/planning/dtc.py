"""The largest activity of 131I that blood and retention limits allow, and which one binds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quimby.core.notes import Note, note
from quimby.core.numbers import above_zero
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.measure.whole_body import check_retention
from quimby.planning.thyroid import table

WHERE = "plan, thyroid cancer"
RETENTION_H = 48.0
BLOOD, RETENTION, LUNG = "blood", "wb_retention_48h", "wb_retention_48h_lung"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An activity that one limit allows, GBq; `conservative_gbq` keeps the upper 95 % below."""

    name: str
    activity_gbq: Uncertain
    conservative_gbq: float
    limit: Constant


@dataclass(frozen=True, slots=True)
class Tolerable:
    """The largest tolerable activity and the limit that sets it."""

    activity_gbq: Uncertain
    conservative_gbq: float
    limiting: str
    candidates: Mapping[str, Candidate]
    constants: tuple[Constant, ...]


@dataclass(frozen=True, slots=True)
class PlanCheck:
    """Blood dose of a planned activity, Gy, and whether its upper bound keeps the limit."""

    dose_gy: Uncertain
    upper_gy: float
    conservative_gbq: float
    ok: bool
    notes: tuple[Note, ...]


def by_blood(
    dose_gy_per_gbq: Uncertain, *, limit_gy: float | None = None, k: float = 2.0
) -> Candidate:
    """Activity at which the blood dose reaches its limit (2 Gy). E-NUM-NONPOS."""
    above_zero(dose_gy_per_gbq.value, "the blood dose", "Gy/GBq", where=WHERE)
    limit = _limit("blood limit", limit_gy)
    top = dose_gy_per_gbq.value + k * dose_gy_per_gbq.u
    return Candidate(BLOOD, Uncertain(limit.value) / dose_gy_per_gbq, limit.value / top, limit)


def by_retention(
    retention_48h: Uncertain, *, diffuse_lung_metastases: bool, k: float = 2.0,
    limit_gbq: float | None = None,
) -> Candidate:  # fmt: skip
    """Activity that leaves 4.44 GBq in the body at 48 h, 2.96 GBq with diffuse lung metastases.

    `retention_48h` is the effective fraction. Raises E-RETENTION-RANGE (per cent?).
    """
    check_retention(retention_48h.value, RETENTION_H, where=WHERE)
    lung = ", lung metastases" if diffuse_lung_metastases else ""
    limit = _limit(f"48 h whole-body limit{lung}", limit_gbq)
    top = retention_48h.value + k * retention_48h.u
    return Candidate(LUNG if diffuse_lung_metastases else RETENTION,
                     Uncertain(limit.value) / retention_48h, limit.value / top, limit)  # fmt: skip


def _limit(name: str, own: float | None) -> Constant:
    known = table()[name]
    if own is None or own == known.value:
        return known
    above_zero(own, "the limit", known.unit, where=WHERE)
    return Constant(name, own, known.unit, "set by the centre", "P")


def largest_tolerable(*candidates: Candidate) -> Tolerable:
    """The smallest of the activities that the limits allow, and the name of that limit."""
    if not candidates:
        raise ValueError("no limit was given")
    first = min(candidates, key=lambda c: c.activity_gbq.value)
    careful = min(c.conservative_gbq for c in candidates)
    return Tolerable(first.activity_gbq, careful, first.name, {c.name: c for c in candidates},
                     tuple(c.limit for c in candidates))  # fmt: skip


def check_plan(
    dose_gy_per_gbq: Uncertain,
    activity_gbq: float,
    *,
    limit_gy: float | None = None,
    k: float = 2.0,
) -> PlanCheck:
    """Blood dose of a planned activity with its upper bound; S-PLAN-UPPER above the limit."""
    above_zero(activity_gbq, "the activity", "GBq", where=WHERE)
    allowed = by_blood(dose_gy_per_gbq, limit_gy=limit_gy, k=k)
    dose = dose_gy_per_gbq.scaled(activity_gbq)
    upper, limit = dose.value + k * dose.u, allowed.limit.value
    notes = () if upper <= limit else (
        note("S-PLAN-UPPER", where=WHERE, value=upper, limit=limit, dose=dose.value,
             conservative=allowed.conservative_gbq),)  # fmt: skip
    return PlanCheck(dose, upper, allowed.conservative_gbq, upper <= limit, notes)


def triage(retention_48h: float) -> str:
    """What a 48 h retention says of an empirical 7.4 GBq (Van Nostrand et al. 2009).

    "may_increase" below 9 %, "no_flag", "full_dosimetry_advised" above 24.8 %, and
    "likely_exceeds_MTA" above 40 %. Raises E-RETENTION-RANGE.
    """
    check_retention(retention_48h, RETENTION_H, where=WHERE)
    known = table()
    if retention_48h > known["triage, likely exceeds above"].value:
        return "likely_exceeds_MTA"
    if retention_48h > known["triage, full dosimetry above"].value:
        return "full_dosimetry_advised"
    return (
        "may_increase" if retention_48h < known["triage, may increase below"].value else "no_flag"
    )


def below_remnant_aim(dose_gy: float) -> bool:
    """Whether a remnant's dose stays below the aim of 300 Gy."""
    return dose_gy < table()["remnant aim"].value
