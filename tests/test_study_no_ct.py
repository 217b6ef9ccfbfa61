"""Patients without a CT: outlines on the SPECT, masses from elsewhere, a CT of another day."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydantic import ValidationError

from quimby.core.errors import QuimbyError
from quimby.core.grid import Image, Rigid
from quimby.core.outline import Outline
from quimby.measure.dicom.emission import read_emission
from quimby.measure.dicom.headers import open_file
from quimby.measure.occupancy import occupancy, region_mask
from quimby.measure.regions import Regions, prepare
from quimby.measure.scans import Device
from quimby.report.seg import outline_file
from quimby.report.write import contents
from quimby.study.attenuation import check_attenuation, relative_activity
from quimby.study.document import Administration, Spect
from quimby.study.draft import draft
from quimby.study.drafted import Draft
from quimby.study.given_mass import GivenMass
from quimby.study.inputs import Inputs
from quimby.study.masses import Masses, masses
from quimby.study.result import RegionResult, Result
from quimby.study.run import run
from quimby.therapies import Organ
from tests import case_a_truth as truth_of
from tests import test_local_rigid
from tests import test_study_aligned as made_up
from tests.test_case_a import true_dose_gy
from tests.test_devices_camera import camera_record_of
from tests.variants import copy, light_patient

KIDNEYS = ("Kidney_L", "Kidney_R")
WITHOUT = shutil.ignore_patterns("CT", "RTSTRUCT*", "PLANAR*")


@pytest.fixture(scope="module")
def without_ct(case_a: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Case A with all CTs withheld, its organs outlined on the second SPECT in whole voxels."""
    folder = tmp_path_factory.mktemp("no-ct") / "patient"
    shutil.copytree(case_a, folder, ignore=WITHOUT)
    (folder / "tp2" / "SEG.dcm").write_bytes(on_spect(folder / "tp2" / "SPECT.dcm"))
    return folder


def on_spect(path: Path) -> bytes:
    scan = read_emission([path])
    grid, outlines = scan.image.grid, []
    for one in (o for o in truth_of.outlines() if o.name != "Body"):
        mask = region_mask(one, like=truth_of.ct(truth_of.REFERENCE).grid)
        inside = occupancy(mask, grid, Rigid.identity()).values >= 0.5
        image = Image(grid, inside.astype(np.float32), "1")
        outlines.append(Outline(one.name, scan.frame_of_reference, mask=image))
    return outline_file(outlines, {}, grid=grid, headers=[open_file(path, pixels=False)],
                        made_at=datetime(2026, 3, 10, tzinfo=UTC), version="test")  # fmt: skip


@pytest.fixture(scope="module")
def drafted(without_ct: Path) -> Draft:
    return draft(without_ct, answers={
        "residue": "0",
        "masses.Kidney_L": '{ volume = "142 ml", u = "15 %", by = "ultrasound" }',
        "masses.kidney, right": '{ axes = ["11.5 cm", "5.3 cm", "5.1 cm"], by = "ultrasound" }',
        "masses.spleen": '{ by = "reference" }',
    })  # fmt: skip


@pytest.fixture(scope="module")
def result(drafted: Draft) -> Result:
    return run(drafted.study())


def region(result: Result, name: str) -> RegionResult:
    return next(r for r in result.regions if r.name == name)


def test_a_folder_without_ct_is_drafted_and_nothing_must_be_answered(drafted: Draft) -> None:
    assert not [q for q in drafted.questions if q.required]
    assert "7 outlines on scan-2 itself" in drafted.found
    assert drafted.document["administrations"][0]["outlines"]["on"] == "scan-2"


def test_masses_are_asked_for_where_no_ct_tells_them(without_ct: Path) -> None:
    asked = [q.key for q in draft(without_ct, answers={"residue": "0"}).questions]
    assert asked == ["masses", "ct"]


@pytest.mark.parametrize("name", [*KIDNEYS, "Liver", "Spleen", "Lesion_1", "Lesion_2", "Lesion_3"])
def test_the_true_dose_lies_in_the_stated_interval(result: Result, name: str) -> None:
    found = region(result, name).absorbed_dose_gy
    low, high = found.interval()
    true = true_dose_gy(name)
    print(f"\n{name}: {found.value:.2f} Gy ({low:.2f} to {high:.2f}), true {true:.2f}")
    assert low <= true <= high


