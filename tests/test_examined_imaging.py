"""What an examination with unseen imaging cases broke, and holds now."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from quimby.core.errors import InputError, MethodUnfit
from quimby.core.grid import Grid, Image
from quimby.core.outline import Outline
from quimby.devices.point_spread import blur
from quimby.measure.dicom import read_ct, read_emission, survey
from quimby.measure.dicom.split_series import stack_of, whole_series
from quimby.measure.nifti import read_labels, same_voxels, write_labels, write_nifti
from quimby.measure.noise import estimate
from quimby.measure.partial_volume import recover
from quimby.measure.regions import prepare
from quimby.measure.scans import EmissionScan
from quimby.study.decay_reference import with_decay_reference
from quimby.study.document import Series as Named
from quimby.study.document import Spect
from quimby.study.draft import draft
from quimby.study.drafted import Draft
from quimby.study.inputs import read_inputs
from quimby.study.laid import place_u_mm, ready, registrations
from quimby.study.progress import silent
from tests import dicom_builder as build
from tests.case_a_truth import centred_grid, sphere_mask, turned_about_z
from tests.test_partial_volume import CT, FWHM, GRID, regions, scene
from tests.variants import copy, edit, edit_all, light_patient, quick_patient

LU_H = 159.5
NO_RESIDUE = {"residue": "0"}


# --- the moment to which a file's activities stand -------------------------------------------


def corrected(folder: Path, **changes: Any) -> EmissionScan:
    """A scan in Bq/ml, corrected for decay; it began on 2026-03-03 at 09:54."""
    usual = {"Units": "BQML", "CorrectedImage": ["ATTN", "DECY"], "DecayCorrection": "START"}
    return read_emission(build.save(folder, build.spect(**{**usual, **changes})))


def codes(scan: EmissionScan) -> set[str]:
    return {n.code for n in scan.notes if "DECAY" in n.code}


@pytest.mark.parametrize(
    ("moment", "name"), [("20260303095400", "START"), ("20260302101200", "ADMIN")]
)
def test_a_written_moment_tells_start_from_administration(
    tmp_path: Path, moment: str, name: str
) -> None:
    scan = corrected(tmp_path, DecayCorrection=None, DecayCorrectionDateTime=moment)

    assert scan.decay_reference == name
    assert codes(scan) == set()


@pytest.mark.parametrize(("days", "word"), [(1, None), (-2, "START"), (5, "ADMIN")])
def test_values_of_any_other_moment_are_brought_to_the_start(
    tmp_path: Path, days: int, word: str | None
) -> None:
    moment = datetime(2026, 3, 3, 9, 54) + timedelta(days=days)
    plain = corrected(tmp_path / "a")
    scan = corrected(tmp_path / "b", DecayCorrection=word,
                     DecayCorrectionDateTime=f"{moment:%Y%m%d%H%M%S}")  # fmt: skip

    assert scan.decay_reference == "START"
    assert codes(scan) == {"I-DCM-DECAY-MOMENT"}
    ratio = scan.image.values.sum() / plain.image.values.sum()
    assert ratio == pytest.approx(2.0 ** (24.0 * days / LU_H), rel=2e-3)


def test_a_series_time_on_another_day_widens_the_doubt_until_somebody_says_which(
    tmp_path: Path,
) -> None:
    scan = corrected(tmp_path, SeriesDate="20260302")
    gap = 2.0 ** (24.0 / LU_H) - 1.0

    assert codes(scan) == {"W-DCM-DECAY-REF"}
    assert scan.doubts["decay reference"] == pytest.approx(gap / np.sqrt(3.0), rel=0.15)
    asked = Spect(id="scan-1", image=Named(path="x"), decay_reference="START")
    told = with_decay_reference(scan, asked, LU_H, zone="Europe/Berlin")
    assert (dict(told.doubts), codes(told)) == ({}, set())
    assert told.image.values.sum() == scan.image.values.sum()


def test_the_study_may_name_the_moment_itself(tmp_path: Path) -> None:
    scan = corrected(tmp_path, SeriesDate="20260302")
    asked = Spect.model_validate(
        {"id": "scan-1", "image": {"path": "x"}, "decay_reference": "2026-03-02T09:54+01:00"}
    )

    told = with_decay_reference(scan, asked, LU_H, zone="Europe/Berlin")

    assert (told.decay_reference, dict(told.doubts)) == ("START", {})
    ratio = told.image.values.sum() / scan.image.values.sum()
    assert ratio == pytest.approx(2.0 ** (-24.0 / LU_H), rel=1e-5)


# --- NIfTI labels -----------------------------------------------------------------------------


def turned(grid: Grid, order: tuple[int, ...], signs: tuple[int, ...]) -> Grid:
    """The same voxels counted along the axes in another order, from other corners."""
    ends = np.array(grid.shape[::-1]) - 1.0
    way = np.zeros((3, 3))
    for axis, (source, sign) in enumerate(zip(order, signs, strict=True)):
        way[source, axis] = sign
    affine = np.array(grid.affine)
    affine[:3, 3] = grid.points_mm(np.where(way.sum(axis=1) > 0, 0.0, ends))
    affine[:3, :3] = grid.affine[:3, :3] @ way
    columns, rows, slices = (int(ends[source]) + 1 for source in order)
    return Grid((slices, rows, columns), affine)


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_the_same_voxels_are_known_however_they_are_counted(
    order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    affine = np.eye(4)
    affine[:3, :3] = [[1.8, -0.3, 0.0], [0.2, 2.7, 0.0], [0.0, 0.0, 4.0]]
    affine[:3, 3] = (5.0, 6.0, 7.0)
    grid = Grid((7, 6, 5), affine)
    other = turned(grid, order, signs)
    beside = np.array(other.affine)
    beside[2, 3] += 1.0

    assert same_voxels(other, grid)
    assert not same_voxels(Grid(other.shape, beside), grid)
    assert not same_voxels(Grid((other.shape[0] + 1, *other.shape[1:]), other.affine), grid)


def test_labels_written_from_the_feet_and_from_the_right_are_those_of_the_ct(
    tmp_path: Path,
) -> None:
    ct = centred_grid((20, 24, 28), 4.0)
    organ = Outline("liver", "frame", mask=sphere_mask(30.0, step_mm=2.0))
    path = write_labels([organ], turned(ct, (0, 1, 2), (-1, -1, 1)), tmp_path / "liver.nii.gz")

    (found,) = read_labels(path, frame_of_reference="frame", like=ct).outlines

    assert found.mask is not None
    held = found.mask.grid.points_mm(np.argwhere(found.mask.values > 0.5)[:, ::-1])
    assert np.abs(held.mean(axis=0)).max() < 0.5


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo patient with few slices, not to be changed."""
    return light_patient(tmp_path_factory)


