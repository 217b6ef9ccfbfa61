"""Studies by readings alone: from tables to dose, plan and verification, in closed form."""

from __future__ import annotations

from math import exp, log, pi
from pathlib import Path

import pytest
from scipy.integrate import quad

from quimby.core.errors import QuimbyError
from quimby.core.uncertain import Uncertain
from quimby.study.result import Result
from quimby.study.run import run
from quimby.study.stages import Plan, Series, Stage
from tests.readings_study import (
    BLOOD_TIMES_H,
    HALF_LIFE_H,
    K_BLOOD,
    K_T,
    K_UPTAKE,
    LN2,
    MIBG,
    blood_per_ml,
    body_left,
    decay,
    dtc_study,
    given,
    mibg_study,
    study_file,
    thyroid_study,
    two_phases,
    whole_body_table,
)

GATES = {"pregnant": False, "breast_feeding": False}
MASS_G = 1.05 * pi / 6 * (5.0 * 2.0 * 2.0 + 4.8 * 1.9 * 1.8)


def stage(result: Result) -> Stage:
    (found,) = result.stages
    return found


def series(result: Result, name: str) -> Series:
    return next(s for s in stage(result).series if s.name == name)


def plan(result: Result) -> Plan:
    assert result.plan is not None
    return result.plan


def codes(result: Result) -> set[str]:
    return {n.code for n in result.notes}


def covers(x: Uncertain, truth: float) -> bool:
    low, high = x.interval()
    return low <= truth <= high


def test_whole_body_dose_is_the_area_under_the_true_curve_times_s(tmp_path: Path) -> None:
    dose = stage(run(mibg_study(tmp_path))).dose("Whole body")
    assert dose is not None
    area = quad(two_phases, 0, 3000, limit=400)[0] / two_phases(0)
    truth = 1.34e-4 * 24**-0.921 * 10660 * area
    assert dose.dose_gy.value == pytest.approx(truth, rel=0.04)  # log trapezoids, two phases
    assert covers(dose.dose_gy, truth)
    assert dose.dose_per_activity_gy_per_gbq.value == pytest.approx(dose.dose_gy.value / 10.66)


def test_the_second_stage_brings_both_to_the_aim(tmp_path: Path) -> None:
    result = run(mibg_study(tmp_path, dose="4 Gy", stem_cells=True, weight="26 kg", gates=GATES))
    first, found = stage(result).dose("Whole body"), plan(result)
    assert first is not None
    assert found.total_gy.value == pytest.approx(4.0)
    by_hand = 10660 * (4 / first.dose_gy.value - 1) * (26 / 24) ** 0.921
    assert found.proposed_mbq == pytest.approx(by_hand)
    assert {state for _, _, state in found.gates} == {"passed"}


def test_a_plan_that_rests_on_constants_from_memory_blocks_signing(tmp_path: Path) -> None:
    result = run(mibg_study(tmp_path, dose="4 Gy", stem_cells=True, gates=GATES))
    told = [n for n in result.notes if n.code == "S-CONST-UNVERIFIED"]
    assert any("whole-body S value" in n.text for n in told)


def test_stem_cells_not_asked_for_block_signing(tmp_path: Path) -> None:
    result = run(mibg_study(tmp_path, dose="4 Gy", gates=GATES))
    assert "S-STEM-CELLS" in codes(result)
    assert ("Stem cells stored and available", "not asked", "open") in plan(result).gates


def test_one_whole_body_reading_gives_the_published_formula(tmp_path: Path) -> None:
    result = run(dtc_study(tmp_path, "DTC-WB-SINGLE"))
    dose = stage(result).dose("Blood")
    assert dose is not None
    reference = body_left(0.2) / body_left(0)
    left = body_left(48.0) / body_left(0) * decay(0.2) / reference  # scaled to the first reading
    tiac = -48.0 / log(left)
    volume = 1000 * (0.3561 * 1.68**3 + 0.03308 * 70 + 0.1833)
    by_hand = (108 * 0.14 / volume + 0.0188 / 70 ** (2 / 3)) * tiac
    assert dose.dose_per_activity_gy_per_gbq.value == pytest.approx(by_hand, rel=1e-3)


