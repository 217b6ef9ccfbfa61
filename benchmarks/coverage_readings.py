"""Bias and coverage of the routes without a camera, on invented patients with known kinetics.

From counts to dose by the functions the chain uses, for patients as the method expects them
and for patients of stated other kinds. Exit code 1 where a row is out of band.

Run: python -m benchmarks.coverage_readings [--patients 2000] [--route thyroid] [--sparse]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks import simulated_patients as sim
from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain, relative
from quimby.devices.counting import BusyTime, Counting, true_rate
from quimby.dose import blood as blood_dose
from quimby.dose import marrow, thyroid
from quimby.dose import whole_body as body_dose
from quimby.kinetics import retention
from quimby.kinetics import thyroid as gland
from quimby.kinetics.priors import Prior, priors
from quimby.measure.blood import BloodSample, blood_point
from quimby.measure.uptake import sensitivity, uptake
from quimby.measure.whole_body import Reading, WholeBody, whole_body
from quimby.planning import dtc

MATCHED, OTHER = (0.92, 0.98), 0.90
SMALL = 250  # patients a row, below which chance is allowed for
MOST_LOST = (0.05, 0.10)  # share of patients that a method may refuse: as fitted, others
HALF_LIFE_H = sim.LN2 / sim.DECAY
METER_U, MASS_U, COUNTER_U, PIPETTE_U = 0.03, 0.02, 0.03, 0.02
Rng = np.random.Generator
Judged = list[tuple[str, Uncertain, float]]  # quantity, what was found, truth


@dataclass(frozen=True, slots=True)
class Row:
    """How one quantity fared in one family of patients."""

    quantity: str
    family: str
    matched: bool
    patients: int
    lost: float
    coverage: float
    bias: float
    scatter: float
    u_rel: float  # median stated

    @property
    def slack(self) -> float:
        """Three standard deviations of a share, in runs too small to judge to a per cent."""
        return 3 * sqrt(0.05 * 0.95 / self.patients) if self.patients < SMALL else 0.0

    @property
    def passes(self) -> bool:
        """Coverage in the band, bias no larger than the stated u, few refused."""
        low, high = MATCHED if self.matched else (OTHER, 1.0)
        inside = low - self.slack <= self.coverage <= high + self.slack
        return inside and abs(self.bias) <= self.u_rel and self.lost <= MOST_LOST[not self.matched]


@dataclass(frozen=True, slots=True)
class Route:
    """A way from readings to a dose, and the patients it is tried on (the first: matched)."""

    name: str
    families: Sequence[Any]
    judge: Callable[[Rng, Any], Judged]


# Readings


def clock(rng: Rng, family: Any) -> sim.Clock:
    """The clock of the department, off where the family says so."""
    return sim.wrong_clock(rng) if family.clock_off else sim.Clock()


def administered(rng: Rng, mbq: float) -> Uncertain:
    """What the activity meter showed of a true activity."""
    return relative(mbq / sim.off(rng, METER_U), activity_meter=METER_U)


def busy(one: sim.Detector) -> BusyTime:
    """The dead time as it is written of the detector."""
    return BusyTime(Uncertain(one.tau_s, {"dead time": one.tau_u}), "non-paralysable")


def monitor_series(
    rng: Rng, one: sim.Detector, body: sim.Body, mbq: float, times_h: Sequence[float],
    written_h: Sequence[float], *, seconds: float,
) -> list[Reading]:  # fmt: skip
    """Front and back counts at a monitor with the room's background, dead time corrected."""
    room = Counting(one.counts(rng, 0.0, 600.0), 600.0, "room at the monitor")
    quiet = true_rate(room, busy(one)).true_cps
    views = float(np.exp(0.15 * rng.standard_normal()))
    found = []
    for t, said in zip(times_h, written_h, strict=True):
        there, place = mbq * body.fraction(t), sim.off(rng, 0.05)
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
    rng: Rng, one: sim.Detector, body: sim.Body, mbq: float, given: Uncertain,
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
    one = sim.detector(rng, cps_per_mbq=0.15e6 * sim.off(rng, 0.2), background_cps=2.0, tau_s=5e-6)
    known = relative(one.cps_per_mbq / sim.off(rng, COUNTER_U),
                     efficiency_of_the_gamma_counter=COUNTER_U)  # fmt: skip
    blank = Counting(one.counts(rng, 0.0, 1200.0), 1200.0, "blank tube")
    found, counted_h = [], times_h[-1] + 6.0
    for t, said in zip(times_h, written_h, strict=True):
        held = at(t) / volume_ml * mbq * 2.0 * sim.off(rng, PIPETTE_U)
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
    return relative(kg / sim.off(rng, MASS_U), scales=MASS_U)


