"""Activity moved rigidly to another grid: its sum stays, in any pose and any voxel size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quimby.core.grid import Grid, Image, Rigid
from quimby.measure.resample import resample

POSES = st.tuples(*[st.floats(-0.6, 0.6)] * 3, *[st.floats(-25.0, 25.0)] * 3)
STEPS = st.tuples(*[st.floats(2.5, 9.0)] * 3)
FINE = st.tuples(*[st.floats(2.5, 6.0)] * 3)
"""Voxels in use; from 7 to 8 mm the beat of the two grids costs up to a per cent."""
COVERED_MM = 300.0


def rigid(pose: tuple[float, ...]) -> Rigid:
    """Turns about x, y, z (rad), then a shift (mm)."""
    rotation = np.eye(3)
    for axis, angle in enumerate(pose[:3]):
        a, b = [n for n in range(3) if n != axis]
        turn = np.eye(3)
        turn[[a, a, b, b], [a, b, a, b]] = (
            np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle),
        )  # fmt: skip
        rotation = turn @ rotation
    return Rigid(rotation, np.array(pose[3:]))


def lattice(steps: tuple[float, float, float], width_mm: float) -> Grid:
    """Centred on the origin, (column, row, slice) steps."""
    counts = [int(np.ceil(width_mm / step)) for step in steps]
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = [-(n - 1) / 2 * step for n, step in zip(counts, steps, strict=True)]
    return Grid((counts[2], counts[1], counts[0]), affine)


def scattered(grid: Grid, seed: int) -> Image:
    """Single hot voxels: the hardest to keep."""
    random = np.random.default_rng(seed)
    values = np.where(random.random(grid.shape) < 0.01, random.exponential(5.0, grid.shape), 0.0)
    return Image(grid, values, "MBq")


def smooth(grid: Grid, unit: str) -> Image:
    """A blurred organ of about 30 mm, off centre."""
    points = grid.centres_mm() - np.array([12.0, -8.0, 15.0])
    return Image(grid, np.exp(-(points**2).sum(axis=-1) / (2 * 14.0**2)), unit)


@settings(max_examples=12, deadline=None)
@given(pose=POSES, old=STEPS, new=STEPS, seed=st.integers(0, 1000))
def test_amounts_of_even_single_voxels_keep_their_sum_exactly(
    pose: tuple[float, ...],
    old: tuple[float, float, float],
    new: tuple[float, float, float],
    seed: int,
) -> None:
    source = scattered(lattice(old, 80.0), seed)

    there = resample(source, lattice(new, COVERED_MM), rigid(pose))

    assert there.values.sum() == pytest.approx(source.values.sum(), rel=1e-9)
    assert there.values.min() >= 0.0


@settings(max_examples=12, deadline=None)
@given(pose=POSES, old=STEPS, new=STEPS)
def test_amounts_keep_their_centre_within_a_tenth_of_the_finer_voxel(
    pose: tuple[float, ...], old: tuple[float, float, float], new: tuple[float, float, float]
) -> None:
    source, moved = smooth(lattice(old, 120.0), "MBq"), rigid(pose)

    there = resample(source, lattice(new, COVERED_MM), moved)

    part = min(*old, *new) / 5  # each source voxel is handed on in parts of this size
    assert centre(there) == pytest.approx(moved.apply(centre(source)), abs=part / 2 + 0.02)


@settings(max_examples=12, deadline=None)
@given(pose=POSES, old=FINE, new=FINE)
def test_a_blurred_organ_as_concentration_keeps_its_activity_within_half_a_percent(
    pose: tuple[float, ...], old: tuple[float, float, float], new: tuple[float, float, float]
) -> None:
    source = smooth(lattice(old, 160.0), "MBq/ml")

    there = resample(source, lattice(new, COVERED_MM), rigid(pose), outside=0.0)

    assert activity(there) == pytest.approx(activity(source), rel=5e-3)


def activity(image: Image) -> float:
    return float(image.values.sum()) * image.grid.voxel_ml


def centre(image: Image) -> np.ndarray:
    weights = image.values[..., None]
    return np.asarray((weights * image.grid.centres_mm()).sum(axis=(0, 1, 2)) / weights.sum())
