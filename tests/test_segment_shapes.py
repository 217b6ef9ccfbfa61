"""Spheres set by hand, small volumes on hot places, regions grown, and masses without a CT."""

from __future__ import annotations

from functools import cache
from math import inf, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain
from quimby.devices.point_spread import Sphere, sphere_occupancy
from quimby.devices.recovery import sphere_recovery
from quimby.measure.occupancy import volume_ml
from quimby.measure.regions import prepare
from quimby.measure.segment import Seed, ellipsoid, fixed_share, grow, small_volume, sphere
from quimby.measure.segment.no_ct import (
    ellipsoid_volume,
    mass_from_diameters,
    mass_from_outline,
    reference_mass,
)
from quimby.measure.segment.small import recovery_within
from tests.test_segment_threshold import FWHM, SPREAD, ball_ml, lattice, scan_of

TURNED = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


@given(st.floats(8.0, 45.0), st.floats(-5.0, 5.0))
@settings(max_examples=10, deadline=None)
def test_a_sphere_set_by_hand_fills_its_own_volume(diameter: float, off: float) -> None:
    made = sphere(lattice(), "S", (off, -off, off / 2), diameter_mm=diameter)
    assert volume_ml(made.mask) == pytest.approx(
        ball_ml(diameter), rel=0.01 if diameter >= 15.6 else 0.04
    )  # 1 % from 2 ml on
    assert made.volume_ml.value == pytest.approx(ball_ml(diameter))


def test_it_is_the_sphere_of_the_phantoms() -> None:
    made = sphere(lattice(), "S", (1.0, 2.0, 3.0), diameter_mm=22.0)
    slow = sphere_occupancy(lattice(), Sphere(22.0, (1.0, 2.0, 3.0)))
    assert np.abs(made.mask.values - slow).max() < 0.1
    assert float(made.mask.values.sum()) == pytest.approx(float(slow.sum()), rel=0.01)


def test_an_ellipsoid_turned_on_a_turned_grid_is_the_one_that_is_not() -> None:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    affine[:3, 3] = -60.0
    turned = np.array(affine)
    turned[:3, :3] = TURNED @ affine[:3, :3]
    turned[:3, 3] = TURNED @ affine[:3, 3]
    size = (40.0, 24.0, 30.0)
    plain = ellipsoid(Grid((40, 40, 40), affine), "E", (3.0, 1.0, 2.0), diameters_mm=size)
    centre = tuple(float(x) for x in TURNED @ np.array([3.0, 1.0, 2.0]))
    other = ellipsoid(Grid((40, 40, 40), turned), "E", (centre[0], centre[1], centre[2]),
                      diameters_mm=size, axes=TURNED)  # fmt: skip
    assert np.abs(other.mask.values - plain.mask.values).max() < 0.02
    k, j, i = np.nonzero(plain.mask.values > 0.5)
    assert np.ptp(i) > np.ptp(k) > np.ptp(j)


def test_the_doubt_of_a_diameter_counts_three_times() -> None:
    made = sphere(lattice(), "S", (0, 0, 0), diameter_mm=20.0, u_diameter_mm=1.0)
    assert made.volume_ml.u_rel == pytest.approx(3.0 / 20.0)


def test_a_sphere_half_outside_is_refused() -> None:
    with pytest.raises(QuimbyError, match=r"E-SEG-OUT  Only 5\d\.\d % of the shape"):
        sphere(lattice(), "S", (57.6, 0.0, 0.0), diameter_mm=20.0)


def test_a_small_volume_goes_to_the_hottest_place_near_the_seed() -> None:
    at = (6.1, -4.3, 2.7)
    found = small_volume(scan_of(20.0, at=at), "L", Seed((0, 0, 0), 20.0), volume_ml=2.0,
                         fwhm_mm=SPREAD, object_mm=Uncertain(20.0, {"size of L": 2.0}))  # fmt: skip
    k, j, i = np.unravel_index(int(found.segmented.mask.values.argmax()), (24, 24, 24))
    centre = lattice().points_mm((i, j, k))
    assert np.linalg.norm(centre - np.array(at)) < 4.8
    assert found.recovery is not None
    assert found.concentration == pytest.approx(1e5 * found.recovery.value, rel=0.04)
    assert set(found.recovery.parts) == {"size of L", "point spread"}
    assert [n.code for n in found.notes] == ["W-SEG-SMALL-HOT"]


def test_in_a_large_organ_it_recovers_all_and_over_a_whole_sphere_the_recovery_curve() -> None:
    far = recovery_within(15.6, Uncertain(200.0), Uncertain(11.0))
    whole = recovery_within(28.0, Uncertain(28.0), Uncertain(10.0))
    assert far.value == pytest.approx(1.0, abs=1e-3)
    assert whole.value == pytest.approx(sphere_recovery(28.0, 10.0), rel=1e-3)


