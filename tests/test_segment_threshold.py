"""Outlines by threshold: the sphere comes back, whatever its size, place, contrast and noise."""

from __future__ import annotations

from math import pi, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import tplquad

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain
from quimby.devices.point_spread import blur
from quimby.devices.recovery import FWHM_PER_SIGMA, sphere_recovery
from quimby.measure.occupancy import volume_ml
from quimby.measure.segment import Seed, Segmented, adaptive, fixed_level, fixed_share
from quimby.measure.segment.background import surroundings
from quimby.measure.segment.blurred_sphere import (
    edge_share_of_maximum,
    edge_share_of_mean,
    mean_within,
    profile,
)
from quimby.measure.segment.constants import constants
from quimby.measure.segment.search import around, connected
from quimby.study.outline_state import state_notes

STEP, FWHM = 4.8, 11.0
SPREAD = Uncertain(FWHM, {"point spread": 0.5})


def lattice(n: int = 24, step: float = STEP) -> Grid:
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = -step * (n - 1) / 2.0
    return Grid((n, n, n), affine)


def scan_of(
    diameter: float, *, at: tuple[float, float, float] = (0.0, 0.0, 0.0), cold: float = 0.0,
    height: float = 1e5, n: int = 24,
) -> Image:  # fmt: skip
    """A blurred sphere, each voxel the mean of 27 points of the exact profile."""
    grid = lattice(n)
    total = np.zeros(grid.shape)
    offsets = (-STEP / 3, 0.0, STEP / 3)
    for dx in offsets:
        for dy in offsets:
            for dz in offsets:
                points = grid.centres_mm() + np.array([dx, dy, dz]) - np.array(at)
                total += profile(np.linalg.norm(points, axis=-1), diameter, FWHM)
    return Image(grid, height * (cold + (1.0 - cold) * total / 27.0), "Bq/ml")


def ball_ml(diameter: float) -> float:
    return pi * diameter**3 / 6000.0


def codes(made: Segmented) -> set[str]:
    return {n.code for n in made.notes}


def test_the_profile_of_a_blurred_sphere_is_the_integral_of_the_point_spread_over_it() -> None:
    sigma, radius, at = 4.0, 7.0, 5.0

    def spread(_: float, cosine: float, r: float) -> float:
        squared = r**2 + at**2 - 2.0 * r * at * cosine
        norm = (2.0 * pi * sigma**2) ** 1.5
        return float(r**2 * np.exp(-squared / (2.0 * sigma**2)) / norm)

    slow, _ = tplquad(spread, 0.0, radius, -1.0, 1.0, 0.0, 2.0 * pi, epsabs=1e-7)
    assert float(profile(at, 14.0, sigma * FWHM_PER_SIGMA)) == pytest.approx(slow, rel=1e-4)


def test_the_edge_of_a_large_sphere_lies_at_half_of_its_height() -> None:
    assert edge_share_of_maximum(1000.0, 10.0) == pytest.approx(0.5, abs=0.01)
    assert edge_share_of_mean(1000.0, 10.0) == pytest.approx(0.5, abs=0.01)


def test_the_mean_within_the_whole_sphere_is_its_recovery_coefficient() -> None:
    assert mean_within(28.0, 28.0, 10.0) == pytest.approx(sphere_recovery(28.0, 10.0), rel=1e-4)


@pytest.mark.parametrize("cold", [0.0, 0.25])
@pytest.mark.parametrize("diameter", [13.0, 17.0, 22.0, 37.0])
def test_an_adaptive_threshold_finds_the_volume_of_a_sphere(diameter: float, cold: float) -> None:
    at = (1.3, -0.9, 2.1)
    made = adaptive(scan_of(diameter, at=at, cold=cold), "L", Seed(at, 30.0), fwhm_mm=SPREAD)
    assert made.volume_ml.value == pytest.approx(ball_ml(diameter), rel=0.05)
    assert made.volume_ml.value == pytest.approx(volume_ml(made.mask))


@pytest.mark.parametrize("diameter", [22.0, 37.0])
def test_by_the_maximum_it_finds_it_too_where_there_is_no_noise(diameter: float) -> None:
    made = adaptive(scan_of(diameter), "L", Seed((0, 0, 0), 30.0), fwhm_mm=SPREAD, by="maximum",
                    background=Uncertain(0.0))  # fmt: skip
    assert made.volume_ml.value == pytest.approx(ball_ml(diameter), rel=0.12)