# Routes


def mibg(rng: Rng, family: sim.MibgFamily) -> Judged:
    """Whole-body dose from 10 to 16 readings of an external monitor."""
    patient, said = sim.mibg_patient(rng, family), clock(rng, family)
    one = sim.detector(rng, cps_per_mbq=15e3 * float(np.exp(0.3 * rng.standard_normal()))
                       / patient.activity_mbq, background_cps=20.0, tau_s=8e-6)  # fmt: skip
    written = sorted(said.written(rng, t) for t in patient.times_h)
    given = administered(rng, patient.activity_mbq)
    found = retained(rng, one, patient.body, patient.activity_mbq, given, patient.times_h, written,
                     seconds=60.0)  # fmt: skip
    whole = retention.area(found.times_h, found.activities_mbq, half_life_h=HALF_LIFE_H)
    dose = body_dose.whole_body_dose(whole.total, weighed(rng, patient.mass_kg)).dose_gy
    s = 1.34e-4 * patient.mass_kg**-0.921 * sim.off(rng, 0.05)
    electrons, photons = 0.1107e-3 / patient.mass_kg, 0.0188e-3 * patient.mass_kg ** (-2 / 3)
    tissue, everything = patient.body.tissue_tiac_h(), patient.body.tiac_h()
    seen = tissue + (everything - tissue) * photons / (electrons + photons)
    return [("whole-body dose", dose, seen * patient.activity_mbq * s)]


Window = tuple[float, float]
FULL_H: Sequence[Window] = ((1.5, 2.2), (5, 7), (22, 26), (44, 52), (96, 120))
THREE_H: Sequence[Window] = ((1, 2), (22, 52), (96, 120))  # the second on day 1 or 2
ONE_H: Sequence[Window] = ((0.8, 1.2), (22, 52))


def drawn(rng: Rng, windows_h: Sequence[Window]) -> list[float]:
    """A time in each window; one from day 1 to day 2 is on a day and not in the night."""
    found = [float(rng.uniform(*w)) for w in windows_h]
    days = [float(rng.choice([24.0, 48.0])) + float(rng.uniform(-2, 4)) for _ in windows_h]
    return [d if w == (22, 52) else t for t, d, w in zip(found, days, windows_h, strict=True)]


def iodide(rng: Rng, family: sim.IodideFamily, windows_h: Sequence[Window]) -> Any:
    """A patient, his readings and what was written of them."""
    patient, said = sim.iodide_patient(rng, family), clock(rng, family)
    times = np.array(drawn(rng, windows_h))
    missed = np.zeros(len(times), bool)
    missed[0] = True  # the reference is read before any void
    if family.missed_void:
        missed[rng.integers(1, len(times))] = True
    body = patient.body.read_at(times, missed)
    written = [said.written(rng, float(t)) for t in times]
    return patient, body, list(map(float, times)), written


