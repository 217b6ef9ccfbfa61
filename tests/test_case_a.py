"""The whole job on case A, where everything that was put in is known.

`pytest tests/test_case_a.py -s` shows the table of acceptance.
"""

from __future__ import annotations

import json
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from quimby.core.grid import Rigid
from quimby.report import json as document
from quimby.study.draft import draft
from quimby.study.result import RegionResult, Result
from quimby.study.run import run
from tests.case_a_truth import truth
from tests.conftest import shared_path

ORGANS = ("Kidney_L", "Kidney_R", "Liver", "Spleen")
LESIONS = ("Lesion_1", "Lesion_2", "Lesion_3")
REGIONS = ORGANS + LESIONS
GY_G_PER_MBQ_H = 0.0853063
"""Energy of electrons of 177Lu for each decay; stands here apart from the program's own table."""
TIA_WITHIN = dict.fromkeys(ORGANS, 0.03) | dict.fromkeys(LESIONS, 0.15)
TIA_U_MOST = dict.fromkeys(ORGANS, 0.08) | dict.fromkeys(LESIONS, 0.25)
DOSE_WITHIN = dict.fromkeys(ORGANS, 0.05) | dict.fromkeys(LESIONS, 0.20)
VOLUME_WITHIN = dict.fromkeys(ORGANS, 0.03) | dict.fromkeys(LESIONS, 0.05)
FACTOR, FWHM_MM = 9.36, 11.0


@pytest.fixture(scope="module")
def result(case_a: Path) -> Result:
    """The whole job, from the folder."""
    return run(draft(case_a, answers={"residue": "0"}).study())


@pytest.fixture(scope="module")
def regions(result: Result) -> dict[str, RegionResult]:
    """Outlined regions by name."""
    return {row.name: row for row in result.regions}


def true_dose_gy(name: str) -> float:
    """True TIA x S, with S = energy of electrons / true mass: no photons, nothing escapes."""
    mass_g = float(truth().document["regions"][name]["mass_g"])
    return truth().tia_mbq_h(name) * GY_G_PER_MBQ_H / mass_g


@pytest.fixture(scope="module")
def drawn_ml(case_a: Path) -> dict[str, float]:
    """Volume of each outline straight from its polygons: shoelace areas times slice distance."""
    data = pydicom.dcmread(case_a / "tp2" / "RTSTRUCT.dcm")
    names = {roi.ROINumber: str(roi.ROIName) for roi in data.StructureSetROISequence}
    return {names[roi.ReferencedROINumber]: _volume_ml(roi) for roi in data.ROIContourSequence}


def _volume_ml(roi: Any) -> float:
    polygons = [np.array(c.ContourData, float).reshape(-1, 3) for c in roi.ContourSequence]
    heights = sorted({round(float(p[0, 2]), 2) for p in polygons})
    step = float(np.median(np.diff(heights)))
    areas = [
        abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2
        for x, y in ((p[:, 0], p[:, 1]) for p in polygons)
    ]
    return float(sum(areas)) * step / 1000.0


def off(found: float, true: float) -> float:
    """Relative deviation."""
    return found / true - 1.0


def test_the_table_of_acceptance(
    regions: dict[str, RegionResult], drawn_ml: dict[str, float]
) -> None:
    print("\n region     TIA off   u(TIA)  true in 95 %  dose off  volume off  outline off")
    for name in REGIONS:
        row, true = regions[name], truth().tia_mbq_h(name)
        low, high = row.tia_mbq_h.interval()
        print(
            f" {name:<9} {off(row.tia_mbq_h.value, true):+8.2%} {row.tia_mbq_h.u_rel:8.2%}"
            f" {'yes' if low <= true <= high else 'NO':>13}"
            f" {off(row.absorbed_dose_gy.value, true_dose_gy(name)):+9.2%}"
            f" {off(row.volume_ml.value, truth().volume_ml(name)):+11.2%}"
            f" {off(row.volume_ml.value, drawn_ml[name]):+12.2%}"
        )
    assert set(regions) == set(REGIONS)


@pytest.mark.parametrize("name", REGIONS)
def test_time_integrated_activity_is_that_put_in(
    regions: dict[str, RegionResult], name: str
) -> None:
    assert abs(off(regions[name].tia_mbq_h.value, truth().tia_mbq_h(name))) <= TIA_WITHIN[name]


@pytest.mark.parametrize("name", REGIONS)
def test_the_stated_doubt_is_useful(regions: dict[str, RegionResult], name: str) -> None:
    assert 0.0 < regions[name].tia_mbq_h.u_rel <= TIA_U_MOST[name]


def test_the_truth_lies_in_the_stated_intervals(regions: dict[str, RegionResult]) -> None:
    inside = []
    for name in REGIONS:
        low, high = regions[name].tia_mbq_h.interval()
        inside.append(low <= truth().tia_mbq_h(name) <= high)
    assert sum(inside) >= 6


@pytest.mark.parametrize("name", REGIONS)
def test_dose_agrees_with_an_s_value_made_by_hand(
    regions: dict[str, RegionResult], name: str
) -> None:
    assert abs(off(regions[name].absorbed_dose_gy.value, true_dose_gy(name))) <= DOSE_WITHIN[name]


@pytest.mark.parametrize("name", REGIONS)
def test_volume_is_that_of_the_polygons_and_of_the_organ(
    regions: dict[str, RegionResult], drawn_ml: dict[str, float], name: str
) -> None:
    volume = regions[name].volume_ml.value
    assert abs(off(volume, drawn_ml[name])) <= 0.01
    assert abs(off(volume, truth().volume_ml(name))) <= VOLUME_WITHIN[name]


