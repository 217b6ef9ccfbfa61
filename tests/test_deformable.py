"""Deformable registration: how near it comes, what it says of itself, and what it conserves."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.errors import MethodUnfit
from quimby.core.grid import Grid, Image, Rigid
from quimby.measure.deformable import (
    DeformableRegistration,
    Deformation,
    carried_back,
    deform,
)
from quimby.measure.resample import resample, sampled
from tests.case_a_truth import centred_grid, turned_about_z
from tests.test_registration import phantom

LIVER = np.array([-50.0, -30.0, 50.0])
RIGID = turned_about_z(3.0, [6.0, -4.0, 8.0])


def breathed(points: np.ndarray) -> np.ndarray:
    """Liver and dome 9 mm lower and 4 mm aside, fading over 45 mm."""
    share = np.exp(-((points - LIVER) ** 2).sum(axis=-1) / (2 * 45.0**2))
    return np.asarray(points + share[..., None] * np.array([4.0, 0.0, 9.0]))


def inverse_of_breathed(points: np.ndarray) -> np.ndarray:
    x = points.copy()
    for _ in range(30):
        x = x - (breathed(x) - points)
    return x


@cache
def scan() -> Image:
    """The phantom after breathing and a rigid movement."""
    grid = phantom().grid
    came_from = inverse_of_breathed(RIGID.inverse().apply(grid.centres_mm()))
    return Image(grid, sampled(phantom(), came_from, outside=-1000.0), "HU")


@cache
def found() -> DeformableRegistration:
    return deform(phantom(), scan(), RIGID, where="scan-2")


def smooth_deformation(
    grid: Grid, heights: tuple[float, float, float], width: float
) -> Deformation:
    """A known one: a Gaussian push. Its volume by the formula, not by differences."""
    points = grid.centres_mm()
    share = np.exp(-((points) ** 2).sum(axis=-1) / (2 * width**2))
    push = np.array(heights)
    # d = push s(x), so det(I + push grad(s)^T) = 1 + push . grad s
    volume = 1.0 + share * ((-points / width**2) @ push)
    return Deformation(RIGID, grid, share[..., None] * push, volume)


def test_organs_that_moved_by_breathing_come_more_than_twice_nearer() -> None:
    body = phantom().values > -300
    points = phantom().grid.points_mm(np.argwhere(body)[:, ::-1])
    near = np.linalg.norm(points - LIVER, axis=-1) < 50.0
    wanted = RIGID.apply(breathed(points[near]))

    rigid = np.linalg.norm(RIGID.apply(points[near]) - wanted, axis=-1).mean()
    off = np.linalg.norm(found().deformation.apply(points[near]) - wanted, axis=-1).mean()

    assert rigid > 5.0
    assert off < rigid / 2.5


def test_it_measures_its_own_quality() -> None:
    q = found()

    assert q.similarity > q.similarity_before + 0.003
    assert q.unfolded == 1.0
    assert 0.5 < q.volume_range[0] < 1.0 < q.volume_range[1] < 1.4
    assert 0.0 < q.inverse_mm[0] < 2.0
    assert q.inverse_mm[0] < q.inverse_mm[1] < 3.0
    assert q.notes == ()


def test_nothing_to_deform_is_said() -> None:
    still = deform(phantom(), phantom(), Rigid.identity())

    assert np.abs(still.deformation.further_mm).max() < 1e-6
    assert [n.code for n in still.notes] == ["W-REG-DEFORM-ALIKE"]


def test_a_stranger_is_marked() -> None:
    rng = np.random.default_rng(5)
    lumps = np.kron(rng.normal(0.0, 120.0, (8, 12, 12)), np.ones((5, 5, 5)))
    stranger = Image(phantom().grid, np.where(phantom().values > -300, lumps, -1000.0), "HU")

    codes = {n.code for n in deform(phantom(), stranger, Rigid.identity(), where="x").notes}

    assert codes & {"S-REG-FOLD", "W-REG-DEFORM-INVERSE"}


def test_the_same_images_give_the_same_bytes() -> None:
    again = deform(phantom(), scan(), RIGID, where="scan-2")

    assert again.deformation.further_mm.tobytes() == found().deformation.further_mm.tobytes()


def test_its_change_of_volume_is_that_of_a_small_cube_it_moves() -> None:
    """The determinant against the volume of a cube whose corners are moved."""
    d = found().deformation
    at, h = np.array([-50.0, -30.0, 20.0]), 6.0
    edges = d.apply(at + h * np.eye(3)) - d.apply(at - h * np.eye(3))

    cube = float(np.linalg.det(edges)) / (2 * h) ** 3

    assert cube != pytest.approx(1.0, abs=0.02)
    assert float(d.volume_at(at[None])[0]) == pytest.approx(cube, abs=0.01)


def blob(grid: Grid, centre: np.ndarray, width: float, unit: str) -> Image:
    far = ((grid.centres_mm() - centre) ** 2).sum(axis=-1)
    return Image(grid, np.exp(-far / (2 * width**2)), unit)


@settings(max_examples=15, deadline=None)
@given(
    heights=st.tuples(*[st.floats(-12.0, 12.0)] * 3),
    width=st.floats(35.0, 60.0),
    centre=st.tuples(*[st.floats(-40.0, 40.0)] * 3),
    step=st.floats(3.0, 9.0),
)
def test_amounts_keep_their_total_through_any_smooth_deformation(
    heights: tuple[float, float, float],
    width: float,
    centre: tuple[float, float, float],
    step: float,
) -> None:
    grid = centred_grid((64, 64, 64), 4.0)
    source = blob(centred_grid((60, 60, 60), 5.0), np.array(centre), 15.0, "MBq")
    side = int(260 / step)

    there = carried_back(
        source, smooth_deformation(grid, heights, width), centred_grid((side, side, side), step)
    )

    assert there.unit == "MBq"
    assert there.values.sum() == pytest.approx(source.values.sum(), rel=5e-3)


def test_amounts_keep_their_total_through_a_deformation_that_was_found() -> None:
    source = blob(phantom().grid, RIGID.apply(breathed(LIVER)), 20.0, "MBq")

    there = carried_back(source, found().deformation, phantom().grid)

    assert there.values.sum() == pytest.approx(source.values.sum(), rel=5e-3)


def test_a_concentration_is_read_where_the_tissue_lies_and_not_weighted() -> None:
    grid = centred_grid((40, 40, 40), 5.0)
    even = Image(centred_grid((80, 80, 80), 5.0), np.full((80, 80, 80), 3.0), "MBq/ml")

    there = carried_back(even, smooth_deformation(grid, (8.0, -5.0, 9.0), 40.0), grid)

    assert there.values == pytest.approx(3.0)


def test_a_mask_is_carried_to_the_tissue_it_came_from() -> None:
    grid = phantom().grid
    far = np.linalg.norm((grid.centres_mm() - LIVER) / [60.0, 42.0, 35.0], axis=-1)
    liver = Image(grid, np.clip((1.0 - far) * 7.0 + 0.5, 0.0, 1.0), "1")
    moved_points = inverse_of_breathed(RIGID.inverse().apply(grid.centres_mm()))
    in_scan = Image(grid, np.minimum(sampled(liver, moved_points, outside=0.0), 1.0), "1")

    back = carried_back(in_scan, found().deformation, grid, outside=0.0)
    rigidly = resample(in_scan, grid, RIGID.inverse(), outside=0.0)

    assert dice(back, liver) > 0.9
    assert dice(back, liver) > dice(rigidly, liver) + 0.02
    assert back.values.min() >= 0.0
    assert back.values.max() <= 1.0


def dice(a: Image, b: Image) -> float:
    both = float(np.minimum(a.values, b.values).sum())
    return 2.0 * both / float(a.values.sum() + b.values.sum())


def test_a_grid_that_loses_activity_and_a_missing_outside_are_refused() -> None:
    d = smooth_deformation(centred_grid((40, 40, 40), 5.0), (5.0, 0.0, 0.0), 40.0)
    source = blob(centred_grid((60, 60, 60), 5.0), np.zeros(3), 20.0, "MBq")
    small = centred_grid((6, 6, 6), 5.0)

    with pytest.raises(MethodUnfit, match="E-IMG-CONSERVE"):
        carried_back(source, d, small)
    with pytest.raises(MethodUnfit, match="E-IMG-OUTSIDE"):
        carried_back(Image(source.grid, source.array, "MBq/ml"), d, centred_grid((90, 90, 90), 5.0))
    assert carried_back(source, d, small, total_within=None).values.sum() < source.values.sum()
