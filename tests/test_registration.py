"""Registration: where it lands, when it doubts, and that it repeats itself."""

from __future__ import annotations

import numpy as np
import pytest

from quimby.core.errors import InputError
from quimby.core.grid import Image, Rigid
from quimby.measure.registration import Registration, register
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
