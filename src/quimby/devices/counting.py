"""Counts to activity: dead time, background, decay, geometry, efficiency, in this order."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from quimby.core.notes import Note, note
from quimby.core.numbers import above_zero, zero_or_more
from quimby.core.uncertain import Uncertain, combine, exact
from quimby.devices import dead_time
from quimby.devices.detection import currie
from quimby.physics.decay import decay_factor, factor_to_middle

BATCH_Z = 3.0  # backgrounds before and after a batch, in standard uncertainties [P]


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts of one reading and the seconds of counting, on the clock.

    `what` names the reading in the budget: "counts, sample 3". Readings with one name are one
    reading: a background used for a whole batch is shared by it.
    """

    counts: float
    time_s: float
    what: str = "sample"

    def __post_init__(self) -> None:
        zero_or_more(self.counts, "number of counts", "", where=self.what)
        above_zero(self.time_s, "counting time", "", where=self.what)

    @property
    def rate_cps(self) -> Uncertain:
        """Counts per second with the Poisson doubt of the counts.

        No counts at all leave the doubt of one count, or none would mean certainty.
        """
        u = sqrt(max(self.counts, 1.0)) / self.time_s
        return Uncertain(self.counts / self.time_s, {f"counts, {self.what}": u})


@dataclass(frozen=True, slots=True)
class BusyTime:
    """Dead time of a counter with its doubt (cause "dead time"), and the model it obeys."""

    tau_s: Uncertain
    model: str = "non-paralysable"


@dataclass(frozen=True, slots=True)
class NetRate:
    """Rate above background, cps, and whether it is above the decision limit."""

    cps: Uncertain
    detected: bool
    decision_cps: float  # the decision limit L_C over the counting time
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleActivity:
    """Activity of a sample at the reference time, MBq."""

    activity_mbq: Uncertain
    net: NetRate

    @property
    def notes(self) -> tuple[Note, ...]:
        """Notes of the rate."""
        return self.net.notes


def true_rate(reading: Counting, busy: BusyTime | None) -> dead_time.DeadTime:
    """The gross rate freed from dead time, cps; with None as it is.

    The doubt of the counts grows with the slope dn/dm of the model. Poisson counts are taken;
    lost counts make the true scatter slightly smaller. E-DT-NOSOLUTION, W-DT-HIGH.
    """
    observed = reading.rate_cps
    if busy is None:
        return dead_time.DeadTime(observed, Uncertain(1.0))
    found = dead_time.corrected_rate(observed.value, busy.tau_s, model=busy.model)
    slope = _slope(found.true_cps.value, busy)
    rate = combine(found.true_cps.value, (observed, slope), (found.true_cps, 1.0))
    return dead_time.DeadTime(rate, found.factor, found.notes)


def _slope(true_cps: float, busy: BusyTime) -> float:
    """d(true)/d(observed): exp(n tau)/(1 - n tau), or (1 + n tau)^2."""
    load = true_cps * busy.tau_s.value
    if busy.model != "paralysable":
        return (1.0 + load) ** 2
    return true_cps / dead_time.observed_rate(true_cps, busy.tau_s.value) / (1.0 - load)


def net_rate(
    sample: Counting, background: Counting, *, busy: BusyTime | None = None, where: str = "counting"
) -> NetRate:
    """Rate above background: s = C/t - B/t_b with u^2 = C/t^2 + B/t_b^2, cps.

    Dead time is taken from the gross rates, before the background. W-BELOW-LC where the net
    counts do not exceed Currie's decision limit; the rate is still given, also below zero.
    """
    gross, floor = true_rate(sample, busy), true_rate(background, busy)
    net = gross.true_cps - floor.true_cps
    limit = currie(
        background.counts, sample_s=sample.time_s, background_s=background.time_s
    ).decision
    counts = sample.counts - background.counts * sample.time_s / background.time_s
    notes = (*gross.notes, *floor.notes)
    if counts <= limit:
        notes += (note("W-BELOW-LC", where=where, value=counts, limit=limit),)
    return NetRate(net, counts > limit, limit / sample.time_s, notes)


def sample_activity(
    sample: Counting,
    background: Counting,
    *,
    efficiency_cps_per_mbq: Uncertain,
    elapsed_h: float,
    half_life_h: float,
    busy: BusyTime | None = None,
    geometry: Uncertain | None = None,
    where: str = "sample",
) -> SampleActivity:
    """Activity of a sample, MBq, at a reference time (e.g. when it was drawn).

    `elapsed_h` runs from the reference time to the middle of the counting; `geometry` is the
    factor of the sample's volume over that of the standard (None: the same). Order: dead time,
    background, decay while counting, decay to the reference, geometry, efficiency.
    """
    above_zero(efficiency_cps_per_mbq.value, "efficiency", "", where=where)
    shape = exact(1.0) if geometry is None else geometry
    above_zero(shape.value, "geometry factor", "", where=where)
    net = net_rate(sample, background, busy=busy, where=where)
    start = at_middle(net.cps, sample.time_s, half_life_h).scaled(
        1.0 / decay_factor(elapsed_h, half_life_h)
    )
    return SampleActivity(start / shape / efficiency_cps_per_mbq, net)


def at_middle(rate: Uncertain, time_s: float, half_life_h: float) -> Uncertain:
    """The mean rate over a counting (cps) as the rate halfway through it."""
    return rate.scaled(factor_to_middle(time_s / 3600.0, half_life_h))


def batch_notes(before: Counting, after: Counting, *, where: str) -> tuple[Note, ...]:
    """W-CNT-BATCH where the background changed during a batch (3 standard uncertainties)."""
    a, b = before.rate_cps, after.rate_cps
    z = abs(a.value - b.value) / sqrt(a.u**2 + b.u**2)
    return (note("W-CNT-BATCH", where=where, value=z, limit=BATCH_Z),) if z > BATCH_Z else ()
