"""Outlines, occupancies and resampling: what they promise about volumes and totals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from quimby.core.errors import InputError, MethodUnfit, QuimbyError
from quimby.core.grid import Image, Rigid
from quimby.core.outline import Outline
from quimby.core.uncertain import Uncertain
from quimby.measure.alignment import off_outline_notes
from quimby.measure.mass import mass, mass_of_organ
from quimby.measure.occupancy import (
    contour_volume_ml,
    fov_notes,
    occupancy,
    outline_notes,
    placed,
    region_mask,
    volume_ml,
)
from quimby.measure.overlap import dice, dice_notes, volume_notes
from quimby.measure.polygons import Plane, coverage
from quimby.measure.regions import Region, carved, edge_of, edge_u_mm
from quimby.measure.resample import resample
from quimby.physics.materials import DensityCurve
from tests.case_a_truth import (
    centred_grid,
    sphere_mask,
    sphere_ml,
    turned_about_z,
)

Float = NDArray[np.float64]
CURVE = DensityCurve("straight", (-1000.0, 1000.0), (0.0, 2.0), 0.02, "test", "D")


def square(side: float, z: float, *, at: tuple[float, float] = (0.0, 0.0)) -> Float:
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], dtype=float) - 0.5
    return np.column_stack([corners * side + at, np.full(4, z)])


def stack(*polygons_of_plane: list[Float]) -> Outline:
    return Outline(
        "block", "frame", contours=tuple(p for plane in polygons_of_plane for p in plane)
    )


def block(side: float = 30.0, planes: int = 6, step: float = 3.0) -> Outline:
    return stack(*([square(side, n * step)] for n in range(planes)))


def test_a_block_has_area_times_planes_times_spacing() -> None:
    assert contour_volume_ml(block()) == pytest.approx(30 * 30 * 6 * 3.0 / 1000)


def test_a_polygon_inside_another_cuts_a_hole_and_one_inside_that_fills_again() -> None:
    rings = [[square(40, z), square(20, z), square(10, z)] for z in (0.0, 3.0)]

    assert contour_volume_ml(stack(*rings)) == pytest.approx((1600 - 400 + 100) * 6 / 1000)
    assert volume_ml(region_mask(stack(*rings))) == pytest.approx((1600 - 400 + 100) * 6 / 1000)


def keyhole(z: float) -> Float:
    """A ring drawn as one contour: in along a slit, round the hole the other way, and back."""
    outer = [(-20, -20), (20, -20), (20, 20), (-20, 20), (-20, 0)]
    inner = [(-10, 0), (-10, 10), (10, 10), (10, -10), (-10, -10), (-10, 0), (-20, 0)]
    return np.array([(x, y, z) for x, y in outer + inner], dtype=float)


def test_a_keyhole_is_a_hole() -> None:
    ring = Outline("ring", "frame", contours=(keyhole(0.0), keyhole(4.0)))
    mask = region_mask(ring)

    assert contour_volume_ml(ring) == pytest.approx((1600 - 400) * 8 / 1000)
    assert volume_ml(mask) == pytest.approx((1600 - 400) * 8 / 1000)
    assert (
        mask.array[0][tuple(np.round(mask.grid.index_of([0.0, 0.0, 0.0])).astype(int)[1::-1])] == 0
    )


@given(
    corners=st.lists(st.tuples(st.floats(1, 19), st.floats(1, 19)), min_size=3, max_size=9),
    step=st.sampled_from([0.5, 1.0, 2.0]),
)
@settings(max_examples=60, deadline=None)
def test_pixel_shares_agree_with_counting_points(
    corners: list[tuple[float, float]], step: float
) -> None:
    points = np.array(corners)
    middle = points.mean(axis=0)
    around = points[np.argsort(np.arctan2(*(points - middle).T))]  # star-shaped: never crossing
    plane = Plane(0.0, (around,), (1,))
    n = int(20 / step)

    shares = coverage(plane, origin_mm=np.zeros(2), step_mm=step, shape=(n, n))

    from matplotlib.path import Path as Slow

    fine = (np.arange(400) + 0.5) / 20
    x, y = np.meshgrid(fine, fine)
    inside = Slow(around).contains_points(np.column_stack([x.ravel(), y.ravel()])).reshape(400, 400)
    counted = inside.reshape(n, 400 // n, n, 400 // n).mean(axis=(1, 3))
    assert np.abs(shares - counted).max() < 0.12
    assert shares.sum() * step**2 == pytest.approx(plane.area_mm2, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_contours_of_any_orientation_hold_the_same_volume(axis: int) -> None:
    turned = tuple(np.roll(c, axis, axis=1) for c in block().contours)
    outline = Outline("turned", "frame", contours=turned)
    found = occupancy(region_mask(outline), centred_grid((30, 30, 30), 3.7), Rigid.identity())

    assert contour_volume_ml(outline) == pytest.approx(16.2)
    assert volume_ml(found) == pytest.approx(16.2, rel=0.005)


def test_oblique_contours_keep_their_place_and_volume() -> None:
    tilt = turned_about_z(20.0, [3.0, 4.0, 5.0])
    lean = Rigid(np.roll(np.roll(tilt.rotation, 1, axis=0), 1, axis=1), tilt.translation_mm)
    moved = tuple(lean.apply(c) for c in block().contours)
    mask = region_mask(Outline("leaning", "frame", contours=moved))
    weights = np.repeat(mask.values[..., None], 3, axis=-1)
    centre = np.average(mask.grid.centres_mm(), axis=(0, 1, 2), weights=weights)

    assert volume_ml(mask) == pytest.approx(16.2)
    assert centre == pytest.approx(lean.apply([0.0, 0.0, 7.5]), abs=0.01)


def test_a_missing_plane_is_named_and_not_invented() -> None:
    gap = stack(*([square(30, z)] for z in (0.0, 3.0, 9.0, 12.0)))

    assert contour_volume_ml(gap) == pytest.approx(900 * 4 * 3 / 1000)
    (said,) = outline_notes(gap)
    assert said.code == "W-IMG-CONTOUR-GAP"
    assert "1 planes" in said.text
    assert "6.0 mm" in said.text
    assert outline_notes(block()) == ()


@pytest.mark.parametrize(
    ("contours", "code"),
    [
        ((square(30, 0.0),), "E-IMG-CONTOUR-ONE"),
        ((np.add(square(30, 0.0), np.diag([0, 0, 4, 0])[:, :3]), square(30, 9.0)),
         "E-IMG-CONTOUR-PLANE"),
        ((square(30, 0.0), square(30, 3.0), square(30, 7.4)), "E-IMG-CONTOUR-STEP"),
        ((np.zeros((3, 3)), np.zeros((3, 3))), "E-IMG-CONTOUR-EMPTY"),
    ],
)  # fmt: skip
def test_contours_it_cannot_measure_are_refused_by_name(
    contours: tuple[Float, ...], code: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        region_mask(Outline("odd", "frame", contours=contours))

    assert caught.value.code == code
    assert caught.value.where == "odd"


@given(
    diameter=st.floats(15.8, 60.0),
    shift=st.tuples(*[st.floats(-9, 9)] * 3),
    turn=st.floats(-10, 10),
    step=st.sampled_from([2.4, 4.42, 4.8]),
)
@settings(max_examples=25, deadline=None)
def test_a_moved_sphere_keeps_its_volume_within_half_a_percent(
    diameter: float, shift: tuple[float, float, float], turn: float, step: float
) -> None:
    mask = sphere_mask(diameter, step_mm=1.0)
    n = int(90 / step) + 1
    found = occupancy(mask, centred_grid((n, n, n), step), turned_about_z(turn, list(shift)))

    assert volume_ml(found) == pytest.approx(volume_ml(mask), rel=0.005)
    assert volume_ml(found) == pytest.approx(sphere_ml(diameter), rel=0.01)
    assert found.values.max() <= 1.0


def test_a_region_lies_where_the_movement_takes_it() -> None:
    moved = turned_about_z(30.0, [10.0, -5.0, 8.0])
    found = occupancy(sphere_mask(20.0, (25.0, 0.0, 0.0)), centred_grid((24, 24, 24), 4.0), moved)
    centre = np.average(found.grid.centres_mm(), axis=(0, 1, 2), weights=np.repeat(
        found.values[..., None], 3, axis=-1))  # fmt: skip

    assert centre == pytest.approx(moved.apply([25.0, 0.0, 0.0]), abs=0.02)


def test_the_share_in_the_field_of_view_is_told_refused_or_noted() -> None:
    half = placed(sphere_mask(30.0), centred_grid((20, 20, 20), 4.0), turned_about_z(0, [40, 0, 0]))

    assert half.inside == pytest.approx(0.5, abs=0.01)
    assert fov_notes("kidney", 1.0) == ()
    assert fov_notes("kidney", 0.97)[0].code == "W-IMG-FOV"
    with pytest.raises(MethodUnfit, match=r"Only 90\.0 % of the region lies in the scan's field"):
        fov_notes("kidney", 0.90)


def test_a_lesion_inside_an_organ_counts_once() -> None:
    masks = {"liver": sphere_mask(60.0, step_mm=2.0), "lesion": sphere_mask(20.0, (10.0, 0, 0))}

    own, notes = carved(masks)

    assert volume_ml(own["liver"]) == pytest.approx(sphere_ml(60) - sphere_ml(20), rel=0.005)
    assert own["lesion"] is not masks["liver"]
    assert volume_ml(own["lesion"]) == volume_ml(masks["lesion"])
    assert [n.code for n in notes] == ["I-IMG-CARVED"]


def test_regions_that_cross_are_noted_and_share_nothing_afterwards() -> None:
    masks = {"a": sphere_mask(40.0, step_mm=1.0), "b": sphere_mask(30.0, (30.0, 0, 0), 1.0)}

    own, notes = carved(masks)

    assert [n.code for n in notes] == ["W-IMG-OVERLAP"]
    assert volume_ml(own["a"]) < volume_ml(masks["a"])


def test_regions_side_by_side_keep_every_millilitre() -> None:
    masks = {"a": sphere_mask(30.0, step_mm=1.0), "b": sphere_mask(30.0, (30.5, 0, 0), 1.0)}

    own, notes = carved(masks)

    assert notes == ()
    assert volume_ml(own["a"]) == pytest.approx(volume_ml(masks["a"]), rel=1e-4)


@pytest.mark.parametrize("diameter", [20.0, 40.0, 70.0])
def test_the_edge_of_a_sphere_has_its_surface(diameter: float) -> None:
    edge = edge_of(sphere_mask(diameter, step_mm=1.0))
    surface = float(edge.values.sum()) * edge.grid.voxel_ml * 1000

    assert surface == pytest.approx(np.pi * diameter**2, rel=0.03)


def test_the_doubt_of_an_edge_follows_gear_2018() -> None:
    # 60 mm lesion on SPECT, vector B-UNC-01: u(d)/d = 10.5 %, a third of u(v)/v = 31.4 %
    assert 3 * 2 * edge_u_mm(4.42, 10.0) / 60.0 == pytest.approx(0.314, abs=0.001)


def test_a_larger_outline_is_a_larger_volume_and_mass_by_one_cause() -> None:
    mask = sphere_mask(30.0, step_mm=1.0)
    region = Region("lesion", mask, edge_of(mask), 0.5)
    ct = Image(centred_grid((20, 20, 20), 4.0), np.full((20, 20, 20), 50.0), "HU")

    found = mass(ct, region, curve=CURVE)

    assert found.density_g_per_ml == pytest.approx(1.05)
    assert found.mass_g.value == pytest.approx(1.05 * sphere_ml(30.0), rel=0.005)
    assert found.volume_ml.parts["outline lesion"] == pytest.approx(
        sphere_ml(30.5) - sphere_ml(29.5), rel=0.04
    )
    assert found.mass_g.parts["outline lesion"] == pytest.approx(
        1.05 * found.volume_ml.parts["outline lesion"]
    )
    assert found.mass_g.parts["CT density"] == pytest.approx(0.02 * found.mass_g.value)


def test_contrast_takes_the_organs_usual_density_and_says_so() -> None:
    found = mass_of_organ(Uncertain(150.0), "kidney", contrast=True)

    assert found.mass_g.value == pytest.approx(157.5)
    assert [n.code for n in found.notes] == ["I-MASS-CONTRAST"]


def test_lung_weighs_what_its_numbers_say() -> None:
    mask = sphere_mask(60.0, step_mm=2.0)
    ct = Image(centred_grid((30, 30, 30), 4.0), np.full((30, 30, 30), -745.0), "HU")

    found = mass(ct, Region("lung", mask, edge_of(mask), 0.5), organ="lung")

    assert found.mass_g.value == pytest.approx(0.255 * sphere_ml(60.0), rel=0.005)


@given(step=st.floats(1.5, 7.0), turn=st.floats(-15, 15))
@settings(max_examples=15, deadline=None)
def test_an_amount_is_conserved_onto_any_grid(step: float, turn: float) -> None:
    source = Image(centred_grid((9, 9, 9), 4.0), np.random.default_rng(1).random((9, 9, 9)), "MBq")
    n = int(70 / step)

    after = resample(source, centred_grid((n, n, n), step), turned_about_z(turn, [1.0, 2.0, 0.0]))

    assert after.values.sum() == pytest.approx(source.values.sum(), rel=1e-9)


def test_an_amount_that_would_be_lost_is_refused() -> None:
    source = Image(centred_grid((9, 9, 9), 4.0), np.ones((9, 9, 9)), "counts")

    with pytest.raises(MethodUnfit, match="E-IMG-CONSERVE"):
        resample(source, centred_grid((5, 5, 5), 4.0))


def test_a_concentration_is_not_scaled_by_the_voxel() -> None:
    source = Image(centred_grid((9, 9, 9), 4.0), np.full((9, 9, 9), 7.0), "Bq/ml")

    assert resample(source, centred_grid((9, 9, 9), 2.0)).values == pytest.approx(7.0)
    with pytest.raises(QuimbyError, match="E-IMG-OUTSIDE"):
        resample(source, centred_grid((30, 30, 30), 4.0))
    assert resample(source, centred_grid((30, 30, 30), 4.0), outside=0.0).values.min() == 0.0


def test_a_coarser_grid_takes_the_average_not_a_point() -> None:
    checks = np.indices((16, 16, 16)).sum(axis=0) % 2 * 100.0
    fine = Image(centred_grid((16, 16, 16), 1.0), checks, "HU")

    after = resample(fine, centred_grid((2, 2, 2), 4.0))

    assert after.values == pytest.approx(50.0, abs=1.0)


def test_a_value_that_is_no_number_is_refused() -> None:
    holes = np.full((4, 4, 4), np.nan)

    with pytest.raises(InputError, match="E-IMG-NAN"):
        resample(Image(centred_grid((4, 4, 4), 1.0), holes, "HU"), centred_grid((2, 2, 2), 1.0))


def test_dice_of_a_mask_with_itself_is_one_and_low_ones_are_noted() -> None:
    grid = centred_grid((20, 20, 20), 3.0)
    a = occupancy(sphere_mask(30.0), grid, Rigid.identity())
    b = occupancy(sphere_mask(30.0), grid, turned_about_z(0, [15.0, 0, 0]))

    assert dice(a, a) == 1.0
    assert dice_notes(dice(a, b), where="kidney")[0].code == "W-IMG-DICE"
    assert dice_notes(0.9, where="kidney") == ()


def test_a_kidney_of_the_wrong_size_is_noted() -> None:
    assert volume_notes(1500.0, "kidneys", where="kidneys")[0].code == "W-IMG-VOL"
    assert volume_notes(300.0, "kidneys", where="kidneys") == ()
    assert volume_notes(3.0, "lesion", where="lesion") == ()


def test_a_region_beside_its_activity_is_noted() -> None:
    assert off_outline_notes(8.0, 150.0, "kidney", where="kidney")[0].code == "W-IMG-REG"
    assert off_outline_notes(8.0, 6.0, "lesion", where="lesion") == ()
    far = off_outline_notes(12.0, 6.0, "lesion", where="lesion")[0]
    assert far.limit == pytest.approx(11.27, abs=0.02)  # half its diameter
