"""Hours a year that a protocol takes of people and cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quimby.core.numbers import zero_or_more


@dataclass(frozen=True, slots=True)
class Workload:
    """Hours a year by role, of the camera, and in the first year with what is done once."""

    staff_h: Mapping[str, float]  # by role, for patients
    camera_h: float
    preparation_h: float  # once
    qc_h: float  # each year

    @property
    def patients_h(self) -> float:
        """All roles together, for patients."""
        return sum(self.staff_h.values())

    @property
    def first_year_h(self) -> float:
        """All roles, with preparation and quality control."""
        return self.patients_h + self.preparation_h + self.qc_h


def workload(
    *,
    patients_a_year: float,
    cycles: float,
    staff_h: Mapping[str, float],
    camera_h: float,
    studied: float = 1.0,
    preparation_h: float = 0.0,
    qc_h_a_year: float = 0.0,
) -> Workload:
    """Hours a year: patients x cycles x share studied x hours for each study.

    `staff_h` (by role) and `camera_h` are hours for one study. E-NUM-NONPOS below zero.
    """
    for what, number, unit in (
        ("patients a year", patients_a_year, ""), ("cycles", cycles, ""), ("share", studied, ""),
        ("camera time", camera_h, "h"), ("preparation", preparation_h, "h"),
        ("quality control", qc_h_a_year, "h"), *((role, h, "h") for role, h in staff_h.items()),
    ):  # fmt: skip
        zero_or_more(number, what, unit, where="workload")
    studies = patients_a_year * cycles * studied
    by_role = {role: studies * hours for role, hours in staff_h.items()}
    return Workload(by_role, studies * camera_h, preparation_h, qc_h_a_year)