@pytest.fixture
def patient(light: Path, tmp_path: Path) -> Path:
    return copy(light, tmp_path / "patient")


def measured(found: Draft) -> list[dict[str, Any]]:
    return list(found.document["administrations"][0]["measurements"])


def asked(found: Draft) -> set[str]:
    return {q.key for q in found.questions}


def labels_of(patient: Path, day: str, path: Path) -> None:
    """A liver on the CT of that day, and no structure set."""
    grid = stack_of(sorted((patient / day / "CT").iterdir()))
    assert grid is not None
    middle = grid.points_mm((np.array(grid.shape[::-1]) - 1.0) / 2.0)
    x, y, z = (float(v) for v in middle)
    mask = sphere_mask(60.0, (x, y, z), step_mm=4.0)
    path.parent.mkdir(exist_ok=True)
    write_labels([Outline("Liver", "frame", mask=mask)], grid, path)
    for one in patient.glob("tp*/RTSTRUCT.dcm"):
        one.unlink()


def test_a_draft_takes_nifti_labels_for_those_of_the_ct_they_lie_beside(patient: Path) -> None:
    labels_of(patient, "tp3", patient / "tp3" / "labels.nii.gz")

    found = draft(patient, answers=NO_RESIDUE)

    outlines = found.document["administrations"][0]["outlines"]
    assert (outlines["paths"], outlines["on"]) == (["tp3/labels.nii.gz"], "scan-3")
    assert outlines["regions"] == {"Liver": "liver"}
    assert not any("labels" in file for file, _ in found.left_out)
    assert asked(found) == set()


def test_a_draft_asks_where_voxels_alone_do_not_tell_the_day(patient: Path) -> None:
    labels_of(patient, "tp3", patient / "segmentation" / "labels.nii.gz")

    found = draft(patient, answers=NO_RESIDUE)

    assert "outlines_on" in asked(found)
    assert found.document["administrations"][0]["outlines"]["on"] == ""


