"""Bad input at the command line: each is refused by name, and nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from quimby.measure.dicom import read_ct
from quimby.measure.scans import Timing
from quimby.study.document import Study
from quimby.study.draft import draft
from quimby.study.inputs import Inputs, read_inputs
from quimby.study.progress import silent
from tests.variants import (
    copy,
    cut_short,
    edit,
    edit_all,
    light_patient,
    one_scan,
    quick_patient,
    quimby,
    rewrite,
)

INPUT, REFERENCE_MISSING, METHOD = 10, 11, 12
HOURS = [4.1, 23.7, 95.4, 167.4]  # of the demo patient's scans


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo patient with few slices, not to be changed."""
    return light_patient(tmp_path_factory)


@pytest.fixture
def patient(light: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return copy(light, tmp_path / "in" / "patient")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results would go; the folder around it is empty."""
    (tmp_path / "results").mkdir()
    return tmp_path / "results" / "out"


def refused(code: str, folder: Path, out: Path, *words: str, exits: int = INPUT) -> str:
    """`quimby run` says what is wrong, where and what to do, and leaves nothing. Its words."""
    ran = quimby("run", folder, "-o", out, *words)
    assert ran.err.lstrip().splitlines()[-3].startswith(f"{code}  "), ran.err
    assert ran.exit_code == exits
    assert "\n  where  " in ran.err
    assert "\n  do     " in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""
    assert list(out.parent.iterdir()) == []
    return ran.err


def put(keyword: str, value: object) -> Callable[[Dataset], None]:
    """Set one element."""
    return lambda data: setattr(data, keyword, value)


def inputs(folder: Path, **answers: str) -> Inputs:
    """The drafted study's files, read and checked."""
    study: Study = draft(folder, answers=answers).study()
    return read_inputs(study, study.document.administrations[0], progress=silent)


# Who it is


def test_two_patients_in_one_folder(patient: Path, out: Path) -> None:
    edit_all((patient / "tp3" / "CT").iterdir(), put("PatientID", "SOMEBODY-ELSE"))
    said = refused("E-PAT-TWO", patient, out)
    assert "SOMEBODY-ELSE in tp3/CT" in said


def test_a_sex_that_disagrees(patient: Path, out: Path) -> None:
    edit(patient / "tp2" / "SPECT.dcm", put("PatientSex", "M"))
    said = refused("E-PAT-CONFLICT", patient, out)
    assert "sex" in said
    assert "M in tp2/SPECT.dcm" in said


def test_a_weight_that_disagrees(patient: Path, out: Path) -> None:
    record = json.loads((patient / "administration.json").read_text("utf-8"))
    rewrite(patient / "administration.json", json.dumps(record | {"weight_kg": 93.0}))
    said = refused("E-PAT-CONFLICT", patient, out)
    assert "weight" in said
    assert "93 kg in administration record" in said


def test_a_study_document_of_another_patient(patient: Path, out: Path) -> None:
    said = refused("E-PAT-TWO", patient, out, "--set", "patient.id=P-2")
    assert "P-2 in study document" in said


# Where it lies


def rename(names: dict[str, str]) -> Callable[[Dataset], None]:
    """Other names for outlines."""

    def change(data: Dataset) -> None:
        for roi in data.StructureSetROISequence:
            roi.ROIName = names.get(roi.ROIName, roi.ROIName)

    return change


def test_left_and_right_swapped(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, out: Path
) -> None:
    folder = one_scan(quick_patient(tmp_path_factory), tmp_path / "in" / "patient")
    swap = rename({"Kidney_L": "Kidney_R", "Kidney_R": "Kidney_L"})
    edit(folder / "tp2" / "RTSTRUCT.dcm", swap)
    said = refused("E-PAT-SIDES", folder, out)
    assert "kidney left lies to the right of" in said
    assert "patient.mirror_anatomy=true" in said


def test_left_and_right_swapped_by_what_a_person_says(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, out: Path
) -> None:
    folder = one_scan(quick_patient(tmp_path_factory), tmp_path / "in" / "patient")
    edit(folder / "tp2" / "RTSTRUCT.dcm", rename({"Kidney_L": "K1", "Kidney_R": "K2"}))
    refused("E-PAT-SIDES", folder, out, "--set", "regions.K1=kidney right",
            "--set", "regions.K2=kidney left")  # fmt: skip


def test_a_region_outside_the_field_of_view(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, out: Path
) -> None:
    folder = one_scan(quick_patient(tmp_path_factory), tmp_path / "in" / "patient")

    def shortened(data: Dataset) -> None:
        kept = data.pixel_array[:42]
        data.NumberOfFrames = data.NumberOfSlices = len(kept)
        data.SliceVector = list(range(1, len(kept) + 1))
        data.PixelData = np.ascontiguousarray(kept).tobytes()

    edit(folder / "tp2" / "SPECT.dcm", shortened)
    said = refused("E-IMG-FOV", folder, out, exits=METHOD)
    assert "field of view" in said


def fed_feet_first(data: Dataset) -> None:
    """The same slice as a scanner writes it of a patient who lies feet first: mirrored rows."""
    pixels = np.ascontiguousarray(data.pixel_array[:, ::-1])
    x, y, z = (float(v) for v in data.ImagePositionPatient)
    width = (data.Columns - 1) * float(data.PixelSpacing[1])
    data.ImagePositionPatient = [x + width, y, z]
    data.ImageOrientationPatient = [-1, 0, 0, 0, 1, 0]
    data.PatientPosition = "FFS"
    data.PixelData = pixels.tobytes()


def test_a_feet_first_ct_shows_the_same_tissue_at_the_same_place(patient: Path) -> None:
    folder = patient / "tp3" / "CT"
    before = read_ct(sorted(folder.iterdir())).image
    edit_all(folder.iterdir(), fed_feet_first)
    found = inputs(patient)
    after = next(v.ct.image for v in found.visits if v.id == "scan-3" and v.ct)
    for index in ((60, 40, 2), (90, 70, 5), (30, 100, 7)):
        point = before.grid.points_mm(index)
        i, j, k = np.rint(after.grid.index_of(point)).astype(int)
        assert after.array[k, j, i] == before.array[index[2], index[1], index[0]]
    (note,) = [n for n in found.notes if n.code == "W-PAT-POSITION"]
    assert note.where == "scan-3, CT"
    assert "FFS here, HFS elsewhere" in note.text


def test_a_position_that_contradicts_its_orientation_blocks_signing(patient: Path) -> None:
    def contradicted(data: Dataset) -> None:
        fed_feet_first(data)
        data.PatientPosition = "HFS"

    edit_all((patient / "tp3" / "CT").iterdir(), contradicted)
    (note,) = [n for n in inputs(patient).notes if n.code == "S-PAT-POSITION"]
    assert note.severity == "blocking"
    assert note.where == "scan-3, CT"


def elsewhere(data: Dataset) -> None:
    """Outlines on a frame of reference that no scan has."""
    frame = data.ReferencedFrameOfReferenceSequence[0]
    frame.FrameOfReferenceUID = data.FrameOfReferenceUID = "1.2.3.4"
    study = frame.RTReferencedStudySequence[0]
    study.RTReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3.5"
    for roi in data.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = "1.2.3.4"


def test_outlines_on_an_unknown_frame_of_reference(patient: Path, out: Path) -> None:
    edit(patient / "tp2" / "RTSTRUCT.dcm", elsewhere)
    asked = refused("E-STUDY-MISSING", patient, out)
    assert "--set outlines_on=scan-1" in asked
    said = refused("E-IMG-FOR", patient, out, "--set", "outlines_on=scan-2")
    assert "1.2.3.4" in said


def test_outlines_on_a_scan_that_is_not_there(patient: Path, out: Path) -> None:
    said = refused("E-STUDY-OUTLINE-CT", patient, out, "--set", "outlines_on=scan-9")
    assert "scan-9" in said


def test_two_structure_sets_of_the_same_regions(patient: Path, out: Path) -> None:
    first, second = patient / "tp2" / "RTSTRUCT.dcm", patient / "tp2" / "second.dcm"
    second.write_bytes(first.read_bytes())
    edit(second, put("SOPInstanceUID", "1.2.3.9"))
    assert "Which set of outlines" in refused("E-STUDY-MISSING", patient, out)
    both = 'outlines=["tp2/RTSTRUCT.dcm", "tp2/second.dcm"]'
    assert "is drawn more than once" in refused("E-STUDY-KEY", patient, out, "--set", both)


# When it was


def without_zone(data: Dataset) -> None:
    del data.TimezoneOffsetFromUTC


def test_a_missing_time_zone(patient: Path, out: Path) -> None:
    edit_all(patient.glob("tp*/SPECT.dcm"), without_zone)
    said = refused("E-STUDY-MISSING", patient, out)
    assert "time zone" in said
    assert "--zone Europe/Berlin" in said


def test_a_time_zone_that_is_told_is_used_and_noted(patient: Path) -> None:
    edit_all(patient.glob("tp*/SPECT.dcm"), without_zone)
    found = inputs(patient, zone="Europe/Berlin")
    assert [v.time_h for v in found.visits] == pytest.approx(HOURS)
    assert "I-TIME-ZONE" in {n.code for n in found.notes}


def test_a_time_zone_that_does_not_exist(patient: Path, out: Path) -> None:
    edit_all(patient.glob("tp*/SPECT.dcm"), without_zone)
    refused("E-TIME-ZONE-NAME", patient, out, "--zone", "Europe/Atlantis")


def test_a_scan_before_the_administration(patient: Path, out: Path) -> None:
    at = "administered_at=2026-03-05T10:12+01:00"
    said = refused("E-DCM-TIME", patient, out, "--set", at)
    assert "before the administration" in said


def test_a_scan_months_after_the_administration(patient: Path, out: Path) -> None:
    at = "administered_at=2025-03-02T10:12+01:00"
    assert "0 to 30 days" in refused("E-DCM-TIME", patient, out, "--set", at)


def test_two_scans_at_one_time(patient: Path, out: Path) -> None:
    at = "2026-03-03T09:54+01:00"
    said = refused("E-TIA-TIME", patient, out, "--set", f"scans.scan-3.at={at}")
    assert "scan-2 at 23.7 h, scan-3 at 23.7 h" in said


# What was given, and with what it was seen


def iodine(data: Dataset) -> None:
    item = data.RadiopharmaceuticalInformationSequence[0]
    code = item.RadionuclideCodeSequence[0]
    code.CodeValue, code.CodeMeaning = "1576001", "^131^Iodine"
    item.Radiopharmaceutical = "I-131 mIBG"


def test_a_scan_of_another_nuclide(patient: Path, out: Path) -> None:
    edit(patient / "tp4" / "SPECT.dcm", iodine)
    said = refused("E-PAT-NUCLIDE", patient, out)
    assert "I-131" in said
    assert "where  scan-4" in said


def window(data: Dataset) -> None:
    limits = data.EnergyWindowInformationSequence[0].EnergyWindowRangeSequence[0]
    limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = "101.7", "124.3"


def collimator(data: Dataset) -> None:
    for head in data.DetectorInformationSequence:
        head.CollimatorGridName = "LEHR"


@pytest.mark.parametrize(("change", "says"), [(window, "101.7-124.3 keV"), (collimator, "LEHR")])
def test_a_calibration_with_another_set_up(
    patient: Path, out: Path, change: Callable[[Dataset], None], says: str
) -> None:
    edit(patient / "calibration" / "cylinder" / "SPECT.dcm", change)
    assert says in refused("E-CAL-WINDOW", patient, out, exits=REFERENCE_MISSING)


def test_spheres_scanned_with_another_set_up(patient: Path, out: Path) -> None:
    edit(patient / "calibration" / "spheres" / "SPECT.dcm", collimator)
    assert "LEHR" in refused("E-CAL-WINDOW", patient, out, exits=REFERENCE_MISSING)


def test_a_camera_record_that_is_not_there(patient: Path, out: Path) -> None:
    refused("E-STUDY-FILE", patient, out, "--set", "camera=absent.toml")


def test_an_unknown_nuclide(patient: Path, out: Path) -> None:
    said = refused("E-NUC-UNKNOWN", patient, out, "--set", "nuclide=Xx-1",
                   exits=REFERENCE_MISSING)  # fmt: skip
    assert "Xx-1" in said


@pytest.mark.parametrize("key", ["therapy", "protocol"])
def test_an_unknown_therapy_or_protocol(patient: Path, out: Path, key: str) -> None:
    code = {"therapy": "E-THERAPY", "protocol": "E-PROTOCOL"}[key]
    ran = quimby("run", patient, "-o", out, "--set", f"{key}=dowsing")
    assert code in ran.err
    assert "dowsing" in ran.err
    assert ran.exit_code in (INPUT, REFERENCE_MISSING)


def test_a_quantity_without_a_unit(patient: Path, out: Path) -> None:
    said = refused("E-STUDY-KEY", patient, out, "--set", "administered=7400")
    assert "7400 is not a quantity with a unit of activity" in said


# What the files hold


def test_counts_in_proportion_to_something(patient: Path, out: Path) -> None:
    edit(patient / "tp1" / "SPECT.dcm", put("Units", "PROPCNTS"))
    said = refused("E-DCM-UNITS", patient, out)
    assert "PROPCNTS" in said
    assert "tp1/SPECT.dcm" in said


def no_rotation(data: Dataset) -> None:
    del data.RotationInformationSequence


def test_a_missing_frame_duration(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, out: Path
) -> None:
    folder = one_scan(quick_patient(tmp_path_factory), tmp_path / "in" / "patient")
    edit(folder / "tp2" / "SPECT.dcm", no_rotation)
    said = refused("E-DCM-FRAMEDUR", folder, out)
    assert 'counting="20 s x 60 x 2"' in said


def test_a_frame_duration_that_is_told_is_used(patient: Path) -> None:
    edit(patient / "tp1" / "SPECT.dcm", no_rotation)
    found = inputs(patient, **{"scans.scan-1.counting": "20 s x 60 x 2"})
    assert {v.scan.timing for v in found.visits} == {Timing(20.0, 60, 2)}


def test_a_frame_duration_in_seconds(patient: Path, out: Path) -> None:
    def seconds(data: Dataset) -> None:
        data.RotationInformationSequence[0].ActualFrameDuration = 20

    edit(patient / "tp1" / "SPECT.dcm", seconds)
    assert "it may be seconds" in refused("E-DCM-FRAMEDUR", patient, out)


def test_a_scan_cut_short_in_its_picture(patient: Path, out: Path) -> None:
    cut_short(patient / "tp2" / "SPECT.dcm", 0.5)
    assert "tp2/SPECT.dcm" in refused("E-DCM-PIXELS", patient, out)


def test_a_slice_cut_short_in_its_picture(patient: Path, out: Path) -> None:
    cut_short(sorted((patient / "tp2" / "CT").iterdir())[4], 0.7)
    refused("E-DCM-PIXELS", patient, out)


def test_a_slice_cut_short_in_its_header(patient: Path, out: Path) -> None:
    cut_short(sorted((patient / "tp2" / "CT").iterdir())[4], 0.012)
    ran = quimby("run", patient, "-o", out)
    assert ran.exit_code == INPUT
    assert ran.err.lstrip().startswith(("E-DCM-", "E-STUDY-")) or "\nE-DCM-" in ran.err


def test_a_missing_slice(patient: Path, out: Path) -> None:
    sorted((patient / "tp2" / "CT").iterdir())[4].unlink()
    assert "a slice is missing" in refused("E-DCM-GAP", patient, out)


# What is not a study at all


def test_an_empty_folder(tmp_path: Path, out: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = refused("E-STUDY-EMPTY", tmp_path / "empty", out)
    assert "RECON TOMO" in said


def test_a_folder_without_dicom(tmp_path: Path, out: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "letter.txt").write_text("Dear colleague", "utf-8")
    assert "no DICOM at all (1 other files)" in refused("E-STUDY-EMPTY", tmp_path / "notes", out)


def test_a_folder_that_is_not_there(tmp_path: Path, out: Path) -> None:
    refused("E-STUDY-FILE", tmp_path / "absent", out)
    ran = quimby("study", tmp_path / "absent", "-o", out)
    assert ran.exit_code == INPUT
    assert "E-STUDY-FILE" in ran.err
    assert not out.exists()


def test_a_picture_instead_of_a_folder(patient: Path, out: Path) -> None:
    picture = patient / "tp1" / "SPECT.dcm"
    refused("E-STUDY-SYNTAX", picture, out)
    ran = quimby("study", picture, "-o", out)
    assert ran.exit_code == INPUT
    assert "folder" in ran.err
    assert not out.exists()


def test_an_answer_without_an_equal_sign(patient: Path, out: Path) -> None:
    refused("E-STUDY-SET", patient, out, "--set", "administered")


# Where it would go


def test_an_output_folder_with_other_files_is_left_alone(patient: Path, out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("\\begin", "utf-8")
    ran = quimby("run", patient, "-o", out)
    assert ran.exit_code == INPUT
    assert "E-OUT-EXISTS" in ran.err
    assert [p.name for p in out.parent.rglob("*")] == ["out", "thesis.tex"]


def test_an_output_folder_that_is_a_file_is_left_alone(patient: Path, out: Path) -> None:
    out.write_text("mine", "utf-8")
    ran = quimby("run", patient, "-o", out)
    assert ran.exit_code == INPUT
    assert "E-OUT-EXISTS" in ran.err
    assert out.read_text("utf-8") == "mine"


def test_a_study_document_does_not_take_a_folder_s_place(patient: Path, out: Path) -> None:
    out.mkdir()
    ran = quimby("study", patient, "-o", out)
    assert ran.exit_code == INPUT
    assert "E-STUDY-OUT" in ran.err
    assert list(out.iterdir()) == []


def test_words_typed_wrongly_end_with_two() -> None:
    for words in (["run"], ["run", "x"], ["dance"], ["run", "x", "-o", "y", "--loud"]):
        assert quimby(*words).exit_code == 2


def test_every_word_of_an_error_is_free_of_braces(patient: Path, out: Path) -> None:
    said: list[Any] = [refused("E-STUDY-MISSING", patient, out, "--set", "agent=x")]
    assert "{" not in said[0]
