"""Registration: where it lands, when it doubts, and that it repeats itself."""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks import registration as bench

from quimby.core.errors import InputError
from quimby.core.grid import Grid, Image, Rigid
from quimby.measure.registration import Registration, by_least_squares, register
from quimby.measure.registration_levels import levels_of
from quimby.measure.registration_mattes import by_mutual_information
from quimby.measure.resample import resample
from tests import case_a_truth
from tests.case_a_truth import centred_grid, turned_about_z

POINTS = np.array([[0, 0, 0], [120, 0, 0], [0, 90, 0], [0, 0, 150], [-100, 0, -150]], dtype=float)


def phantom() -> Image:
    """A body with a spine, two kidneys and a liver, HU, 6 mm voxels."""
    grid = centred_grid((40, 60, 60), 6.0)
    x, y, z = np.moveaxis(grid.centres_mm(), -1, 0)
    values = np.full(grid.shape, -1000.0)

    def fill(at: tuple[float, float, float], half: tuple[float, float, float], hu: float) -> None:
        inside = sum(((c - a) / h) ** 2 for c, a, h in zip((x, y, z), at, half, strict=True)) < 1
        values[inside] = hu

    fill((0, 0, 0), (150, 100, 115), 20.0)
    fill((0, 70, 0), (15, 15, 100), 300.0)
    fill((60, 30, -20), (25, 20, 50), 60.0)
    fill((-60, 35, -30), (25, 20, 50), 60.0)
    fill((-50, -30, 50), (70, 50, 40), 80.0)
    fill((60, -10, 70), (40, 40, 30), -700.0)
    noise = np.random.default_rng(3).normal(0.0, 15.0, grid.shape)
    return Image(grid, values + noise, "HU")


def moved_phantom(moved: Rigid) -> Image:
    return resample(phantom(), phantom().grid, moved, outside=-1000.0)


def worst_mm(found: Registration, wanted: Rigid) -> float:
    return float(np.linalg.norm(found.transform.apply(POINTS) - wanted.apply(POINTS), axis=1).max())


@pytest.mark.parametrize(
    ("degrees", "shift"), [(2.0, [-6.0, 4.0, 9.0]), (-4.0, [30.0, -25.0, 12.0])]
)
def test_a_known_movement_is_found_also_from_a_few_centimetres_off(
    degrees: float, shift: list[float]
) -> None:
    wanted = turned_about_z(degrees, shift)

    found = register(phantom(), moved_phantom(wanted))

    assert worst_mm(found, wanted) < 1.5
    assert found.angle_deg == pytest.approx(abs(degrees), abs=0.5)
    assert found.similarity > found.similarity_before
    assert found.notes == ()


def test_the_same_images_give_the_same_bytes() -> None:
    there = moved_phantom(turned_about_z(1.0, [5.0, 0.0, -5.0]))

    once, again = (register(phantom(), there) for _ in range(2))

    assert once.transform.rotation.tobytes() == again.transform.rotation.tobytes()
    assert once.transform.translation_mm.tobytes() == again.transform.translation_mm.tobytes()


def test_another_body_blocks_the_signature() -> None:
    rng = np.random.default_rng(5)
    lumps = np.kron(rng.normal(0.0, 120.0, (8, 12, 12)), np.ones((5, 5, 5)))
    stranger = Image(phantom().grid, np.where(phantom().values > -300, lumps, -1000.0), "HU")

    found = register(phantom(), stranger, where="scan-3")

    assert [n.code for n in found.notes] == ["S-IMG-REG"]
    assert found.notes[0].severity == "blocking"
    assert found.notes[0].where == "scan-3"


def test_air_and_wrong_units_are_refused() -> None:
    air = Image(phantom().grid, np.full(phantom().grid.shape, -1000.0), "HU")

    with pytest.raises(InputError, match="E-IMG-REG"):
        register(phantom(), air)
    with pytest.raises(InputError, match="E-IMG-UNIT"):
        register(phantom(), Image(air.grid, air.array, "counts"))


@pytest.mark.parametrize("scan", [1, 4])
def test_case_a_is_registered_within_a_millimetre_and_a_tenth_of_a_degree(scan: int) -> None:
    truth = case_a_truth.truth()

    found = register(case_a_truth.ct(case_a_truth.REFERENCE), case_a_truth.ct(scan))

    assert worst_mm(found, truth.pose(scan)) < 1.0
    assert found.angle_deg == pytest.approx(truth.pose(scan).angle_deg, abs=0.1)
    assert found.overlap > 0.95
    assert found.notes == ()