def test_blood_dose_from_samples_holds_the_true_integrals(tmp_path: Path) -> None:
    result = run(dtc_study(tmp_path))
    dose = stage(result).dose("Blood")
    assert dose is not None
    blood_h = quad(blood_per_ml, 0, 3000, limit=400)[0]
    body_h = quad(body_left, 0, 3000, limit=400)[0]
    truth = 108 * blood_h + 0.0188 / 70 ** (2 / 3) * body_h
    assert covers(dose.dose_per_activity_gy_per_gbq, truth)
    assert dose.dose_per_activity_gy_per_gbq.value == pytest.approx(truth, rel=0.15)
    shares = sum(x.value for x in dose.shares_gy.values())
    assert shares == pytest.approx(dose.dose_gy.value)


def test_samples_counted_late_are_brought_back_to_the_draw(tmp_path: Path) -> None:
    points = series(run(dtc_study(tmp_path)), "Blood").points
    for point, time_h in zip(points, BLOOD_TIMES_H, strict=True):
        assert point.value.value == pytest.approx(blood_per_ml(time_h), rel=1e-4)


def test_the_largest_tolerable_activity_names_the_term_that_limits_it(tmp_path: Path) -> None:
    result = run(dtc_study(tmp_path, step="100 MBq", lung_metastases=False, gates=GATES,
                           activity="7.4 GBq"))  # fmt: skip
    found = plan(result)
    smallest = min(found.allowed, key=lambda a: a.activity_mbq.value)
    assert found.allowed[0] == smallest
    assert found.limiting == smallest.name
    assert found.proposed_mbq <= min(a.careful_mbq for a in found.allowed)
    assert found.proposed_mbq % 100 == pytest.approx(0)
    assert found.thought_of_gy is not None
    per_gbq = found.thought_of_gy.value / 7.4
    blood = next(a for a in found.allowed if a.name.startswith("blood"))
    assert blood.activity_mbq.value == pytest.approx(2000 / per_gbq)


def test_lung_metastases_lower_the_retention_limit_by_a_third(tmp_path: Path) -> None:
    def kept(folder: str, lung: bool) -> float:
        (tmp_path / folder).mkdir()
        found = plan(run(dtc_study(tmp_path / folder, lung_metastases=lung, gates=GATES)))
        return next(a for a in found.allowed if "retention" in a.name).activity_mbq.value

    assert kept("yes", True) / kept("no", False) == pytest.approx(2.96 / 4.44)


def test_a_counter_without_quality_control_blocks_signing(tmp_path: Path) -> None:
    assert any(code.startswith("S-QC-") for code in codes(run(dtc_study(tmp_path))))


def test_three_uptakes_give_the_rates_that_made_them(tmp_path: Path) -> None:
    found = series(run(thyroid_study(tmp_path)), "Thyroid")
    assert found.tiac.value == pytest.approx(K_UPTAKE / (K_BLOOD * K_T), rel=2e-3)
    assert found.half_lives_h["effective"].value == pytest.approx(125.0, rel=2e-3)


def test_the_activity_for_an_aim_gives_the_aim(tmp_path: Path) -> None:
    result = run(thyroid_study(tmp_path, dose="150 Gy", gates=GATES, form="capsule"))
    found = plan(result)
    tau_d = K_UPTAKE / (K_BLOOD * K_T) / 24
    by_hand = 150 * MASS_G / ((MASS_G**0.25 + 18) / 7.2 * tau_d)
    assert found.activity_mbq.value == pytest.approx(by_hand, rel=2e-3)
    assert found.dose_gy.value == pytest.approx(150.0, rel=1e-9)


