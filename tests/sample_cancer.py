"""A made-up study of thyroid cancer: whole body and blood, the largest tolerable activity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from math import exp

from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.dose.blood import blood_dose
from quimby.planning import dtc
from quimby.population.places import Place
from quimby.study.result import Patient, Result
from quimby.study.stages import Allowed, Plan, Series, TargetDose, Verified
from tests.sample_readings import (
    CEST,
    PHYSICAL_H,
    body_curve,
    compared,
    make_blood,
    make_place,
    make_result,
    make_stage,
    make_trace,
    shares_of,
    whole_body,
)

DTC_AT = datetime(2026, 6, 1, 9, 0, tzinfo=CEST)
DTC_THERAPY_AT = datetime(2026, 6, 15, 10, 5, tzinfo=CEST)
WEIGHT = Uncertain(68.0, {"weight": 0.7})


DTC_NOTES = (
    Note("W-TIA-TAIL", "22 % of the integral lies after the last reading.", "Blood",
         "a later sample would lower the uncertainty; it is included in it", 0.22, 0.20),
    Note("S-CAL-EXPIRED", "The counter's calibration was 12 days past its date.",
         "counter 'WELL-1'", "calibrate, or sign with --override", 12.0, 0.0),
    Note("W-PLAN-GATE", "Iodine contrast medium or amiodarone was given lately.", "plan",
         "measure iodine in urine, or wait; the uptake may be lowered"),
    Note("I-RES-ASSUMED0", "No residue was given; 0 MBq was assumed.", "administration tracer",
         "measure the cup after the drink", 0.0),
)  # fmt: skip
DTC_CONSTANTS = (
    Constant("131I half-life", PHYSICAL_H, "h", "ICRP 107", "V"),
    Constant(
        "blood beta constant", 108.0, "Gy ml/(GBq h)", "EANM SOP I 2008, from memory", "M", 5.4
    ),
    Constant(
        "whole-body photon constant",
        0.0188,
        "Gy kg^(2/3)/(GBq h)",
        "EANM SOP I 2008, from memory",
        "M",
        0.00094,
    ),
)
JENTZEN = "Jentzen 2015"


def _blood_target(series: Sequence[Series], given: Uncertain) -> TargetDose:
    body, blood = series
    found = blood_dose(blood.tiac, body.tiac, WEIGHT)
    gbq = given.scaled(1 / 1000)
    places = (make_place(JENTZEN, 108, "Gy/GBq", 0.11, 0.05, (0.04, 0.34), (0.05, 0.20), 41.0,
                     "124I, blood and whole body"),
              make_place("Hänscheid 2006", 63, "Gy/GBq", 0.109, 0.028, (0.06, 0.18), (0.07, 0.16),
                         30.0, "131I", "M"))  # fmt: skip
    return TargetDose(
        "Blood", "108·τ(blood, per ml) + 0.0188·m^(−2/3)·τ(whole body), EANM SOP I",
        found.total_gy_per_gbq * gbq, found.total_gy_per_gbq,
        {"electrons in blood": found.beta_gy_per_gbq * gbq,
         "photons from the body": found.photon_gy_per_gbq * gbq},
        WEIGHT.scaled(1000), "patient's weight, 1 June 2026", places,
    )  # fmt: skip


def _dtc_places() -> Mapping[str, tuple[Place, ...]]:
    return {
        "retention at 48 h": (make_place(JENTZEN, 108, "1", 0.16, 0.10, (0.02, 0.57), (0.05, 0.35),
                                     64.0, "124I"),),
        "Whole body": (make_place(JENTZEN, 108, "h", 31.0, 15.0, (13.0, 81.0), (13.5, 59.0), 55.0,
                              "124I"),),
    }  # fmt: skip


@cache
def dtc_result(*, plan: bool = True, therapy: bool = True, slow: float = 0.10) -> Result:
    """Before the first radioiodine: a 15 MBq tracer, then (where `therapy`) 7.4 GBq.

    `slow` is the share of the body that clears slowly: above 0.5 the 48 h retention limits.
    """
    given = Uncertain(14.8, {"activity meter": 0.44})
    body = body_curve(13.0, 78.0, slow)
    times = (0.2, 2.1, 6.3, 24.4, 48.8, 97.2)
    voids = (False, True, True, True, True, True)
    monitor = "ceiling monitor 'GM-3' at 2.5 m, front and back"
    series = [
        whole_body(
            DTC_AT, times, body, first=2.6, voids=voids, stage="tracer", end_h=168.0, device=monitor
        ),
        make_blood(
            DTC_AT, times[1:], lambda t: 4.4e-5 * exp(-t / 9.0) + 6.2e-6 * exp(-t / 55.0), "tracer"
        ),
    ]
    target = _blood_target(series, given)
    stages = [make_stage(series, [target], kind="tracer", at=DTC_AT, given=given, name="tracer",
                     weight=WEIGHT, places=_dtc_places())]  # fmt: skip
    verified: list[Verified] = []
    if therapy:
        amount = Uncertain(7390.0, {"activity meter": 222.0})
        later = [
            whole_body(DTC_THERAPY_AT, (0.4, 5.0, 22.7, 46.9, 70.2), body_curve(12.0, 71.0, slow),
                        first=1290.0, voids=(False, True, True, True, True), stage="therapy",
                        end_h=168.0, device=monitor),
            make_blood(DTC_THERAPY_AT, (2.0, 23.0, 47.0, 70.5), lambda t: 4.0e-5 * exp(-t / 8.5)
                   + 5.9e-6 * exp(-t / 52.0), "therapy"),
        ]  # fmt: skip
        after = _blood_target(later, amount)
        stages.append(make_stage(later, [after], kind="therapy", at=DTC_THERAPY_AT, given=amount,
                             name="therapy", weight=WEIGHT, places=_dtc_places()))  # fmt: skip
        verified = [
            compared("Blood dose per activity", "Gy/GBq", target.dose_per_activity_gy_per_gbq,
                      after.dose_per_activity_gy_per_gbq),
            compared("Blood dose", "Gy", target.dose_per_activity_gy_per_gbq * amount.scaled(1e-3),
                      after.dose_gy),
        ]  # fmt: skip
    made = _dtc_plan(series[0], target)
    return make_result(
        stages, made if plan else None, verified if plan else (), study="example-dtc",
        therapy="[131I]NaI, differentiated thyroid cancer", agent="[131I]NaI",
        protocol=("DTC-BLOOD", "Blood and whole body"),
        patient=Patient("0000-8812", "SPECIMEN, Carlo", "1981-02-27", "M", 68.0,
                        "Papillary carcinoma, pT3 pN1b, THW", "eGFR 88 ml/min"),
        notes=DTC_NOTES if plan else DTC_NOTES[:1], trace=make_trace(DTC_CONSTANTS, "blood.csv"),
        prescribed_mbq=7400.0 if therapy else None,
    )  # fmt: skip


def _dtc_plan(body: Series, target: TargetDose) -> Plan:
    per = target.dose_per_activity_gy_per_gbq
    blood = dtc.by_blood(per)
    held = dtc.by_retention(body.figures["retention at 48 h"], diffuse_lung_metastases=False)
    first = dtc.largest_tolerable(blood, held)
    words = {dtc.BLOOD: "blood dose 2 Gy", dtc.RETENTION: "48 h retention 4.44 GBq"}
    allowed = tuple(
        Allowed(words[c.name], c.activity_gbq.scaled(1000), 1000 * c.conservative_gbq, c.limit)
        for c in sorted((blood, held), key=lambda c: c.activity_gbq.value)
    )
    largest = first.activity_gbq.scaled(1000)
    proposed = 100.0 * (1000 * first.conservative_gbq // 100)
    return Plan(
        kind="blood and retention", title="Largest tolerable activity", target="Blood", aim_gy=None,
        limiting=words[first.limiting], activity_mbq=largest, proposed_mbq=proposed, step_mbq=100.0,
        site_limit_mbq=None,
        dose_gy=per.scaled(proposed / 1000), total_gy=per.scaled(proposed / 1000), allowed=allowed,
        compare=(("72 h retention, Hänscheid 2009 single reading", "blood 0.097 Gy/GBq"),),
        sensitivity=shares_of(per),
        gates=(("pregnant", "does not apply", "passed"),
               ("diffuse lung metastases that take up iodine", "no, CT of 12 May", "passed"),
               ("iodine contrast or amiodarone", "contrast CT 7 weeks ago", "caution"),
               ("incontinent", "no", "passed")),
        thought_of_mbq=7400.0, thought_of_gy=per.scaled(7.4),
    )  # fmt: skip
