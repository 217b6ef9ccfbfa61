"""Hybrid curves: one SPECT/CT sets the scale, the planar scans the shape, each with its doubt."""

from __future__ import annotations

import json
from math import exp, log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quimby.core.errors import InputError
from quimby.core.uncertain import Uncertain, covariance, exact
from quimby.measure.dicom.planar import read_planar
from quimby.measure.hybrid import PlanarPoint, hybrid_curve
from quimby.measure.planar import geometric_mean, net_counts
from quimby.measure.planar_roi import ellipse, ring, threshold
from quimby.measure.planar_scan import view_pair
from quimby.measure.planar_scatter import region_counts
from tests.conftest import SHARED, shared_path


def points(*rows: tuple[float, float]) -> list[PlanarPoint]:
    return [PlanarPoint(t, Uncertain(p, {f"counts, kidney {t:g} h": 0.04 * p})) for t, p in rows]


def test_the_planar_shape_takes_the_scale_of_the_spect() -> None:
    spect = Uncertain(40.0, {"camera calibration": 2.0, "counts, SPECT": 0.8})

    found = hybrid_curve(spect, 24.5, points((4, 900), (24, 800), (168, 100)), region="kidney")

    assert [a.value for a in found.activities_mbq] == pytest.approx([45.0, 40.0, 5.0])
    assert found.scale_mbq.value == pytest.approx(0.05)
    assert not found.notes


def test_doubt_of_the_spect_is_shared_and_each_planar_has_its_own() -> None:
    spect = Uncertain(40.0, {"camera calibration": 2.0})

    first, scaling, last = hybrid_curve(
        spect, 24.0, points((4, 900), (24, 800), (168, 100)), region="kidney"
    ).activities_mbq

    assert scaling.u_rel == pytest.approx(0.05)  # P/P is 1: only the SPECT's doubt
    assert first.u_rel == last.u_rel == pytest.approx((0.05**2 + 2 * 0.04**2) ** 0.5)
    shared = covariance([first, last])[0, 1] / first.value / last.value
    assert shared == pytest.approx(0.05**2 + 0.04**2)  # the SPECT and the scaling scan


@given(st.floats(0.1, 10.0))
def test_the_sensitivity_of_the_planar_camera_does_not_matter(k: float) -> None:
    rows = points((4, 900), (24, 800), (96, 300))
    scaled = [PlanarPoint(p.time_h, p.net.scaled(k)) for p in rows]

    one, other = (hybrid_curve(exact(40.0), 24.0, r, region="k") for r in (rows, scaled))

    assert [a.value for a in one.activities_mbq] == pytest.approx(
        [a.value for a in other.activities_mbq])  # fmt: skip


@pytest.mark.parametrize("at", [60.0, 120.0, 10.0])
def test_a_spect_far_from_every_planar_scan_reads_the_curve_there(at: float) -> None:
    curve = {t: 900.0 * exp(-log(2) / 51.0 * t) for t in (24.0, 96.0)}
    true = 40.0

    found = hybrid_curve(exact(true), at, points(*curve.items()), region="kidney")

    back = [true * exp(-log(2) / 51.0 * (t - at)) for t in curve]
    assert [a.value for a in found.activities_mbq] == pytest.approx(back)
    assert [(n.code, n.value) for n in found.notes] == [
        ("W-HYB-GAP", min(abs(t - at) for t in curve))]  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "at", "code", "says"),
    [
        ([], 24.0, "E-HYB-FEW", "at least one"),
        (points((4, 900)), 24.0, "E-HYB-FEW", "or two"),
        (points((4, 900), (4, 800)), 4.0, "E-HYB-FEW", "different times"),
        (points((4, 900), (24, -3)), 4.0, "E-NUM-NONPOS", "planar value at 24 h"),
        ([PlanarPoint(4, exact(9.0), 5000.0), PlanarPoint(24, exact(8.0), 6000.0)], 4.0,
         "E-HYB-ROI", "6000.0 mm2 at 24 h"),
    ],
)  # fmt: skip
def test_what_it_says_when_it_cannot_answer(
    rows: list[PlanarPoint], at: float, code: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        hybrid_curve(exact(40.0), at, rows, region="kidney")
    assert caught.value.code == code
    assert says in str(caught.value)


def test_lesion_1_of_case_a_follows_its_true_curve_from_one_spect_and_four_planars() -> None:
    shared_path("data", "lu177_dotatate_case_a")
    truth: dict[str, Any] = json.loads(
        (SHARED / "data" / "lu177_dotatate_case_a.truth.json").read_text("utf-8")
    )
    kinetics = truth["regions"]["Lesion_1"]["kinetics"]

    def true_mbq(hours: float) -> float:
        return float(sum(a * 2 ** (-hours / t) for a, t in kinetics))

    rows = []
    for n, point in enumerate(truth["time_points"], 1):
        scan = read_planar([SHARED / "data" / "lu177_dotatate_case_a" / f"tp{n}" / "PLANAR.dcm"])
        gm = view_pair(scan, 208.0).geometric_mean
        # The lowest of the three lesions lies near (column 93, row 98), a little moved each time.
        place = ellipse("place", (93.0, 98.0), (8.0, 8.0), (gm.shape[0], gm.shape[1]))
        hot = threshold("hot", gm, 0.6, within=place)
        row, column = (float(c.mean()) for c in np.nonzero(hot.share))
        lesion = ellipse("lesion 1", (column, row), (8.0, 8.0), (gm.shape[0], gm.shape[1]))
        near = [
            ellipse("beside", (column - 13.0, row - 2.0), (7.0, 7.0), lesion.share.shape),
            ellipse("above", (column + 5.0, row - 25.0), (9.0, 9.0), lesion.share.shape),
        ]
        around = ring("around", lesion, gap_px=1, width_px=3, free_of=near)
        counts = region_counts(scan, lesion, label=f"{n}", energy_kev=208.0)
        behind = region_counts(scan, around, label=f"{n}", energy_kev=208.0)
        nets = [
            net_counts(c, b, pixels=lesion.pixels, background_pixels=around.pixels,
                       where=f"lesion 1, {n}").counts
            for c, b in zip(counts.counts, behind.counts, strict=True)
        ]  # fmt: skip
        rows.append(PlanarPoint(point["planar_hours"], geometric_mean(*nets), 64.0))
    spect = Uncertain(true_mbq(23.7), {"camera calibration": 0.05 * true_mbq(23.7)})

    found = hybrid_curve(spect, 23.7, rows, region="Lesion_1")

    for t, a in zip(found.times_h[1:], found.activities_mbq[1:], strict=True):
        assert a.value == pytest.approx(true_mbq(t), rel=0.10)
        assert abs(a.value - true_mbq(t)) < 2 * a.u
    # At 4 h most of the view is background: the doubt says so, and still covers.
    early = found.activities_mbq[0]
    assert abs(early.value - true_mbq(found.times_h[0])) < 2 * early.u
