"""Uptake, blood samples and whole-body readings: counts in, fractions of the activity out."""

from __future__ import annotations

from math import exp, hypot, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError, MethodUnfit, QuimbyError
from quimby.core.uncertain import Uncertain, exact, relative
from quimby.devices.counting import BusyTime, Counting
from quimby.measure.blood import BloodPoint, BloodSample, blood_point
from quimby.measure.uptake import (
    Uptake,
    depth_factor,
    sensitivity,
    turnover,
    uptake,
    uptake_with_standard,
)
from quimby.measure.whole_body import (
    Excreted,
    Reading,
    WholeBody,
    bag,
    left_in_body_mbq,
    reference_activity,
    response,
    whole_body,
)
from quimby.physics.nuclides import LN2, nuclide

TP = nuclide("I-131").half_life_h.value
LAMBDA = LN2 / TP


def codes(notes: object) -> set[str]:
    return {n.code for n in notes}  # type: ignore[attr-defined]


def riu(
    neck: float = 184500, *, scale: float = 1.0, standard_h: float | None = None,
    administered: Uncertain | None = None, position: float = 0.0,
) -> Uptake:  # fmt: skip
    def counting(n: float, what: str) -> Counting:
        return Counting(n * scale, 300, what)

    return uptake_with_standard(
        counting(neck, "neck 24 h"), counting(9600, "thigh 24 h"),
        counting(1203600, "standard 24 h"), counting(3600, "room 24 h"),
        time_h=24, standard_mbq=relative(10, standard=0.03),
        administered_mbq=administered or exact(10), half_life_h=TP, standard_time_h=standard_h,
        position_u=position,
    )  # fmt: skip


def test_a_standard_counted_beside_the_patient_gives_the_decay_corrected_uptake() -> None:
    found = riu()

    assert found.decay_corrected.value == pytest.approx(583 / 4000)
    assert found.effective.value == pytest.approx(583 / 4000 * exp(-LAMBDA * 24))


def test_a_standard_counted_at_the_administration_gives_the_effective_uptake() -> None:
    assert riu(standard_h=0.0).effective.value == pytest.approx(583 / 4000)


def test_uptake_by_a_kept_sensitivity_is_that_by_the_standard() -> None:
    then = exact(10 * exp(-LAMBDA * 24))
    seen = sensitivity(Counting(1203600, 300, "standard"), Counting(3600, 300, "room"),
                       standard_mbq=then)  # fmt: skip
    found = uptake(Counting(184500, 300, "neck 24 h"), Counting(9600, 300, "thigh 24 h"),
                   time_h=24, seen=seen, administered_mbq=exact(10), half_life_h=TP)  # fmt: skip

    assert found.effective.value == pytest.approx(riu().effective.value)


def test_the_doubt_of_an_uptake_names_counts_standard_and_position() -> None:
    found = riu(position=0.05).decay_corrected
    counts = [part for cause, part in found.parts.items() if cause.startswith("counts")]

    assert hypot(*counts) == pytest.approx(3.906e-4, rel=1e-3)
    assert found.parts["standard"] == pytest.approx(0.03 * found.value)
    assert found.parts["position, neck 24 h"] == pytest.approx(0.05 * found.value)
    assert {"counts, neck 24 h", "counts, thigh 24 h", "counts, room 24 h"} <= set(found.parts)


@given(st.floats(0.1, 50))
def test_more_counts_everywhere_leave_the_uptake_and_lessen_its_doubt(factor: float) -> None:
    once, more = riu().decay_corrected, riu(scale=factor).decay_corrected

    def counting(x: Uncertain) -> float:
        return hypot(*(part for cause, part in x.parts.items() if cause.startswith("counts")))

    assert more.value == pytest.approx(once.value)
    assert counting(more) == pytest.approx(counting(once) / sqrt(factor))


def test_in_a_planar_image_the_background_is_brought_to_the_size_of_the_thyroid() -> None:
    seen = sensitivity(Counting(12000, 100, "standard"), Counting(0, 100, "room"),
                       standard_mbq=exact(10))  # fmt: skip
    found = uptake(Counting(3000, 100, "thyroid 24 h"), Counting(500, 100, "background 24 h"),
                   time_h=24, seen=seen, administered_mbq=exact(10), half_life_h=TP, scale=2.0,
                   position_u=0)  # fmt: skip

    assert found.effective.value == pytest.approx((30 - 10) / 12 / 10)
    assert found.effective.parts["counts, background 24 h"] == pytest.approx(
        -2 * sqrt(500) / 100 / 120
    )


def test_dead_time_is_taken_from_the_gross_rate() -> None:
    busy = BusyTime(exact(2e-5))
    seen = sensitivity(Counting(1e6, 100, "standard"), Counting(0, 100, "room"),
                       standard_mbq=exact(10), busy=busy)  # fmt: skip

    assert seen.cps_per_mbq.value == pytest.approx(1e4 / (1 - 1e4 * 2e-5) / 10)