@pytest.mark.parametrize("name", KIDNEYS)
def test_kidneys_weighed_by_ultrasound_come_within_a_tenth(result: Result, name: str) -> None:
    found = region(result, name).absorbed_dose_gy
    assert found.value == pytest.approx(true_dose_gy(name), rel=0.10)
    assert 0.15 < found.u_rel < 0.35


def test_every_scan_is_laid_by_its_activity_to_two_millimetres(result: Result) -> None:
    for row in result.registrations:
        true = truth_of.truth().pose(int(row.measurement[-1]))
        at = np.array([0.0, 0.0, 0.0])
        assert np.linalg.norm(row.transform.apply(at) - true.apply(at)) < 2.0


def test_masses_of_one_way_share_its_cause_and_outlines_do_not_enter(result: Result) -> None:
    left, right = (region(result, name).mass_g for name in KIDNEYS)
    assert left.parts.keys() == {"mass, ultrasound", "density of kidney"} == right.parts.keys()
    assert region(result, "Spleen").mass_g.value == 130.0  # a reference woman's
    assert "outline Liver" in region(result, "Liver").mass_g.parts


def test_what_lacks_is_said(result: Result) -> None:
    codes = {n.code for n in result.notes}
    assert codes >= {"W-SEG-NO-CT", "W-MASS-REFERENCE", "I-MASS-GIVEN", "I-REG-SPECT",
                     "W-ATTENUATION-UNIFORM"}  # fmt: skip
    assert not [n for n in result.notes if n.severity == "blocking"]
    assert all(s.by_recovery_curve_mbq is None for r in result.regions for s in r.samples)
    said = dict(result.trace.methods)
    assert "on the scan's activity" in said["registration"]
    assert "given for Kidney_L, Kidney_R, Spleen (reference, ultrasound)" in said["mass"]
    assert any("ICRP" in c.source and c.value == 130.0 for c in result.trace.constants)


def test_dose_pictures_have_the_means_of_the_table(result: Result) -> None:
    for name in (*KIDNEYS, "Spleen", "Liver"):
        row = region(result, name)
        assert row.dvh is not None
        assert row.dvh.mean_gy == pytest.approx(row.absorbed_dose_gy.value, rel=0.05)


def test_dicom_refers_to_the_spect(result: Result, without_ct: Path, tmp_path: Path) -> None:
    files = contents(result)
    spect = pydicom.dcmread(without_ct / "tp2" / "SPECT.dcm", stop_before_pixels=True)
    for name in ("SEG", "RTDOSE"):
        (tmp_path / name).write_bytes(files[f"dicom/{name}.dcm"])
        made = pydicom.dcmread(tmp_path / name)
        assert made.FrameOfReferenceUID == spect.FrameOfReferenceUID
        assert made.PatientID == spect.PatientID
    named = pydicom.dcmread(tmp_path / "SEG").ReferencedSeriesSequence[0]
    (one,) = named.ReferencedInstanceSequence
    assert one.ReferencedSOPInstanceUID == spect.SOPInstanceUID
    assert one.ReferencedSOPClassUID == spect.SOPClassUID
    assert files["report.pdf"].startswith(b"%PDF")


def test_a_ct_of_another_day_gives_the_masses(case_a: Path, tmp_path: Path) -> None:
    """Its own frame, 40 cm away: drafted as a CT of the outlines, and named there."""
    folder = tmp_path / "patient"
    shutil.copytree(case_a, folder, ignore=WITHOUT)
    elsewhere(case_a, folder)
    found = draft(folder, answers={"residue": "0"})
    outlines = found.document["administrations"][0]["outlines"]
    assert outlines["on"] == "outlines-ct"
    assert outlines["ct"]["path"] == "diag"
    assert "8 outlines on a CT of their own" in found.found
    assert not [what for what, _ in found.left_out if "diag" in what]


