"""Published doses per activity, and where one patient stands among them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import erf, exp, log, log1p, sqrt

from quimby.core.notes import refusal

FOLDER = files("quimby.population").joinpath("data")
NORMAL_95 = 1.6448536269514722  # 95th centile of the standard normal


@dataclass(frozen=True, slots=True)
class Cohort:
    """One published row: a group of patients, one organ."""

    agent: str
    organ: str
    n: int
    unit: str  # "Gy/GBq"; "Gy/cycle" rows are shown, never compared
    mean: float
    sd: float | None
    median: float | None
    low: float | None
    high: float | None
    method: str
    source: str
    tag: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a dose per activity lies among one cohort; None where no spread is published."""

    source: str
    n: int
    mean_gy_per_gbq: float
    sd_gy_per_gbq: float | None
    centile: float | None  # 0 to 100
    range_gy_per_gbq: tuple[float, float] | None  # 5 to 95 %
    tag: str
    method: str


def tables() -> list[str]:
    """Names of the tables. The folder is the registry."""
    return sorted(f.name[:-4] for f in FOLDER.iterdir() if f.name.endswith(".csv"))


@cache
def table(name: str) -> tuple[Cohort, ...]:
    """Rows of the table of this name, or E-POP-TABLE."""
    if name not in tables():
        raise refusal("E-POP-TABLE", where="population", name=name, known=tables())
    lines = FOLDER.joinpath(f"{name}.csv").read_text("utf-8").splitlines()
    return tuple(_cohort(row) for row in csv.DictReader(lines))


def _cohort(row: dict[str, str]) -> Cohort:
    sd, median, low, high = (
        float(row[key]) if row[key] else None for key in ("sd", "median", "min", "max")
    )
    return Cohort(row["agent"], row["organ"], int(row["n"]), row["unit"], float(row["mean"]),
                  sd, median, low, high, row["method"], row["source"], row["mark"])  # fmt: skip


def place(dose_per_activity_gy_per_gbq: float, cohort: Cohort) -> Place:
    """Where a dose (Gy/GBq) stands in a cohort, by the log-normal of its mean and sd."""
    spread = _log_normal(cohort)
    centile = around = None
    if spread is not None:
        middle, sigma = spread
        around = exp(middle - NORMAL_95 * sigma), exp(middle + NORMAL_95 * sigma)
        value = dose_per_activity_gy_per_gbq
        centile = 0.0 if value <= 0 else 50 * (1 + erf((log(value) - middle) / (sigma * sqrt(2))))
    return Place(cohort.source, cohort.n, cohort.mean, cohort.sd, centile, around, cohort.tag,
                 cohort.method)  # fmt: skip


def _log_normal(cohort: Cohort) -> tuple[float, float] | None:
    """ln median and sigma of the log-normal with the cohort's mean and sd."""
    if not cohort.sd:
        return None
    sigma = sqrt(log1p((cohort.sd / cohort.mean) ** 2))
    return log(cohort.mean) - sigma**2 / 2, sigma


def places(
    dose_per_activity_gy_per_gbq: float, organ: str, cohorts: Iterable[Cohort], *, method: str = ""
) -> tuple[Place, ...]:
    """Every cohort of this organ in Gy/GBq: those with a spread and measured alike first.

    `method` ("SPECT") puts cohorts whose method begins with it before others.
    """
    rows = [c for c in cohorts if c.organ == organ and c.unit == "Gy/GBq"]
    rows.sort(key=lambda c: (c.sd is None, not c.method.startswith(method), c.tag == "M", -c.n))
    return tuple(place(dose_per_activity_gy_per_gbq, c) for c in rows)
