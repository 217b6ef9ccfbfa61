"""Patients like case A, written otherwise: SEG outlines, scale in a map only, three scans."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

import quimby
from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Rigid
from quimby.measure.dicom import read_emission, survey
from quimby.study.document import Series
from quimby.study.draft import draft
from quimby.study.files import Shelf
from quimby.study.result import RegionResult, Result
from tests.case_a_truth import truth
from tests.variant_case import (
    COUNTS_PER_MBQ,
    LESIONS,
    REMAINDER,
    Kinetics,
    Variant,
    turned,
    uptake_clearance,
)
from tests.variant_files import NAMES, Style, write_case, write_scan

Counts = NDArray[np.float64]
FORMS = (
    *((place, "{counts}") for place in ("top", "frames", "object", "rescale")),
    ("top", "Bq/ml"), ("object", "MBq/ml"), ("frames", "kBq/ml"), ("top", "Bq"),
)  # fmt: skip
SMALL = Grid((6, 8, 10), np.diag([4.42, 4.42, 4.42, 1.0]))


@pytest.fixture(scope="module")
def values() -> Counts:
    """Counts that are whole multiples of the slope, so that storing loses nothing."""
    random = np.random.default_rng(7)
    return np.asarray(random.integers(0, 4000, SMALL.shape) * 0.25)


@pytest.mark.parametrize(("scale", "unit"), FORMS)
@pytest.mark.parametrize("negative", [False, True])
def test_a_scan_has_the_same_values_wherever_its_scale_stands(
    tmp_path: Path, values: Counts, scale: str, unit: str, negative: bool
) -> None:
    style = Style(scale=scale, unit=unit, negative=negative)
    seen = survey(write_scan(tmp_path, values, SMALL, style))
    scan = read_emission(seen.files_for(seen.of("spect")[0]))
    per_count = 1.0 if scan.image.unit == "counts" else 1e6 / (COUNTS_PER_MBQ * SMALL.voxel_ml)
    assert scan.image.unit == ("counts" if unit == "{counts}" else "Bq/ml")
    assert scan.image.grid.matches(SMALL)
    np.testing.assert_allclose(scan.image.values, values * per_count, rtol=1e-6)


def test_a_draft_keeps_a_scan_and_its_map_together(tmp_path: Path, values: Counts) -> None:
    """Read without its map the scan would be four times too high, in counts, unsaid."""
    write_scan(tmp_path, values, SMALL, Style(scale="object", flat=True))
    found = draft(tmp_path)
    image = found.document["administrations"][0]["measurements"][0]["image"]
    files = Shelf(tmp_path).files(Series(**image))
    np.testing.assert_allclose(read_emission(files).image.values, values, rtol=1e-6)
    assert not any("rwvm" in why for _, why in found.left_out)


def test_a_map_to_a_unit_that_is_no_activity_is_refused(tmp_path: Path, values: Counts) -> None:
    write_scan(tmp_path, values, SMALL, Style(scale="top"))
    file = tmp_path / "tp" / "SPECT.dcm"
    data = pydicom.dcmread(file)
    code = data.RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence[0]
    code.CodeValue = code.CodeMeaning = "mm2/s"
    data.save_as(file)
    with pytest.raises(QuimbyError, match="mm2/s"):
        read_emission([file])


@dataclass(frozen=True)
class Case:
    """A patient, how the files say it, and what a person answers."""

    patient: Variant
    style: Style
    answers: dict[str, str]
    zone: str | None = None


def first() -> Case:
    """A flat folder without endings or zones, an RWVM object in Bq/ml, a SEG for each region."""
    kinetics = {
        "Liver": uptake_clearance(150.0, 72.0),
        "Spleen": uptake_clearance(40.0, 70.0, 2.0, 0.6),
        "Kidney_L": uptake_clearance(42.0, 45.0, 1.5, 0.8),
        "Kidney_R": uptake_clearance(50.0, 45.0, 1.5, 0.8),
        "Lesion_1": uptake_clearance(16.0, 95.0, 6.0, 0.1),
        "Lesion_2": uptake_clearance(11.0, 70.0, 4.0, 0.3),
        "Lesion_3": uptake_clearance(8.0, 62.0, 3.0, 0.5),
        REMAINDER: Kinetics(((170.0, 50.0), (2500.0, 3.0))),
    }
    poses = (turned((0.5, -0.5, 2.5), (7.0, -4.0, -8.0)), Rigid.identity(),
             turned((0.0, 0.6, -2.0), (-6.0, 3.0, 6.0)))  # fmt: skip
    patient = Variant(kinetics, (4.0, 24.0, 120.0), poses, fwhm_mm=10.0, voxel_mm=4.42, seed=3,
                      points=12)  # fmt: skip
    style = Style(scale="object", unit="Bq/ml", negative=True, flat=True, zoned=False,
                  one_file=False, record="none", crop_slices=(26, 82))  # fmt: skip
    return Case(patient, style, {"administered": "7350 MBq"}, zone="Europe/Berlin")


def second() -> Case:
    """Counts scaled in per-frame maps, one fractional SEG, late scans, becquerels on record."""
    kinetics = {
        **first().patient.kinetics,
        "Liver": uptake_clearance(110.0, 60.0, 1.5, 0.9),
        "Spleen": uptake_clearance(60.0, 75.0, 2.5, 0.5),
        "Lesion_1": uptake_clearance(20.0, 64.0, 4.0, 0.0),
    }
    poses = (Rigid.identity(), turned((-0.6, 0.4, -3.0), (10.0, 2.0, 5.0)),
             turned((0.3, 0.3, 1.2), (-3.0, -6.0, -9.0)))  # fmt: skip
    patient = Variant(kinetics, (24.0, 72.0, 168.0), poses, reference=0, fwhm_mm=12.5,
                      voxel_mm=4.0, seed=4, points=12)  # fmt: skip
    style = Style(scale="frames", slope=0.1, fractional=True, crop_slices=(26, 82))
    return Case(patient, style, {})


@dataclass(frozen=True, eq=False)
class Found:
    """A case and what the chain made of it."""

    case: Case
    result: Result


@pytest.fixture(scope="module", params=[first, second], ids=["first", "second"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The whole chain, from a folder of DICOM."""
    case: Case = request.param()
    folder = write_case(tmp_path_factory.mktemp("variant"), case.patient, case.style)
    drafted = draft(folder, answers={"residue": "0", **case.answers}, zone=case.zone)
    return Found(case, quimby.run(drafted.study()))