def test_capsules_round_the_activity_and_the_dose_follows(tmp_path: Path) -> None:
    result = run(thyroid_study(tmp_path, dose="150 Gy", gates=GATES, step="100 MBq"))
    found = plan(result)
    assert found.proposed_mbq % 100 == pytest.approx(0)
    assert found.dose_gy.value == pytest.approx(150 * found.proposed_mbq
                                                / found.activity_mbq.value)  # fmt: skip


def test_mass_drives_the_doubt_of_a_thyroid_plan(tmp_path: Path) -> None:
    found = plan(run(thyroid_study(tmp_path, dose="150 Gy", gates=GATES)))
    assert found.sensitivity[0][0] == "ultrasound volume"
    assert sum(share for _, share in found.sensitivity) <= 1 + 1e-9


def test_one_late_uptake_takes_twice_the_time(tmp_path: Path) -> None:
    found = series(run(thyroid_study(tmp_path, "BT-SIMPLE", (144.0,))), "Thyroid")
    assert found.tiac.value == pytest.approx(2 * 144 / LN2 * found.points[0].value.value)


def test_a_pregnant_patient_stops_the_plan(tmp_path: Path) -> None:
    with pytest.raises(QuimbyError, match="pregnant") as error:
        run(thyroid_study(tmp_path, dose="150 Gy", gates={"pregnant": True}))
    assert error.value.code == "E-PLAN-CONTRAINDICATION"


def test_gates_that_nobody_asked_stay_open_and_block(tmp_path: Path) -> None:
    result = run(thyroid_study(tmp_path, dose="150 Gy"))
    assert "S-PLAN-GATE" in codes(result)
    assert ("Pregnant", "not asked", "open") in plan(result).gates


def test_the_tracer_foretells_and_the_therapy_tells(tmp_path: Path) -> None:
    study = thyroid_study(tmp_path, therapy=True, dose="150 Gy", gates=GATES)
    assert run(study).verified == ()  # the therapy was not measured
    assert plan(run(study)).dose_gy.value == pytest.approx(150.0, rel=1e-9)


def test_the_same_stage_twice_is_foretold_exactly(tmp_path: Path) -> None:
    table = whole_body_table(tmp_path, lambda t: two_phases(t) / two_phases(0),
                             (0.6, 4, 12, 24, 48, 72, 96))  # fmt: skip
    second = whole_body_table(tmp_path, lambda t: two_phases(t - 336) / two_phases(0),
                              (336.6, 340, 348, 360, 384, 408, 432), name="second.csv")  # fmt: skip
    first = given("10 GBq", [{"id": "a", "kind": "whole_body", "table": table}])
    other = {**given("8 GBq", [{"id": "b", "kind": "whole_body", "table": second}]),
             "id": "stage-2", "cycle": 2, "at": "2026-03-16T10:00+01:00"}  # fmt: skip
    result = run(study_file(tmp_path, {**MIBG, "patient": {"id": "0000-00", "weight": "24 kg"},
                                       "administrations": [first, other]}))  # fmt: skip
    second_stage, both = result.verified
    assert second_stage.ratio.value == pytest.approx(1.0, abs=1e-6)
    assert both.measured.value == pytest.approx(sum(
        d.dose_gy.value for s in result.stages for d in s.doses))  # fmt: skip
    assert second_stage.ratio.u < 0.2


def test_scaling_every_reading_leaves_the_dose_alone(tmp_path: Path) -> None:
    def dosed(name: str, full: float) -> float:
        folder = tmp_path / name
        folder.mkdir()
        table = whole_body_table(folder, lambda t: two_phases(t) / two_phases(0),
                                 (0.6, 4, 12, 24, 48, 72, 96), full=full)  # fmt: skip
        study = study_file(folder, {**MIBG, "patient": {"id": "0000-00", "weight": "24 kg"},
            "administrations": [given("10 GBq", [{"id": "a", "kind": "whole_body",
                                                  "table": table}])]})  # fmt: skip
        found = stage(run(study)).dose("Whole body")
        assert found is not None
        return found.dose_gy.value

    assert dosed("far", 30.0) == pytest.approx(dosed("near", 300.0), rel=1e-3)


