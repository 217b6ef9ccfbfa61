"""Scans laid on another grid by cubic splines: as scipy does, as sharp as they were, never less."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image, Rigid
from quimby.measure.resample import resample
from quimby.measure.spline import resample_sharp
from tests.case_a_truth import centred_grid, turned_about_z

Float = NDArray[np.float64]
GRID = centred_grid((18, 20, 22), 4.8)
MOVED = turned_about_z(-3.0, [2.3, -1.7, 2.4])


def image(values: Float, grid: Grid = GRID) -> Image:
    return Image(grid, values, "MBq/ml")


def smooth(seed: int = 1) -> Float:
    raw = np.random.default_rng(seed).random(GRID.shape)
    return np.asarray(1.0 + gaussian_filter(raw, 1.0))


def ball(diameter_mm: float) -> Float:
    """A ball as a camera with 11 mm shows it, in MBq/ml."""
    fine = centred_grid(tuple(4 * n for n in GRID.shape), 1.2)  # type: ignore[arg-type]
    inside = (fine.centres_mm() ** 2).sum(axis=-1) <= (diameter_mm / 2) ** 2
    blurred = gaussian_filter(inside.astype(float), 11.0 / 2.3548 / 1.2)
    k, j, i = GRID.shape
    return np.asarray(blurred.reshape(k, 4, j, 4, i, 4).mean(axis=(1, 3, 5)))


def test_it_agrees_with_scipys_spline_in_the_image() -> None:
    values = smooth()
    index = GRID.index_of(MOVED.inverse().apply(GRID.centres_mm()))
    known = map_coordinates(values, [index[..., n] for n in (2, 1, 0)], order=3, mode="mirror")
    seen = np.all((index >= 0) & (index <= np.array(GRID.shape[::-1]) - 1), axis=-1)

    found = resample_sharp(image(values), GRID, MOVED, outside=0.0)

    assert found.array.dtype == np.float32
    assert seen.mean() > 0.7
    assert found.values[seen] == pytest.approx(known[seen], rel=1e-6)


def test_unmoved_it_is_the_image_itself() -> None:
    values = smooth()
    found = resample_sharp(image(values), GRID, Rigid.identity(), outside=0.0)
    assert found.values == pytest.approx(values, rel=1e-6)


def test_an_even_image_stays_even_up_to_half_a_voxel_beyond_its_centres() -> None:
    half = Rigid(np.eye(3), np.array([2.39, 0.0, 0.0]))
    found = resample_sharp(image(np.full(GRID.shape, 3.0)), GRID, half, outside=-1.0)
    assert found.values == pytest.approx(3.0)
    far = Rigid(np.eye(3), np.array([2.41, 0.0, 0.0]))
    beyond = resample_sharp(image(np.full(GRID.shape, 3.0)), GRID, far, outside=-1.0).values
    assert (beyond[:, :, 0] == -1.0).all()
    assert beyond[:, :, 1:] == pytest.approx(3.0)


def test_a_small_lesion_keeps_what_linear_values_take_from_it() -> None:
    halfway = Rigid(np.eye(3), np.array([2.4, 2.4, 2.4]))
    values = ball(20.0)
    truth = float(values.max())

    peak = resample_sharp(image(values), GRID, halfway, outside=0.0).values
    back = resample_sharp(image(peak), GRID, halfway.inverse(), outside=0.0).values
    linear = resample(image(values), GRID, halfway, outside=0.0)
    linear_back = resample(linear, GRID, halfway.inverse(), outside=0.0).values

    assert back.max() == pytest.approx(truth, rel=0.01)
    assert linear_back.max() < 0.85 * truth


def test_where_the_scan_has_nothing_below_zero_neither_has_it_moved() -> None:
    edge = np.zeros(GRID.shape)
    edge[:, :, 11:] = 5.0  # a spline swings below zero beside a step
    values = resample_sharp(image(edge), GRID, MOVED, outside=0.0).values
    assert values.min() == 0.0
    assert values.max() > 5.0


def test_what_the_scan_has_below_zero_stays_below() -> None:
    dip = np.zeros(GRID.shape)
    dip[9, 10, 11] = -1.0
    values = resample_sharp(image(dip), GRID, MOVED, outside=0.0).values
    assert values.min() < -0.2


def test_larger_voxels_take_the_mean_of_what_they_hold() -> None:
    values = smooth()
    coarse = centred_grid((9, 10, 11), 9.6)
    found = resample_sharp(image(values), coarse, Rigid.identity(), outside=0.0)
    known = resample(image(values), coarse, Rigid.identity(), outside=0.0)
    assert found.values == pytest.approx(known.values, rel=1e-6)


def test_a_value_that_is_no_number_is_refused() -> None:
    values = smooth()
    values[3, 4, 5] = np.nan
    with pytest.raises(QuimbyError, match="E-IMG-NAN"):
        resample_sharp(image(values), GRID, MOVED, outside=0.0)