@pytest.mark.parametrize(
    ("neck", "administered", "says"),
    [
        (1500000, 10.0, "E-RIU-RANGE  An uptake of 1.242 at 24 h lies outside 0 to 1.05."),
        (9000, 10.0, "E-NET-NONPOSITIVE  The neck 24 h is not above its background: 30 gross"),
        (184500, 1e7, "E-ACTIVITY-RANGE  The administered activity of 1e+07 MBq lies outside"),
        (184500, 0.0, "E-NUM-NONPOS  The administered activity is 0 MBq"),
    ],
)
def test_what_an_uptake_says_when_it_cannot_be(neck: float, administered: float, says: str) -> None:
    with pytest.raises(InputError) as caught:
        riu(neck, administered=exact(administered))

    assert says in str(caught.value)


def test_a_faint_uptake_is_told_to_be_below_the_decision_limit() -> None:
    found = uptake(Counting(110, 100, "neck 48 h"), Counting(100, 100, "thigh 48 h"), time_h=48,
                   seen=sensitivity(Counting(12000, 100, "s"), Counting(0, 100, "r"),
                                    standard_mbq=exact(10)),
                   administered_mbq=exact(10), half_life_h=TP)  # fmt: skip

    assert codes(found.notes) == {"W-BELOW-LC"}


def test_rapid_turnover_and_a_missing_day_are_told() -> None:
    assert codes(turnover(at_4h=0.62, at_24h=0.55).notes) == {"W-RAPID-TURNOVER"}
    assert codes(turnover(at_4h=0.77).notes) == {"W-NEED-24H"}
    assert codes(turnover(at_6h=0.80).notes) == {"W-NEED-24H"}
    assert turnover(at_6h=0.79, at_4h=0.76).notes == ()
    assert turnover(at_4h=0.4, at_24h=0.5).notes == ()
    with pytest.raises(QuimbyError, match="E-RIU-RANGE"):
        turnover(at_4h=62, at_24h=55)


def test_a_thyroid_one_centimetre_deeper_gives_a_fifth_less() -> None:
    assert depth_factor(25, 3, phantom_depth_cm=2) == pytest.approx(1.20, abs=0.005)
    assert depth_factor(25, 2, phantom_depth_cm=2) == 1.0


# Blood


def sample(
    counts: float = 6200, *, drawn: float = 24, counted: float = 120, efficiency: float = 0.1032e6,
    administered: float = 10, volume: float = 2,
) -> BloodPoint:  # fmt: skip
    return blood_point(
        BloodSample(drawn, counted, Counting(counts, 600, "blood 24 h"),
                    Counting(1200, 600, "blank"), relative(volume, pipette=0.02)),
        efficiency_cps_per_mbq=relative(efficiency, gamma_counter=0.03),
        administered_mbq=exact(administered), half_life_h=TP,
    )  # fmt: skip


def test_a_sample_counted_days_later_says_what_was_there_at_the_draw() -> None:
    per_ml_bq = (6200 - 1200) / 600 / 0.1032 / 2 * exp(LAMBDA * 96)

    found = sample()

    assert found.fraction_per_ml.value == pytest.approx(per_ml_bq / 10e6)
    assert found.concentration_mbq_per_ml.value == pytest.approx(per_ml_bq / 1e6)
    assert found.fraction_per_ml.parts["pipette"] / found.fraction_per_ml.value == pytest.approx(
        -0.02
    )


