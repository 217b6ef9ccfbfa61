"""Camera sensitivity: counts and activity, with convention and direction always said."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Protocol

from quimby.core.notes import Note, note, refusal
from quimby.core.uncertain import Uncertain, combine
from quimby.physics.decay import decay_factor

SUM, ELAPSED = "sum_of_projection_time", "elapsed_scan_time"
CONVENTIONS = (SUM, ELAPSED)
UNITS = ("cps/MBq", "MBq/cps", "1")
CAMERA_CAUSE = "camera calibration"
"""The one cause that all patient samples of a camera share, however the factor was found."""

COUNTS_CAUSE = "counts, calibration"
PLAUSIBLE_PER_HEAD = (3.0, 15.0)  # cps/MBq, 177Lu at 208 keV with ME collimators [P]


class CountingTime(Protocol):
    """What a scan says about its time (e.g. `measure.scans.Timing`)."""

    @property
    def sum_of_projection_time_s(self) -> float:
        """All projections of all heads added."""
        ...

    @property
    def elapsed_scan_time_s(self) -> float:
        """Time on the clock while counting."""
        ...


@dataclass(frozen=True, slots=True)
class Projections:
    """A counting time from the projections: their number over all heads, heads and seconds."""

    total: int
    heads: int
    seconds: float

    @property
    def sum_of_projection_time_s(self) -> float:
        """All projections of all heads added."""
        return self.total * self.seconds

    @property
    def elapsed_scan_time_s(self) -> float:
        """Time on the clock while counting."""
        return self.sum_of_projection_time_s / self.heads


@dataclass(frozen=True, slots=True)
class Factor:
    """A calibration factor that says what it is. Make it with `factor` or a measurement.

    `unit` is cps/MBq (divide), MBq/cps (multiply), or "1" for a camera that gives Bq/ml:
    then it is measured over true activity. `convention` names the time in the rate.
    """

    value: Uncertain
    unit: str
    convention: str

    @property
    def cps_per_mbq(self) -> Uncertain:
        """The factor to divide by, whatever way it was written; E-CAL-UNIT for a ratio."""
        if self.unit == "1":
            raise refusal("E-CAL-UNIT", where="calibration factor", unit="1")
        if self.unit == "cps/MBq":
            return self.value
        return combine(1.0 / self.value.value, (self.value, -1.0 / self.value.value**2))

    def seconds(self, time: CountingTime) -> float:
        """The counting time that belongs to this factor."""
        return seconds(time, self.convention)


def factor(value: Uncertain, *, unit: str | None, convention: str | None,
           where: str = "calibration factor") -> Factor:  # fmt: skip
    """A factor from outside. E-CAL-UNIT and E-CAL-CONVENTION where it does not say what it is."""
    if unit not in UNITS:
        raise refusal("E-CAL-UNIT", where=where, unit=unit)
    if convention not in CONVENTIONS:
        raise refusal("E-CAL-CONVENTION", where=where, convention=convention)
    if value.value <= 0:
        raise refusal("E-CAL-VALUE", where=where, what="factor", value=value.value)
    return Factor(value, unit, convention)


def seconds(time: CountingTime, convention: str) -> float:
    """The counting time by a convention, s."""
    if convention not in CONVENTIONS:
        raise refusal("E-CAL-CONVENTION", where="counting time", convention=convention)
    s = time.sum_of_projection_time_s if convention == SUM else time.elapsed_scan_time_s
    return _positive("counting time", s)


def factor_from_counts(
    counts: Uncertain,
    activity_mbq: Uncertain,
    *,
    time: CountingTime,
    convention: str,
    elapsed_h: float,
    half_life_h: float,
) -> Factor:
    """Counts per second and MBq. `elapsed_h` runs from the assay to the middle of the scan.

    The causes of both inputs stay apart; Poisson counts are `poisson(counts)`.
    """
    held = activity_mbq.scaled(decay_factor(elapsed_h, half_life_h))
    _positive("activity", held.value)
    _positive("counts", counts.value)
    rate = counts.scaled(1.0 / seconds(time, convention))
    return factor(rate / held, unit="cps/MBq", convention=convention)


def poisson(counts: float, cause: str = COUNTS_CAUSE) -> Uncertain:
    """A number of counts with its Poisson doubt."""
    return Uncertain(counts, {cause: sqrt(max(counts, 0.0))})


def factor_uncertainty(
    *, counts: float, activity: float, volume: float = 0.0, time: float = 0.0
) -> Uncertain:
    """Relative doubt of a factor by cause (the value is 1).

    `counts` is their number; `activity`, `volume` (concentration images only) and `time` are
    relative standard uncertainties.
    """
    _positive("counts", counts)
    parts = {
        "activity of the source": activity,
        COUNTS_CAUSE: 1.0 / sqrt(counts),
        "volume of the source": volume,
        "counting time": time,
    }
    return Uncertain(1.0, {cause: u for cause, u in parts.items() if u})


def activity_from_counts(counts: Uncertain, calibration: Factor, *, duration_s: float) -> Uncertain:
    """MBq that gave these counts in `duration_s` (by the factor's own convention)."""
    _positive("counting time", duration_s)
    return counts.scaled(1.0 / duration_s) / as_applied(calibration.cps_per_mbq)


def concentration_bq_per_ml(
    voxel_counts: float, calibration: Factor, *, duration_s: float, voxel_ml: float
) -> Uncertain:
    """Activity concentration of a voxel with these counts, Bq/ml."""
    activity = activity_from_counts(Uncertain(voxel_counts), calibration, duration_s=duration_s)
    return activity.scaled(1e6 / _positive("voxel volume", voxel_ml))


def as_applied(value: Uncertain) -> Uncertain:
    """The same doubt under the one name that all samples of a camera share."""
    return Uncertain(value.value, {CAMERA_CAUSE: value.u} if value.u else {})


def plausibility_notes(cps_per_mbq: float, *, heads: int = 1) -> tuple[Note, ...]:
    """W-CAL-RANGE outside 3 to 15 cps/MBq per head (177Lu, 208 keV, ME).

    `heads` is 1 for a factor by summed projection time, and the heads that counted at once
    for one by elapsed time.
    """
    lowest, highest = (limit * heads for limit in PLAUSIBLE_PER_HEAD)
    if lowest <= cps_per_mbq <= highest:
        return ()
    limit = lowest if cps_per_mbq < lowest else highest
    return (note("W-CAL-RANGE", where="calibration factor", value=cps_per_mbq, limit=limit,
                 lowest=lowest, highest=highest),)  # fmt: skip


def _positive(what: str, value: float) -> float:
    if not (isfinite(value) and value > 0):
        raise refusal("E-CAL-VALUE", where="calibration", what=what, value=value)
    return value
