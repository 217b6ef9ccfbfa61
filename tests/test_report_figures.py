"""Figures: the right side on the right side, labels apart, scales that say what they say."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from quimby.core.grid import Grid, Image
from quimby.core.uncertain import Uncertain
from quimby.report import draw
from quimby.report.figures import bars, curves, planes, slices
from quimby.report.figures.style import SERIES, apart, series
from quimby.report.forecast import after
from quimby.report.forecast import bars as cycles
from tests.sample_result import sample_figures, sample_result


def test_every_figure_is_there_once_with_a_sentence() -> None:
    names = [f.name for f in sample_figures()]
    assert len(set(names)) == len(names)
    assert {"dose_coronal", "curves_summary", "dose_by_cycle", "fused", "registration",
            "dose_planes", "dvh_organs", "dvh_lesions", "budget"} <= set(names)  # fmt: skip
    assert sum(n.startswith("curve_") for n in names) == 7
    assert all(f.alt.endswith(".") and len(f.alt) > 30 for f in sample_figures())


def test_a_figure_drawn_again_has_the_same_bytes() -> None:
    result = sample_result()
    drawn = {f.name: f for f in sample_figures()}
    again = slices.coronal_dose(result)
    assert (again.svg, again.png) == (drawn["dose_coronal"].svg, drawn["dose_coronal"].png)
    bar = bars.budget_bars([*result.combined, *result.regions])
    assert bar.svg == drawn["budget"].svg


def test_no_figure_carries_a_date_or_a_path() -> None:
    for figure in sample_figures():
        text = re.sub(rb'(?:data:image/png;base64,|[ "]d=")[^"]*', b"", figure.svg)
        assert b"dc:date" not in text
        assert b"/home" not in text
        assert b"/work" not in text


def test_text_is_drawn_as_outlines_so_that_no_font_is_asked_for() -> None:
    assert all(b"<text" not in f.svg and b"font-family" not in f.svg for f in sample_figures())


def test_pictures_are_not_blank() -> None:
    for figure in sample_figures():
        pixels = imread(BytesIO(figure.png))
        assert pixels[..., :3].std() > 0.02, figure.name


def spot(x_mm: float, y_mm: float, z_mm: float) -> Image:
    """A bright ball at one place; columns run right to left and slices feet first, on purpose."""
    affine = np.array([[-4.0, 0, 0, 126], [0, 4.0, 0, -126], [0, 0, -4.0, 126], [0, 0, 0, 1]])
    grid = Grid((64, 64, 64), affine)
    far = np.linalg.norm(grid.centres_mm() - np.array([x_mm, y_mm, z_mm]), axis=-1)
    return Image(grid, (far < 12).astype(float), "1")


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([-60.0, 60.0]), st.sampled_from([-50.0, 50.0]))
def test_the_patients_left_is_shown_right_and_the_head_up(x_mm: float, z_mm: float) -> None:
    plane = planes.Plane("coronal", 0.0, (-120.0, 120.0, 120.0, -120.0))
    picture = planes.cut(spot(x_mm, 0.0, z_mm), plane)
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert (column > picture.shape[1] / 2) == (x_mm > 0)  # LPS: +x is the patient's left
    assert (row < picture.shape[0] / 2) == (z_mm > 0)


def test_the_front_is_up_in_an_axial_slice() -> None:
    plane = planes.Plane("axial", 0.0, (-120.0, 120.0, -120.0, 120.0))
    picture = planes.cut(spot(0.0, -60.0, 0.0), plane)  # LPS: -y is the front
    assert np.unravel_index(picture.argmax(), picture.shape)[0] < picture.shape[0] / 2


def test_a_cut_gives_the_values_of_the_image_where_they_lie() -> None:
    ramp = spot(0, 0, 0)
    values = Image(ramp.grid, ramp.grid.centres_mm()[..., 0], "mm")
    plane = planes.Plane("coronal", 3.0, (-90.0, 90.0, 90.0, -90.0))
    assert planes.cut(values, plane) == pytest.approx(plane.points()[..., 0], abs=1e-9)


def test_the_centre_of_an_outline_is_found_on_any_grid() -> None:
    centre = planes.centroid_mm(spot(33.0, -21.0, 47.0))
    assert centre == pytest.approx([33, -21, 47], abs=0.6)
    assert planes.centroid_mm(Image(spot(0, 0, 0).grid, np.zeros((64, 64, 64)), "1")) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.01, 0.2))
def test_labels_stand_apart_in_their_order_and_no_farther_than_needed(
    wanted: list[float], gap: float
) -> None:
    placed = apart(wanted, gap)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    for a, b in pairwise(order):
        assert placed[b] - placed[a] >= gap - 1e-9
    assert sum(placed) == pytest.approx(sum(wanted))
    if all(wanted[b] - wanted[a] >= gap for a, b in pairwise(order)):
        assert placed == pytest.approx(wanted)


def test_the_activity_axis_spans_one_and_a_half_decades_at_least() -> None:
    for region in sample_result().regions:
        low, high = curves.shared_limits([region])
        assert np.log10(high / low) >= 1.5 - 1e-9
        assert low < min(s.activity_mbq.value for s in region.samples)
        assert high > max(s.activity_mbq.value for s in region.samples)


def test_left_and_right_share_an_axis() -> None:
    regions = sample_result().regions
    groups = [[r.name for r in group] for group in draw._alike(list(regions))]
    assert ["Kidney L", "Kidney R"] in groups
    assert ["Lesion 1", "Lesion 2"] in groups


def test_a_region_has_one_colour_and_shape_and_neighbours_differ() -> None:
    styles = series(["a", "b", "c"])
    assert len({(s.colour, s.marker) for s in styles.values()}) == 3
    assert len({marker for _, marker in SERIES}) == len(SERIES)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_words_beside_curves_hold_four_and_a_half_to_one_on_white() -> None:
    for style in series([str(i) for i in range(len(SERIES))]).values():
        assert 1.05 / (luminance(style.words) + 0.05) >= 4.5, style.words


def test_bars_of_the_budget_add_to_the_whole_doubt() -> None:
    dose = sample_result().regions[0].absorbed_dose_gy
    assert sum(bars.shares(dose).values()) == pytest.approx(1.0)
    assert bars.shares(Uncertain(1.0)) == {}


@pytest.mark.parametrize(
    ("cause", "group"),
    [("outline", "outline"), ("counts, scan-2", "counts"), ("camera calibration", "calibration"),
     ("point spread", "recovery"), ("half-life, population", "curve"), ("weather", "other"),
     ("slower phase, unseen, kidney", "slower phase, unseen"), ("background model", "counts"),
     ("registration, planar views across, planar-3", "registration"),
     ("least doubt of one scan", "curve"), ("CT density", "density, S"),
     ("choice of curve model, liver", "curve")],
)  # fmt: skip
def test_a_cause_goes_to_its_colour(cause: str, group: str) -> None:
    assert bars.group_of(cause) == group


def test_a_forecast_adds_whole_cycles_and_keeps_their_doubt_together() -> None:
    kidneys = sample_result().combined[0]
    then = after(kidneys.total_dose_gy, kidneys.absorbed_dose_gy, 2)
    assert then.value == pytest.approx(
        kidneys.total_dose_gy.value + 2 * kidneys.absorbed_dose_gy.value
    )
    # fully correlated parts add before they are squared
    assert then.u == pytest.approx(kidneys.total_dose_gy.u + 2 * kidneys.absorbed_dose_gy.u)


def test_cycles_stand_one_on_the_other() -> None:
    result = sample_result()
    found = cycles(result, result.combined[0], "absorbed dose")
    assert [b.label for b in found] == ["1", "2", "3", "4"]
    assert [b.forecast for b in found] == [False, False, True, True]
    for below, bar in pairwise(found):
        assert bar.before_gy == pytest.approx(below.total_gy.value, rel=1e-3)


def test_earlier_doses_that_do_not_add_up_are_shown_as_one_bar() -> None:
    result = replace(sample_result(), exposures=())
    found = cycles(result, result.combined[0], "absorbed dose")
    assert found[0].label == "before"
    assert found[0].total_gy.value == pytest.approx(3.5101, abs=1e-3)


def test_a_phase_that_no_scan_shows_has_a_colour_of_its_own_in_the_budget() -> None:
    dose = Uncertain(3.0, {"outline Kidney L": 0.3, "slower phase, unseen, kidney": 0.4})
    assert bars.shares(dose)["slower phase, unseen"] == pytest.approx(0.64)
    assert bars.GROUPS["slower phase, unseen"] not in {
        colour for group, colour in bars.GROUPS.items() if group != "slower phase, unseen"
    }
    region = replace(sample_result().regions[0], absorbed_dose_gy=dose)
    assert bars.budget_bars([region]).svg != bars.budget_bars([sample_result().regions[0]]).svg


def test_one_or_two_scans_stand_in_rows_that_fill_the_width() -> None:
    plane = planes.Plane("coronal", 0.0, (-150.0, 150.0, 200.0, -200.0))
    flat = planes.Plane("axial", 0.0, (-150.0, 150.0, -100.0, 100.0))
    for scans in (1, 2, 3, 5):
        tiles, tall = slices._beside([plane, flat], scans)
        assert len(tiles) == 2 * scans
        assert all(t.left + t.width <= slices.ROOM_MM + scans for t in tiles)
        assert all(t.down + t.height <= tall for t in tiles)
        assert all(t.height / t.width == pytest.approx(t.plane.aspect) for t in tiles)
        assert len({t.down for t in tiles}) == (scans if scans <= 2 else 2)


def test_the_curve_between_scans_stays_inside_its_axis() -> None:
    region = sample_result().regions[0]
    assert region.curve is not None
    late = replace(region, samples=region.samples[-1:])
    high = curves.shared_limits([late])[1]
    at = np.linspace(0.05, late.samples[-1].time_h, 50)
    assert high > curves.activity(region.curve, at).max()


def test_isodose_lines_are_round_and_lie_in_the_dose() -> None:
    levels = slices.isodose_levels(4.6, sample_result())
    assert levels == [2, 5, 10, 20]


def test_a_result_without_pictures_still_has_its_curves_and_bars() -> None:
    names = {f.name for f in draw.drawings(sample_result(pictures=False))}
    assert {"curves_summary", "dose_by_cycle", "budget", "dvh_organs"} <= names
    assert not {"fused", "dose_coronal", "dose_planes", "registration"} & names


def test_file_names_come_from_region_names_without_harm() -> None:
    assert curves.slug("../Läsion 1/x") == "___l_sion_1_x"
