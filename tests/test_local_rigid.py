"""One organ registered by itself: found where it went, not believed where it cannot have gone."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from quimby.core.errors import InputError
from quimby.core.grid import Grid, Image, Rigid
from quimby.devices.point_spread import blur
from quimby.measure.local_rigid import (
    moved_region,
    register_organ,
    register_organ_on_activity,
)
from quimby.measure.occupancy import occupancy, volume_ml
from quimby.measure.regions import Region, edge_of
from tests.case_a_truth import centred_grid, turned_about_z

KIDNEY = np.array([60.0, 30.0, -20.0])
HALF = np.array([26.0, 20.0, 50.0])
BODY = turned_about_z(2.0, [8.0, -5.0, 6.0])


def ellipsoid(points: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Share inside, from points about its centre; edges take 3 mm."""
    far = np.linalg.norm(points / half, axis=-1)
    slope = np.linalg.norm(points / half**2, axis=-1) / np.maximum(far, 1e-9)
    return np.asarray(np.clip((1.0 - far) / np.maximum(slope, 1e-9) / 3.0 + 0.5, 0.0, 1.0))


def lattice(step_mm: float = 3.0, half_mm: float = 150.0) -> Grid:
    n = round(2 * half_mm / step_mm)
    return centred_grid((n, n, n), step_mm)


@cache
def mask() -> Image:
    grid = centred_grid((64, 40, 40), 2.0)
    affine = np.array(grid.affine)
    affine[:3, 3] += KIDNEY
    points = grid.centres_mm()
    return Image(Grid(grid.shape, affine), ellipsoid(points, HALF).astype(np.float32), "1")


def organ_move(shift: list[float], degrees: float) -> Rigid:
    """A turn about z through the kidney's centre, then a shift, in the reference's frame."""
    turn = turned_about_z(degrees, [0.0, 0.0, 0.0]).rotation
    return Rigid(turn, KIDNEY + np.array(shift) - turn @ KIDNEY)


def after(second: Rigid, first: Rigid) -> Rigid:
    return Rigid(second.rotation @ first.rotation, second.apply(first.translation_mm))


def ct(body: Rigid, kidney: Rigid, seed: int) -> Image:
    """Fat, with a spine that follows the body and a kidney that may not; drawn where it lies."""
    points = lattice().centres_mm()
    here, there = body.inverse().apply(points), after(body, kidney).inverse().apply(points)
    values = np.full(points.shape[:-1], -100.0)
    for at, half, hu in (((0, 70, 0), (20, 20, 400), 250.0), ((-60, -20, 40), (60, 50, 50), 60.0)):
        values += ellipsoid(here - np.array(at), np.array(half, dtype=float)) * (hu - values)
    values += ellipsoid(there - KIDNEY, HALF) * (35.0 - values)
    return Image(lattice(), values + np.random.default_rng(seed).normal(0, 15, values.shape), "HU")


@cache
def reference() -> Image:
    return ct(Rigid.identity(), Rigid.identity(), 1)


def worst_mm(found: Rigid, wanted: Rigid) -> float:
    ends = KIDNEY + np.array([[25, 0, 0], [0, 20, 0], [0, 0, 50], [0, 0, -50], [-25, 0, 0]])
    return float(np.linalg.norm(found.apply(ends) - wanted.apply(ends), axis=-1).max())


def activity(where: Rigid, seed: int) -> Image:
    """A hot kidney and a liver, blurred, with noise, on voxels of 4.8 mm."""
    grid = lattice(4.8, 144.0)
    hot = occupancy(mask(), grid, where).values
    liver = ellipsoid(grid.centres_mm() - [-60.0, -20.0, 40.0], np.array([60.0, 50.0, 50.0]))
    seen = np.asarray(blur(hot + 0.3 * liver + 0.03, grid, (11.0, 11.0, 11.0)))
    random = np.random.default_rng(seed)
    return Image(grid, random.poisson(np.maximum(seen, 0) * 300.0) / 300.0, "MBq/ml")


