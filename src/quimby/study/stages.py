"""What readings without a camera give: series, doses, the plan, and how a plan was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.population.places import Place


@dataclass(frozen=True, eq=False)
class Point:
    """One reading, as it was at its time (physical, not decay-corrected)."""

    where: str  # file, sheet and row
    at: datetime
    time_h: float  # h after start of administration
    value: Uncertain  # unit of its series
    written: Mapping[str, str]  # column -> as it stands in the table, "front": "41.0 µSv/h"
    after_void: bool | None = None  # whole body only


@dataclass(frozen=True, eq=False)
class Series:
    """Readings of one thing, the line through them, and its integral over time."""

    name: str  # "Whole body", "Blood", "Thyroid", "Remnant"
    quantity: str  # "retention", "fraction per ml", "uptake"
    unit: str  # of the points: "1" or "1/ml"
    device: str  # what measured it, in words; "" where nothing says
    points: tuple[Point, ...]
    method: str  # in words
    line: tuple[tuple[float, float, float], ...]  # time h, value, u (k = 1): what is drawn
    tiac: Uncertain  # integral per administered activity, unit `tiac_unit`
    tiac_unit: str  # "h" or "h/ml"
    half_lives_h: Mapping[str, Uncertain]  # "effective", "last phase", "uptake", …
    head_fraction: float  # share of the integral before the first reading
    tail_fraction: float  # share after the last
    physical_tail: Uncertain | None  # the integral had nothing but decay followed
    residuals_u: tuple[float, ...]  # of a fit; empty for a line through the points
    chi2: float | None
    degrees_of_freedom: int | None
    figures: Mapping[str, Uncertain]  # "retention at 48 h", "largest uptake", … (fractions)


@dataclass(frozen=True, eq=False)
class TargetDose:
    """Mean absorbed dose of one target by readings."""

    name: str  # "Thyroid", "Blood", "Whole body", "Red marrow", "Remnant"
    method: str  # in words, with the formula
    dose_gy: Uncertain
    dose_per_activity_gy_per_gbq: Uncertain
    shares_gy: Mapping[str, Uncertain]  # "electrons in blood", …; empty for one part
    mass_g: Uncertain | None  # of the target, or of the patient for whole body
    mass_how: str
    population: tuple[Place, ...]


@dataclass(frozen=True, eq=False)
class Stage:
    """One administration, and what its readings say."""

    administration: str  # id in the study
    kind: str  # "tracer" or "therapy"
    cycle: int
    nuclide: str
    administered_at: datetime
    administered_mbq: Uncertain
    weight_kg: Uncertain | None
    series: tuple[Series, ...]
    doses: tuple[TargetDose, ...]
    places: Mapping[str, tuple[Place, ...]]  # figure or integral -> published patients

    def dose(self, name: str) -> TargetDose | None:
        """The dose of that name, or None."""
        return next((d for d in self.doses if d.name == name), None)


@dataclass(frozen=True, slots=True)
class Allowed:
    """An activity that an aim or a limit asks for or allows."""

    name: str  # "blood dose 2 Gy", "48 h retention 4.44 GBq"
    activity_mbq: Uncertain
    careful_mbq: float  # keeps the upper 95 % within the limit
    limit: Constant


@dataclass(frozen=True, eq=False)
class Plan:
    """What is proposed to the physician for the next administration. Never an order."""

    kind: str  # as in the therapy: "thyroid", "blood and retention", "two stages"
    title: str  # "Activity for 150 Gy to the thyroid"
    target: str  # "Thyroid", "Blood", "Whole body"
    aim_gy: float | None
    limiting: str  # what sets the activity, in words
    activity_mbq: Uncertain  # for the aim or the limit, before rounding
    proposed_mbq: float  # in the steps that can be supplied; 0 when nothing is left to give
    step_mbq: float | None  # of what can be supplied
    site_limit_mbq: float | None
    dose_gy: Uncertain  # of `proposed_mbq`, to the target, in this administration
    total_gy: Uncertain  # with what was given before in this course
    allowed: tuple[Allowed, ...]  # every term, the limiting one first; empty for a dose aim
    compare: tuple[tuple[str, str], ...]  # other ways to the same: name, figure with unit
    sensitivity: tuple[tuple[str, float], ...]  # cause, share of the variance of the dose
    gates: tuple[tuple[str, str, str], ...]  # question, answer, "passed" | "caution" | "open"
    thought_of_mbq: float | None  # an activity to be checked
    thought_of_gy: Uncertain | None  # its dose to the target


@dataclass(frozen=True, slots=True)
class Verified:
    """What was planned, or foretold by a tracer, against what was measured."""

    name: str  # "Thyroid dose", "Blood dose per activity", "Whole-body dose, both stages"
    unit: str
    planned: Uncertain
    measured: Uncertain
    ratio: Uncertain
    words: str