def truth_of(rng: Rng, patient: sim.IodidePatient, body: sim.Body, family: sim.IodideFamily
             ) -> float:  # fmt: skip
    """Blood dose, Gy/GBq, with the formula's two constants drawn from their doubt.

    The whole body is counted after voids, as EANM SOP I does, or with what the bladder holds.
    """
    body_h = body.tiac_h() if family.urine_counts else body.tissue_tiac_h()
    per_ml = patient.blood_tiac_h() / patient.blood_volume_ml
    photons = 0.0188 * sim.off(rng, 0.05) * patient.weight_kg ** (-2 / 3)
    return float(108 * sim.off(rng, 0.05) * per_ml + photons * body_h)


def pairs(
    windows_h: Sequence[Window], head: str = "plateau"
) -> Callable[[Rng, sim.IodideFamily], Judged]:
    """Blood dose and largest tolerable activity from pairs of blood and whole body."""

    def judge(rng: Rng, family: sim.IodideFamily) -> Judged:
        patient, body, times, written = iodide(rng, family, windows_h)
        mbq = float(rng.uniform(10, 15))
        given = administered(rng, mbq)
        one = sim.detector(rng, cps_per_mbq=20 * sim.off(rng, 0.2), background_cps=15.0, tau_s=1e-5)
        whole = retained(rng, one, body, mbq, given, times, written, seconds=300.0)
        blood = fractions(rng, patient.blood_fraction, patient.blood_volume_ml, mbq, given, times,
                          written)  # fmt: skip
        in_body = retention.area(whole.times_h, whole.retention, half_life_h=HALF_LIFE_H)
        in_blood = retention.area(written, blood, half_life_h=HALF_LIFE_H, head=head,
                                  where="blood")  # fmt: skip
        dose = blood_dose.blood_dose(in_blood.total, in_body.total,
                                     weighed(rng, patient.weight_kg)).total_gy_per_gbq  # fmt: skip
        at_48h = retention.value_at(48.0, whole.times_h, whole.retention, half_life_h=HALF_LIFE_H)
        most = dtc.largest_tolerable(dtc.by_blood(dose), dtc.by_retention(
            at_48h, diffuse_lung_metastases=False)).activity_gbq  # fmt: skip
        true = truth_of(rng, patient, body, family)
        left = float(body.held(np.array([48.0]))[0]) * np.exp(-sim.DECAY * 48)
        return [("blood dose", dose, true),
                ("largest tolerable activity", most, min(2 / true, 4.44 / left))]  # fmt: skip

    return judge


def one_retention(rng: Rng, family: sim.IodideFamily) -> Judged:
    """Blood dose from a whole-body reference and one reading on day 1 or 2."""
    patient, body, times, written = iodide(rng, family, ONE_H)
    mbq = float(rng.uniform(10, 15))
    one = sim.detector(rng, cps_per_mbq=20 * sim.off(rng, 0.2), background_cps=15.0, tau_s=1e-5)
    whole = retained(rng, one, body, mbq, administered(rng, mbq), times, written, seconds=300.0)
    weight = weighed(rng, patient.weight_kg)
    volume = blood_dose.blood_volume(patient.sex, height_cm=patient.height_cm,
                                     weight_kg=weight.value).volume_ml  # fmt: skip
    dose = blood_dose.blood_dose_one_reading(
        whole.retention[1], written[1], weight_kg=weight, blood_volume_ml=volume,
        half_life_h=HALF_LIFE_H,
    ).total_gy_per_gbq  # fmt: skip
    return [("blood dose", dose, truth_of(rng, patient, body, family))]