@pytest.mark.parametrize(("shift", "degrees"), [([0.0, 2.0, -11.0], 4.0), ([5.0, -3.0, 8.0], -6.0)])
def test_a_kidney_that_moved_by_itself_is_found_within_half_a_millimetre(
    shift: list[float], degrees: float
) -> None:
    alone = organ_move(shift, degrees)

    found = register_organ(reference(), ct(BODY, alone, 2), mask(), BODY, where="kidney, scan-2")

    assert found.taken
    assert worst_mm(found.transform, after(BODY, alone)) < 0.5
    assert found.shift_mm == pytest.approx(np.linalg.norm(shift), abs=0.3)
    assert found.turn_deg == pytest.approx(abs(degrees), abs=0.5)
    assert found.similarity > found.similarity_before
    assert [n.code for n in found.notes] == ["I-REG-LOCAL"]


def test_a_kidney_that_stayed_with_the_body_keeps_its_registration() -> None:
    found = register_organ(
        reference(), ct(BODY, Rigid.identity(), 2), mask(), BODY, where="kidney, scan-2"
    )

    assert not found.taken
    assert found.transform is BODY
    assert [n.code for n in found.notes] == ["W-REG-LOCAL-UNSURE"]


def test_a_movement_beyond_the_bound_is_told_and_not_used() -> None:
    there = ct(BODY, organ_move([0.0, 0.0, -19.0], 0.0), 2)

    found = register_organ(reference(), there, mask(), BODY, where="kidney, scan-2")

    assert (found.taken, found.shift_mm, found.transform) == (False, 0.0, BODY)
    assert [n.code for n in found.notes] == ["W-REG-LOCAL-BOUND"]
    assert found.notes[0].value == pytest.approx(19.0, abs=1.0)
    assert found.notes[0].where == "kidney, scan-2"


def test_on_the_activity_the_outline_is_laid_within_a_millimetre() -> None:
    wanted = after(Rigid.identity(), organ_move([3.0, -2.0, -9.0], 0.0))

    found = register_organ_on_activity(
        activity(wanted, 3), mask(), Rigid.identity(), fwhm_mm=11.0, where="kidney, scan-2"
    )

    assert found.taken
    centre = np.linalg.norm(found.transform.apply(KIDNEY) - wanted.apply(KIDNEY))
    assert centre < 1.0


def test_the_unit_of_the_activity_does_not_matter() -> None:
    there = activity(organ_move([0.0, 0.0, -8.0], 0.0), 4)
    counts = Image(there.grid, there.values * 1e5 + 7.0, "counts")

    found, again = (
        register_organ_on_activity(x, mask(), Rigid.identity(), fwhm_mm=11.0, where="kidney")
        for x in (there, counts)
    )

    assert worst_mm(found.transform, again.transform) < 1e-3


def test_an_organ_outside_the_scan_and_a_wrong_unit_are_refused() -> None:
    away = Rigid(np.eye(3), np.array([0.0, 0.0, 900.0]))

    with pytest.raises(InputError, match="E-IMG-REG"):
        register_organ(reference(), reference(), mask(), away, where="kidney")
    with pytest.raises(InputError, match="E-IMG-UNIT"):
        register_organ(
            reference(), Image(lattice(), reference().array, "MBq"), mask(), BODY, where="kidney"
        )


def test_the_same_images_give_the_same_bytes() -> None:
    there = ct(BODY, organ_move([2.0, 0.0, -7.0], 3.0), 5)

    once, again = (
        register_organ(reference(), there, mask(), BODY, where="kidney") for _ in range(2)
    )

    assert once.transform.rotation.tobytes() == again.transform.rotation.tobytes()
    assert once.transform.translation_mm.tobytes() == again.transform.translation_mm.tobytes()


def test_a_moved_region_keeps_its_volume_and_lies_in_the_scan_as_the_organ_does() -> None:
    region = Region("kidney", mask(), edge_of(mask()), 0.5)
    organ = after(BODY, organ_move([4.0, 1.0, -9.0], 5.0))

    moved = moved_region(region, BODY, organ)

    assert moved.volume_ml.value == pytest.approx(region.volume_ml.value, rel=1e-12)
    assert moved.volume_ml.u == pytest.approx(region.volume_ml.u, rel=1e-12)
    coarse = lattice(6.0)
    by_organ = occupancy(region.mask, coarse, organ).values
    by_body = occupancy(moved.mask, coarse, BODY).values
    assert by_body == pytest.approx(by_organ, abs=0.02)
    assert volume_ml(moved.mask) == pytest.approx(float(by_organ.sum()) * coarse.voxel_ml, rel=2e-3)
