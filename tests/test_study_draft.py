"""A draft: what is found in a folder, what is asked, what is left out, what is refused."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from quimby.cli.drafting import document_text
from quimby.core.errors import InputError
from quimby.protocols import load
from quimby.study.answers import parse_answers
from quimby.study.document import Series, parse_study, read_study
from quimby.study.draft import draft, protocol_for
from quimby.study.drafted import Draft
from quimby.study.files import Shelf
from tests.variants import copy, edit, edit_all, light_patient, quimby, rewrite

QUIET = {"residue": "0"}


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo patient with few slices, not to be changed."""
    return light_patient(tmp_path_factory)


@pytest.fixture
def patient(demo: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    return copy(demo, tmp_path / "patient")


def asked(found: Draft) -> dict[str, bool]:
    """Keys of the open questions, and whether each must be answered."""
    return {question.key: question.required for question in found.questions}


def codes(found: Draft) -> set[str]:
    """Codes of the notes, but for the one that says why a protocol is proposed."""
    return {note.code for note in found.notes} - {"I-STUDY-PROTOCOL"}


def spects(folder: Path) -> list[Path]:
    """The patient's SPECT files."""
    return sorted(folder.glob("tp*/SPECT.dcm"))


def given(found: Draft) -> dict[str, Any]:
    """The one administration."""
    (only,) = found.document["administrations"]
    return dict(only)


def header(change: Callable[[Dataset], object]) -> Callable[[Dataset], object]:
    """A change to the radiopharmaceutical's item."""
    return lambda data: change(data.RadiopharmaceuticalInformationSequence[0])


def test_the_light_patient_is_found_whole(demo: Path) -> None:
    found = draft(demo)
    assert asked(found) == {"residue": False}
    assert codes(found) == set()
    assert found.document["patient"] == {
        "id": "QUIMBY-DEMO", "name": "EXAMPLE, Demo", "birth_date": "1961-05-04", "sex": "F",
        "weight": "68 kg",
    }  # fmt: skip
    scans = given(found)["measurements"]
    assert [s["image"]["path"] for s in scans] == [f"tp{n}/SPECT.dcm" for n in (1, 2, 3, 4)]
    assert [s["ct"]["path"] for s in scans] == [f"tp{n}/CT" for n in (1, 2, 3, 4)]
    assert given(found)["activity"] == "7400 MBq"
    assert given(found)["outlines"]["on"] == "scan-2"
    assert given(found)["outlines"]["regions"]["Kidney_L"] == "kidney left"
    assert found.document["calibration"]["fill"] == "calibration/fill.json"


def test_what_was_found_is_said_in_words(demo: Path) -> None:
    said = draft(demo).found
    assert "cylinder scan of 19 Jan 2026 11:20" in said
    assert "scan-2 of 03 Mar 2026 09:54, with its CT (10 slices)" in said
    assert "7 outlines on the CT of scan-2" in said


def test_records_that_are_used_do_not_stand_among_what_is_left_out(demo: Path) -> None:
    assert draft(demo).left_out == ()


def test_case_a_is_found_whole_and_its_planar_views_are_left_out(case_a: Path) -> None:
    found = draft(case_a)
    assert asked(found) == {"residue": False}
    assert len(given(found)["measurements"]) == 4
    assert set(given(found)["outlines"]["regions"]) >= {"Liver", "Spleen", "Kidney_L", "Lesion_3"}
    left = dict(found.left_out)
    assert set(left) == {f"tp{n}/PLANAR.dcm" for n in (1, 2, 3, 4)}
    assert "whole body views are not used" in left["tp1/PLANAR.dcm"]


def test_a_draft_of_either_patient_is_a_study(demo: Path, case_a: Path) -> None:
    for folder in (demo, case_a):
        study = draft(folder, answers=QUIET).study()
        assert study.document.administrations[0].residuals == []
        assert study.document.therapy == "lu177-dotatate"


def test_no_answer_to_residue_leaves_it_open_and_not_zero(demo: Path) -> None:
    assert draft(demo).study().document.administrations[0].residuals is None


def test_without_a_record_the_headers_activity_is_read_and_asked_about(patient: Path) -> None:
    (patient / "administration.json").unlink()
    found = draft(patient)
    assert given(found)["activity"] == "7400 MBq"
    assert codes(found) == {"I-DCM-DOSE-UNIT-MBQ"}
    assert asked(found) == {"administered": False, "residue": False}
    assert str(given(found)["at"]) == "2026-03-02 10:12:00+01:00"


def test_a_header_in_becquerel_is_read_as_such_with_a_warning(patient: Path) -> None:
    (patient / "administration.json").unlink()
    edit_all(spects(patient), header(lambda item: setattr(item, "RadionuclideTotalDose", 7.4e9)))
    found = draft(patient)
    assert given(found)["activity"] == "7400 MBq"
    assert codes(found) == {"W-DCM-DOSE-UNIT-GUESS"}
    (question,) = [q for q in found.questions if q.key == "administered"]
    assert "7.4e+09 without a unit" in question.why
    assert question.example == '--set administered="7400 MBq"'


def test_an_activity_that_fits_no_unit_is_refused_unless_it_is_told(patient: Path) -> None:
    (patient / "administration.json").unlink()
    edit_all(spects(patient), header(lambda item: setattr(item, "RadionuclideTotalDose", 5e4)))
    with pytest.raises(InputError, match="E-DCM-DOSE-AMBIGUOUS"):
        draft(patient)
    told = draft(patient, answers={"administered": "7.4 GBq"})
    assert given(told)["activity"] == "7.4 GBq"


def test_activity_and_time_that_stand_nowhere_must_be_told(patient: Path) -> None:
    (patient / "administration.json").unlink()

    def silent(item: Dataset) -> None:
        del item.RadionuclideTotalDose
        del item.RadiopharmaceuticalStartDateTime

    edit_all(spects(patient), header(silent))
    found = draft(patient)
    assert asked(found) == {"administered": True, "administered_at": True, "residue": False}
    with pytest.raises(InputError, match="E-STUDY-MISSING") as caught:
        found.study()
    assert "Which activity was given?" in caught.value.what
    assert caught.value.do == '--set administered="7.37 GBq"'
    told = {"administered": "7.4 GBq", "administered_at": "2026-03-02T10:12+01:00"}
    study = draft(patient, answers=told).study()
    assert study.document.administrations[0].activity == 7400.0


def test_without_outlines_they_are_asked_for(patient: Path) -> None:
    (patient / "tp2" / "RTSTRUCT.dcm").unlink()
    found = draft(patient)
    assert asked(found) == {"residue": False, "outlines": True}
    assert "outlines" not in given(found)


def test_a_scan_without_a_ct_is_asked_about_by_name(patient: Path) -> None:
    for path in (patient / "tp3" / "CT").iterdir():
        path.unlink()
    found = draft(patient)
    (question,) = [q for q in found.questions if q.key == "ct"]
    assert not question.required  # place and mass can come from elsewhere
    assert question.asks == "Is there a CT of scan-3?"
    assert "ct" not in given(found)["measurements"][2]
    assert any(said.endswith("without a CT") for said in found.found)


@pytest.mark.parametrize("missing", ["calibration/cylinder/SPECT.dcm", "calibration/fill.json"])
def test_without_a_cylinder_or_its_fill_the_camera_is_asked_for(
    patient: Path, missing: str
) -> None:
    (patient / missing).unlink()
    assert asked(draft(patient)) == {"camera": True, "residue": False}
    told = draft(patient, answers={"camera": "camera.toml"} | QUIET)
    assert asked(told) == {}
    assert told.study().document.calibration.camera == "camera.toml"


def test_without_spheres_the_cylinder_is_used_alone(patient: Path) -> None:
    (patient / "calibration" / "spheres" / "SPECT.dcm").unlink()
    found = draft(patient)
    assert asked(found) == {"residue": False}
    assert set(found.document["calibration"]) == {"cylinder", "fill"}


def test_a_camera_record_in_the_folder_is_used(patient: Path) -> None:
    (patient / "camera_1.toml").write_text("", "utf-8")
    assert draft(patient).document["calibration"] == {"camera": "camera_1.toml"}


def rename(old: str, new: str) -> Callable[[Dataset], object]:
    """Another name for an outline."""

    def change(data: Dataset) -> None:
        for roi in data.StructureSetROISequence:
            if old == roi.ROIName:
                roi.ROIName = new

    return change


def test_an_outline_of_unknown_name_is_asked_about(patient: Path) -> None:
    edit(patient / "tp2" / "RTSTRUCT.dcm", rename("Spleen", "PTV 1.5"))
    found = draft(patient)
    assert asked(found) == {"residue": False, "regions.PTV 1.5": False}
    assert "PTV 1.5" not in given(found)["outlines"]["regions"]
    told = draft(patient, answers=parse_answers(["regions.PTV 1.5=spleen"]))
    assert given(told)["outlines"]["regions"]["PTV 1.5"] == "spleen"
    assert asked(told) == {"residue": False}


def test_names_in_another_language_are_understood(patient: Path) -> None:
    edit(patient / "tp2" / "RTSTRUCT.dcm", rename("Kidney_L", "Niere links"))
    assert given(draft(patient))["outlines"]["regions"]["Niere links"] == "kidney left"


def test_outlines_that_belong_to_no_scan_are_asked_about(patient: Path) -> None:
    def elsewhere(data: Dataset) -> None:
        frame = data.ReferencedFrameOfReferenceSequence[0]
        frame.FrameOfReferenceUID = data.FrameOfReferenceUID = "1.2.3.4"
        study = frame.RTReferencedStudySequence[0]
        study.RTReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3.5"

    edit(patient / "tp2" / "RTSTRUCT.dcm", elsewhere)
    assert asked(draft(patient)) == {"residue": False, "outlines_on": True}


def test_two_structure_sets_on_one_ct_are_asked_about_and_never_joined(patient: Path) -> None:
    second = patient / "tp2" / "RTSTRUCT_v2.dcm"
    second.write_bytes((patient / "tp2" / "RTSTRUCT.dcm").read_bytes())
    edit(second, lambda data: setattr(data, "SOPInstanceUID", "1.2.3.9"))
    found = draft(patient)
    (question,) = [q for q in found.questions if q.required]
    assert "tp2/RTSTRUCT.dcm" in question.why
    assert "tp2/RTSTRUCT_v2.dcm" in question.why
    told = draft(patient, answers={"outlines": "tp2/RTSTRUCT_v2.dcm"})
    assert asked(told) == {"residue": False}
    assert told.study().document.administrations[0].outlines is not None
    assert given(told)["outlines"]["paths"] == ["tp2/RTSTRUCT_v2.dcm"]


def without_zone(data: Dataset) -> None:
    """A file as most cameras write it: clock times without a zone."""
    if "TimezoneOffsetFromUTC" in data:
        del data.TimezoneOffsetFromUTC


def test_clock_times_without_a_zone_ask_for_one(patient: Path) -> None:
    edit_all(spects(patient), without_zone)
    assert asked(draft(patient)) == {"zone": True, "residue": False}
    for told in (draft(patient, zone="Europe/Berlin"), draft(patient, answers={"zone": "UTC"})):
        assert "zone" not in asked(told)
    assert draft(patient, zone="Europe/Berlin").study().document.zone == "Europe/Berlin"


def test_an_unknown_agent_asks_for_the_therapy(patient: Path) -> None:
    record = json.loads((patient / "administration.json").read_text("utf-8"))
    rewrite(patient / "administration.json", json.dumps(record | {"radiopharmaceutical": "X-1"}))
    found = draft(patient)
    assert asked(found)["therapy"] is True
    told = draft(patient, answers={"therapy": "lu177-dotatate"}).study().document
    assert told.protocol == "LU-FULL"


def test_two_administration_records_are_refused_by_name(patient: Path) -> None:
    text = (patient / "administration.json").read_text("utf-8")
    (patient / "tp1" / "given.json").write_text(text, "utf-8")
    with pytest.raises(InputError, match="E-STUDY-KEY") as caught:
        draft(patient)
    assert "administration.json" in caught.value.what
    assert "given.json" in caught.value.what


def test_a_record_with_a_wrong_key_is_refused_by_its_name(patient: Path) -> None:
    record = json.loads((patient / "administration.json").read_text("utf-8"))
    rewrite(patient / "administration.json", json.dumps(record | {"administered_mbq": -1}))
    with pytest.raises(InputError, match="administered_mbq") as caught:
        draft(patient)
    assert "administration.json" in caught.value.where


def test_a_record_of_another_patient_is_refused(patient: Path) -> None:
    record = json.loads((patient / "administration.json").read_text("utf-8"))
    rewrite(patient / "administration.json", json.dumps(record | {"patient_id": "P-2"}))
    with pytest.raises(InputError, match="E-PAT-TWO") as caught:
        draft(patient)
    assert "administration record" in caught.value.what


def test_a_damaged_scan_is_missed_aloud(patient: Path) -> None:
    rewrite(patient / "tp3" / "SPECT.dcm", "404 Not Found")
    found = draft(patient)
    assert len(given(found)["measurements"]) == 3
    (note,) = (n for n in found.notes if n.code != "I-STUDY-PROTOCOL")
    assert (note.code, note.where) == ("W-STUDY-LEFT-OUT", "tp3/SPECT.dcm")
    assert note in found.study().notes


@pytest.mark.parametrize(("scans", "planar", "proposed"), [
    (1, 0, "LU-STP"), (2, 0, "LU-TWO"), (3, 0, "LU-FULL"), (5, 0, "LU-FULL"),
    (1, 4, "LU-HYB"), (3, 4, "LU-FULL"),
])  # fmt: skip
def test_the_protocol_is_that_for_the_scans_there_are(
    scans: int, planar: int, proposed: str
) -> None:
    found = protocol_for("lu177-dotatate", scans=scans, planar=planar)
    assert found is not None
    assert found.id == proposed


def test_each_therapy_has_its_own_protocols_for_so_many_scans() -> None:
    found = [protocol_for("lu177-psma", scans=n, planar=3) for n in (1, 2, 3, 4)]
    assert [p.id for p in found if p] == ["LU-PSMA-STP"] * 2 + ["LU-PSMA-FULL"] * 2
    assert protocol_for("i131-dtc", scans=3) is None


def test_why_a_protocol_is_proposed_is_told_and_travels(patient: Path) -> None:
    (note,) = (n for n in draft(patient).study().notes if n.code == "I-STUDY-PROTOCOL")
    assert note.text == ("Found 4 SPECT scans: protocol LU-FULL is proposed "
                         f"({load('LU-FULL').title}).")  # fmt: skip
    for day in ("tp1", "tp3", "tp4"):
        shutil.rmtree(patient / day)
    one = draft(patient)
    assert one.document["protocol"] == "LU-STP"
    chosen = draft(patient, answers={"protocol": "LU-TWO"})
    assert chosen.document["protocol"] == "LU-TWO"
    assert "I-STUDY-PROTOCOL" not in {n.code for n in chosen.notes}


def test_other_programs_json_files_are_passed_over(patient: Path) -> None:
    (patient / "viewer.json").write_text('{"window": [400, 40]}', "utf-8")
    (patient / "broken.json").write_text('{"administered_at": ', "utf-8")
    found = draft(patient)
    assert asked(found) == {"residue": False}
    assert {path for path, _ in found.left_out} == {"viewer.json", "broken.json"}


def test_a_draft_in_another_folder_reads_back_with_the_right_paths(
    demo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "elsewhere" / "deep" / "study.toml"
    ran = quimby("study", demo, "-o", out, "--set", "residue=0")
    assert ran.exit_code == 0, ran.err
    study = read_study(out)
    shelf = Shelf(study.folder)
    (administration,) = study.document.administrations
    assert study.document.calibration.fill is not None
    assert shelf.path(study.document.calibration.fill).samefile(demo / "calibration" / "fill.json")
    for number, scan in enumerate(administration.scans, start=1):
        assert [p.resolve() for p in shelf.files(scan.image)] == [
            (demo / f"tp{number}" / "SPECT.dcm").resolve()
        ]
        assert isinstance(scan.ct, Series)
        assert len(shelf.files(scan.ct)) == 10
    assert administration.outlines is not None
    assert shelf.path(administration.outlines.paths[0]).is_file()
    assert not list(out.parent.glob(".*"))


def test_a_draft_says_the_same_after_it_was_written(demo: Path) -> None:
    found = draft(demo, answers=QUIET)
    beside = demo / "study.toml"
    assert not beside.exists()
    text = document_text(found, beside)
    assert parse_study(tomllib.loads(text), where="s") == found.study().document


def test_open_questions_stand_as_comments_in_the_document(patient: Path) -> None:
    (patient / "tp2" / "RTSTRUCT.dcm").unlink()
    text = document_text(draft(patient), patient / "study.toml")
    assert "# Question 1: What stayed in vial, syringe and lines?" in text
    assert "# Question 2 (must be answered): Where are the outlines" in text


def test_the_terminal_counts_questions_and_says_what_comes_next(
    patient: Path, tmp_path: Path
) -> None:
    (patient / "calibration" / "fill.json").unlink()
    out = tmp_path / "study.toml"
    ran = quimby("study", patient, "-o", out)
    assert ran.exit_code == 0
    assert "Questions 2, of which 1 must be answered" in ran.out
    assert "1 ! How was the camera calibrated?" in ran.out
    assert f"quimby run {out} -o OUT" in ran.out
    assert out.is_file()


def test_run_on_a_folder_with_an_open_question_stops_with_the_question(
    patient: Path, tmp_path: Path
) -> None:
    (patient / "calibration" / "fill.json").unlink()
    ran = quimby("run", patient, "-o", tmp_path / "out")
    assert ran.exit_code == 10
    assert "E-STUDY-MISSING" in ran.err
    assert "How was the camera calibrated?" in ran.err
    assert "--set camera=camera.toml" in ran.err
    assert not (tmp_path / "out").exists()


def test_a_result_left_in_the_folder_is_not_taken_as_input(patient: Path) -> None:
    data = pydicom.dcmread(patient / "tp2" / "RTSTRUCT.dcm")
    data.Manufacturer = "Quimby"
    data.SOPInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    (patient / "OUT").mkdir()
    data.save_as(patient / "OUT" / "SEG.dcm")

    found = draft(patient)

    assert ("OUT/SEG.dcm", "made by Quimby") in found.left_out
    assert given(found)["outlines"]["paths"] == ["tp2/RTSTRUCT.dcm"]


def test_a_patients_scan_with_resolution_recovery_is_not_a_phantoms(patient: Path) -> None:
    for path in spects(patient):
        edit(path, lambda d: setattr(d, "SeriesDescription", "Lu177 RESOLUTION RECOVERY uniform"))

    assert len(given(draft(patient))["measurements"]) == 4