def uptakes(
    rng: Rng, patient: sim.ThyroidPatient, said: sim.Clock, times_h: Sequence[float]
) -> tuple[list[float], list[Uncertain]]:
    """Written times and uptakes by a probe: neck, thigh, standard and room at each session."""
    one = sim.detector(rng, cps_per_mbq=300 * sim.off(rng, 0.2), background_cps=8.0, tau_s=1e-5)
    mbq, meter = float(rng.uniform(2, 5)), sim.off(rng, METER_U)
    given = relative(mbq / meter, activity_meter=METER_U)
    standard, dispensed = 5.0, sim.off(rng, 0.02)
    depth = sim.off(rng, 0.05)
    found, written = [], []
    for t in times_h:
        when = said.written(rng, t)
        name = f"{when:.2f} h"
        outside = 0.03 * one.cps_per_mbq * mbq * patient.outside(t)
        neck = one.counts(rng, mbq * patient.uptake(t), 300.0, time_h=t,
                          factor=depth * sim.off(rng, 0.05), extra_cps=outside)  # fmt: skip
        thigh = one.counts(rng, 0.0, 300.0, extra_cps=outside * sim.off(rng, 0.15))
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


def thyroid_dose(rng: Rng, patient: sim.ThyroidPatient, tiac_h: Uncertain) -> Judged:
    """The curve's integral, and the dose of the therapy activity to a gland seen by ultrasound."""
    mass = relative(patient.mass_g * sim.off(rng, 0.15), ultrasound_volume=0.15)
    mbq = float(rng.uniform(300, 800))
    dose = thyroid.dose(administered(rng, mbq), tiac_h, mass).dose_gy
    energy = (patient.mass_g**0.25 + 18) / 7.2 * sim.off(rng, 0.02)
    true = energy * mbq * patient.tiac_h() / 24 / patient.mass_g
    return [("TIAC", tiac_h, patient.tiac_h()), ("dose", dose, true)]


def three_uptakes(rng: Rng, family: sim.ThyroidFamily) -> Judged:
    """Two compartments through readings at 4 to 6 h, 1 to 2 d and 5 to 8 d."""
    patient = sim.thyroid_patient(rng, family)
    times = [rng.uniform(4, 6), rng.uniform(22, 48), rng.uniform(120, 190)]
    when, values = uptakes(rng, patient, clock(rng, family), times)
    curve = gland.two_compartments(when, values, physical_half_life_h=HALF_LIFE_H)
    return thyroid_dose(rng, patient, curve.tiac_h)


LATE_H = ((22, 48), (120, 190))


def washout_only(rng: Rng, family: sim.ThyroidFamily) -> Judged:
    """One exponential through readings at 1 to 2 d and 5 to 8 d."""
    patient = sim.thyroid_patient(rng, family)
    when, values = uptakes(rng, patient, clock(rng, family), [rng.uniform(*t) for t in LATE_H])
    curve = gland.washout_only(when, values, physical_half_life_h=HALF_LIFE_H)
    return thyroid_dose(rng, patient, curve.tiac_h)


def assumed_uptake(rng: Rng, family: sim.ThyroidFamily) -> Judged:
    """The same two readings, with the population's uptake half-time."""
    patient = sim.thyroid_patient(rng, family)
    when, values = uptakes(rng, patient, clock(rng, family), [rng.uniform(*t) for t in LATE_H])
    before = priors("graves", file="priors_i131_thyroid")[0]
    curve = gland.assumed_uptake(when, values, before, physical_half_life_h=HALF_LIFE_H)
    return thyroid_dose(rng, patient, curve.tiac_h)


def one_uptake(
    method: Callable[[float, Uncertain, Prior], gland.ThyroidCurve],
) -> Callable[[Rng, sim.ThyroidFamily], Judged]:
    """One reading at 4 to 8 d."""

    def judge(rng: Rng, family: sim.ThyroidFamily) -> Judged:
        patient = sim.thyroid_patient(rng, family)
        when, values = uptakes(rng, patient, clock(rng, family), [float(rng.uniform(97, 190))])
        known = priors("graves", file="priors_i131_thyroid", with_half_life=True)
        half_life = next(p for p in known if p.quantity == "effective")
        return thyroid_dose(rng, patient, method(when[0], values[0], half_life).tiac_h)

    return judge


