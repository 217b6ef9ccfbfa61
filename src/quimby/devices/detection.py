"""What can be told from background: Currie's limits, and how to share the counting time."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain

K95 = 1.645  # one-sided 95 %


@dataclass(frozen=True, slots=True)
class Limits:
    """Net counts: above `decision` something is there; `detection` would be seen in 95 %."""

    decision: float
    detection: float


def currie(
    background_counts: float, *, sample_s: float, background_s: float, k: float = K95
) -> Limits:
    """Decision and detection limit in net counts of the sample's counting time.

    `background_counts` were counted in `background_s`. With B the background expected in the
    sample's time: L_C = k sqrt(B (1 + t_s/t_b)), L_D = k^2 + 2 L_C (2.706 + 3.29 sqrt(...)).
    Raises E-NUM-NONPOS. Source: Currie, Anal Chem 1968;40:586.
    """
    zero_or_more(background_counts, "number of background counts", "", where="detection")
    ratio = above_zero(sample_s, "counting time", "", where="detection") / above_zero(
        background_s, "background time", "", where="detection"
    )
    above_zero(k, "coverage factor", "", where="detection")
    decision = k * sqrt(background_counts * ratio * (1.0 + ratio))
    return Limits(decision, k**2 + 2.0 * decision)


def minimum_detectable(
    detection_counts: float,
    efficiency: Uncertain,
    *,
    time_s: float,
    per_decay: float = 1.0,
    amount: float = 1.0,
    decay: float = 1.0,
) -> Uncertain:
    """Least activity that would be detected, per ml or g of sample.

    `efficiency` is counts per second and Bq (the answer is in Bq) or MBq (in MBq); where it is
    per photon, `per_decay` is the photons of a decay. `amount` is ml or g (1: the whole sample),
    `decay` what is left of the activity at the counting. L_D / (eff I t V exp(-lambda dt)).
    """
    for what, value in (("efficiency", efficiency.value), ("counting time", time_s),
                        ("photon yield", per_decay), ("amount", amount),
                        ("decay factor", decay)):  # fmt: skip
        above_zero(value, what, "", where="detection")
    counts = above_zero(detection_counts, "detection limit", "", where="detection")
    seen = efficiency.scaled(per_decay * time_s * amount * decay)
    return Uncertain(counts) / seen


def optimum_split(
    gross_cps: float, background_cps: float, *, total_s: float
) -> tuple[float, float]:
    """Seconds for sample and background that make the net rate best known in `total_s`.

    t_s / t_b = sqrt(R_g / R_b). Source: Knoll, Radiation Detection and Measurement, ch. 3.
    """
    above_zero(gross_cps, "gross rate", "", where="detection")
    above_zero(background_cps, "background rate", "", where="detection")
    ratio = sqrt(gross_cps / background_cps)
    sample_s = above_zero(total_s, "time to share", "", where="detection") * ratio / (1.0 + ratio)
    return sample_s, total_s - sample_s
