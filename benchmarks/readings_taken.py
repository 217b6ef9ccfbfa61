"""What a department reads of an invented patient: monitor, sample counter, probe, scales, clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks import simulated_devices as devices
from benchmarks import simulated_patients as sim
from quimby.core.uncertain import Uncertain, relative
from quimby.devices.counting import BusyTime, Counting, true_rate
from quimby.measure.blood import BloodSample, blood_point
from quimby.measure.uptake import sensitivity, uptake
from quimby.measure.whole_body import Reading, WholeBody, whole_body

HALF_LIFE_H = sim.LN2 / sim.DECAY
METER_U, MASS_U, COUNTER_U, PIPETTE_U = 0.03, 0.02, 0.03, 0.02
Rng = np.random.Generator


def clock(rng: Rng, family: Any) -> devices.Clock:
    """The clock of the department, off where the family says so."""
    return devices.wrong_clock(rng) if family.clock_off else devices.Clock()


def administered(rng: Rng, mbq: float) -> Uncertain:
    """What the activity meter showed of a true activity."""
    return relative(mbq / devices.off(rng, METER_U), activity_meter=METER_U)


def busy(one: devices.Detector) -> BusyTime:
    """The dead time as it is written of the detector."""
    return BusyTime(Uncertain(one.tau_s, {"dead time": one.tau_u}), "non-paralysable")


def monitor_series(
    rng: Rng, one: devices.Detector, body: sim.Body, mbq: float, times_h: Sequence[float],
    written_h: Sequence[float], *, seconds: float,
) -> list[Reading]:  # fmt: skip
    """Front and back counts at a monitor with the room's background, dead time corrected."""
    room = Counting(one.counts(rng, 0.0, 600.0), 600.0, "room at the monitor")
    quiet = true_rate(room, busy(one)).true_cps
    views = float(np.exp(0.15 * rng.standard_normal()))
    found = []
    for t, said in zip(times_h, written_h, strict=True):
        there, place = mbq * body.fraction(t), devices.off(rng, 0.05)
        shift = views * float(np.exp(0.05 * rng.standard_normal()))
        rates = []
        for side, factor in (("front", shift), ("back", 1 / shift)):
            n = one.counts(rng, there, seconds, time_h=t, factor=place * factor)
            rates.append(
                true_rate(Counting(n, seconds, f"{side} {said:.2f} h"), busy(one)).true_cps
            )
        found.append(Reading(said, rates[0], rates[1], quiet))
    return found


def retained(
    rng: Rng, one: devices.Detector, body: sim.Body, mbq: float, given: Uncertain,
    times_h: Sequence[float], written_h: Sequence[float], *, seconds: float,
) -> WholeBody:  # fmt: skip
    """Whole-body activity from a series whose first reading is the reference."""
    readings = monitor_series(rng, one, body, mbq, times_h, written_h, seconds=seconds)
    return whole_body(readings[0], readings[1:], administered_mbq=given, half_life_h=HALF_LIFE_H)


def fractions(
    rng: Rng, at: Callable[[float], float], volume_ml: float, mbq: float, given: Uncertain,
    times_h: Sequence[float], written_h: Sequence[float],
) -> list[Uncertain]:  # fmt: skip
    """Fractions per ml of blood samples counted in one batch after the last was drawn."""
    one = devices.detector(
        rng, cps_per_mbq=0.15e6 * devices.off(rng, 0.2), background_cps=2.0, tau_s=5e-6
    )
    known = relative(one.cps_per_mbq / devices.off(rng, COUNTER_U),
                     efficiency_of_the_gamma_counter=COUNTER_U)  # fmt: skip
    blank = Counting(one.counts(rng, 0.0, 1200.0), 1200.0, "blank tube")
    found, counted_h = [], times_h[-1] + 6.0
    for t, said in zip(times_h, written_h, strict=True):
        held = at(t) / volume_ml * mbq * 2.0 * devices.off(rng, PIPETTE_U)
        left = held * np.exp(-sim.DECAY * (counted_h - t))
        tube = Counting(one.counts(rng, left, 600.0, time_h=96.0), 600.0, f"blood {said:.2f} h")
        volume = Uncertain(2.0, {f"pipette, blood {said:.2f} h": 2.0 * PIPETTE_U})
        sample = BloodSample(said, max(counted_h, said), tube, blank, volume)
        point = blood_point(sample, efficiency_cps_per_mbq=known, administered_mbq=given,
                            half_life_h=HALF_LIFE_H, busy=busy(one))  # fmt: skip
        found.append(point.fraction_per_ml)
    return found


def weighed(rng: Rng, kg: float) -> Uncertain:
    """A weight as the scales show it."""
    return relative(kg / devices.off(rng, MASS_U), scales=MASS_U)


def uptakes(
    rng: Rng, patient: sim.ThyroidPatient, said: devices.Clock, times_h: Sequence[float]
) -> tuple[list[float], list[Uncertain]]:
    """Written times and uptakes by a probe: neck, thigh, standard and room at each session."""
    one = devices.detector(
        rng, cps_per_mbq=300 * devices.off(rng, 0.2), background_cps=8.0, tau_s=1e-5
    )
    mbq, meter = float(rng.uniform(2, 5)), devices.off(rng, METER_U)
    given = relative(mbq / meter, activity_meter=METER_U)
    standard, dispensed = 5.0, devices.off(rng, 0.02)
    depth = devices.off(rng, 0.05)
    found, written = [], []
    for t in times_h:
        when = said.written(rng, t)
        name = f"{when:.2f} h"
        outside = 0.03 * one.cps_per_mbq * mbq * patient.outside(t)
        neck = one.counts(rng, mbq * patient.uptake(t), 300.0, time_h=t,
                          factor=depth * devices.off(rng, 0.05), extra_cps=outside)  # fmt: skip
        thigh = one.counts(rng, 0.0, 300.0, extra_cps=outside * devices.off(rng, 0.15))
        true_standard = standard * dispensed * float(np.exp(-sim.DECAY * t))
        of_standard = one.counts(rng, true_standard, 300.0, time_h=t)
        room = one.counts(rng, 0.0, 300.0)
        shown = relative(standard / meter * float(np.exp(-sim.DECAY * when)),
                         activity_meter=METER_U, activity_of_the_standard=0.02)  # fmt: skip
        seen = sensitivity(Counting(of_standard, 300.0, f"standard {name}"),
                           Counting(room, 300.0, f"room {name}"), standard_mbq=shown,
                           busy=busy(one))  # fmt: skip
        point = uptake(Counting(neck, 300.0, f"neck {name}"),
                       Counting(thigh, 300.0, f"thigh {name}"), time_h=when, seen=seen,
                       administered_mbq=given, half_life_h=HALF_LIFE_H, busy=busy(one))  # fmt: skip
        found.append(point.effective)
        written.append(when)
    return written, found
