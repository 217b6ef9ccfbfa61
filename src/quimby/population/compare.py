"""One value against a published mean and spread, and whether local values make a range."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log1p, sqrt

from quimby.core.notes import Note, note
from quimby.core.numbers import above_zero

OUTSIDE_Z = 1.959963984540054  # of the standard normal: 95 % lie within
LEAST_PATIENTS = 20  # [P]


@dataclass(frozen=True, slots=True)
class Standing:
    """Distance from a cohort's mean in standard deviations, plain and log-normal."""

    z_linear: float
    z_lognormal: float

    @property
    def outside_95(self) -> bool:
        """Outside the middle 95 % of the log-normal, which a dose cannot leave below zero."""
        return abs(self.z_lognormal) > OUTSIDE_Z

    @property
    def words(self) -> str:
        """For a report."""
        if not self.outside_95:
            return "within the published range"
        return ("above" if self.z_lognormal > 0 else "below") + " the published range"


def standing(value: float, *, mean: float, sd: float) -> Standing:
    """Where a positive value stands; one unit for all three. E-NUM-NONPOS."""
    for number, what in ((value, "the value"), (mean, "the cohort's mean"), (sd, "its spread")):
        above_zero(number, what, "", where="population")
    middle, sigma = log_normal(mean=mean, sd=sd)
    return Standing((value - mean) / sd, (log(value) - middle) / sigma)


def log_normal(*, mean: float, sd: float) -> tuple[float, float]:
    """ln median and sigma of the log-normal with this mean and standard deviation."""
    variance = log1p((sd / mean) ** 2)
    return log(mean) - variance / 2, sqrt(variance)


@dataclass(frozen=True, slots=True)
class LocalRange:
    """Whether a centre's own patients are enough for a range."""

    status: str  # "sufficient" or "insufficient"
    notes: tuple[Note, ...]


def local_range(patients: int) -> LocalRange:
    """Fewer than 20 patients make no range: W-SMALL-COHORT."""
    if patients >= LEAST_PATIENTS:
        return LocalRange("sufficient", ())
    said = note("W-SMALL-COHORT", where="population", value=patients, limit=LEAST_PATIENTS)
    return LocalRange("insufficient", (said,))