def test_a_fixed_share_is_biased_by_contrast_and_says_so() -> None:
    hot, warm = (
        fixed_share(scan_of(22.0, cold=c), "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM)
        for c in (0.0, 0.25)
    )
    assert warm.volume_ml.value > 1.3 * hot.volume_ml.value
    assert "W-SEG-FIXED" in codes(hot)


def test_noisy_spheres_lie_within_the_stated_doubt() -> None:
    rng = np.random.default_rng(7)
    clean = scan_of(25.0, cold=0.1)
    pulls = []
    for _ in range(8):
        noise = blur(rng.normal(size=clean.grid.shape), clean.grid, 9.0)
        noisy = clean.values + 8e3 * noise / noise.std() * np.sqrt(clean.values / 1e5)
        made = adaptive(Image(clean.grid, noisy, "Bq/ml"), "L", Seed((0, 0, 0), 30.0),
                        fwhm_mm=SPREAD)  # fmt: skip
        pulls.append((made.volume_ml.value - ball_ml(25.0)) / made.volume_ml.u)
    assert max(abs(p) for p in pulls) < 2.0
    assert abs(float(np.mean(pulls))) < 0.7


@given(st.floats(1e-3, 1e6), st.floats(0.2, 0.8))
@settings(max_examples=6, deadline=None)
def test_a_share_of_the_maximum_does_not_mind_the_activity(factor: float, share: float) -> None:
    scan = scan_of(25.0)
    more = Image(scan.grid, scan.values * factor, "Bq/ml")
    seed = Seed((0, 0, 0), 30.0)
    once, twice = (fixed_share(s, "L", seed, fwhm_mm=FWHM, share=share) for s in (scan, more))
    assert twice.volume_ml.value == pytest.approx(once.volume_ml.value, rel=1e-3)


@given(st.floats(1e-3, 1e6))
@settings(max_examples=3, deadline=None)
def test_nor_does_an_adaptive_one(factor: float) -> None:
    scan = scan_of(22.0, cold=0.2)
    more = Image(scan.grid, scan.values * factor, "Bq/ml")
    once, twice = (adaptive(s, "L", Seed((0, 0, 0), 30.0), fwhm_mm=SPREAD) for s in (scan, more))
    assert twice.volume_ml.value == pytest.approx(once.volume_ml.value, rel=1e-2)


def test_a_patient_who_moved_by_whole_voxels_has_the_same_outline_moved() -> None:
    here, there = scan_of(22.0), scan_of(22.0, at=(2 * STEP, -STEP, 3 * STEP))
    a = fixed_share(here, "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM)
    b = fixed_share(there, "L", Seed((2 * STEP, -STEP, 3 * STEP), 30.0), fwhm_mm=FWHM)
    assert b.volume_ml.value == pytest.approx(a.volume_ml.value, rel=1e-6)


@given(st.floats(0.2, 0.5), st.floats(0.01, 0.4))
@settings(max_examples=6, deadline=None)
def test_a_higher_threshold_lies_inside_a_lower_one(low: float, more: float) -> None:
    scan, seed = scan_of(25.0), Seed((0, 0, 0), 30.0)
    wide, narrow = (fixed_share(scan, "L", seed, fwhm_mm=FWHM, share=s) for s in (low, low + more))
    assert bool((narrow.mask.values <= wide.mask.values).all())


def test_a_level_and_the_same_share_are_one_outline() -> None:
    scan, seed = scan_of(25.0), Seed((0, 0, 0), 30.0)
    top = float(scan.values.max())
    by_share = fixed_share(scan, "L", seed, fwhm_mm=FWHM, share=0.5)
    by_level = fixed_level(scan, "L", seed, fwhm_mm=FWHM, level_mbq_per_ml=0.5 * top * 1e-6)
    assert by_level.volume_ml.value == pytest.approx(by_share.volume_ml.value, rel=1e-3)


def test_the_doubt_of_the_threshold_is_the_slope_of_the_volume() -> None:
    scan, seed = scan_of(30.0), Seed((0, 0, 0), 30.0)
    made = fixed_share(scan, "L", seed, fwhm_mm=FWHM, share=0.4)
    low, high = (
        fixed_share(scan, "L", seed, fwhm_mm=FWHM, share=s).volume_ml.value for s in (0.35, 0.45)
    )
    assert made.volume_ml.parts["threshold, L"] == pytest.approx((high - low) / 2.0, rel=0.02)
    across = 30.0
    edge = 3.0 * sqrt(STEP**2 / 6 + FWHM**2 / (4 * np.log(2))) / across
    assert made.volume_ml.parts["outline L"] / made.volume_ml.value == pytest.approx(edge, rel=0.2)


def test_the_state_of_such_an_outline_is_draft_and_a_person_placed_it() -> None:
    made = fixed_share(scan_of(25.0), "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM)
    assert (made.outline.status, made.outline.machine) == ("draft", False)
    assert made.outline.made is not None
    assert made.outline.made.tool == "fixed threshold"
    assert [n.code for n in state_notes([made.outline])] == ["S-OUTLINE-DRAFT", "W-SEG-BOUNDARY"]
    assert "41 %" in made.outline.origin or "41%" in made.outline.origin


def test_two_hot_places_are_told_apart_and_the_seed_says_which() -> None:
    left, right = scan_of(20.0, at=(25, 0, 0)), scan_of(20.0, at=(-25, 0, 0), height=3e5)
    both = Image(left.grid, left.values + right.values, "Bq/ml")
    weaker = fixed_share(both, "L", Seed((25, 0, 0), 20.0), fwhm_mm=FWHM)
    alone = fixed_share(left, "L", Seed((25, 0, 0), 20.0), fwhm_mm=FWHM)
    assert weaker.volume_ml.value == pytest.approx(alone.volume_ml.value, rel=0.15)


def test_a_region_that_runs_into_its_reach_says_so() -> None:
    made = fixed_share(scan_of(40.0), "L", Seed((0, 0, 0), 15.0), fwhm_mm=FWHM)
    assert "W-SEG-REACH" in codes(made)


def test_every_constant_has_a_source_and_the_threshold_is_the_customary_one() -> None:
    assert all(c.source for c in constants().values())
    assert constants()["share"].value == 0.41


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda s: fixed_share(s, "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM, share=1.2),
         "E-SEG-SHARE  The threshold is 1.2 of the maximum"),
        (lambda s: fixed_share(s, "L", Seed((0, 0, 500), 30.0), fwhm_mm=FWHM),
         "The seed at (0, 0, 500) mm lies outside the image"),
        (lambda s: fixed_share(s, "L", Seed((0, 0, 0), 0.0), fwhm_mm=FWHM), "E-SEG-NUMBER"),
        (lambda s: fixed_share(s, "L", Seed((0, 0, 0), 30.0), fwhm_mm=0.0), "E-SEG-NUMBER"),
        (lambda s: fixed_level(s, "L", Seed((0, 0, 0), 30.0), fwhm_mm=FWHM, level_mbq_per_ml=9.0),
         "Nothing near the seed lies above 9e+06 Bq/ml"),
        (lambda s: fixed_level(Image(s.grid, s.array, "counts"), "L", Seed((0, 0, 0), 30.0),
                               fwhm_mm=FWHM, level_mbq_per_ml=0.1), "E-IMG-UNIT"),
        (lambda s: fixed_share(Image(s.grid, s.values * np.nan, "Bq/ml"), "L",
                               Seed((0, 0, 0), 30.0), fwhm_mm=FWHM), "E-IMG-NAN"),
        (lambda s: fixed_share(Image(s.grid, s.values * 0, "Bq/ml"), "L", Seed((0, 0, 0), 30.0),
                               fwhm_mm=FWHM), "E-SEG-NOTHING"),
        (lambda s: adaptive(s, "L", Seed((0, 0, 0), 30.0), fwhm_mm=SPREAD, by="size"),
         "Choose mean or maximum"),
        (lambda s: adaptive(s, "L", Seed((0, 0, 0), 30.0), fwhm_mm=SPREAD,
                            background=Uncertain(1e6)), "E-SEG-CONTRAST"),
    ],
)  # fmt: skip
def test_what_it_says_when_it_cannot_answer(call, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(QuimbyError) as caught:
        call(scan_of(20.0))
    assert says in str(caught.value)


@pytest.mark.parametrize("diameter", [2.0, 6.0, 10.0])
def test_what_is_smaller_than_the_blur_says_so_and_is_doubted_down_to_nothing(
    diameter: float,
) -> None:
    made = adaptive(scan_of(diameter), "L", Seed((0, 0, 0), 25.0), fwhm_mm=SPREAD,
                    background=Uncertain(0.0))  # fmt: skip
    assert "W-SEG-SMALL" in codes(made)
    assert made.volume_ml.u_rel > 0.55


def test_noise_alone_collapses_and_is_refused() -> None:
    speckle = np.zeros((24, 24, 24))
    speckle[12, 12, 12] = 1e5
    with pytest.raises(QuimbyError) as caught:
        adaptive(Image(lattice(), speckle, "Bq/ml"), "L", Seed((2, 2, 2), 25.0), fwhm_mm=SPREAD,
                 background=Uncertain(0.0))  # fmt: skip
    assert caught.value.code in ("E-SEG-COLLAPSED", "E-SEG-ROUNDS")


def test_the_background_is_that_of_the_near_surroundings_and_not_of_a_hot_organ_far_off() -> None:
    plain = scan_of(17.0, cold=0.2)
    far = np.linalg.norm(plain.grid.centres_mm(), axis=-1) > 38.0
    hot = Image(plain.grid, np.where(far, 9e4, plain.values), "Bq/ml")
    told = [
        adaptive(s, "L", Seed((0, 0, 0), 18.0), fwhm_mm=SPREAD).volume_ml.value
        for s in (plain, hot)
    ]
    assert told[1] == pytest.approx(told[0], rel=1e-3)


def test_the_surroundings_are_read_as_they_are() -> None:
    search = around(scan_of(17.0, cold=0.2), Seed((0, 0, 0), 18.0), name="L", margin_mm=28.0)
    first = connected(search, lambda x: np.asarray(x >= 5e4), search.highest[1])
    found = surroundings(search, first, FWHM)
    assert found.value == pytest.approx(2e4, rel=0.02)
    assert set(found.parts) == {"background, L"}
