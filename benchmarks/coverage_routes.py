"""The routes without a camera: from what a department reads to a dose, beside its truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import simulated_devices as devices
from benchmarks import simulated_patients as sim
from benchmarks.readings_taken import (
    HALF_LIFE_H,
    Rng,
    administered,
    clock,
    fractions,
    retained,
    uptakes,
    weighed,
)
from quimby.core.uncertain import Uncertain, relative
from quimby.dose import blood as blood_dose
from quimby.dose import marrow, thyroid
from quimby.dose import whole_body as body_dose
from quimby.kinetics import retention
from quimby.kinetics import thyroid as gland
from quimby.kinetics.priors import Prior, priors
from quimby.planning import dtc

Judged = list[tuple[str, Uncertain, float]]  # quantity, what was found, truth


@dataclass(frozen=True, slots=True)
class Route:
    """A way from readings to a dose, and the patients it is tried on (the first: matched)."""

    name: str
    families: Sequence[Any]
    judge: Callable[[Rng, Any], Judged]


def mibg(rng: Rng, family: sim.MibgFamily) -> Judged:
    """Whole-body dose from 10 to 16 readings of an external monitor."""
    patient, said = sim.mibg_patient(rng, family), clock(rng, family)
    one = devices.detector(rng, cps_per_mbq=15e3 * float(np.exp(0.3 * rng.standard_normal()))
                       / patient.activity_mbq, background_cps=20.0, tau_s=8e-6)  # fmt: skip
    written = sorted(said.written(rng, t) for t in patient.times_h)
    given = administered(rng, patient.activity_mbq)
    found = retained(rng, one, patient.body, patient.activity_mbq, given, patient.times_h, written,
                     seconds=60.0)  # fmt: skip
    whole = retention.area(found.times_h, found.activities_mbq, half_life_h=HALF_LIFE_H)
    dose = body_dose.whole_body_dose(whole.total, weighed(rng, patient.mass_kg)).dose_gy
    s = 1.34e-4 * patient.mass_kg**-0.921 * devices.off(rng, 0.05)
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
    photons = 0.0188 * devices.off(rng, 0.05) * patient.weight_kg ** (-2 / 3)
    return float(108 * devices.off(rng, 0.05) * per_ml + photons * body_h)


def pairs(
    windows_h: Sequence[Window], head: str = "plateau"
) -> Callable[[Rng, sim.IodideFamily], Judged]:
    """Blood dose and largest tolerable activity from pairs of blood and whole body."""

    def judge(rng: Rng, family: sim.IodideFamily) -> Judged:
        patient, body, times, written = iodide(rng, family, windows_h)
        mbq = float(rng.uniform(10, 15))
        given = administered(rng, mbq)
        one = devices.detector(
            rng, cps_per_mbq=20 * devices.off(rng, 0.2), background_cps=15.0, tau_s=1e-5
        )
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
    one = devices.detector(
        rng, cps_per_mbq=20 * devices.off(rng, 0.2), background_cps=15.0, tau_s=1e-5
    )
    whole = retained(rng, one, body, mbq, administered(rng, mbq), times, written, seconds=300.0)
    weight = weighed(rng, patient.weight_kg)
    volume = blood_dose.blood_volume(patient.sex, height_cm=patient.height_cm,
                                     weight_kg=weight.value).volume_ml  # fmt: skip
    dose = blood_dose.blood_dose_one_reading(
        whole.retention[1], written[1], weight_kg=weight, blood_volume_ml=volume,
        half_life_h=HALF_LIFE_H,
    ).total_gy_per_gbq  # fmt: skip
    return [("blood dose", dose, truth_of(rng, patient, body, family))]


def thyroid_dose(rng: Rng, patient: sim.ThyroidPatient, tiac_h: Uncertain) -> Judged:
    """The curve's integral, and the dose of the therapy activity to a gland seen by ultrasound."""
    mass = relative(patient.mass_g * devices.off(rng, 0.15), ultrasound_volume=0.15)
    mbq = float(rng.uniform(300, 800))
    dose = thyroid.dose(administered(rng, mbq), tiac_h, mass).dose_gy
    energy = (patient.mass_g**0.25 + 18) / 7.2 * devices.off(rng, 0.02)
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
