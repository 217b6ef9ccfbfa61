"""A made-up study of benign thyroid disease: three uptakes, a plan for 150 Gy, the therapy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from math import exp, log

from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain
from quimby.dose.thyroid import dose_per_activity, target_mass
from quimby.planning import thyroid
from quimby.population.places import Place
from quimby.study.result import Patient, Result
from quimby.study.stages import Plan, Series, TargetDose, Verified
from tests.sample_readings import (
    CEST,
    PHYSICAL_H,
    Effective,
    compared,
    make_half_life,
    make_line,
    make_place,
    make_point,
    make_result,
    make_stage,
    make_trace,
    shares_of,
)

TRACER_AT = datetime(2026, 5, 4, 8, 30, tzinfo=CEST)
THERAPY_AT = datetime(2026, 5, 18, 9, 15, tzinfo=CEST)
LOBES_CM = ((5.1, 2.0, 1.9), (5.6, 2.2, 2.1))
K_T, K_B, K_OUT = 0.083, 0.137, log(2) / (5.4 * 24)
K_OUT_THERAPY = log(2) / (5.0 * 24)


def _uptake(k_out: float, k_in: float = K_T) -> Effective:
    return lambda t: k_in / (K_B - k_out) * (exp(-k_out * t) - exp(-K_B * t))


def _uptake_series(start: datetime, times: Sequence[float], k_out: float, what: str) -> Series:
    curve = _uptake(k_out, K_T if what == "tracer" else 0.94 * K_T)
    shared = {"standard activity": 0.03, "probe position": 0.05}

    def causes(name: str, value: float) -> dict[str, float]:
        return {k: u * value for k, u in shared.items()} | {f"counts, {name}": 0.012 * value}

    points = []
    for index, t in enumerate(times, start=1):
        value = curve(t)
        counts = round(1_900_000 * value if what == "tracer" else 2_350_000 * value)
        written = {"neck": f"{counts} counts", "thigh": f"{round(0.04 * counts)} counts",
                   "standard": "712430 counts", "room": "1184 counts", "time": "120 s"}  # fmt: skip
        points.append(
            make_point(
                f"uptake.csv, row {index + 1}",
                start,
                t,
                Uncertain(value, causes(f"{what} {index}", value)),
                written,
            )
        )
    tiac = (K_T if what == "tracer" else 0.94 * K_T) / (K_B * k_out)
    peak_h = log(K_B / k_out) / (K_B - k_out)
    last = exp(-k_out * times[-1]) * curve(times[-1]) / k_out
    fit = {"standard activity": 0.03, "probe position": 0.03, "curve through three readings": 0.05}
    return Series(
        name="Thyroid",
        quantity="uptake",
        unit="1",
        device="uptake probe NaI(Tl) 'PROBE-2', neck phantom standard",
        points=tuple(points),
        method="two compartments through three readings; nothing is left to judge the fit by",
        line=make_line(curve, 240.0, lambda t: 0.05 + 0.0003 * t + 0.08 * exp(-t / 8)),
        tiac=Uncertain(tiac, {k: u * tiac for k, u in fit.items()}),
        tiac_unit="h",
        half_lives_h={"effective": make_half_life(k_out, 0.07, "curve through three readings"),
                      "uptake": make_half_life(K_B, 0.12, "curve through three readings")},
        head_fraction=0.02,
        tail_fraction=curve(times[-1]) / k_out / tiac if last else 0.0,
        physical_tail=None,
        residuals_u=(),
        chi2=None,
        degrees_of_freedom=None,
        figures={"largest uptake": Uncertain(curve(peak_h), causes("largest", curve(peak_h))),
                 "uptake at 24 h": Uncertain(curve(24.0), causes("24 h", curve(24.0)))},
    )  # fmt: skip


THYROID_MASS = target_mass(LOBES_CM)
THYROID_HOW = (
    "ultrasound, right lobe 5.6 × 2.2 × 2.1 cm 13.5 ml, left lobe 5.1 × 2.0 × 1.9 cm 10.1 ml, "
    "ellipsoid π/6, 1.05 g/ml"
)


def _thyroid_dose(series: Series, given: Uncertain) -> TargetDose:
    per = dose_per_activity(series.tiac, THYROID_MASS.mass_g).dose_gy
    places = (make_place("Skanjeti 2015", 40, "Gy/GBq", 470.0, 190.0, (120.0, 980.0),
                         (230.0, 820.0), 68.0, "probe, three readings", "M"),)  # fmt: skip
    return TargetDose("Thyroid", "Ē(M)·A·τ/M, energy by mass (EANM SOP II)", per * given,
                      per.scaled(1000.0), {}, THYROID_MASS.mass_g, THYROID_HOW, places)  # fmt: skip


THYROID_NOTES = (
    Note("W-ACTIVITY-ROUNDED", "Rounding changed the activity by +5.2 % (limit 5 %).",
         "plan, thyroid", "accept the dose that results, or order another activity", 0.052, 0.05),
    Note("S-PLAN-GATE", "It is not recorded whether this holds: the patient is breast-feeding.",
         "plan", "ask and record it before anything is given"),
    Note("I-TIME-ZONE", "Times without a zone were read in Europe/Berlin.", "uptake.csv",
         "check that the clock stood in that zone"),
)  # fmt: skip
THYROID_CONSTANTS = (
    Constant("131I half-life", PHYSICAL_H, "h", "ICRP 107", "V"),
    Constant(
        "thyroid energy, E(M) = (M^0.25 + 18)/7.2",
        18.0,
        "Gy g/(MBq d)",
        "Hänscheid et al., EANM SOP II, EJNMMI 2013;40:1126, seen in code",
        "M",
    ),
    Constant("ellipsoid factor", 0.5236, "1", "geometry", "D"),
    Constant("thyroid density", 1.05, "g/ml", "ICRU 44", "V"),
    Constant("dose aim, multifocal autonomy", 150.0, "Gy", "product information", "V"),
)


@cache
def thyroid_result(*, plan: bool = True, therapy: bool = True) -> Result:
    """Multifocal autonomy, tracer and (where `therapy`) the therapy that followed."""
    given = Uncertain(3.02, {"activity meter": 0.09})
    tracer = _uptake_series(TRACER_AT, (5.2, 26.1, 148.3), K_OUT, "tracer")
    stages = [make_stage([tracer], [_thyroid_dose(tracer, given)], kind="tracer", at=TRACER_AT,
                     given=given, name="tracer", places=_thyroid_places())]  # fmt: skip
    made = _thyroid_plan(tracer)
    verified: list[Verified] = []
    if therapy:
        amount = Uncertain(made.proposed_mbq * 0.991, {"activity meter": 0.03 * made.proposed_mbq})
        after = _uptake_series(THERAPY_AT, (6.1, 49.5, 167.0), K_OUT_THERAPY, "therapy")
        dose = _thyroid_dose(after, amount)
        stages.append(make_stage([after], [dose], kind="therapy", at=THERAPY_AT, given=amount,
                             name="therapy", places=_thyroid_places()))  # fmt: skip
        verified = [compared("Thyroid dose", "Gy", made.dose_gy, dose.dose_gy)]
    return make_result(
        stages, made if plan else None, verified if plan else (), study="example-thyroid",
        therapy="[131I]NaI, benign thyroid disease", agent="[131I]NaI",
        protocol=("BT-FULL", "Three uptakes and a two-compartment fit"),
        patient=Patient("0000-5577", "MUSTER, Erika", "1968-11-02", "F", 71.5,
                        "Multifocal autonomy"),
        notes=THYROID_NOTES if plan else THYROID_NOTES[2:],
        trace=make_trace(THYROID_CONSTANTS, "uptake.csv"),
        prescribed_mbq=made.proposed_mbq if therapy else None,
    )  # fmt: skip


def _thyroid_places() -> Mapping[str, tuple[Place, ...]]:
    return {"largest uptake": (make_place("Hänscheid 2013", 112, "1", 0.48, 0.14, (0.17, 0.83),
                                      (0.29, 0.74), 71.0, "probe", "M"),)}  # fmt: skip


def _thyroid_plan(series: Series) -> Plan:
    found = thyroid.plan(150.0, THYROID_MASS.mass_g, series.tiac, step_mbq=37.0)
    marinelli = thyroid.marinelli_activity(
        150.0, THYROID_MASS.mass_g, largest_uptake=series.figures["largest uptake"],
        half_life_h=series.half_lives_h["effective"],
    )  # fmt: skip
    dose = found.dose_gy.because("tracer to therapy", 0.10 * found.dose_gy.value)
    return Plan(
        kind="thyroid",
        title="Activity for 150 Gy to the thyroid",
        target="Thyroid",
        aim_gy=150.0,
        limiting="dose aim of 150 Gy",
        activity_mbq=found.activity_mbq,
        proposed_mbq=found.given_mbq,
        step_mbq=37.0,
        site_limit_mbq=1000.0,
        dose_gy=dose,
        total_gy=dose,
        allowed=(),
        compare=(
            ("Marinelli, 24.7·D·M/(U·T½)", f"{marinelli.value:.0f} MBq"),
            (
                "5 MBq/g in the gland at 24 h",
                f"{5 * THYROID_MASS.mass_g.value / series.figures['uptake at 24 h'].value:.0f} MBq",
            ),
            ("mass by Brunn (0.479)", f"{found.activity_mbq.value * 0.479 / 0.5236:.0f} MBq"),
        ),
        sensitivity=shares_of(dose),
        gates=(
            ("pregnant", "no, test of 17 May", "passed"),
            ("breast-feeding", "not recorded", "open"),
            ("safe to swallow a capsule", "yes", "passed"),
            ("iodine contrast or amiodarone", "none for 6 months", "passed"),
            ("antithyroid drugs paused", "carbimazole paused 3 days", "caution"),
        ),
        thought_of_mbq=None,
        thought_of_gy=None,
    )
