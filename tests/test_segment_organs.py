"""Body, lungs, bone and kidneys: a patient of simple shapes, and case A."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image, Rigid
from quimby.core.uncertain import Uncertain
from quimby.measure.dicom import read_ct, read_emission, read_outlines
from quimby.measure.occupancy import occupancy, region_mask, volume_ml
from quimby.measure.overlap import dice
from quimby.measure.segment import Seed, Segmented, adaptive, body, bone, kidneys, lungs
from quimby.measure.segment.working import coarsened

STEP = 4.0


def ellipse(grid: Grid, centre: tuple[float, float, float], radii: tuple[float, float, float]):  # type: ignore[no-untyped-def]
    return (((grid.centres_mm() - np.array(centre)) / np.array(radii)) ** 2).sum(axis=-1) <= 1.0


def ellipsoid_ml(*radii: float) -> float:
    return float(4.0 / 3.0 * np.pi * np.prod(radii) / 1000.0)


LUNG, KIDNEY = (38.0, 60.0, 70.0), (25.0, 22.0, 50.0)


@cache
def patient() -> tuple[Image, Image]:
    """CT and scan of a trunk with lungs, spine, ribs' worth of cortex, kidneys, gas and a couch."""
    affine = np.diag([STEP, STEP, STEP, 1.0])
    affine[:3, 3] = (-200.0, -160.0, -200.0)
    grid = Grid((100, 80, 100), affine)
    points = grid.centres_mm()
    x, y = points[..., 0], points[..., 1]
    hu = np.full(grid.shape, -1000.0)
    trunk = (x / 165.0) ** 2 + (y / 110.0) ** 2 <= 1.0
    hu[trunk] = -100.0  # fat
    hu[(x / 150.0) ** 2 + (y / 95.0) ** 2 <= 1.0] = -90.0
    for side in (75.0, -75.0):
        hu[ellipse(grid, (side, 0.0, 100.0), LUNG)] = -800.0
    hu[ellipse(grid, (20.0, -60.0, -60.0), (15.0, 15.0, 15.0))] = -990.0  # gas, 14 ml
    hu[(np.abs(x) < 20.0) & (np.abs(y - 60.0) < 20.0)] = 400.0  # spine, a square column
    hu[(np.abs(y - 140.0) < 5.0) & (np.abs(x) < 180.0)] = 100.0  # couch, 8 to 12 mm thick
    uptake = np.where(trunk, 0.02, 0.0)
    for side in (60.0, -60.0):
        where = ellipse(grid, (side, 45.0, -60.0), KIDNEY)
        hu[where], uptake[where] = 35.0, 1.0
    liver = ellipse(grid, (-70.0, -30.0, 0.0), (60.0, 50.0, 40.0))
    hu[liver & (hu < 0) & (hu > -500)], uptake[liver & (uptake < 0.5)] = 60.0, 0.4
    hu = hu + np.random.default_rng(3).normal(0.0, 10.0, hu.shape)
    from quimby.devices.point_spread import blur

    return Image(grid, hu, "HU"), Image(grid, 1e5 * blur(uptake, grid, 11.0), "Bq/ml")


def codes(made: Segmented) -> set[str]:
    return {n.code for n in made.notes}


def test_the_body_is_the_trunk_and_not_the_couch() -> None:
    made = body(patient()[0])
    assert made.volume_ml.value == pytest.approx(np.pi * 16.5 * 11.0 * 40.0, rel=0.03)
    _, j, _ = np.nonzero(made.mask.values)
    lowest = made.mask.grid.points_mm((0, j.max(), 0))[1]
    assert lowest < 120.0  # the couch begins at 135
    assert codes(made) == {"W-SEG-CUT"}
    assert "outline Body" in made.volume_ml.parts


def test_each_lung_is_found_and_gas_is_none() -> None:
    both = lungs(patient()[0])
    for made, side in ((both.left, 1.0), (both.right, -1.0)):
        assert abs(made.volume_ml.value - ellipsoid_ml(*LUNG)) < 2.0 * made.volume_ml.u
        k, j, i = np.nonzero(made.mask.values)
        x, _, z = made.mask.grid.points_mm((i.mean(), j.mean(), k.mean()))
        assert side * x == pytest.approx(75.0, abs=4.0)
        assert z == pytest.approx(100.0, abs=4.0)
    assert not (both.left.mask.values * both.right.mask.values).any()


def test_bone_is_the_spine() -> None:
    made = bone(patient()[0])
    assert made.volume_ml.value == pytest.approx(9 * 9 * 100 * 0.064, rel=0.05)
    assert "W-SEG-BONE" in codes(made)


def test_lungs_and_bone_lie_in_the_body_and_not_in_each_other() -> None:
    ct = patient()[0]
    both, hard, whole = lungs(ct), bone(ct), body(ct)
    on = [occupancy(m.mask, ct.grid, Rigid.identity()).values
          for m in (both.left, both.right, hard)]  # fmt: skip
    inside = occupancy(whole.mask, ct.grid, Rigid.identity()).values
    assert float(sum(np.minimum(part, inside).sum() for part in on)) == pytest.approx(
        float(sum(part.sum() for part in on)), rel=0.01
    )
    assert float(np.minimum(on[0] + on[1], on[2]).sum()) == 0.0


