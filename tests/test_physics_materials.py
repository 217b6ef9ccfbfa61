"""Density from CT and the attenuation of water."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError, ReferenceMissing
from quimby.physics import materials

CURVE = materials.density_curve()


def test_water_weighs_one_and_air_almost_nothing() -> None:
    assert CURVE.density([0.0, -1000.0]) == pytest.approx([1.0, 0.00121])


def test_soft_tissue_agrees_with_the_stoichiometric_calibration_within_the_stated_doubt() -> None:
    other = materials.density_curve("schneider-2000")
    hu = np.arange(30.0, 81.0)
    ratio = other.density(hu) / CURVE.density(hu)
    assert np.all(np.abs(ratio - 1) <= CURVE.u_relative)
    assert other.density(50.0) == pytest.approx(1.003 + 1.169e-3 * 50, abs=1e-3)


@given(st.floats(-2000, 5000), st.floats(0, 500))
def test_denser_on_ct_is_never_lighter(hu: float, more: float) -> None:
    low, high = CURVE.density([hu, hu + more])
    assert 0 < low <= high <= CURVE.density(2000.0)


def test_metal_is_cut_and_said() -> None:
    notes = CURVE.metal_notes(np.array([10.0, 3000.0]), where="CT")
    assert [(n.code, n.value) for n in notes] == [("W-MAT-METAL", 1.0)]
    assert CURVE.metal_notes(np.array([10.0]), where="CT") == ()


def test_a_hole_in_the_ct_is_refused() -> None:
    with pytest.raises(InputError, match="hold 1 values that are not finite"):
        CURVE.density([1.0, float("nan")])


@pytest.mark.parametrize(
    ("hu", "density", "says"),
    [((0.0, 0.0), (1.0, 1.0), "do not rise"), ((0.0, 1.0), (-1.0, 1.0), "below zero"),
     ((0.0,), (1.0,), "1 CT numbers and 1 densities")],
)  # fmt: skip
def test_a_curve_that_cannot_be_one_is_refused(
    hu: tuple[float, ...], density: tuple[float, ...], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        materials.DensityCurve("site", hu, density, 0.02, "site", "V")


def test_lung_follows_its_own_rule() -> None:
    assert materials.lung_density(-745.0) == pytest.approx(0.255)
    with pytest.raises(InputError, match="is not lung"):
        materials.lung_density(40.0)


def test_an_organ_density_from_memory_is_marked() -> None:
    kidney = materials.organ_density("kidney")
    assert (kidney.value, kidney.verified) == (1.05, False)
    with pytest.raises(ReferenceMissing, match="no default density for 'tail'"):
        materials.organ_density("tail")


def test_water_at_208_kev_attenuates_as_published() -> None:
    assert materials.water_mu_per_cm(0.2) == pytest.approx(0.1370)
    assert materials.water_mu_per_cm(0.208) == pytest.approx(0.135, abs=0.001)
    assert materials.water_mu_en_cm2_per_g(0.1) == pytest.approx(0.02546)
    with pytest.raises(ReferenceMissing, match=r"between 0\.01 and 3 MeV"):
        materials.water_mu_per_cm(3.1)