def test_iodine_124_foretells_iodine_131(tmp_path: Path) -> None:
    """The same biology read with 124I gives the same 131I residence as read with 131I."""
    half_124_h = 4.1760 * 24

    def read(name: str, nuclide: str, half_h: float) -> Series:
        folder = tmp_path / name
        folder.mkdir()
        table = whole_body_table(
            folder, lambda t: exp(-LN2 * t / half_h) * exp(-LN2 * t / 18),
            (0.5, 6, 24, 48, 72, 96))  # fmt: skip
        made = given("40 MBq", [{"id": "a", "kind": "whole_body", "table": table}], kind="tracer")
        made["nuclide"] = nuclide
        study = study_file(folder, {
            "therapy": "i131-dtc", "protocol": "DTC-WB-SINGLE", "administrations": [made],
            "patient": {"id": "0000-00", "sex": "M", "weight": "80 kg", "height": "180 cm"},
        })  # fmt: skip
        result = run(study)
        assert result.trace.constants[0].name == f"half-life of {nuclide}"  # always in this order
        return series(result, "Whole body")

    by_124, by_131 = read("124", "I-124", half_124_h), read("131", "I-131", HALF_LIFE_H)
    assert by_124.tiac.value == pytest.approx(by_131.tiac.value, rel=2e-3)


def test_another_nuclide_than_the_therapys_is_refused(tmp_path: Path) -> None:
    table = whole_body_table(tmp_path, two_phases, (0.6, 4, 12))
    made = {**given("10 GBq", [{"id": "a", "kind": "whole_body", "table": table}]),
            "nuclide": "I-123"}  # fmt: skip
    with pytest.raises(QuimbyError) as error:
        run(study_file(tmp_path, {**MIBG, "administrations": [made]}))
    assert error.value.code == "E-THERAPY-NUCLIDE"


def test_a_dose_without_its_readings_says_which_are_missing(tmp_path: Path) -> None:
    table = whole_body_table(tmp_path, body_left, (0.6, 24, 96))
    made = given("3.7 GBq", [{"id": "a", "kind": "whole_body", "table": table}])
    with pytest.raises(QuimbyError, match="blood") as error:
        run(study_file(tmp_path, {"therapy": "i131-dtc", "protocol": "DTC-BLOOD", "patient": {
            "id": "0000-00", "weight": "70 kg"}, "administrations": [made]}))  # fmt: skip
    assert error.value.code == "E-STUDY-READINGS"


def test_a_reading_in_the_trace_is_the_file_it_came_from(tmp_path: Path) -> None:
    result = run(mibg_study(tmp_path))
    assert [f.path for f in result.trace.inputs] == ["whole_body.csv"]
    assert stage(result).series[0].points[3].where.startswith("whole_body.csv")
    assert stage(result).series[0].points[1].after_void is True


def test_a_patients_place_among_others_is_of_the_same_group(tmp_path: Path) -> None:
    found = stage(run(dtc_study(tmp_path))).places
    assert found["retention at 48 h"][0].unit == "1"
    assert found["Blood"][0].unit == "h"  # all the blood, by height, weight and sex
    assert found["Whole body"][0].n
    assert 0 < (found["Blood"][0].centile or 0) < 100


def test_the_level_is_what_was_reached_not_what_the_protocol_wishes(tmp_path: Path) -> None:
    result = run(mibg_study(tmp_path, dose="4 Gy", stem_cells=True, gates=GATES))
    assert result.level == 2  # planned by dose, but the second stage was not measured
    assert "has not been measured" in result.level_reason
