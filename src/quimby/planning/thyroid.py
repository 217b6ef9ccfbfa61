"""An activity of 131I for a dose to the thyroid. Proposals for a physician, never orders."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import ceil, floor, hypot

from quimby.core.notes import Note, note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.source import Constant
from quimby.core.tables import constants
from quimby.core.uncertain import Uncertain
from quimby.dose.thyroid import ThyroidDose, dose_per_activity
from quimby.dose.thyroid import table as dose_table
from quimby.measure.uptake import check_uptake

WHERE = "plan, thyroid"
ROUNDINGS = ("nearest", "up", "down")


def table() -> Mapping[str, Constant]:
    """Limits and steps of radioiodine plans by name."""
    return constants("quimby.planning", "radioiodine")


@dataclass(frozen=True, slots=True)
class Aim:
    """A dose aim of one indication, Gy, and the mass it is meant for."""

    name: str
    title: str
    low_gy: float
    high_gy: float
    mass: str
    kinetics: str  # tissue in the table of population kinetics
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The activity for a dose aim, what is given in practice, and the dose that results."""

    aim_gy: float
    activity_mbq: Uncertain  # for the aim; its doubt is that of the dose per activity
    given_mbq: float
    dose_gy: Uncertain  # of the activity given
    interval_gy: tuple[float, float]  # k = 2
    per_activity: ThyroidDose
    notes: tuple[Note, ...]


@cache
def aims() -> Mapping[str, Aim]:
    """Dose aims by name."""
    path = files("quimby.planning").joinpath("data", "thyroid_aims.toml")
    rows = tomllib.loads(path.read_text("utf-8"))
    return {name: Aim(name, **row) for name, row in rows.items()}


def aim(name: str) -> Aim:
    """The aim of this name, or E-PLAN-AIM."""
    if name not in aims():
        raise refusal("E-PLAN-AIM", where=WHERE, name=name, known=", ".join(aims()))
    return aims()[name]


def activity_for_dose(
    aim_gy: float, mass_g: Uncertain, tiac_h: Uncertain, *, model: str = "mass-dependent"
) -> Uncertain:
    """Activity, MBq, that gives this dose: ``D M/(E(M) tau)``. E-NUM-NONPOS."""
    above_zero(aim_gy, "the dose aim", "Gy", where=WHERE)
    return Uncertain(aim_gy) / dose_per_activity(tiac_h, mass_g, model=model).dose_gy


def marinelli_activity(
    aim_gy: float,
    mass_g: Uncertain,
    *,
    largest_uptake: Uncertain,
    half_life_h: Uncertain,
    constant: float | None = None,
) -> Uncertain:
    """Activity, MBq, of the classical formula ``24.7 D M/(U% T d)``: uptake at once, fixed energy.

    `largest_uptake` is a fraction. Raises E-NUM-NONPOS, E-RIU-RANGE.
    """
    above_zero(aim_gy, "the dose aim", "Gy", where=WHERE)
    for value, what, unit in ((mass_g.value, "the mass", "g"),
                              (half_life_h.value, "the half-life", "h")):  # fmt: skip
        above_zero(value, what, unit, where=WHERE)
    check_uptake(largest_uptake.value, 0.0, where=WHERE)
    per = dose_table()["Marinelli constant"].value if constant is None else constant
    percent_days = (largest_uptake * half_life_h).scaled(100 / 24)
    return mass_g.scaled(aim_gy * per) / percent_days


def activity_per_gram(mbq_per_g: float, mass_g: Uncertain, uptake_24h: Uncertain) -> Uncertain:
    """Level 1 aid: activity, MBq, for a fixed activity per gram in the gland at 24 h (3 to 5)."""
    above_zero(mbq_per_g, "the activity per gram", "MBq/g", where=WHERE)
    above_zero(mass_g.value, "the mass", "g", where=WHERE)
    check_uptake(uptake_24h.value, 24.0, where=WHERE)
    return mass_g.scaled(mbq_per_g) / uptake_24h


def rounded(activity_mbq: float, step_mbq: float, how: str = "nearest") -> float:
    """The activity in whole capsule steps, at least one. E-NUM-NONPOS, E-TIAC-RULE."""
    above_zero(activity_mbq, "the activity", "MBq", where=WHERE)
    above_zero(step_mbq, "the capsule step", "MBq", where=WHERE)
    if how not in ROUNDINGS:
        raise refusal("E-TIAC-RULE", where=WHERE, name=how, known=", ".join(ROUNDINGS))
    steps = activity_mbq / step_mbq
    whole = {"nearest": floor(steps + 0.5), "up": ceil(steps - 1e-9), "down": floor(steps + 1e-9)}
    return max(whole[how], 1) * step_mbq


def plan(
    aim_gy: float,
    mass_g: Uncertain,
    tiac_h: Uncertain,
    *,
    step_mbq: float | None = None,
    how: str = "nearest",
    site_limit_mbq: float | None = None,
    model: str = "mass-dependent",
) -> Plan:
    """Activity for a dose aim, rounded to capsules, and the dose that this gives.

    Notes W-ACTIVITY-ROUNDED for a change of more than 5 %, S-ACTIVITY-LIMIT above the site's
    (or the outpatients') limit, and those of the energy. Raises E-NUM-NONPOS.
    """
    per = dose_per_activity(tiac_h, mass_g, model=model)
    wanted = activity_for_dose(aim_gy, mass_g, tiac_h, model=model)
    given = wanted.value if step_mbq is None else rounded(wanted.value, step_mbq, how)
    dose = per.dose_gy.scaled(given)
    notes = [*per.notes, *_rounding_notes(wanted.value, given, dose.value, aim_gy)]
    if site_limit_mbq is not None and given > site_limit_mbq:
        notes.append(note("S-ACTIVITY-LIMIT", where=WHERE, value=given, limit=site_limit_mbq))
    return Plan(aim_gy, wanted, given, dose, dose.interval(), per, tuple(notes))


def _rounding_notes(wanted: float, given: float, dose_gy: float, aim_gy: float
                    ) -> tuple[Note, ...]:  # fmt: skip
    change, limit = given / wanted - 1, table()["rounding limit"].value
    if abs(change) <= limit:
        return ()
    return (note("W-ACTIVITY-ROUNDED", where=WHERE, value=change, limit=limit, dose=dose_gy,
                 aim=aim_gy),)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verified:
    """Dose measured after the therapy over the dose planned."""

    ratio: Uncertain
    notes: tuple[Note, ...]


def verified(delivered_gy: Uncertain, planned_gy: Uncertain) -> Verified:
    """Compare delivered and planned dose; W-DOSE-DEVIATION outside 0.7 to 1.3."""
    for value, what in ((delivered_gy.value, "the delivered dose"),
                        (planned_gy.value, "the planned dose")):  # fmt: skip
        above_zero(value, what, "Gy", where=WHERE)
    ratio, limit = delivered_gy / planned_gy, table()["review of delivered dose"].value
    if abs(ratio.value - 1) <= limit:
        return Verified(ratio, ())
    said = note("W-DOSE-DEVIATION", where=WHERE, value=ratio.value, limit=1 + limit, low=1 - limit)
    return Verified(ratio, (said,))


def budget_u_rel(
    *, tiac: float, mass: float, activity: float, energy: float, mass_exponent: float = -1.0
) -> float:
    """Relative u of a planned dose from its parts' relative u, taken as independent."""
    parts = (tiac, mass_exponent * mass, activity, energy)
    for part in parts:
        zero_or_more(abs(part), "a relative uncertainty", "", where=WHERE)
    return hypot(*parts)
