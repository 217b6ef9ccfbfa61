"""Made-up results of therapies followed by readings; mIBG stands here. Nobody's data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache

from quimby.core.notes import Note
from quimby.core.source import Constant
from quimby.core.uncertain import Uncertain, exact
from quimby.dose.whole_body import whole_body_dose
from quimby.planning import mibg
from quimby.report.draw import drawings
from quimby.report.figures.style import Figure
from quimby.study.result import Patient, Result
from quimby.study.stages import Plan, Stage, TargetDose, Verified
from tests.sample_cancer import dtc_result as dtc_result
from tests.sample_readings import (
    CEST,
    LONG_NAME,
    PHYSICAL_H,
    Effective,
    body_curve,
    compared,
    make_place,
    make_result,
    make_stage,
    make_trace,
    shares_of,
    whole_body,
)
from tests.sample_thyroid import thyroid_result as thyroid_result

FIRST_AT = datetime(2026, 3, 9, 14, 20, tzinfo=CEST)
SECOND_AT = datetime(2026, 3, 24, 13, 55, tzinfo=CEST)
CHILD = Uncertain(19.5, {"weight": 0.2})
MIBG_NOTES = (
    Note(
        "W-REFERENCE-LATE",
        "The reference reading is 0.4 h after the end of infusion.",
        "whole_body.csv, row 2",
        "nothing was voided until then, so 100 % stands",
    ),
    Note(
        "S-STEM-CELLS",
        "The planned whole-body dose of 4.0 Gy is above 2 Gy and no stem cells are "
        "recorded as available.",
        "plan, mIBG",
        "confirm that stem cells are stored before giving more",
        4.0,
        2.0,
    ),
    Note(
        "W-ACTIVITY-DEVIATION",
        "The administered activity is 11 % below the one planned.",
        "administration 2",
        "say why on the record",
        -0.11,
        0.10,
    ),
)
MIBG_CONSTANTS = (
    Constant("131I half-life", PHYSICAL_H, "h", "ICRP 107", "V"),
    Constant(
        "whole-body S value",
        1.34e-4,
        "Gy kg^0.921/(MBq h)",
        "Buckley 2009, from memory",
        "M",
        6.7e-6,
    ),
    Constant("mIBG whole-body aim", 4.0, "Gy", "Gaze et al. 2005", "V"),
    Constant("stem cells above", 2.0, "Gy", "from memory", "M"),
)
MIBG_TIMES = (0.4, 2.2, 4.5, 8.1, 12.3, 18.9, 24.1, 30.5, 42.2, 54.8, 66.0, 78.5, 95.7)


def _mibg_stage(at: datetime, given: Uncertain, curve: Effective, number: int,
                times: Sequence[float] = MIBG_TIMES) -> Stage:  # fmt: skip
    voids = (False, *(i % 3 != 2 for i in range(1, len(times))))
    series = whole_body(
        at,
        times,
        curve,
        first=given.value * 0.0205,
        voids=voids,
        stage=f"{number}",
        end_h=168.0,
        device="ceiling monitor 'GM-3' at 2.5 m, front and back",
    )
    found = whole_body_dose(series.tiac * given, CHILD)
    per = found.dose_gy.scaled(1000.0) / given
    place = make_place("Matthay 2001", 42, "Gy/GBq", 0.20, 0.09, (0.09, 0.52), (0.09, 0.37), 77.0,
                   "whole-body probe")  # fmt: skip
    dose = TargetDose("Whole body", "A·τ·S(m), S = 1.34·10⁻⁴·m^(−0.921) Gy/(MBq·h)", found.dose_gy,
                      per, {}, CHILD.scaled(1000), "weight on the day", (place,))  # fmt: skip
    return make_stage(
        [series],
        [dose],
        kind="therapy",
        at=at,
        given=given,
        name=str(number),
        cycle=number,
        weight=CHILD,
    )


@cache
def mibg_result(*, plan: bool = True, second: bool = True) -> Result:
    """Neuroblastoma: the first administration, and (where `second`) the second."""
    given = Uncertain(8580.0, {"activity meter": 257.0, "syringe residue": 40.0})
    stages = [_mibg_stage(FIRST_AT, given, body_curve(12.5, 41.0, 0.22), 1)]
    first = stages[0].doses[0]
    found = mibg.second_activity(first.dose_gy, given.value / 1000, mass1_kg=19.5, mass2_kg=19.5,
                                 stem_cells=True)  # fmt: skip
    wanted = found.activity_gbq.scaled(1000)
    proposed = 100.0 * (wanted.value // 100)
    expected = first.dose_per_activity_gy_per_gbq.scaled(proposed / 1000).because(
        "change between administrations", 0.08 * first.dose_gy.value)  # fmt: skip
    made = Plan(
        kind="two stages", title="Second activity for 4 Gy to the whole body", target="Whole body",
        aim_gy=4.0, limiting="whole-body aim 4 Gy", activity_mbq=wanted, proposed_mbq=proposed,
        step_mbq=100.0, site_limit_mbq=None,
        dose_gy=expected, total_gy=first.dose_gy + expected, allowed=(),
        compare=(("444 MBq/kg", f"{444 * 19.5 / 1000:.2f} GBq"),), sensitivity=shares_of(expected),
        gates=(("stem cells stored", "yes, 4.1·10⁶ CD34+/kg", "passed"),
               ("platelets above 50/nl", "142/nl, 20 March", "passed"),
               ("neutrophils above 0.5/nl", "0.8/nl, falling", "caution"),
               ("thyroid blocked", "yes, iodide and perchlorate", "passed"),
               ("site limit 666 MBq/kg", f"{proposed / 19.5:.0f} MBq/kg", "passed")),
        thought_of_mbq=None, thought_of_gy=None,
    )  # fmt: skip
    verified: list[Verified] = []
    if second:
        amount = Uncertain(0.985 * proposed, {"activity meter": 0.03 * proposed})
        stages.append(
            _mibg_stage(SECOND_AT, amount, body_curve(11.8, 37.0, 0.20), 2, MIBG_TIMES[:11])
        )
        got = stages[1].doses[0].dose_gy
        verified = [compared("Whole-body dose, stage 2", "Gy", made.dose_gy, got),
                    compared("Whole-body dose, both stages", "Gy", made.total_gy,
                              first.dose_gy + got)]  # fmt: skip
    return make_result(
        stages,
        made if plan else None,
        verified if plan else (),
        study="example-mibg",
        therapy="[131I]mIBG, neuroblastoma and neuroendocrine tumours",
        agent="[131I]mIBG",
        protocol=("MIBG-WB", "Whole-body monitor"),
        patient=Patient(
            "0000-9031",
            "BEISPIEL, Jonas",
            "2020-08-14",
            "M",
            19.5,
            "Relapsed neuroblastoma, stage 4",
        ),
        notes=MIBG_NOTES if plan else MIBG_NOTES[:1],
        trace=make_trace(MIBG_CONSTANTS, "whole_body.csv"),
        prescribed_mbq=proposed if second else 8660.0,
    )


@cache
def bare_result() -> Result:
    """One reading of uptake, nothing known but an ID: no plan, no dose's place, no notes."""
    full = thyroid_result(plan=False, therapy=False)
    stage = full.stages[0]
    one = replace(stage.series[0], points=stage.series[0].points[2:], figures={}, half_lives_h={},
                  device="")  # fmt: skip
    dose = replace(stage.doses[0], population=(), mass_how="", dose_gy=exact(0.8))
    return replace(
        full, stages=(replace(stage, series=(one,), doses=(dose,), places={}),), notes=(),
        patient=Patient("0000-1"), centre="", report_number="", example=False, level=2,
    )  # fmt: skip


def crowded(result: Result) -> Result:
    """The same with the longest name, long texts and twelve notes."""
    long = "a sentence that goes on and on about what was seen and what it means for the dose " * 3
    notes = tuple(
        Note(
            f"{'SWI'[i % 3]}-LONG-CODE-NUMBER-{i}",
            f"Number {i}: {long.strip()}.",
            f"whole_body.csv, rows {i} to {i + 3}",
            long.strip(),
        )
        for i in range(12)
    )
    patient = replace(
        result.patient,
        name=LONG_NAME,
        indication="Multifocal autonomy with large retrosternal goitre, after two operations",
    )
    return replace(
        result,
        notes=notes,
        patient=patient,
        centre="Universitätsklinikum Beispielstadt, Klinik und Poliklinik für Nuklearmedizin",
    )


@cache
def drawn(result: Result) -> tuple[Figure, ...]:
    """The figures of a result, drawn once a test session."""
    return drawings(result)
