"""Cycles left and activities to propose."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError
from quimby.core.uncertain import Uncertain, exact
from quimby.planning.activity import adaptive_activity
from quimby.planning.cycles import cycles_left, forecast, iluminet_step, predicted_dose


@given(st.lists(st.floats(0, 10), max_size=4), st.floats(0.5, 9))
def test_the_cycles_that_fit_do_fit_and_one_more_does_not(delivered: Any, coming: Any) -> None:
    left = cycles_left(23.0, delivered, coming)
    if left.further_cycles:
        assert left.cumulative_after_gy <= 23.0 + 1e-5 * coming
    assert sum(delivered) + (left.further_cycles + 1) * coming > 23.0 - 1e-5 * coming


def test_a_cycle_that_fits_exactly_is_counted_in_spite_of_rounding() -> None:
    assert cycles_left(12.3, [], 4.1).further_cycles == 3


def test_past_the_limit_no_cycle_is_left_and_the_overshoot_shows() -> None:
    left = cycles_left(23.0, [25.0], 4.0)
    assert (left.further_cycles, left.remaining_gy) == (0, -2.0)


def test_a_forecast_keeps_shared_causes_shared() -> None:
    so_far, coming = (Uncertain(gy, {"camera calibration": 0.1 * gy}) for gy in (19.0, 4.0))
    assert forecast(so_far, coming, 23.0).total_gy.u == pytest.approx(2.3)
    assert forecast(so_far, coming, 23.0).probability_above == pytest.approx(0.5)


def test_the_next_dose_is_the_mean_or_the_last() -> None:
    earlier = [exact(0.4), exact(0.6)]
    assert predicted_dose(earlier, 7.4).value == pytest.approx(3.7)
    assert predicted_dose(earlier, 7.4, last=True).value == pytest.approx(4.44)


@pytest.mark.parametrize(
    ("so_far", "coming", "give", "reached"),
    [(20.0, 6.0, True, False), (22.0, 7.0, True, False), (22.0, 7.1, False, False),
     (25.0, 1.0, False, True), (30.0, 1.0, False, True)],
)  # fmt: skip
def test_the_step_at_27_with_2_tolerance(so_far: Any, coming: Any, give: Any, reached: Any) -> None:
    step = iluminet_step(so_far, coming)
    assert (step.give_next, step.step_reached) == (give, reached)
    assert step.bed_after_gy == pytest.approx(so_far + coming)


def test_an_activity_spreads_what_is_left() -> None:
    found = adaptive_activity(23.0, [5.1], 0.69, planned_cycles=4)
    assert found.activity_gbq == pytest.approx((23 - 5.1) / 3 / 0.69)
    assert found.held_by == "limit"


@pytest.mark.parametrize(
    ("more", "activity", "held"),
    [
        ({"cap_gbq": 8.0}, 8.0, "cap"),
        ({"previous_gbq": 3.9}, 7.8, "increase"),
        ({"risk_factor": 0.5}, 8.647342995169081 / 2, "limit"),
        ({"risk_factor": 0.1}, 0.8647342995169081, "least"),
    ],
)
def test_what_holds_an_activity_down(more: Any, activity: Any, held: Any) -> None:
    found = adaptive_activity(23.0, [5.1], 0.69, planned_cycles=4, **more)
    assert found.activity_gbq == pytest.approx(activity)
    assert found.held_by == held


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: cycles_left(0.0, [], 4.0), "the limit is 0 Gy"),
        (lambda: cycles_left(23.0, [], 0.0), "predicted dose is 0 Gy"),
        (lambda: predicted_dose([], 7.4), "earlier cycles is 0"),
        (lambda: iluminet_step(1.0, 0.0), "next BED is 0 Gy"),
        (lambda: iluminet_step(1.0, 1.0, tolerance_gy=-1.0), "zero or more"),
        (lambda: adaptive_activity(23.0, [6.0] * 4, 0.6, planned_cycles=4), "cycles left is 0"),
        (lambda: adaptive_activity(23.0, [24.0], 0.6, planned_cycles=4), "left below the limit"),
        (lambda: adaptive_activity(23.0, [], 0.0, planned_cycles=4), "dose per activity"),
    ],
)
def test_plans_that_make_no_sense_are_refused(call: Any, says: Any) -> None:
    with pytest.raises(InputError, match=says) as caught:
        call()
    assert caught.value.code == "E-LU-PLAN"