ANTIBODY_H = (0.25, 1.5, 5.0, 24.0, 48.0, 84.0, 144.0)
MARROW_KG, MARROW_S = 1.12, 6.5e-5  # a stylised phantom's mass; an S value as a user would give


def marrow_self(rng: Rng, family: sim.AntibodyFamily) -> Judged:
    """Red marrow self-dose from blood samples and the haematocrit."""
    patient, said = sim.antibody_patient(rng, family), clock(rng, family)
    times = [t * float(rng.uniform(0.9, 1.1)) for t in ANTIBODY_H]
    written = sorted(said.written(rng, t) for t in times)
    mbq = float(rng.uniform(150, 300))
    given = administered(rng, mbq)
    per_ml = fractions(rng, patient.blood_fraction, patient.blood_volume_ml, mbq, given, times,
                       written)  # fmt: skip
    whole = retention.area(written, per_ml, half_life_h=HALF_LIFE_H, where="blood").total
    per_g = (whole * given).scaled(1 / 1.06)
    shown = Uncertain(patient.haematocrit + 0.012 * float(rng.standard_normal()),
                      {"haematocrit": 0.012})  # fmt: skip
    dose = marrow.self_dose_from_blood(per_g, marrow.marrow_to_blood(shown),
                                       phantom_marrow_kg=MARROW_KG,
                                       s_gy_per_mbq_h=MARROW_S)  # fmt: skip
    per_g_true = patient.blood_tiac_h() * mbq / patient.blood_volume_ml / 1.06
    ratio = patient.extracellular / (1 - patient.haematocrit)
    return [("self-dose", dose, per_g_true * ratio * 1000 * MARROW_KG * MARROW_S)]


ROUTES = (
    Route("mIBG, whole-body monitor", sim.MIBG, mibg),
    Route("DTC, five pairs", sim.IODIDE, pairs(FULL_H)),
    Route("DTC, three pairs", sim.IODIDE, pairs(THREE_H)),
    Route("DTC, one retention", sim.IODIDE, one_retention),
    Route("thyroid, three uptakes", sim.GRAVES, three_uptakes),
    Route("thyroid, two, washout only", sim.AT_ONCE, washout_only),
    Route("thyroid, two, assumed uptake", sim.GRAVES, assumed_uptake),
    Route("thyroid, one, 2t/ln 2", sim.AT_ONCE, one_uptake(gland.one_reading_twice_time)),
    Route("thyroid, one, population", sim.AT_ONCE, one_uptake(gland.one_reading)),
    Route("marrow from blood", sim.ANTIBODY, marrow_self),
)

FROM_ZERO = (  # blood drawn as a line from zero to its first sample: shown, not judged
    Route("DTC, five, from zero", sim.IODIDE, pairs(FULL_H, "from zero")),
    Route("DTC, three, from zero", sim.IODIDE, pairs(THREE_H, "from zero")),
)


# Judging


def rows(route: Route, family: Any, *, patients: int) -> list[Row]:
    """One row a quantity: `patients` patients of a family through a route."""
    found: dict[str, list[tuple[float, float, bool]]] = {}
    lost: dict[str, int] = {}
    for i in range(patients):
        rng = np.random.default_rng([2026, i, crc32(f"{route.name} {family.name}".encode())])
        try:
            judged = route.judge(rng, family)
        except QuimbyError as error:  # a refusal is an outcome: counted and shown
            lost[error.code] = lost.get(error.code, 0) + 1
            continue
        for quantity, value, true in judged:
            low, high = value.interval()
            found.setdefault(quantity, []).append(
                (value.value / true, value.u_rel, low <= true <= high)
            )
    if lost:
        print(f"  refused, {route.name}, {family.name}: {lost}", file=sys.stderr)
    share = sum(lost.values()) / patients
    matched = family is route.families[0]
    return [_row(f"{route.name}: {q}", family.name, matched, share, np.array(v))
            for q, v in found.items()]  # fmt: skip


