"""A course: what came before, who the patient is and how it was done, each seen in the result."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from quimby.core.uncertain import total
from quimby.study.document import Study, parse_study
from quimby.study.draft import draft
from quimby.study.result import RegionResult, Result
from quimby.study.run import run
from tests.variants import copy, edit, one_scan, quick_patient

SCANNED = datetime.fromisoformat("2026-03-03T09:54+01:00")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One scan of the demo patient, with a coarse CT."""
    return one_scan(quick_patient(tmp_path_factory), tmp_path_factory.mktemp("course") / "patient")


@pytest.fixture(scope="module")
def drafted(folder: Path) -> dict[str, Any]:
    """Its document, to be copied and changed."""
    return draft(folder, answers={"residue": "0", "protocol": "LU-FULL"}).document


def calculated(document: dict[str, Any], folder: Path) -> Result:
    """The result of a raw document."""
    return run(Study(document=parse_study(document, where="test"), folder=folder))


def row(result: Result, name: str) -> RegionResult:
    """A region or a pair by name."""
    return next(r for r in (*result.combined, *result.regions) if r.name == name)


def noted(result: Result, code: str) -> list[str]:
    """Where a note of that code stands."""
    return [n.where for n in result.notes if n.code == code]


@pytest.fixture(scope="module")
def after_others(drafted: dict[str, Any], folder: Path) -> Result:
    """Cycle 2 of a patient with one kidney, earlier doses, and more given than prescribed."""
    document = deepcopy(drafted)
    document["patient"]["single_kidney"] = True
    document["cycles_planned"] = 4
    document["earlier"] = [
        {"organ": "Niere", "what": "external beam", "date": "2019", "dose": "12 Gy",
         "dose_u": "10 %", "bed": "14 Gy"},
        {"organ": "Lesion_1", "what": "cycle 0 elsewhere", "dose": "20 Gy"},
    ]  # fmt: skip
    (given,) = document["administrations"]
    given |= {"cycle": 2, "id": "cycle-2", "prescribed": "6500 MBq"}
    unmeasured = {"id": "cycle-1", "cycle": 1, "nuclide": "Lu-177", "activity": "7.4 GBq",
                  "at": "2026-01-02T10:00:00+01:00"}  # fmt: skip
    document["administrations"] = [unmeasured, given]
    return calculated(document, folder)


@pytest.fixture(scope="module")
def two_cycles(drafted: dict[str, Any], folder: Path) -> Result:
    """Two measured cycles in one document, the same in all but their dates."""
    document = deepcopy(drafted)
    document["patient"]["risk_factors"] = ["diabetes"]
    (first,) = document["administrations"]
    second = deepcopy(first)
    second |= {"id": "cycle-2", "cycle": 2, "at": "2026-05-04T10:12:00+02:00"}
    second["measurements"][0]["at"] = "2026-05-05T09:54:00+02:00"
    first["measurements"][0]["at"] = SCANNED.isoformat()
    document["administrations"] = [first, second]
    return calculated(document, folder)


def spleen_renamed(data: Dataset) -> None:
    """The spleen under a name that says no organ."""
    for roi in data.StructureSetROISequence:
        roi.ROIName = {"Spleen": "PTV 1.5"}.get(roi.ROIName, roi.ROIName)