def test_a_nifti_that_holds_no_labels_is_left_out_with_its_own_reason(patient: Path) -> None:
    values = np.arange(60.0).reshape(3, 4, 5) / 7.0
    write_nifti(Image(centred_grid((3, 4, 5), 4.0), values, "HU"), patient / "picture.nii")

    found = dict(draft(patient, answers=NO_RESIDUE).left_out)

    assert "labels" in found["picture.nii"]


# --- several reconstructions, several phantoms -------------------------------------------------


def again(path: Path, name: str, change: Callable[[Dataset], object]) -> None:
    """A second file of the same acquisition, as another series."""
    other = path.with_name(name)
    other.write_bytes(path.read_bytes())

    def changed(data: Dataset) -> None:
        data.SeriesInstanceUID, data.SOPInstanceUID = generate_uid(), generate_uid()
        change(data)

    edit(other, changed)


def test_of_two_reconstructions_the_one_corrected_for_attenuation_is_drafted(
    patient: Path,
) -> None:
    again(patient / "tp2" / "SPECT.dcm", "A_NAC.dcm",
          lambda d: setattr(d, "CorrectedImage", ["SCAT", "UNIF"]))  # fmt: skip

    found = draft(patient, answers=NO_RESIDUE)

    assert [m["image"]["path"] for m in measured(found)] == [
        f"tp{n}/SPECT.dcm" for n in (1, 2, 3, 4)
    ]
    assert "corrected for more" in dict(found.left_out)["tp2/A_NAC.dcm"]


def test_between_reconstructions_corrected_alike_a_person_chooses(patient: Path) -> None:
    again(patient / "tp2" / "SPECT.dcm", "SMOOTH.dcm",
          lambda d: setattr(d, "SeriesDescription", "smooth"))  # fmt: skip

    found = draft(patient, answers=NO_RESIDUE)

    assert len(measured(found)) == 4
    assert "scans.scan-2.image" in asked(found)
    question = next(q for q in found.questions if q.key == "scans.scan-2.image")
    chosen = question.example.partition("=")[2].strip("'")
    told = draft(patient, answers={**NO_RESIDUE, question.key: chosen})
    assert measured(told)[1]["image"] != measured(found)[1]["image"]
    assert asked(told) == set()


def test_last_years_cylinder_is_no_scan_of_the_patient(patient: Path) -> None:
    def older(data: Dataset) -> None:
        data.AcquisitionDate = data.SeriesDate = data.StudyDate = "20250119"

    (cylinder,) = patient.glob("calibration/cylinder/*.dcm")
    again(cylinder, "OLD.dcm", older)

    found = draft(patient, answers=NO_RESIDUE)

    assert len(measured(found)) == 4
    assert found.document["calibration"]["cylinder"]["path"].endswith("SPECT.dcm")
    assert dict(found.left_out)["calibration/cylinder/OLD.dcm"] == "another scan of a phantom"


def test_a_view_without_its_opposite_says_so_among_what_is_left_out(patient: Path) -> None:
    for later in ("tp1", "tp3", "tp4"):
        shutil.rmtree(patient / later)
    frame = np.ones((4, 5), dtype="u2")
    view = build.changed(build.spect(frame[None]), ImageType=["ORIGINAL", "PRIMARY", "STATIC"],
                         PatientID="QUIMBY-DEMO", ActualFrameDuration=600000)  # fmt: skip
    build.save(patient / "planar", view)

    left = dict(draft(patient, answers=NO_RESIDUE).left_out)

    (reason,) = (why for file, why in left.items() if file.startswith("planar/"))
    assert reason.startswith("one view alone")


# --- CTs of two beds ----------------------------------------------------------------------------


def bed_cts(shared: int, **changes: Any) -> tuple[list[Dataset], list[Dataset]]:
    """Nine slices of one CT as two, the second from the fifth slice on less `shared` of them."""
    whole, more = build.ct(9), build.ct(9)
    for data in more:
        data.SOPInstanceUID = generate_uid()
        build.changed(data, SeriesInstanceUID="2.25.77", AcquisitionTime="102000", **changes)
    return whole[:5], more[5 - shared :]


def test_cts_of_two_beds_that_overlap_are_one_volume(tmp_path: Path) -> None:
    whole = read_ct(build.save(tmp_path / "one", *build.ct(9)))
    first, second = bed_cts(shared=2)
    build.save(tmp_path / "two" / "a", *first)
    build.save(tmp_path / "two" / "b", *second)

    (found,) = whole_series(survey(tmp_path / "two").of("ct"))
    scan = read_ct(found.files, split=True)

    assert np.array_equal(scan.image.array, whole.image.array)
    assert scan.image.grid.matches(whole.image.grid)
    grid = stack_of(found.files)
    assert grid is not None
    assert grid.matches(whole.image.grid)


