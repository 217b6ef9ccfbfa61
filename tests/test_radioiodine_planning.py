"""Activities proposed for radioiodine and mIBG, what forbids them, ranges and incidents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain, exact, relative
from quimby.core.units import convert
from quimby.dose.blood import blood_dose_one_reading
from quimby.dose.thyroid import dose, mean_energy, target_mass
from quimby.dose.whole_body import whole_body_dose
from quimby.kinetics.priors import Prior
from quimby.kinetics.thyroid import one_reading, washout_only
from quimby.physics.nuclides import LN2, nuclide
from quimby.planning import dtc, gates, incident, mibg
from quimby.planning.thyroid import (
    activity_for_dose,
    activity_per_gram,
    aim,
    aims,
    budget_u_rel,
    marinelli_activity,
    plan,
    rounded,
    table,
    verified,
)
from quimby.population.compare import local_range, standing

TP = nuclide("I-131").half_life_h.value
TIAC = relative(76.1743, uptake=0.10)
MASS = relative(30, ultrasound=0.15)


def codes(notes: object) -> set[str]:
    return {n.code for n in notes}  # type: ignore[attr-defined]


# Thyroid


@given(aim_gy=st.floats(50, 400), mass=st.floats(2, 200), tiac=st.floats(5, 200))
def test_the_activity_for_a_dose_gives_that_dose(aim_gy: float, mass: float, tiac: float) -> None:
    activity = activity_for_dose(aim_gy, exact(mass), exact(tiac))

    assert dose(activity, exact(tiac), exact(mass)).dose_gy.value == pytest.approx(aim_gy)


def test_the_classical_formula_is_the_fixed_energy_with_uptake_at_once() -> None:
    classical = marinelli_activity(150, exact(20), largest_uptake=exact(0.5),
                                   half_life_h=exact(5.5 * 24))  # fmt: skip
    modern = activity_for_dose(150, exact(20), exact(0.5 * 5.5 * 24 / LN2), model="fixed")

    assert classical.value == pytest.approx(24.7 * 150 * 20 / (50 * 5.5))
    assert classical.value == pytest.approx(modern.value, rel=1e-3)
    with pytest.raises(QuimbyError, match="E-RIU-RANGE"):
        marinelli_activity(150, exact(20), largest_uptake=exact(50), half_life_h=exact(132))


def test_the_level_one_aid_is_activity_per_gram_over_uptake() -> None:
    assert activity_per_gram(4, exact(30), exact(0.4)).value == pytest.approx(300)


def test_a_plan_tells_the_dose_of_what_is_really_given() -> None:
    found = plan(250, MASS, TIAC, step_mbq=185)

    assert found.activity_mbq.value == pytest.approx(836.4465, rel=1e-5)
    assert found.given_mbq == 5 * 185
    assert found.dose_gy.value == pytest.approx(250 * 925 / 836.4465, rel=1e-5)
    assert found.interval_gy == found.dose_gy.interval()
    assert codes(found.notes) == {"W-ACTIVITY-ROUNDED"}
    assert "+10.6 %" in found.notes[0].text
    assert plan(250, MASS, TIAC, step_mbq=10).notes == ()


def test_mass_leads_the_doubt_of_a_plan() -> None:
    found = plan(250, MASS, TIAC)

    assert found.given_mbq == found.activity_mbq.value
    assert [cause for cause, _ in found.dose_gy.budget()][:2] == ["ultrasound", "uptake"]
    assert found.dose_gy.u_rel == pytest.approx(found.activity_mbq.u_rel)


def test_a_site_limit_is_a_question_of_sign_off() -> None:
    assert codes(plan(250, MASS, TIAC, site_limit_mbq=600).notes) == {"S-ACTIVITY-LIMIT"}


def test_capsules_come_whole_and_at_least_one() -> None:
    assert rounded(500, 185) == 555
    assert rounded(500, 185, "down") == 370
    assert rounded(371, 185, "up") == 555
    assert rounded(370, 185, "up") == 370
    assert rounded(20, 185) == 185
    with pytest.raises(QuimbyError, match="E-TIAC-RULE"):
        rounded(20, 185, "sideways")


def test_a_wrong_aim_is_refused_and_each_aim_names_mass_and_source() -> None:
    assert (aim("unifocal").low_gy, aim("unifocal").mass) == (300, "adenoma")
    assert all(a.source and a.low_gy < a.high_gy for a in aims().values())
    with pytest.raises(QuimbyError, match=r"E-PLAN-AIM") as caught:
        aim("graves")
    assert "graves-ablative" in caught.value.do
    with pytest.raises(QuimbyError, match="The dose aim is 0 Gy"):
        plan(0, MASS, TIAC)


def test_a_dose_far_from_its_plan_is_reviewed() -> None:
    assert codes(verified(exact(340), exact(250)).notes) == {"W-DOSE-DEVIATION"}
    assert codes(verified(exact(170), exact(250)).notes) == {"W-DOSE-DEVIATION"}
    assert verified(relative(320, mass=0.1), relative(250, mass=0.1)).notes == ()
    assert verified(relative(320, mass=0.1), relative(250, mass=0.1)).ratio.u == pytest.approx(0)


def test_the_budget_of_a_plan_adds_in_quadrature() -> None:
    assert budget_u_rel(tiac=0.1, mass=0.15, activity=0.05, energy=0.02) == pytest.approx(
        0.188149, rel=1e-5
    )


def test_the_simple_protocol_from_ultrasound_and_one_late_uptake() -> None:
    mass = target_mass([[5.0, 2.0, 2.0], [4.5, 1.8, 1.9]]).mass_g
    tiac = one_reading(144, Uncertain(0.25, {"counts, neck 144 h": 0.005}),
                       Prior("effective", 132, 0.2, "half-life, population")).tiac_h  # fmt: skip

    found = plan(200, mass, tiac)

    energy = mean_energy(mass).gy_g_per_mbq_d.value
    by_hand = 200 * mass.value / (energy * 101.4109 / 24)
    assert found.activity_mbq.value == pytest.approx(by_hand, rel=1e-5)
    assert {"ultrasound volume", "half-life, population", "counts, neck 144 h"} <= set(
        found.dose_gy.parts
    )


def test_effective_and_decay_corrected_uptakes_plan_different_activities() -> None:
    late = [exact(0.48), exact(0.26)]
    tiac = washout_only([24, 144], late, physical_half_life_h=TP).tiac_h

    assert activity_for_dose(200, exact(30), tiac).value == pytest.approx(
        200 * 30 / (mean_energy(exact(30)).gy_g_per_mbq_d.value * 106.2042 / 24), rel=1e-5
    )


# Gates


def test_pregnancy_and_breast_feeding_forbid_the_plan() -> None:
    for finding in ("pregnant", "breast_feeding"):
        with pytest.raises(MethodUnfit, match="E-PLAN-CONTRAINDICATION") as caught:
            gates.gate({finding: True})
        assert caught.value.do


def test_an_unasked_question_blocks_the_signature_and_a_no_clears_it() -> None:
    assert codes(gates.gate({})) == {"S-PLAN-GATE"}
    assert len(gates.gate({"pregnant": None, "breast_feeding": False})) == 1
    assert gates.gate({"pregnant": False, "breast_feeding": False}) == ()


def test_a_capsule_has_questions_of_its_own() -> None:
    clear = {"pregnant": False, "breast_feeding": False}
    with pytest.raises(MethodUnfit, match="cannot swallow a capsule"):
        gates.gate({**clear, "swallowing_disorder": True}, form="capsule")
    assert gates.gate({**clear, "swallowing_disorder": True}, form="solution") == ()
    assert codes(gates.gate({**clear, "vomited": True})) == {"W-PLAN-GATE"}
    with pytest.raises(KeyError, match="pregnent"):
        gates.gate({"pregnent": True})


# Thyroid cancer


@given(dose_per_gbq=st.floats(0.03, 0.4), u=st.floats(0, 0.3))
def test_the_largest_activity_times_its_dose_is_the_limit(dose_per_gbq: float, u: float) -> None:
    known = relative(dose_per_gbq, model=u)

    found = dtc.by_blood(known)

    assert found.activity_gbq.value * dose_per_gbq == pytest.approx(2)
    assert found.conservative_gbq == pytest.approx(2 / (dose_per_gbq * (1 + 2 * u)))
    assert dtc.check_plan(known, found.conservative_gbq * 0.999).ok
    assert not dtc.check_plan(known, found.conservative_gbq * 1.001).ok


def test_retention_limits_and_the_one_that_binds() -> None:
    blood = dtc.by_blood(exact(0.12))
    lung = dtc.by_retention(exact(0.2), diffuse_lung_metastases=True)
    free = dtc.by_retention(exact(0.2), diffuse_lung_metastases=False)

    assert lung.activity_gbq.value == pytest.approx(2.96 / 0.2)
    assert free.activity_gbq.value == pytest.approx(4.44 / 0.2)
    assert dtc.largest_tolerable(blood, lung).limiting == "wb_retention_48h_lung"
    assert dtc.largest_tolerable(blood, free).limiting == "blood"
    assert not lung.limit.verified  # 80 mCi is from memory
    with pytest.raises(QuimbyError, match="E-RETENTION-RANGE"):
        dtc.by_retention(exact(20), diffuse_lung_metastases=False)
    with pytest.raises(ValueError, match="no limit"):
        dtc.largest_tolerable()


def test_a_plan_above_its_upper_bound_says_what_would_do() -> None:
    found = dtc.check_plan(relative(0.1, model=0.1), 18)

    assert found.dose_gy.value == pytest.approx(1.8)
    assert found.upper_gy == pytest.approx(2.16)
    assert codes(found.notes) == {"S-PLAN-UPPER"}
    assert "16.7 GBq" in found.notes[0].do


def test_a_centres_own_limit_is_named_as_its_policy() -> None:
    found = dtc.by_blood(exact(0.1), limit_gy=1.5)

    assert found.activity_gbq.value == pytest.approx(15)
    assert found.limit.tag == "P"


@pytest.mark.parametrize(
    ("retention", "flag"),
    [
        (0.089, "may_increase"),
        (0.09, "no_flag"),
        (0.248, "no_flag"),
        (0.249, "full_dosimetry_advised"),
        (0.40, "full_dosimetry_advised"),
        (0.41, "likely_exceeds_MTA"),
    ],
)
def test_triage_by_48_h_retention(retention: float, flag: str) -> None:
    assert dtc.triage(retention) == flag


def test_the_published_groups_would_have_been_sorted_alike_by_the_one_reading_dose() -> None:
    def largest(retention: float) -> float:
        found = blood_dose_one_reading(exact(retention), 48, weight_kg=exact(70),
                                       blood_volume_ml=exact(5000), half_life_h=TP)  # fmt: skip
        return dtc.by_blood(found.total_gy_per_gbq).activity_gbq.value

    assert largest(0.09) > 2 * 7.4  # Van Nostrand 2009: all could have had more
    assert largest(0.10) == pytest.approx(23.2, abs=0.05)
    assert largest(0.45) < 10


# mIBG


def test_two_administrations_reach_the_aim_when_kinetics_stay() -> None:
    def tia(gbq: float) -> Uncertain:
        return exact(gbq * 23290.0)

    one = whole_body_dose(tia(8.88), exact(20)).dose_gy
    found = mibg.second_activity(Uncertain(one.value, {"counts": 0.05 * one.value}), 8.88,
                                 mass1_kg=20, mass2_kg=22, stem_cells=True)  # fmt: skip
    two = whole_body_dose(tia(found.activity_gbq.value), exact(22)).dose_gy

    assert one.value + two.value == pytest.approx(4)
    assert found.remaining_gy.value == pytest.approx(two.value)


def test_the_doubt_of_the_first_dose_is_doubled_in_the_second_activity() -> None:
    found = mibg.second_activity(Uncertain(2.0, {"counts": 0.1}), 8.0, mass1_kg=20, mass2_kg=20,
                                 stem_cells=True)  # fmt: skip

    assert found.activity_gbq.value == pytest.approx(8)
    assert found.activity_gbq.parts["counts"] == pytest.approx(-8 * 4 / 2**2 * 0.1)


def test_an_aim_already_reached_leaves_nothing_to_give() -> None:
    found = mibg.second_activity(exact(4.2), 8.88, mass1_kg=20, mass2_kg=20, stem_cells=True)

    assert found.activity_gbq.value == 0
    assert found.remaining_gy.value == pytest.approx(-0.2)
    assert codes(found.notes) == {"W-TARGET-REACHED"}
    near = mibg.second_activity(relative(3.8, fit=0.05), 8.88, mass1_kg=20, mass2_kg=20,
                                stem_cells=True)  # fmt: skip
    assert codes(near.notes) == {"W-TARGET-UPPER"}


def test_stem_cells_and_the_largest_activity_are_asked_for() -> None:
    found = mibg.second_activity(exact(1.0), 8.88, mass1_kg=20, mass2_kg=20)

    assert codes(found.notes) == {"S-STEM-CELLS", "S-ACTIVITY-LIMIT"}
    assert mibg.first_activity_mbq(20) == 8880
    with pytest.raises(QuimbyError, match="E-NUM-NONPOS"):
        mibg.second_activity(exact(0), 8.88, mass1_kg=20, mass2_kg=20)


def test_the_whole_body_doubt_is_the_published_seven_per_cent() -> None:
    parts = {"activity": 0.03, "geometry": 0.05, "mass": 0.02, "fit": 0.04}

    assert mibg.whole_body_u_rel(**parts) == pytest.approx(0.073, abs=5e-4)
    assert mibg.whole_body_u_rel(**parts, s_value=0.05) > 0.08


# Ranges, incidents, units


def test_a_value_stands_where_the_log_normal_puts_it() -> None:
    found = standing(0.25, mean=0.11, sd=0.05)

    assert (found.z_linear, found.z_lognormal) == pytest.approx((2.8, 2.1111), rel=1e-4)
    assert found.outside_95
    assert found.words == "above the published range"
    assert standing(0.11, mean=0.11, sd=0.05).words == "within the published range"
    with pytest.raises(QuimbyError, match="E-NUM-NONPOS"):
        standing(0, mean=0.11, sd=0.05)


def test_twenty_patients_make_a_range_and_nineteen_do_not() -> None:
    assert local_range(20).status == "sufficient"
    assert codes(local_range(19).notes) == {"W-SMALL-COHORT"}


def test_a_medical_event_needs_both_activity_and_dose() -> None:
    def event(given: float, effective: float, organ: float) -> bool:
        return incident.nrc_medical_event(
            prescribed_mbq=0.37, administered_mbq=given, effective_dose_difference_sv=effective,
            organ_dose_difference_sv=organ,
        ).reportable  # fmt: skip

    assert event(0.285, 0.06, 0.0)
    assert event(0.285, 0.0, 0.6)
    assert not event(0.285, 0.001, 0.02)
    assert not event(0.36, 1.0, 1.0)
    assert event(0.37 * 0.8, 0.06, 0.0)  # exactly 20 %


def test_a_dose_ratio_against_a_national_threshold() -> None:
    assert incident.dose_ratio(intended_gy=80, delivered_gy=90, threshold=1.1).notify
    assert not incident.dose_ratio(intended_gy=80, delivered_gy=87, threshold=1.1).notify


def test_gray_per_gigabecquerel_is_milligray_per_megabecquerel() -> None:
    assert convert(0.11, "Gy/GBq", "mGy/MBq", where="test") == pytest.approx(0.11)
    assert convert(2, "mCi", "MBq", where="test") == pytest.approx(74)
    with pytest.raises(QuimbyError, match=r"E-UNIT-PAIR .*'Gy' cannot be turned into 'MBq'"):
        convert(1, "Gy", "MBq", where="test")


def test_every_limit_has_a_source() -> None:
    assert all(row.source for row in table().values())
    assert table()["mIBG first activity"].value == 12 * 37


def test_the_careful_activity_may_come_from_the_more_doubtful_limit() -> None:
    blood = dtc.by_blood(relative(0.12, model=0.2))  # 16.7 GBq, careful 11.9
    lung = dtc.by_retention(relative(0.2, counts=0.02), diffuse_lung_metastases=True)  # 14.8

    found = dtc.largest_tolerable(blood, lung)

    assert found.activity_gbq.value == pytest.approx(14.8)
    assert found.conservative_gbq == pytest.approx(2 / (0.12 * 1.4))
    assert set(found.candidates) == {"blood", "wb_retention_48h_lung"}
