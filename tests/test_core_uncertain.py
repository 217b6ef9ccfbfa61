"""Doubt: shared causes stay shared, and the `uncertainties` library agrees."""

from __future__ import annotations

import math

import numpy as np
import pytest
import uncertainties
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.uncertain import Uncertain, combine, covariance, exact, relative, total

positive = st.floats(0.5, 50.0)
small = st.floats(-0.2, 0.2)


def test_a_mean_of_four_readings_keeps_the_doubt_of_their_one_calibration() -> None:
    readings = [Uncertain(1000, {"calibration": 50, f"counts {i}": 30}) for i in range(4)]

    mean = combine(1000, *((reading, 1 / 4) for reading in readings))

    assert mean.budget()[0] == ("calibration", 50)
    assert mean.u == pytest.approx(math.hypot(50, 15))  # and not 29.2, as if the four were apart


@given(a=positive, b=positive, shared_a=small, shared_b=small, own_a=small, own_b=small)
def test_arithmetic_agrees_with_the_uncertainties_library(
    a: float, b: float, shared_a: float, shared_b: float, own_a: float, own_b: float
) -> None:
    x = Uncertain(a, {"scale": a * shared_a, "x": a * own_a})
    y = Uncertain(b, {"scale": b * shared_b, "y": b * own_b})
    scale, ex, ey = (uncertainties.ufloat(0, 1) for _ in range(3))
    p = a + a * shared_a * scale + a * own_a * ex
    q = b + b * shared_b * scale + b * own_b * ey

    for ours, theirs in ((x + y, p + q), (x - y, p - q), (x * y, p * q), (x / y, p / q)):
        assert ours.value == pytest.approx(theirs.nominal_value)
        assert ours.u == pytest.approx(theirs.std_dev, abs=1e-9)


def test_a_ratio_forgets_the_scale_its_parts_share() -> None:
    x = Uncertain(8.0, {"scale": 0.8})
    y = Uncertain(2.0, {"scale": 0.2})

    assert (x / y).u == pytest.approx(0.0, abs=1e-12)


def test_the_covariance_matrix_is_made_of_shared_causes_only() -> None:
    values = [Uncertain(1.0, {"scale": 0.1, "a": 0.3}), Uncertain(2.0, {"scale": 0.2, "b": 0.4})]

    matrix = covariance(values)

    assert matrix == pytest.approx(np.array([[0.10, 0.02], [0.02, 0.20]]))
    assert total(values).u == pytest.approx(math.sqrt(matrix.sum()))
    assert covariance([exact(1.0)]) == pytest.approx(np.zeros((1, 1)))


def test_a_large_doubt_gives_an_interval_that_cannot_reach_below_zero() -> None:
    low, high = relative(10.0, outline=0.6).interval()
    near_low, near_high = relative(10.0, outline=0.1).interval()

    assert 0 < low < 10 < high
    assert high - 10 > 10 - low
    assert (near_low, near_high) == pytest.approx((8.0, 12.0))


def test_the_log_normal_interval_belongs_to_the_stated_mean_and_deviation() -> None:
    value = relative(10.0, outline=0.5)
    low, high = value.interval(2.0)
    spread = math.log(high / low) / 4
    middle = math.log(low) + 2 * spread

    assert math.exp(middle + spread**2 / 2) == pytest.approx(10.0)
    assert math.exp(middle + spread**2 / 2) * math.sqrt(math.expm1(spread**2)) == pytest.approx(5.0)


def test_adding_to_a_cause_is_in_quadrature_and_names_can_have_spaces() -> None:
    value = relative(10.0, camera_calibration=0.03).because("camera calibration", 0.4)

    assert dict(value.parts) == pytest.approx({"camera calibration": 0.5})


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_a_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        Uncertain(value)
    with pytest.raises(ValueError, match="not a finite number"):
        Uncertain(1.0, {"cause": value})