@pytest.fixture(scope="module")
def mirrored(
    drafted: dict[str, Any], folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Result:
    """Cycle 3 with mirrored organs, a residue, a strange outline and a scan outside windows."""
    other = copy(folder, tmp_path_factory.mktemp("mirrored") / "patient")
    edit(other / "tp2" / "RTSTRUCT.dcm", spleen_renamed)
    document = deepcopy(drafted)
    document["zone"] = "Europe/Berlin"
    document["patient"]["mirror_anatomy"] = True
    (given,) = document["administrations"]
    given["cycle"] = 3
    given["residuals"] = [{"activity": "400 MBq", "at": "2026-03-02T10:12:00"}]
    given["measurements"][0]["at"] = "2026-03-04T12:12:00+01:00"
    regions = given["outlines"]["regions"]
    regions["Kidney_L"], regions["Kidney_R"] = regions["Kidney_R"], regions["Kidney_L"]
    return calculated(document, other)


def test_earlier_doses_are_listed_as_they_were_given(after_others: Result) -> None:
    kidney, lesion = [e for e in after_others.exposures if not e.what.startswith("cycle 1")]
    assert (kidney.organ, kidney.what, kidney.date) == ("kidney", "external beam", "2019")
    assert kidney.dose_gy.value == 12.0
    assert kidney.dose_gy.u == pytest.approx(1.2)
    assert lesion.organ == "Lesion_1"


def test_earlier_doses_count_in_the_totals_of_their_organ_alone(after_others: Result) -> None:
    kidneys, liver = row(after_others, "Kidneys"), row(after_others, "Liver")
    twice = 1 + 7400 / after_others.administered_mbq.value  # cycle 1 was given and not measured
    assert kidneys.total_dose_gy.value == pytest.approx(
        twice * kidneys.absorbed_dose_gy.value + 12.0
    )
    assert kidneys.bed_gy is not None
    assert kidneys.total_bed_gy is not None
    carried = next(e for e in after_others.exposures if e.what.startswith("cycle 1, not"))
    assert carried.organ == "kidney"
    assert carried.bed_gy is not None
    both = kidneys.bed_gy.value + carried.bed_gy.value
    assert kidneys.total_bed_gy.value == pytest.approx(both + 14.0)
    assert liver.total_dose_gy.value == pytest.approx(twice * liver.absorbed_dose_gy.value)
    one, two = row(after_others, "Lesion_1"), row(after_others, "Lesion_2")
    assert one.total_dose_gy.value == pytest.approx(twice * one.absorbed_dose_gy.value + 20.0)
    assert two.total_dose_gy.value == pytest.approx(twice * two.absorbed_dose_gy.value)


def test_the_doubt_of_earlier_doses_is_in_that_of_the_total(after_others: Result) -> None:
    kidneys = row(after_others, "Kidneys")
    cycles = [kidneys.absorbed_dose_gy,
              *(e.dose_gy for e in after_others.exposures
                if e.organ == "kidney" and e.what.startswith("cycle 1"))]  # fmt: skip
    both = (total(cycles).u ** 2 + 1.2**2) ** 0.5
    assert kidneys.total_dose_gy.u == pytest.approx(both)
    assert kidneys.total_dose_gy.parts["earlier dose 1, Niere"] == pytest.approx(1.2)


def test_a_dose_limit_is_held_against_the_total(after_others: Result) -> None:
    kidneys = row(after_others, "Kidneys")
    (dose,) = [c for c in kidneys.limits if c.quantity == "absorbed dose"]
    assert dose.total_gy == kidneys.total_dose_gy
    assert dose.share == pytest.approx(kidneys.total_dose_gy.value / 23.0)
    assert row(after_others, "Kidney_L").limits == ()


def test_a_single_kidney_chooses_the_lower_limit(after_others: Result) -> None:
    (bed,) = [c for c in row(after_others, "Kidneys").limits if c.quantity == "BED"]
    assert (bed.limit_name, bed.limit_gy) == ("kidneys, risk factors", 28.0)
    assert after_others.patient.single_kidney


def test_a_risk_factor_chooses_the_lower_limit(two_cycles: Result) -> None:
    (bed,) = [c for c in row(two_cycles, "Kidneys").limits if c.quantity == "BED"]
    assert bed.limit_gy == 28.0
    assert two_cycles.patient.risk_factors == ("diabetes",)


def test_without_either_the_higher_limit_holds(mirrored: Result) -> None:
    (bed,) = [c for c in row(mirrored, "Kidneys").limits if c.quantity == "BED"]
    assert bed.limit_gy == 40.0


def test_more_than_ten_percent_off_the_prescription_blocks_signing(after_others: Result) -> None:
    (note,) = [n for n in after_others.notes if n.code == "S-ADMIN-DEVIATION"]
    assert "+14 % off the prescribed 6500 MBq" in note.text
    assert note.where == "cycle-2"
    assert after_others.prescribed_mbq == 6500.0
    assert after_others.cycles_planned == 4


def test_no_prescription_is_no_deviation(two_cycles: Result) -> None:
    assert noted(two_cycles, "S-ADMIN-DEVIATION") == []


def test_a_cycle_that_was_not_measured_is_named(after_others: Result) -> None:
    assert noted(after_others, "W-COURSE-UNMEASURED") == ["cycle-1"]
    assert after_others.administration == "cycle-2"


def test_a_later_cycle_without_any_earlier_dose_is_named(mirrored: Result) -> None:
    assert noted(mirrored, "W-COURSE-UNKNOWN") == ["cycle-1"]


def test_the_last_of_two_measured_cycles_is_reported(two_cycles: Result) -> None:
    assert (two_cycles.administration, two_cycles.cycle) == ("cycle-2", 2)
    assert two_cycles.administered_at == datetime.fromisoformat("2026-05-04T10:12:00+02:00")
    assert noted(two_cycles, "W-COURSE-UNKNOWN") == []


def test_an_earlier_measured_cycle_counts_in_the_totals(two_cycles: Result) -> None:
    for name in ("Kidneys", "Liver", "Lesion_1"):
        found = row(two_cycles, name)
        (earlier,) = [e for e in two_cycles.exposures if e.organ in (found.organ, found.name)]
        assert earlier.what == "cycle 1, measured"
        assert earlier.date == "2026-03-02"
        assert earlier.dose_gy.value == pytest.approx(found.absorbed_dose_gy.value, rel=1e-3)
        total = earlier.dose_gy.value + found.absorbed_dose_gy.value
        assert found.total_dose_gy.value == pytest.approx(total)


def test_a_kidney_pair_counts_once_from_an_earlier_cycle(two_cycles: Result) -> None:
    assert [e.organ for e in two_cycles.exposures].count("kidney") == 1


def test_each_kidney_adds_up_its_own_doses_and_not_the_pair_s(two_cycles: Result) -> None:
    for name in ("Kidney_L", "Kidney_R"):
        found = row(two_cycles, name)
        twice = 2 * found.absorbed_dose_gy.value
        assert found.total_dose_gy.value == pytest.approx(twice, rel=1e-3)
    left, right = (row(two_cycles, name).total_dose_gy.value for name in ("Kidney_L", "Kidney_R"))
    assert abs(left - right) > 0.05 * right  # they are not alike in this patient


def test_one_camera_s_doubt_adds_up_over_cycles_and_noise_does_not(two_cycles: Result) -> None:
    kidneys = row(two_cycles, "Kidneys")
    now, all_of_it = kidneys.absorbed_dose_gy.parts, kidneys.total_dose_gy.parts
    twice = 2 * now["camera calibration"]
    assert all_of_it["camera calibration"] == pytest.approx(twice, rel=1e-3)


def test_the_counts_of_two_cycles_are_independent(two_cycles: Result) -> None:
    kidneys = row(two_cycles, "Kidneys")
    now, all_of_it = kidneys.absorbed_dose_gy.parts, kidneys.total_dose_gy.parts
    noise = [cause for cause in now if cause.startswith("counts")]
    assert noise
    for cause in noise:
        assert all_of_it[cause] == pytest.approx(now[cause])
        assert all_of_it[f"{cause}, cycle-1"] == pytest.approx(now[cause], rel=1e-3)


def test_mirrored_organs_are_taken_as_they_lie(mirrored: Result) -> None:
    assert row(mirrored, "Kidney_L").side == "right"
    assert row(mirrored, "Kidneys").members == ("Kidney_R", "Kidney_L")


def test_a_scan_outside_every_window_is_noted(mirrored: Result) -> None:
    (note,) = [n for n in mirrored.notes if n.code == "I-PROTOCOL-WINDOW"]
    assert "50.0 h" in note.text


def test_scans_that_the_protocol_expects_are_missed_by_name(mirrored: Result) -> None:
    warned = [n.text for n in mirrored.notes if n.code == "W-PROTOCOL-MISSING"]
    told = [n.text for n in mirrored.notes if n.code == "I-PROTOCOL-MISSING"]
    assert len(warned) == 3
    assert any("18 and 30 h" in text for text in warned)
    assert any("2 and 8 h" in text for text in told)


def test_an_outline_of_no_known_organ_is_left_out_and_said(mirrored: Result) -> None:
    assert {r.name for r in mirrored.regions}.isdisjoint({"PTV 1.5", "Spleen"})
    (note,) = [n for n in mirrored.notes if n.code == "W-STUDY-REGION-SKIPPED"]
    assert 'regions.PTV 1.5="organ"' in note.do


def test_residue_is_taken_off_the_activity_and_its_time_takes_the_zone(mirrored: Result) -> None:
    assert mirrored.administered_mbq.value == pytest.approx(7000.0)