@given(st.floats(15.0, 50.0), st.floats(6.0, 14.0))
@settings(max_examples=4, deadline=None)
def test_the_doubt_of_its_recovery_is_what_moving_each_input_does(size: float, fwhm: float) -> None:
    told = recovery_within(15.6, Uncertain(size, {"s": 0.1}), Uncertain(fwhm, {"p": 0.1}))
    moved = recovery_within(15.6, Uncertain(size + 0.1), Uncertain(fwhm)).value - told.value
    wider = recovery_within(15.6, Uncertain(size), Uncertain(fwhm + 0.1)).value - told.value
    assert told.parts["s"] == pytest.approx(moved, rel=0.1, abs=1e-5)
    assert told.parts["p"] == pytest.approx(wider, rel=0.1, abs=1e-5)


@cache
def boxes() -> Image:
    """Two blocks of 100 in a field of 0, joined by a bridge of 60."""
    array = np.zeros((24, 24, 24))
    array[8:14, 8:14, 4:10] = 100.0
    array[8:14, 8:14, 14:20] = 100.0
    array[10:12, 10:12, 10:14] = 60.0
    return Image(lattice(step=4.0), array, "HU")


def grown(lower: float, upper: float = inf) -> float:
    at = boxes().grid.points_mm((6, 10, 10))
    seed = Seed((float(at[0]), float(at[1]), float(at[2])), 70.0)
    return grow(boxes(), "G", seed, lower=lower, upper=upper, fwhm_mm=4.0).volume_ml.value


def test_a_region_grows_to_its_neighbours_and_over_no_gap() -> None:
    one, bridge = 6**3 * 0.064, 16 * 0.064
    assert grown(80.0) == pytest.approx(one, rel=0.35)
    assert grown(50.0) == pytest.approx(2 * one + bridge, rel=0.35)
    assert grown(50.0) > 1.9 * grown(80.0)


@given(st.floats(5.0, 45.0), st.floats(0.0, 45.0))
@settings(max_examples=4, deadline=None)
def test_a_wider_window_never_grows_less(lower: float, more: float) -> None:
    assert grown(lower) >= grown(lower + more)


@pytest.mark.parametrize(
    ("lower", "upper", "code"), [(80.0, 70.0, "E-SEG-WINDOW"), (150.0, 200.0, "E-SEG-OFF")]
)
def test_growing_from_nothing_is_refused(lower: float, upper: float, code: str) -> None:
    with pytest.raises(QuimbyError) as caught:
        grown(lower, upper=upper)
    assert caught.value.code == code


def test_the_doubt_of_the_bounds_is_seen() -> None:
    at = boxes().grid.points_mm((6, 10, 10))
    made = grow(boxes(), "G", Seed((float(at[0]), float(at[1]), float(at[2])), 70.0), lower=80.0,
                fwhm_mm=4.0, step=10.0)  # fmt: skip
    assert made.volume_ml.parts["threshold, G"] == pytest.approx(
        (grown(70.0) - grown(90.0)) / 2.0, rel=1e-6
    )


def test_three_diameters_give_the_volume_of_an_ellipsoid() -> None:
    volume = ellipsoid_volume((110.0, 55.0, 45.0), name="kidney")
    assert volume.value == pytest.approx(pi / 6 * 11.0 * 5.5 * 4.5)
    assert volume.u_rel == pytest.approx(0.18)


def test_a_mass_without_a_ct_has_the_density_of_its_organ_and_the_doubt_of_its_size() -> None:
    mass = mass_from_diameters((110.0, 55.0, 45.0), "kidney", name="kidney", u_relative=0.15)
    assert mass.density_g_per_ml == pytest.approx(1.05, abs=0.02)
    assert mass.mass_g.parts["outline kidney"] / mass.mass_g.value == pytest.approx(0.15)


def test_a_mass_from_the_scan_itself_says_what_it_rests_on() -> None:
    made = fixed_share(scan_of(30.0), "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM)
    mass = mass_from_outline(made, "soft-tissue")
    assert [n.code for n in mass.notes] == ["W-SEG-NO-CT"]
    assert mass.mass_g.u_rel > made.volume_ml.u_rel


def test_a_reference_mass_is_in_doubt_by_a_quarter() -> None:
    assert reference_mass("kidneys", "F").value == 275.0
    assert reference_mass("liver", "M").u_rel == pytest.approx(0.25)
    with pytest.raises(QuimbyError, match="E-SEG-REFERENCE"):
        reference_mass("kidneys", "")


def test_the_doubt_travels_into_the_regions_of_a_study() -> None:
    made = fixed_share(scan_of(30.0), "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM)
    ct = Image(lattice(), np.zeros((24, 24, 24)), "HU")
    ready = prepare([made.outline], ct, edge_mm={"L": made.edge_u_mm})
    assert ready.named("L").volume_ml.u == pytest.approx(made.volume_ml.u, rel=0.02)