def _truths(found: Found) -> Iterator[tuple[str, RegionResult, Kinetics, dict[str, float]]]:
    """(region, what was found, its true curve, what case A's truth says of its shape)."""
    told = {label: name for name, label in NAMES.items()}
    rows = truth().document["regions"]
    for row in found.result.regions:
        name = told[row.name]
        yield name, row, found.case.patient.kinetics[name], rows[name]


def test_every_region_is_found_with_its_volume(found: Found) -> None:
    assert {r.name for r in found.result.regions} == set(NAMES.values())
    for name, row, _, told in _truths(found):
        assert row.volume_ml.value == pytest.approx(told["volume_ml"], rel=0.01), name


def test_becquerels_on_record_or_in_headers_become_megabecquerels(found: Found) -> None:
    assert found.result.administered_mbq.value == pytest.approx(7350.0)
    assert not any(note.code == "W-ADMIN-DIFFERS" for note in found.result.notes)


def test_time_integrated_activity_meets_the_limits_of_acceptance(found: Found) -> None:
    inside = 0
    for name, row, curve, _ in _truths(found):
        error, u = (0.15, 0.25) if name in LESIONS else (0.03, 0.08)
        assert row.tia_mbq_h.value == pytest.approx(curve.tia_mbq_h, rel=error), name
        assert row.tia_mbq_h.u_rel <= u, name
        low, high = row.tia_mbq_h.interval()
        inside += low <= curve.tia_mbq_h <= high
    assert inside >= 6


def test_absorbed_dose_is_that_of_the_true_activity(found: Found) -> None:
    for name, row, curve, told in _truths(found):
        dose = told["self_dose_electron_gy"] / told["tia_mbq_h"] * curve.tia_mbq_h
        limit = 0.20 if name in LESIONS else 0.05
        assert row.absorbed_dose_gy.value == pytest.approx(dose, rel=limit), name


def test_the_scans_are_laid_on_each_other(found: Found) -> None:
    middle = np.array([0.0, -80.0, 0.0])
    for row, pose in zip(found.result.registrations, found.case.patient.poses, strict=True):
        off = np.linalg.norm(row.transform.apply(middle) - pose.apply(middle))
        turn = row.transform.rotation @ pose.rotation.T
        assert off < 1.5
        assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) < 0.5