def elsewhere(source: Path, folder: Path) -> None:
    """The reference CT and its outlines in a frame of reference of their own."""
    series, frame, study = "1.2.3.4", "1.2.3.5", "1.2.3.6"
    (folder / "diag").mkdir()
    for file in sorted((source / "tp2" / "CT").iterdir())[::12]:
        data = pydicom.dcmread(file)
        data.SeriesInstanceUID, data.FrameOfReferenceUID = series, frame
        data.StudyInstanceUID, data.StudyDate = study, "20260220"
        data.AcquisitionDate = data.SeriesDate = data.ContentDate = "20260220"
        data.save_as(folder / "diag" / file.name)
    data = pydicom.dcmread(source / "tp2" / "RTSTRUCT.dcm")
    data.StudyInstanceUID = study
    for named in data.ReferencedFrameOfReferenceSequence:
        named.FrameOfReferenceUID = frame
        for one in named.RTReferencedStudySequence:
            for each in one.RTReferencedSeriesSequence:
                each.SeriesInstanceUID = series
    for roi in data.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = frame
    data.save_as(folder / "diag_rt.dcm")


def test_planar_pairs_beside_a_lone_spect_without_ct_lie_aside(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    folder = copy(light_patient(tmp_path_factory), tmp_path / "patient")
    for path in folder.glob("tp*/CT"):
        shutil.rmtree(path)
    found = draft(folder, answers={"residue": "0"})
    assert found.document["protocol"] == "LU-FULL"
    assert not [q for q in found.questions if q.key == "ct" and q.required]


# Masses


def _inputs(**given: Any) -> Inputs:
    """A scan without a CT; outlines with these masses."""
    of = made_up.inputs()
    outlines = {"paths": ["x"], "on": "scan-1", "masses": given}
    document = of.administration.model_dump(mode="json", exclude={"outlines"})
    administration = Administration.model_validate({
        "id": "c1", "nuclide": "Lu-177", "outlines": outlines,
        "measurements": [{"id": m["id"], "image": {"path": "a"}} for m in document["measurements"]],
    })  # fmt: skip
    visits = tuple(replace(v, ct=None) for v in of.visits)
    return replace(of, administration=administration, visits=visits)


def _regions() -> Regions:
    mask = test_local_rigid.mask()
    return prepare([Outline("A", "frame", mask=mask), Outline("B", "frame", mask=_aside(mask))],
                   test_local_rigid.reference())  # fmt: skip


def _aside(mask: Image) -> Image:
    affine = np.array(mask.grid.affine)
    affine[0, 3] -= 120.0
    return Image(type(mask.grid)(mask.grid.shape, affine), mask.array, "1")


ORGANS = {"A": Organ("kidney", "left"), "B": Organ("kidney", "right")}


def weighed(sex: str = "F", **given: Mapping[str, Any]) -> Masses:
    return masses(_regions(), _inputs(**given), ORGANS, sex)


def test_an_ellipsoid_weighs_pi_over_six_of_its_axes_times_density() -> None:
    axes = ["11 cm", "5.5 cm", "4.6 cm"]
    volume, mass = weighed(A={"axes": axes, "by": "ultrasound"}).rows["A"]
    assert volume.value == pytest.approx(np.pi / 6 * 11 * 5.5 * 4.6)
    assert mass.value == pytest.approx(1.05 * volume.value)
    assert volume.parts == {"mass, ultrasound": pytest.approx(0.18 * volume.value)}


def test_a_volume_and_a_mass_mean_the_same_by_the_organs_density() -> None:
    found = weighed(A={"volume": "100 ml", "u": "10 %", "by": "MR"},
                    B={"mass": "105 g", "u": "10 %", "by": "MR"}).rows  # fmt: skip
    assert found["A"][1].value == pytest.approx(found["B"][1].value)
    assert found["B"][0].value == pytest.approx(100.0)


def test_a_reference_kidney_is_half_of_the_pair_and_both_share_their_doubt() -> None:
    found = weighed(kidney={"by": "reference"})
    left, right = found.rows["A"][1], found.rows["B"][1]
    assert left.value == right.value == pytest.approx(275.0 / 2)
    assert (left + right).u == pytest.approx(0.25 * 275.0)
    assert found.given == {"A", "B"}


def test_without_anything_the_outline_on_the_scan_is_weighed_and_said_once() -> None:
    found = weighed()
    assert [n.code for n in found.notes] == ["W-SEG-NO-CT"]
    assert "A, B" in found.notes[0].where
    assert found.rows["A"][1].value == pytest.approx(1.05 * found.rows["A"][0].value)


def test_a_given_volume_far_from_the_outline_is_asked_about() -> None:
    drawn = _regions().named("A").volume_ml.value
    near = weighed(A={"volume": f"{drawn:.1f} ml", "u": "10 %", "by": "CT report"})
    far = weighed(A={"volume": f"{3 * drawn:.1f} ml", "u": "10 %", "by": "CT report"})
    assert "W-MASS-DIFFERS" not in [n.code for n in near.notes]
    assert "W-MASS-DIFFERS" in [n.code for n in far.notes]


@pytest.mark.parametrize(
    ("key", "says"),
    [("spleen", "means no outline"), ("kidney", "means 2 outlines"), ("nonsense", "no outline")],
)
def test_a_mass_of_no_outline_or_of_two_is_refused(key: str, says: str) -> None:
    with pytest.raises(QuimbyError, match=says) as error:
        masses(_regions(), _inputs(**{key: {"volume": "100 ml", "by": "MR"}}), ORGANS, "F")
    assert error.value.code == "E-STUDY-KEY"


def test_a_reference_mass_needs_a_sex_and_a_known_organ() -> None:
    with pytest.raises(QuimbyError) as error:
        weighed(sex="", kidney={"by": "reference"})
    assert error.value.code == "E-SEG-REFERENCE"


@pytest.mark.parametrize("given", [
    {"by": "ultrasound"},
    {"by": "reference", "volume": "100 ml"},
    {"by": "MR", "volume": "100 ml", "mass": "100 g"},
    {"volume": "100 ml"},
    {"volume": "100", "by": "MR"},
])  # fmt: skip
def test_a_mass_that_says_too_little_or_too_much_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GivenMass.model_validate(given)


# Attenuation


def _asked(**keys: Any) -> Spect:
    return Spect.model_validate({"id": "scan-1", "image": {"path": "a"}, **keys})


def _check(corrections: tuple[str, ...], made: tuple[str, ...] = ("ATTN", "SCAT"), **keys: Any
           ) -> None:  # fmt: skip
    scan = replace(made_up.inputs().visits[0].scan, device=Device(corrections=corrections))
    record = camera_record_of()
    record = record.model_copy(update={
        "reconstruction": record.reconstruction.model_copy(update={"corrections": made})
    })  # fmt: skip
    check_attenuation(_asked(**keys), scan, record)


def test_scans_corrected_as_the_phantom_was_pass() -> None:
    _check(("ATTN", "SCAT"))
    _check(())  # a file that lists none
    _check(("SCAT",), attenuation="corrected")
    _check(("SCAT",), attenuation="none, patient-relative", in_view="6 GBq")


@pytest.mark.parametrize(("corrections", "made", "code"), [
    (("SCAT",), ("ATTN", "SCAT"), "E-ATTENUATION-NONE"),
    (("SCAT",), ("SCAT",), "E-ATTENUATION-NONE"),  # a phantom's depth is not a patient's
    (("ATTN", "SCAT"), ("SCAT",), "E-ATTENUATION-PHANTOM"),
])  # fmt: skip
def test_scans_not_corrected_are_refused(
    corrections: tuple[str, ...], made: tuple[str, ...], code: str
) -> None:
    with pytest.raises(QuimbyError) as error:
        _check(corrections, made)
    assert error.value.code == code
    assert "patient-relative" in error.value.do or code != "E-ATTENUATION-NONE"


def test_shares_need_what_they_are_shares_of() -> None:
    with pytest.raises(QuimbyError, match="in_view is missing"):
        _check(("SCAT",), attenuation="none, patient-relative")


def test_patient_relative_activities_add_up_to_what_is_in_view_and_block_signing() -> None:
    image = made_up.activity()
    asked = _asked(attenuation="none, patient-relative", in_view="6 GBq", in_view_u="8 %")
    found, doubts, notes = relative_activity(asked, image)
    assert float(found.values.sum()) * found.grid.voxel_ml == pytest.approx(6000.0)
    assert doubts == {"activity in view, scan-1": 0.08, "no attenuation correction": 0.25}
    assert [n.severity for n in notes] == ["blocking"]
