"""Blood samples: counts in a well counter to the fraction of activity per ml at the draw."""

from __future__ import annotations

from dataclasses import dataclass

from quimby.core.notes import Note, refusal
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain
from quimby.devices.counting import BusyTime, Counting, sample_activity
from quimby.measure.rates import check_activity

LEAST_BLOOD_ML = 300.0  # no patient has less: above 1/300 per ml is a slip [P]
EFFICIENCY = (1e2, 2e6)  # cps/MBq: a far probe to more than every photon [P]


@dataclass(frozen=True, slots=True)
class BloodSample:
    """One sample of whole blood. Times in h since the administration; `counted_h` is mid-count."""

    drawn_h: float
    counted_h: float
    gross: Counting
    background: Counting
    volume_ml: Uncertain


@dataclass(frozen=True, slots=True)
class BloodPoint:
    """What a sample says of the blood at the time it was drawn."""

    time_h: float
    net_cps: Uncertain  # when counted
    concentration_mbq_per_ml: Uncertain
    fraction_per_ml: Uncertain  # of the administered activity; effective
    notes: tuple[Note, ...]


def blood_point(
    sample: BloodSample,
    *,
    efficiency_cps_per_mbq: Uncertain,
    administered_mbq: Uncertain,
    half_life_h: float,
    geometry: Uncertain | None = None,
    busy: BusyTime | None = None,
) -> BloodPoint:
    """Concentration (MBq/ml) and fraction per ml when the sample was drawn.

    Decay between draw and count is undone, so the fraction is effective: what was there then.
    Causes are those of the countings ("counts, blood 24 h"), of volume, efficiency, geometry and
    administered activity. Raises E-BLOOD-TIME, E-NUM-NONPOS, E-NET-NONPOSITIVE,
    E-BLOOD-EFFICIENCY, E-ACTIVITY-RANGE, E-BLOOD-RANGE; notes W-BELOW-LC, W-DT-HIGH.
    """
    where = f"blood sample, {sample.drawn_h:g} h"
    _check(sample, efficiency_cps_per_mbq, administered_mbq, where)
    found = sample_activity(
        sample.gross, sample.background, efficiency_cps_per_mbq=efficiency_cps_per_mbq,
        elapsed_h=sample.counted_h - sample.drawn_h, half_life_h=half_life_h, busy=busy,
        geometry=geometry, where=where,
    )  # fmt: skip
    if found.net.cps.value <= 0:
        raise refusal("E-NET-NONPOSITIVE", where=where, what=sample.gross.what,
                      gross=sample.gross.rate_cps.value,
                      background=sample.background.rate_cps.value)  # fmt: skip
    per_ml = found.activity_mbq / sample.volume_ml
    fraction = per_ml / administered_mbq
    if fraction.value > 1 / LEAST_BLOOD_ML:
        raise refusal("E-BLOOD-RANGE", where=where, value=fraction.value, limit=LEAST_BLOOD_ML)
    return BloodPoint(sample.drawn_h, found.net.cps, per_ml, fraction, found.notes)


def _check(sample: BloodSample, efficiency: Uncertain, administered: Uncertain, where: str) -> None:
    zero_or_more(sample.drawn_h, "the time of the draw", "h", where=where)
    if not sample.counted_h >= sample.drawn_h:
        raise refusal("E-BLOOD-TIME", where=where, drawn=sample.drawn_h, counted=sample.counted_h)
    above_zero(sample.volume_ml.value, "the sample's volume", "ml", where=where)
    above_zero(efficiency.value, "the efficiency", "cps/MBq", where=where)
    if not EFFICIENCY[0] <= efficiency.value <= EFFICIENCY[1]:
        raise refusal("E-BLOOD-EFFICIENCY", where=where, value=efficiency.value,
                      low=EFFICIENCY[0], high=EFFICIENCY[1])  # fmt: skip
    check_activity(administered.value, "administered activity", where=where)