def _row(quantity: str, family: str, matched: bool, lost: float, values: Any) -> Row:
    ratio, u, inside = values.T
    return Row(quantity, family, matched, len(values), lost, float(inside.mean()),
               float(ratio.mean()) - 1, float(ratio.std()), float(np.median(u)))  # fmt: skip


def table(routes: Sequence[Route], *, patients: int) -> list[Row]:
    """Matched patients, then as many in all of the other families, for each route."""
    found = []
    for route in routes:
        found += rows(route, route.families[0], patients=patients)
        others = route.families[1:]
        for family in others:
            found += rows(route, family, patients=-(-patients // len(others)))
    return found


def sparse(patients: int) -> None:
    """Print what schedules alone do: exact readings, so that only the drawing of curves is left."""
    family = sim.IODIDE[0]
    print(
        "exact readings           blood between     tail   whole body    dose  tolerable  bladder"
    )
    for name, windows in (("five pairs", FULL_H), ("three pairs", THREE_H)):
        found = np.array([_exactly(i, family, windows) for i in range(patients)])
        mean, sd = found.mean(axis=0), found.std(axis=0)
        print(f"{name:24}" + "".join(f"{m:+8.1%} ±{s:4.1%}" for m, s in zip(mean, sd, strict=True)))


def _exactly(seed: int, family: sim.IodideFamily, windows_h: Sequence[Window]) -> list[float]:
    rng = np.random.default_rng([seed, 7])
    patient, body, times, _ = iodide(rng, family, windows_h)
    blood = [Uncertain(patient.blood_fraction(t)) for t in times]
    whole = [Uncertain(body.fraction(t)) for t in times]
    a = retention.area(times, blood, half_life_h=HALF_LIFE_H, where="blood")
    b = retention.area(times, whole, half_life_h=HALF_LIFE_H)
    true_b, true_w = patient.blood_tiac_h(), body.tissue_tiac_h()
    after = float(np.sum(patient.in_blood / patient.modes * np.exp(-patient.modes * times[-1])))
    before = float(np.sum(patient.in_blood / patient.modes * np.exp(-patient.modes * times[0])))
    kg, ml = patient.weight_kg, patient.blood_volume_ml
    dose = 108 * a.total.value / ml + 0.0188 * kg ** (-2 / 3) * b.total.value
    true = 108 * true_b / ml + 0.0188 * kg ** (-2 / 3) * true_w
    return [(a.body.value - (before - after)) / true_b, (a.tail.value - after) / true_b,
            b.total.value / true_w - 1, dose / true - 1, true / dose - 1,
            body.tiac_h() / true_w - 1]  # fmt: skip


def main() -> int:
    """Print the table; 1 where a row is out of band."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--patients", type=int, default=2000)
    asked.add_argument("--route", help="only routes whose name holds this")
    asked.add_argument("--sparse", action="store_true", help="schedules alone, exact readings")
    asked.add_argument("--from-zero", action="store_true", help="blood by a line from zero")
    given = asked.parse_args()
    if given.sparse:
        sparse(min(given.patients, 500))
        return 0
    known = FROM_ZERO if given.from_zero else ROUTES
    wanted = [r for r in known if not given.route or given.route in r.name]
    print(f"{'route: quantity':52}{'patients like':27}{'n':>5}{'lost':>6}{'inside':>8}{'bias':>8}"
          f"{'scatter':>9}{'u':>7}  ")  # fmt: skip
    found = []
    for route in wanted:
        for r in table([route], patients=given.patients):
            found.append(r)
            print(f"{r.quantity:52}{r.family:27}{r.patients:5}{r.lost:6.1%}{r.coverage:8.1%}"
                  f"{r.bias:+8.1%}{r.scatter:9.1%}{r.u_rel:7.1%}  {'pass' if r.passes else 'FAIL'}",
                  flush=True)  # fmt: skip
    out = sum(not r.passes for r in found)
    print(f"{len(found)} rows, {out} out of band")
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())
