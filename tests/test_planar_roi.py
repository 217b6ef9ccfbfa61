"""Regions on planar images: their areas, counts and overlaps are those of geometry."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Polygon

from quimby.core.errors import InputError
from quimby.core.uncertain import Uncertain
from quimby.measure.planar_roi import Roi, ellipse, polygon, ring, threshold, with_outline

SHAPE = (40, 50)


@settings(max_examples=30, deadline=None)
@given(x=st.floats(15, 30), y=st.floats(15, 24), a=st.floats(1, 12), b=st.floats(1, 12),
       turned=st.floats(0, 180))  # fmt: skip
def test_an_ellipse_has_the_area_of_an_ellipse(
    x: float, y: float, a: float, b: float, turned: float
) -> None:
    found = ellipse("e", (x, y), (a, b), SHAPE, turned_deg=turned)
    assert found.pixels == pytest.approx(pi * a * b, rel=1e-3)
    assert found.area_mm2((3.0, 2.0)) == pytest.approx(6.0 * pi * a * b, rel=1e-3)


def test_a_polygon_covers_the_share_of_each_pixel_that_fine_points_find() -> None:
    corners = np.array([(5.2, 4.1), (30.7, 8.3), (24.4, 30.9), (9.9, 21.5)])
    step = (np.arange(20) + 0.5) / 20 - 0.5
    rows, columns = (np.arange(n)[:, None] + step for n in SHAPE)
    points = np.stack(np.meshgrid(columns.ravel(), rows.ravel()), -1).reshape(-1, 2)
    hit = Polygon(corners).contains_points(points).reshape(SHAPE[0], 20, SHAPE[1], 20)

    found = polygon("p", corners, SHAPE)

    assert found.share == pytest.approx(hit.mean(axis=(1, 3)), abs=0.06)
    assert found.pixels == pytest.approx(hit.sum() / 400, rel=1e-3)


def test_counts_are_those_of_the_pixels_by_their_share() -> None:
    image = np.arange(2000.0).reshape(SHAPE)
    square = polygon("s", [(9.5, 9.5), (19.5, 9.5), (19.5, 14.5), (9.5, 14.5)], SHAPE)
    half = polygon("h", [(9.5, 9.5), (10.0, 9.5), (10.0, 10.5), (9.5, 10.5)], SHAPE)

    assert square.counts(image) == pytest.approx(image[10:15, 10:20].sum())
    assert half.counts(image) == pytest.approx(image[10, 10] / 2)


def test_a_region_turned_round_twice_is_itself() -> None:
    one = ellipse("e", (12.0, 20.0), (5.0, 3.0), SHAPE)
    assert np.array_equal(one.mirrored().mirrored().share, one.share)
    assert one.mirrored().share[20, 49 - 12] == 1.0


def test_a_threshold_keeps_one_piece() -> None:
    image = np.zeros(SHAPE)
    image[5:10, 5:10], image[20:24, 30:36] = 100.0, 80.0
    image[7, 7] = 120.0

    assert threshold("hot", image, 0.41).pixels == 25
    assert threshold("other", image, 0.41, seed=(21, 31)).pixels == 24
    near = Roi("near", np.pad(np.ones((10, 20)), ((18, 12), (25, 5))))
    assert threshold("within", image, 0.41, within=near).pixels == 24


def test_a_ring_is_clear_of_its_region_and_of_others() -> None:
    organ = ellipse("kidney", (25.0, 20.0), (6.0, 8.0), SHAPE)
    beside = ellipse("spleen", (36.0, 14.0), (5.0, 5.0), SHAPE)

    found = ring("background", organ, gap_px=2, width_px=3, free_of=[beside])

    assert found.shared_with(organ) == found.shared_with(beside) == 0.0
    assert 50 < found.pixels < 300


def test_the_edge_tells_what_a_region_gains_when_its_outline_moves() -> None:
    image = np.fromfunction(lambda j, i: 100.0 + 2 * i + j, SHAPE)
    mm = (3.0, 3.0)
    grown = [ellipse("e", (25.0, 20.0), (8.0 + d, 8.0 + d), SHAPE).counts(image)
             for d in (-1 / 3, 1 / 3)]  # fmt: skip
    at = ellipse("e", (25.0, 20.0), (8.0, 8.0), SHAPE)

    slope = float((at.edge(mm) * image).sum())

    assert slope == pytest.approx((grown[1] - grown[0]) / 2.0, rel=0.06)


def test_an_outline_in_doubt_moves_counts_above_the_background_only() -> None:
    organ = ellipse("kidney", (25.0, 20.0), (8.0, 8.0), SHAPE)
    even = np.full(SHAPE, 50.0)

    found = with_outline(Uncertain(1000.0, {"c": 9.0}), organ, even, pixel_mm=(3.0, 3.0),
                         edge_u_mm=2.0)  # fmt: skip
    level = with_outline(Uncertain(1000.0), organ, even, pixel_mm=(3.0, 3.0), edge_u_mm=2.0,
                         level=50.0)  # fmt: skip

    # A rim of 2 mm about a circle of 24 mm radius, 9 mm2 a pixel.
    assert found.parts["outline kidney"] == pytest.approx(50 * 2 * pi * 24 * 2 / 9, rel=0.03)
    assert found.parts["c"] == 9.0
    assert level.parts["outline kidney"] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: polygon("p", [(0, 0), (1, 1)], SHAPE), "three corners"),
        (lambda: polygon("p", [(0, 0), (60, 1), (3, 3)], SHAPE), "outside the image"),
        (lambda: ellipse("e", (10, 10), (0, 3), SHAPE), "radii above zero"),
        (lambda: threshold("t", np.zeros(SHAPE), 0.4), "no counts"),
        (lambda: threshold("t", np.ones(SHAPE), 1.4), "no fraction"),
        (lambda: Roi("r", np.zeros(SHAPE)), "no pixel"),
        (lambda: Roi("r", np.full(SHAPE, 1.5)), "from 0 to 1"),
        (lambda: Roi("r", np.ones(SHAPE)).counts(np.ones((3, 3))), "the image"),
        (lambda: Roi("r", np.ones(SHAPE)).without(Roi("q", np.ones(SHAPE))), "free of q"),
        (lambda: ring("b", Roi("r", np.ones(SHAPE))), "no pixel"),
    ],
)
def test_what_is_no_region_is_refused(make: Any, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        make()
    assert caught.value.code == "E-PLN-ROI"