@given(st.floats(0, 200))
def test_waiting_with_the_count_changes_the_rate_and_not_the_answer(wait: float) -> None:
    soon, late = 1e6, 1e6 * exp(-LAMBDA * wait)

    def found(counts: float, counted: float) -> float:
        return sample(counts + 1200, counted=counted).fraction_per_ml.value

    assert found(late, 24 + wait) == pytest.approx(found(soon, 24))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"counts": 1100}, "E-NET-NONPOSITIVE"),
        ({"counted": 20}, "E-BLOOD-TIME"),
        ({"efficiency": 0.1032}, "E-BLOOD-EFFICIENCY"),
        ({"administered": 1e7}, "E-ACTIVITY-RANGE"),
        ({"administered": 0.01, "counts": 7e5}, "E-BLOOD-RANGE"),  # 0.8 of it in each ml
        ({"volume": 0}, "E-NUM-NONPOS"),
    ],
)
def test_a_slip_in_a_sample_is_named(wrong: dict[str, float], code: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        sample(**wrong)

    assert caught.value.code == code


# Whole body

FIRST = Reading(0.1, exact(5250), exact(3720), exact(30))
DAY = Reading(24, exact(1460), exact(1010), exact(30))


def body(
    *readings: Reading, first: Reading | None = FIRST, voided: bool = False,
    excreted: tuple[Excreted, ...] = (), position: float = 0.0,
) -> WholeBody:  # fmt: skip
    return whole_body(first, readings or (DAY,), administered_mbq=relative(8880, meter=0.03),
                      half_life_h=TP, voided_before_reference=voided, excreted=excreted,
                      position_u=position)  # fmt: skip


def test_the_patient_calibrates_the_monitor() -> None:
    found = body()

    ratio = sqrt(1430 * 980) / sqrt(5220 * 3690)
    at_reference = 8880 * exp(-LAMBDA * 0.1)
    assert found.activities_mbq[0].value == pytest.approx(at_reference)
    assert found.activities_mbq[1].value == pytest.approx(at_reference * ratio)
    assert found.retention[1].value == pytest.approx(exp(-LAMBDA * 0.1) * ratio)


@given(st.floats(1e-3, 1e3))
def test_the_monitors_sensitivity_cancels(factor: float) -> None:
    def scaled(r: Reading) -> Reading:
        assert r.posterior is not None
        return Reading(r.time_h, r.anterior.scaled(factor), r.posterior.scaled(factor),
                       r.background.scaled(factor))  # fmt: skip

    assert body(scaled(DAY), first=scaled(FIRST)).activities_mbq[1].value == pytest.approx(
        body().activities_mbq[1].value
    )


def test_the_doubt_of_the_administered_activity_leaves_the_retention() -> None:
    found = body(position=0.05)

    assert found.activities_mbq[1].parts["meter"] == pytest.approx(
        0.03 * found.activities_mbq[1].value
    )
    assert found.retention[1].parts["meter"] == pytest.approx(0, abs=1e-12)
    assert found.retention[1].u_rel == pytest.approx(0.05 * sqrt(2))


def test_a_reference_after_a_void_needs_the_urine() -> None:
    out = (Excreted(exact(400), 2.0, voided_h=0.05),)

    found = body(voided=True, excreted=out)

    left = 8880 * exp(-LAMBDA * 0.1) - 400 * exp(LAMBDA * 1.9)
    assert found.activities_mbq[0].value == pytest.approx(left)
    assert "W-REFERENCE-POST-VOID" in codes(found.notes)
    with pytest.raises(MethodUnfit, match=r"E-NO-REFERENCE.*the urine was not measured"):
        body(voided=True)


def test_without_a_reference_there_is_no_activity() -> None:
    with pytest.raises(MethodUnfit, match=r"E-NO-REFERENCE .* there is none") as caught:
        body(first=None)

    assert "only relative retention" in caught.value.do


def test_what_is_not_in_the_bag_is_in_the_body() -> None:
    out = [bag(exact(0.5), exact(1000), 6), bag(exact(0.25), exact(1000), 30)]

    left = left_in_body_mbq(exact(1000), 24, half_life_h=TP, excreted=out)

    assert left.value == pytest.approx(1000 * exp(-LAMBDA * 24) - 500 * exp(-LAMBDA * 18))
    with pytest.raises(QuimbyError, match="E-DEC-ACTIVITY"):
        left_in_body_mbq(exact(300), 24, half_life_h=TP, excreted=out)


def test_infusion_time_only_decays_the_reference() -> None:
    found = reference_activity(exact(8880), 0.75, half_life_h=TP)

    assert found.activity_mbq.value == pytest.approx(8856.051, rel=1e-6)
    assert found.notes == ()


def test_one_view_is_allowed_when_it_is_always_the_same() -> None:
    def front(r: Reading) -> Reading:
        return Reading(r.time_h, r.anterior, None, r.background)

    found = body(front(DAY), first=front(FIRST))

    assert codes(found.notes) == {"W-SINGLE-VIEW"}
    assert found.activities_mbq[1].parts["single view, 24 h"] == pytest.approx(
        0.05 * found.activities_mbq[1].value
    )
    with pytest.raises(QuimbyError, match="E-WB-VIEW"):
        body(front(DAY))


def test_a_rise_is_a_question_and_more_than_was_given_is_an_error() -> None:
    higher = Reading(48, exact(2000), exact(1400), exact(30))
    impossible = Reading(48, exact(5250), exact(3720), exact(30))

    found = body(DAY, higher)

    assert codes(found.notes) == {"S-RETENTION-RISING"}
    assert "from 24 h to 48 h" in found.notes[0].text
    with pytest.raises(QuimbyError, match=r"E-RETENTION-GT-PHYS .* \(0.841\)"):
        body(DAY, impossible)


def test_readings_out_of_order_or_below_background_are_refused() -> None:
    with pytest.raises(QuimbyError, match="E-TIA-TIME"):
        body(DAY, DAY)
    below = Reading(240, exact(28), exact(41), exact(30))
    with pytest.raises(QuimbyError, match=r"E-NET-NONPOSITIVE  The front view is not above"):
        response(below)