FINER = centred_grid((64, 60, 72), 5.0)


def drawn(moved: Rigid, seed: int, grid: Grid = FINER) -> Image:
    """The phantom of benchmarks/registration.py, drawn where it lies, noise of its own."""
    return bench.drawn_phantom(moved, seed, grid)


def worst_in_body_mm(found: Registration, wanted: Rigid, fixed: Image) -> float:
    body = fixed.grid.points_mm(np.argwhere(fixed.values > -300.0)[::97, ::-1])
    off = np.linalg.norm(found.transform.apply(body) - wanted.apply(body), axis=-1)
    return float(off.max())


@pytest.mark.parametrize("seed", [11, 12, 13])
def test_any_pose_is_found_within_a_fifth_of_a_millimetre_at_five_millimetres(seed: int) -> None:
    wanted = bench.pose(np.random.default_rng(seed))
    fixed = drawn(Rigid.identity(), 1)

    found = register(fixed, drawn(wanted, 2))

    assert worst_in_body_mm(found, wanted, fixed) < 0.2
    assert found.notes == ()


def test_contrast_in_the_kidneys_and_another_arm_do_not_pull() -> None:
    wanted = turned_about_z(3.0, [10.0, -6.0, 8.0])
    fixed, there = drawn(Rigid.identity(), 1), drawn(wanted, 2)
    lying = wanted.inverse().apply(FINER.centres_mm())
    values = there.values.copy()
    for at, half, hu in (
        ((62, 35, -30), (28, 24, 55), 200.0),
        ((-62, 38, -40), (28, 24, 55), 200.0),
        ((172, 0, 0), (16, 30, 400), 30.0),
    ):
        values[np.linalg.norm((lying - np.array(at)) / np.array(half), axis=-1) < 1] = hu

    found = register(fixed, Image(FINER, values, "HU"))

    assert worst_in_body_mm(found, wanted, fixed) < 1.0


def test_a_couch_that_stays_while_the_patient_turns_does_not_pull() -> None:
    wanted = turned_about_z(-5.0, [6.0, 0.0, 10.0])
    y = FINER.centres_mm()[..., 1]
    top = (y > 125.0) & (y < 130.0)

    def on_couch(image: Image) -> Image:
        return Image(image.grid, np.where(top, -50.0, image.values), "HU")

    fixed = on_couch(drawn(Rigid.identity(), 1))
    found = register(fixed, on_couch(drawn(wanted, 2)))

    assert worst_mm(found, wanted) < 1.5


def test_scans_of_parts_of_the_body_are_joined_where_they_overlap() -> None:
    wanted = turned_about_z(2.0, [5.0, 5.0, 40.0])
    low, high = FINER.cropped((0, 0, 0), (48, 60, 72)), FINER.cropped((18, 0, 0), (64, 60, 72))
    fixed = drawn(Rigid.identity(), 1, low)

    found = register(fixed, drawn(wanted, 2, high))

    assert worst_in_body_mm(found, wanted, fixed) < 0.5
    assert found.overlap < 0.85


def test_ct_of_other_voxels_and_axes_is_found_as_well() -> None:
    wanted = bench.pose(np.random.default_rng(21))
    affine = np.diag([-4.0, 4.0, -3.0, 1.0])
    affine[:3, 3] = [160.0, -150.0, 165.0]
    fixed = drawn(Rigid.identity(), 1)

    found = register(fixed, drawn(wanted, 2, Grid((110, 75, 80), affine)))

    assert worst_in_body_mm(found, wanted, fixed) < 0.5


def test_the_second_opinion_finds_the_same_movement_by_another_way() -> None:
    wanted = turned_about_z(2.0, [-6.0, 4.0, 9.0])
    here, there = (levels_of(drawn(m, n), "x") for n, m in ((1, Rigid.identity()), (2, wanted)))

    by_squares = by_least_squares(here, there)
    by_information = by_mutual_information(here, there)

    assert by_squares is not None
    assert by_information is not None
    off = np.linalg.norm(by_squares.apply(POINTS) - by_information.apply(POINTS), axis=1)
    assert off.max() < 1.0
