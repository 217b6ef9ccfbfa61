"""131I-mIBG in two administrations: the second so that both together reach 4 Gy whole body.

Source: Gaze et al., Cancer Biother Radiopharm 2005;20:195; Gear et al., EJNMMI Phys 2020;7:15.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from quimby.core.notes import Note, in_order, note
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, combine
from quimby.dose.thyroid import table as dose_table
from quimby.planning.thyroid import table

WHERE = "plan, mIBG"


@dataclass(frozen=True, slots=True)
class Second:
    """The second administration."""

    remaining_gy: Uncertain  # below zero when the first passed the aim
    activity_gbq: Uncertain  # zero when nothing is left to give
    total_gy: float  # expected of both
    constants: tuple[Constant, ...]
    notes: tuple[Note, ...]


def first_activity_mbq(weight_kg: float, *, mbq_per_kg: float | None = None) -> float:
    """First administration, MBq: 444 MBq/kg unless the centre sets its own."""
    above_zero(weight_kg, "the weight", "kg", where=WHERE)
    per_kg = table()["mIBG first activity"].value if mbq_per_kg is None else mbq_per_kg
    return weight_kg * above_zero(per_kg, "the activity per weight", "MBq/kg", where=WHERE)


def second_activity(
    dose1_gy: Uncertain,
    activity1_gbq: float,
    *,
    mass1_kg: float,
    mass2_kg: float,
    target_gy: float | None = None,
    site_limit_gbq: float | None = None,
    stem_cells: bool | None = None,
) -> Second:
    """``A2 = A1 (D/D1 - 1)(m2/m1)**0.921``: the same kinetics, the S value at the new weight.

    Zero with W-TARGET-REACHED where the first already reached the aim (the value before is in
    `remaining_gy`); W-TARGET-UPPER where its upper 95 % did; S-ACTIVITY-LIMIT above the site's
    limit (666 MBq/kg by default); S-STEM-CELLS for more than 2 Gy without stored cells
    (`stem_cells` None means not asked). Raises E-NUM-NONPOS.
    """
    for value, what, unit in (
        (dose1_gy.value, "the first dose", "Gy"), (activity1_gbq, "the first activity", "GBq"),
        (mass1_kg, "the first weight", "kg"), (mass2_kg, "the second weight", "kg"),
    ):  # fmt: skip
        above_zero(value, what, unit, where=WHERE)
    power, aim = dose_table()["whole-body S exponent"], table()["mIBG whole-body aim"]
    target = aim.value if target_gy is None else target_gy
    above_zero(target, "the dose aim", "Gy", where=WHERE)
    remaining = combine(target - dose1_gy.value, (dose1_gy, -1.0))
    heavier = 1 / lighter_dose(mass1_kg, mass2_kg)
    wanted = (remaining / dose1_gy).scaled(activity1_gbq * heavier)
    given = wanted if remaining.value > 0 else Uncertain(0.0)
    largest = table()["mIBG largest activity"].value * mass2_kg / 1000
    limit = largest if site_limit_gbq is None else site_limit_gbq
    total = max(target, dose1_gy.value)
    notes = [*_target_notes(dose1_gy, target), *_limit_notes(given.value, limit),
             *_stem_cell_notes(total, stem_cells)]  # fmt: skip
    return Second(remaining, given, total, (aim, power), in_order(notes))


def lighter_dose(mass1_kg: float, mass2_kg: float) -> float:
    """Whole-body dose at a second weight over that at the first, for the same TIA."""
    power = dose_table()["whole-body S exponent"].value
    return float((mass1_kg / mass2_kg) ** power)


def _target_notes(dose1_gy: Uncertain, target_gy: float) -> tuple[Note, ...]:
    upper = dose1_gy.interval()[1]
    if dose1_gy.value >= target_gy:
        return (note("W-TARGET-REACHED", where=WHERE, value=dose1_gy.value, limit=target_gy),)
    if upper >= target_gy:
        return (note("W-TARGET-UPPER", where=WHERE, value=upper, limit=target_gy),)
    return ()


def _limit_notes(activity_gbq: float, limit_gbq: float) -> tuple[Note, ...]:
    if activity_gbq <= limit_gbq:
        return ()
    return (note("S-ACTIVITY-LIMIT", where=WHERE, value=1000 * activity_gbq,
                 limit=1000 * limit_gbq),)  # fmt: skip


def _stem_cell_notes(total_gy: float, stem_cells: bool | None) -> tuple[Note, ...]:
    limit = table()["stem cells above"].value
    if stem_cells or total_gy <= limit:
        return ()
    return (note("S-STEM-CELLS", where=WHERE, value=total_gy, limit=limit),)


def whole_body_u_rel(
    *, activity: float, geometry: float, mass: float, fit: float, s_value: float = 0.0
) -> float:
    """Relative u of a whole-body dose; the weight counts with the S value's exponent 0.921.

    `s_value` belongs in where the absolute dose matters, not for the ratio of two stages.
    """
    parts = (activity, geometry, mass, fit, s_value)
    for part in parts:
        zero_or_more(part, "a relative uncertainty", "", where=WHERE)
    power = dose_table()["whole-body S exponent"].value
    return hypot(activity, geometry, power * mass, fit, s_value)