def landmarks(result: Result) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Centre of each outline, and six points 150 mm from their middle, LPS mm."""
    assert result.pictures is not None
    centres = []
    for mask in result.pictures.occupancy.values():
        inside = np.argwhere(mask.values > 0.5)
        centres.append(mask.grid.points_mm(inside.mean(axis=0)[::-1]))
    middle = np.mean(centres, axis=0)
    around = [middle + sign * 150.0 * axis for axis in np.eye(3) for sign in (-1, 1)]
    return np.array([*centres, *around])


@pytest.mark.parametrize("scan", [1, 2, 3, 4])
def test_every_scan_is_laid_where_the_patient_lay(result: Result, scan: int) -> None:
    found = next(r for r in result.registrations if r.measurement == f"scan-{scan}").transform
    true = truth().pose(scan)
    points = landmarks(result)
    apart = np.linalg.norm(found.apply(points) - true.apply(points), axis=1)
    turned = Rigid(found.rotation @ true.rotation.T, np.zeros(3)).angle_deg
    print(f"\n scan {scan}: up to {apart.max():.2f} mm and {turned:.2f} degrees from the truth")
    assert apart.max() <= 1.5
    assert turned <= 0.5


def test_the_camera_was_calibrated_to_what_it_is(result: Result) -> None:
    said = dict(result.trace.methods)
    factor = float(said["calibration"].split()[0])
    fwhm_mm = float(said["partial volume"].split("FWHM ")[1].split()[0])
    assert factor == pytest.approx(FACTOR, rel=0.005)
    assert fwhm_mm == pytest.approx(FWHM_MM, abs=0.15)


def test_both_kidneys_are_the_sum_of_each(result: Result, regions: dict[str, RegionResult]) -> None:
    (kidneys,) = result.combined
    left, right = regions["Kidney_L"], regions["Kidney_R"]
    both = left.tia_mbq_h.value + right.tia_mbq_h.value
    assert kidneys.members == ("Kidney_L", "Kidney_R")
    assert kidneys.tia_mbq_h.value == pytest.approx(both)
    assert kidneys.mass_g.value == pytest.approx(left.mass_g.value + right.mass_g.value)
    share = right.mass_g.value / kidneys.mass_g.value
    mean = (1 - share) * left.absorbed_dose_gy.value + share * right.absorbed_dose_gy.value
    assert kidneys.absorbed_dose_gy.value == pytest.approx(mean)


def test_doubt_that_both_kidneys_share_does_not_average_away(result: Result) -> None:
    (kidneys,) = result.combined
    calibration = kidneys.tia_mbq_h.parts["camera calibration"] / kidneys.tia_mbq_h.value
    each = [
        row.tia_mbq_h.parts["camera calibration"] / row.tia_mbq_h.value
        for row in result.regions
        if row.name in kidneys.members
    ]
    assert min(each) <= calibration <= max(each)


def test_a_dose_picture_and_the_regions_agree(
    result: Result, regions: dict[str, RegionResult]
) -> None:
    assert result.pictures is not None
    for name in ("Liver", "Spleen", "Kidney_L", "Kidney_R"):
        row = regions[name]
        assert row.dvh is not None
        assert row.dvh.mean_gy == pytest.approx(row.absorbed_dose_gy.value, rel=0.05)


def test_all_activity_in_the_body_is_accounted_for(result: Result) -> None:
    """Closure: regions and the rest of the body together hold what was put in at scan 2."""
    put_in = sum(truth().activity_mbq(2).values())
    found = sum(row.samples[1].activity_mbq.value for row in result.regions)
    rest = truth().activity_mbq(2)["Remainder"]
    assert found + rest == pytest.approx(put_in, rel=0.02)


def test_nothing_blocks_a_signature_on_a_good_study(result: Result) -> None:
    assert [n.code for n in result.notes if n.severity == "blocking"] == []


def test_the_result_names_no_folder_of_this_machine(result: Result, case_a: Path) -> None:
    text = document.text(result)
    assert str(case_a.parent) not in text
    assert {row.path for row in result.trace.inputs} >= {"tp1/SPECT.dcm", "tp2/RTSTRUCT.dcm"}


def test_the_truth_is_not_among_the_files_that_were_read(result: Result) -> None:
    assert not [row.path for row in result.trace.inputs if "truth" in row.path]


def test_half_lives_are_those_of_the_kinetics(regions: dict[str, RegionResult]) -> None:
    """Organs: the effective half-life put in lies within three stated uncertainties, and 5 %."""
    file = shared_path("data", "lu177_dotatate_case_a.truth.json")
    kinetics = json.loads(file.read_text("utf-8"))["regions"]
    for name in ORGANS:
        curve = regions[name].curve
        assert curve is not None
        true_h = max(half_life for _, half_life in kinetics[name]["kinetics"])
        found = curve.half_lives_h["effective"]
        assert abs(found.value - true_h) <= 3 * found.u
        assert found.value == pytest.approx(true_h, rel=0.05)


def test_a_sphere_of_its_volume_would_hold_each_lesion(regions: dict[str, RegionResult]) -> None:
    """Electrons that leave a lesion are left out: less than in a sphere of 1 mm range would be."""
    for name in LESIONS:
        radius_mm = (3 * regions[name].volume_ml.value * 1000 / (4 * pi)) ** (1 / 3)
        leaves = 1 - regions[name].electron_fraction
        assert 0 < leaves < 3 / (4 * radius_mm)
