"""How an outline's doubt reaches the dose."""

from __future__ import annotations

from math import erf, log, pi, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError
from quimby.devices.recovery import FWHM_PER_SIGMA
from quimby.dose.uncertainty import (
    activity_covariance,
    agrees_with_other_software,
    check_covariance,
    combined_u_rel,
    diameter_u,
    edge_intensity,
    mean_u_rel,
    product_u_rel,
    sphere_diameter,
    volume_sensitivity,
    volume_u_rel,
)


def blurred_counts(radius: float, sigma: float) -> float:
    """Counts inside a sphere of `radius` drawn on a blurred unit sphere of radius 30."""
    R = 30.0
    r = (np.arange(4000) + 0.5) * radius / 4000
    a, b = (R - r) / (sqrt(2) * sigma), (R + r) / (sqrt(2) * sigma)
    ring = np.vectorize(erf)
    value = 0.5 * (ring(a) + ring(b)) - sigma / (r * sqrt(2 * pi)) * (
        np.exp(-(a**2)) - np.exp(-(b**2))
    )
    return float((4 * pi * r**2 * value).sum() * radius / 4000)


def test_counts_grow_with_the_outline_as_the_edge_brightness_says() -> None:
    sigma = 10 / FWHM_PER_SIGMA
    grown = log(blurred_counts(30.3, sigma) / blurred_counts(29.7, sigma))
    per_volume = grown / (3 * log(30.3 / 29.7))
    recovery = blurred_counts(30.0, sigma) / (4 / 3 * pi * 30**3)

    assert edge_intensity(30.0, sigma) / (2 * recovery) == pytest.approx(per_volume, rel=2e-3)


def test_a_large_object_is_half_as_sensitive_as_its_volume() -> None:
    s = volume_sensitivity(1e6, fwhm_mm=1.0, recovery=1.0, recovery_slope_per_ml=0.0)
    assert s.dose == pytest.approx(-0.5, abs=0.01)
    assert s.activity == pytest.approx(0.5, abs=0.01)


def test_a_diameter_by_hand() -> None:
    assert diameter_u(4.42, 10.0) == pytest.approx(sqrt(4.42**2 / 6 + 100 / (4 * log(2))))
    assert sphere_diameter(4 / 3 * pi) == pytest.approx(2.0)


@given(st.floats(1.0, 2000.0))
def test_a_larger_volume_is_known_better(volume: Any) -> None:
    first, second = (volume_u_rel(v, voxel_mm=4.4, fwhm_mm=10) for v in (volume, 8 * volume))
    assert first == pytest.approx(2 * second)


def test_a_shared_factor_does_not_average_out() -> None:
    many = [1.0] * 400
    covariance = activity_covariance(many, [0.05] * 400, 0.04)
    assert mean_u_rel(many, covariance) == pytest.approx(sqrt(0.05**2 / 400 + 0.04**2))


@given(st.floats(-1, 1), st.floats(0.01, 0.3), st.floats(0.01, 0.3))
def test_a_product_agrees_with_throwing_numbers_in_the_limit(
    correlation: Any, a: Any, b: Any
) -> None:
    u = product_u_rel(a, b, correlation)
    assert abs(a - b) - 1e-12 <= u <= a + b + 1e-12


def test_a_volume_adds_to_the_others_in_quadrature() -> None:
    assert combined_u_rel(-0.5, 0.2, 0.03, 0.04) == pytest.approx(sqrt(0.01 + 0.0025))


@pytest.mark.parametrize(
    "matrix",
    [
        [[1, 1.2], [1.2, 1]],
        [[1, 0.5], [0.4, 1]],
        [[-1, 0], [0, 1]],
        [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]],
    ],
)
def test_what_cannot_be_a_covariance_is_refused(matrix: Any) -> None:
    with pytest.raises(InputError) as caught:
        check_covariance(matrix)
    assert caught.value.code == "E-UNC-CORR"


def test_a_sound_covariance_passes_unchanged() -> None:
    matrix = np.array([[1.0, 0.5], [0.5, 2.0]])
    assert (check_covariance(matrix) == matrix).all()


@pytest.mark.parametrize(
    "call",
    [
        lambda: sphere_diameter(0.0),
        lambda: edge_intensity(0.0, 1.0),
        lambda: edge_intensity(1.0, 0.0),
        lambda: diameter_u(-1.0, 1.0),
        lambda: volume_sensitivity(10, fwhm_mm=9, recovery=0, recovery_slope_per_ml=0),
    ],
)
def test_sizes_must_be_above_zero(call: Any) -> None:
    with pytest.raises(InputError, match="must be above zero"):
        call()


def test_seven_percent_is_the_line_between_programs() -> None:
    assert agrees_with_other_software(2.13, 2.0)
    assert not agrees_with_other_software(2.15, 2.0)
    assert not agrees_with_other_software(1.85, 2.0)


def test_the_edge_of_a_sharp_sphere_is_half_as_bright_as_inside() -> None:
    assert edge_intensity(30, 0.01) == pytest.approx(1.0, abs=1e-3)


def test_a_recovery_that_rises_with_volume_takes_from_the_activity() -> None:
    s = volume_sensitivity(20.0, fwhm_mm=9.0, recovery=0.8, recovery_slope_per_ml=0.01)
    assert s.recovery == pytest.approx(20 / 0.8 * 0.01)
    assert s.activity == pytest.approx(s.counts - 0.25)
    assert s.dose == pytest.approx(s.counts - 1.25)