@pytest.mark.parametrize(
    ("shared", "change"), [(5, {}), (2, {"AcquisitionTime": "120000"}), (2, {"PatientID": "P2"})]
)
def test_cts_that_are_no_beds_of_one_scan_stay_apart(
    tmp_path: Path, shared: int, change: dict[str, Any]
) -> None:
    first, second = bed_cts(shared)
    for data in second:
        build.changed(data, **change)
    if shared == 5:
        second = second[:5]
    build.save(tmp_path / "a", *first)
    build.save(tmp_path / "b", *second)

    assert len(whole_series(survey(tmp_path).of("ct"))) == 2


# --- scan and CT in frames of reference of their own ----------------------------------------------


def visits_of(folder: Path) -> tuple[Any, Any]:
    study = draft(folder, answers=NO_RESIDUE).study()
    inputs = read_inputs(study, study.document.administrations[-1], progress=silent)
    return inputs, ready(inputs)


def other_frame(folder: Path, by_mm: tuple[float, float, float]) -> None:
    """The first CT in a frame of its own, the patient moved in it."""
    frame, study = generate_uid(), generate_uid()

    def moved(data: Dataset) -> None:
        data.FrameOfReferenceUID, data.StudyInstanceUID = frame, study
        data.ImagePositionPatient = [
            float(a) + b for a, b in zip(data.ImagePositionPatient, by_mm, strict=True)
        ]

    edit_all((folder / "tp1" / "CT").iterdir(), moved)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return quick_patient(tmp_path_factory)


def test_a_ct_of_another_frame_is_taken_where_the_activity_bears_it_out(
    quick: Path, tmp_path: Path
) -> None:
    folder = copy(quick, tmp_path / "patient")
    other_frame(folder, (0.0, 0.0, 0.0))
    inputs, regions = visits_of(folder)

    found = registrations(inputs, regions, silent)["scan-1"]

    (said,) = (n for n in found.notes if n.code == "W-IMG-FRAMES-CT")
    assert said.value is not None
    assert said.value < 3.0
    first = next(v for v in inputs.visits if v.id == "scan-1")
    assert place_u_mm(inputs, first) == 3.0


def test_a_ct_that_lies_elsewhere_than_its_scan_is_refused_with_the_way_out(
    quick: Path, tmp_path: Path
) -> None:
    folder = copy(quick, tmp_path / "patient")
    other_frame(folder, (0.0, 0.0, 40.0))
    inputs, regions = visits_of(folder)

    with pytest.raises(InputError, match=r"E-IMG-FRAMES") as caught:
        registrations(inputs, regions, silent)

    assert "40 mm apart" in str(caught.value) or "39 mm apart" in str(caught.value)
    assert "Leave ct out" in caught.value.do


# --- what a scan does not show -----------------------------------------------------------------


def test_a_refusal_for_the_field_of_view_names_every_region() -> None:
    with pytest.raises(MethodUnfit) as caught:
        recover(scene(), regions(), turned_about_z(0.0, [0.0, 0.0, 130.0]), fwhm_mm=FWHM,
                scan="scan-4")  # fmt: skip

    assert caught.value.where == "kidney, lesion, scan-4"


def test_one_tissue_outlined_twice_on_coarse_voxels_is_refused() -> None:
    mask = sphere_mask(36.0, step_mm=4.8)
    twice = [Outline(name, "frame", mask=mask) for name in ("liver", "lesion")]
    body = Outline("Body", "frame", mask=sphere_mask(170.0, step_mm=2.5))

    with pytest.raises(InputError, match="E-IMG-COVERED"):
        prepare([*twice, body], CT)


def test_uptake_that_nobody_outlined_is_not_taken_for_noise() -> None:
    rng = np.random.default_rng(4)
    model = np.full(GRID.shape, 50.0)
    image = model + blur(3.0 * (rng.poisson(model) - model), GRID, 9.0)
    hot = np.zeros(GRID.shape)
    hot[18:21, 20:23, 20:23] = 40_000.0 / 27.0

    quiet = estimate(image, model, GRID, use=model > 0)
    spoilt = estimate(image + blur(hot, GRID, 11.0), model, GRID, use=model > 0)

    assert spoilt.factor == pytest.approx(quiet.factor, rel=0.1)
    assert spoilt.sigma_mm == pytest.approx(quiet.sigma_mm, rel=0.05)