def test_kidneys_beside_the_spine_are_found_on_their_sides() -> None:
    found = kidneys(*patient())
    for made, side in ((found.left, 60.0), (found.right, -60.0)):
        assert made is not None
        truth = ellipse(made.mask.grid, (side, 45.0, -60.0), KIDNEY)
        both = dice(Image(made.mask.grid, truth.astype(float), "1"), made.mask)
        assert both > 0.85
        assert codes(made) == {"W-SEG-KIDNEY"}


def test_a_patient_with_one_kidney_has_one() -> None:
    ct, scan = patient()
    x = scan.grid.centres_mm()[..., 0]
    found = kidneys(ct, Image(scan.grid, np.where(x > 0, scan.values, 0.0), "Bq/ml"))
    assert found.left is not None
    assert found.right is None
    assert [n.code for n in found.notes] == ["W-SEG-KIDNEY-SIDE"]


def test_a_scan_without_uptake_has_no_kidneys() -> None:
    ct, scan = patient()
    with pytest.raises(QuimbyError, match="E-SEG-NOTHING"):
        kidneys(ct, Image(scan.grid, 0.0 * scan.values, "Bq/ml"))


def test_a_ct_of_air_has_no_organs_and_only_hu_is_taken() -> None:
    ct = patient()[0]
    air = Image(ct.grid, np.full(ct.grid.shape, -1000.0), "HU")
    for find in (body, lungs, bone):
        with pytest.raises(QuimbyError, match="E-SEG-NONE"):
            find(air)
        with pytest.raises(QuimbyError, match="E-IMG-UNIT"):
            find(Image(ct.grid, ct.array, "counts"))


def test_a_fine_ct_is_averaged_and_keeps_its_place_and_mean() -> None:
    affine = np.diag([1.0, 1.0, 1.5, 1.0])
    affine[:3, 3] = (-20.0, -30.0, 40.0)
    fine = Image(
        Grid((20, 60, 60), affine), np.random.default_rng(1).normal(size=(20, 60, 60)), "HU"
    )
    coarse = coarsened(fine, where="t")
    assert coarse.grid.spacing_mm == (3.0, 3.0, 3.0)
    assert float(coarse.values.mean()) == pytest.approx(float(fine.values.mean()), abs=1e-6)
    assert coarse.grid.points_mm((0, 0, 0)) == pytest.approx([-19.0, -29.0, 40.75])


@pytest.fixture(scope="module")
def scan_2(case_a: Path) -> tuple[Image, Image, dict[str, Image]]:
    """CT, SPECT and its physicist's masks of case A's second scan."""
    ct = read_ct(sorted((case_a / "tp2" / "CT").glob("*.dcm"))).image
    scan = read_emission([case_a / "tp2" / "SPECT.dcm"]).image
    drawn = read_outlines(case_a / "tp2" / "RTSTRUCT.dcm")
    return ct, scan, {o.name: region_mask(o, like=ct.grid) for o in drawn}


def alike(made: Segmented, drawn: Image, grid: Grid) -> float:
    one, two = (occupancy(m, grid, Rigid.identity()) for m in (made.mask, drawn))
    return dice(one, two)


def test_case_a_body_agrees_with_the_drawn_one(
    scan_2: tuple[Image, Image, dict[str, Image]],
) -> None:
    ct, _, drawn = scan_2
    made = body(ct)
    assert alike(made, drawn["Body"], ct.grid) > 0.95
    assert abs(made.volume_ml.value - volume_ml(drawn["Body"])) < 0.08 * made.volume_ml.value


def test_case_a_lungs_and_bone_are_plausible(scan_2: tuple[Image, Image, dict[str, Image]]) -> None:
    ct = scan_2[0]
    both, hard = lungs(ct), bone(ct)
    assert "W-SEG-CUT" in codes(both.left)  # the scan ends within the chest
    assert 300.0 < both.left.volume_ml.value < both.right.volume_ml.value < 1500.0
    assert 800.0 < hard.volume_ml.value < 2500.0


def test_case_a_kidneys_by_rule_are_drafts_and_no_more(
    scan_2: tuple[Image, Image, dict[str, Image]],
) -> None:
    """Dice 0.84 right; 0.60 left, where the spleen hangs on: far from the 0.9 to be accepted."""
    ct, scan, drawn = scan_2
    found = kidneys(ct, scan)
    assert found.right is not None
    assert found.left is not None
    assert alike(found.right, drawn["Kidney_R"], ct.grid) == pytest.approx(0.84, abs=0.05)
    assert alike(found.left, drawn["Kidney_L"], ct.grid) == pytest.approx(0.60, abs=0.1)
    assert "W-SEG-KIDNEY" in codes(found.left)


@pytest.mark.parametrize("name", ["Lesion_1", "Lesion_2", "Lesion_3"])
def test_case_a_lesions_by_adaptive_threshold_lie_within_their_doubt(
    scan_2: tuple[Image, Image, dict[str, Image]], name: str
) -> None:
    _, scan, drawn = scan_2
    mask = drawn[name]
    k, j, i = np.nonzero(mask.values > 0.5)
    x, y, z = mask.grid.points_mm((i.mean(), j.mean(), k.mean()))
    made = adaptive(scan, name, Seed((float(x), float(y), float(z)), 18.0),
                    fwhm_mm=Uncertain(11.0, {"point spread": 0.5}))  # fmt: skip
    assert abs(made.volume_ml.value - volume_ml(mask)) < 2.0 * made.volume_ml.u
