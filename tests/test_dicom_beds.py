"""Beds of one scan joined to one volume: no count lost, none twice, and nothing joined unfit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from pydicom.uid import UID

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image
from quimby.core.notes import note
from quimby.measure.dicom import read_emission, survey
from quimby.measure.dicom.bed_groups import bed_groups
from quimby.measure.dicom.beds import CAUSE, join_beds
from quimby.measure.scans import EmissionScan, Identity, Timing
from quimby.study.document import parse_study
from quimby.study.draft import draft
from tests import dicom_builder as build

T_HALF_H = 6.0
STEP_MM = 4.0
START = datetime(2026, 3, 3, 9, 54)
TWENTY = Timing(20.0, 60, 2)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> EmissionScan:
    """A scan as the reader gives it, to be laid elsewhere."""
    return read_emission(build.save(tmp_path_factory.mktemp("one"), build.spect()))


def bed(
    template: EmissionScan, values: NDArray[Any], at_slice: float, *, minutes: float = 0.0,
    timing: Timing | None = TWENTY, **changes: Any,
) -> EmissionScan:  # fmt: skip
    """Values (slices, rows, columns) that begin `at_slice` steps above the origin."""
    affine = np.diag([2.0, 3.0, STEP_MM, 1.0])
    affine[2, 3] = STEP_MM * at_slice
    image = Image(Grid(values.shape, affine), values, changes.pop("unit", "counts"))
    found = replace(template, image=image, acquired_at=START + timedelta(minutes=minutes),
                    timing=timing)  # fmt: skip
    return replace(found, **changes)


def patient(slices: int, seed: int = 1) -> NDArray[np.float64]:
    """A truth of whole counts, nothing at either end."""
    found = np.random.default_rng(seed).integers(0, 1000, (slices, 3, 4)).astype(float)
    found[0] = found[-1] = 0
    return found


def decayed(minutes: float) -> float:
    return float(2.0 ** (-minutes / 60.0 / T_HALF_H))


def codes(scan: EmissionScan) -> set[str]:
    return {n.code for n in scan.notes}


def test_two_beds_give_back_the_patient_slice_by_slice(template: EmissionScan) -> None:
    truth = patient(30)
    lower = bed(template, truth[:18], 0)
    upper = bed(template, truth[12:] * decayed(25), 12, minutes=25)

    joined = join_beds([upper, lower], half_life_h=T_HALF_H)

    assert_allclose(joined.image.values, truth, rtol=1e-6)
    assert joined.image.values.sum() == pytest.approx(truth.sum(), rel=1e-7)
    assert joined.acquired_at == START
    assert joined.timing == TWENTY
    assert "I-DCM-BEDS" in codes(joined)
    assert not {"W-DCM-BEDS", "W-DCM-BEDS-TIME"} & codes(joined)
    assert joined.doubts == {}
    said = next(n.text for n in joined.notes if n.code == "I-DCM-BEDS")
    assert "overlapping by 24 mm" in said
    assert f"1, {1 / decayed(25):.4g}" in said


@given(
    cuts=st.lists(st.tuples(st.integers(2, 5), st.integers(8, 14)), min_size=1, max_size=3),
    minutes=st.floats(20, 40),
)
def test_any_number_of_beds_conserves_the_sum(
    template: EmissionScan, cuts: list[tuple[int, int]], minutes: float
) -> None:
    edges = [(0, 12)]
    for overlap, length in cuts:
        start = edges[-1][1] - overlap
        edges.append((start, start + length + overlap))
    truth = patient(edges[-1][1])
    late = [1 / decayed(minutes * n) for n in range(len(edges))]
    beds = [bed(template, truth[a:b] / late[n], a, minutes=minutes * n)
            for n, (a, b) in enumerate(edges)]  # fmt: skip

    joined = join_beds(beds, half_life_h=T_HALF_H)

    assert_allclose(joined.image.values, truth, rtol=1e-5, atol=1e-3)


@given(shift=st.floats(0.02, 0.98))
def test_a_bed_between_the_slices_keeps_its_counts_and_their_place(
    template: EmissionScan, shift: float
) -> None:
    """A blob of the upper bed only: its sum and its centre of mass stay."""
    lower, upper = np.zeros((10, 3, 4)), np.zeros((12, 3, 4))
    upper[7, 1, 2], upper[8, 1, 2], upper[11, 0, 0] = 300.0, 100.0, 50.0
    joined = join_beds(
        [bed(template, lower, 0), bed(template, upper, 6 + shift, minutes=25)], half_life_h=1e9
    )
    found = joined.image.values.sum(axis=(1, 2))

    assert found.sum() == pytest.approx(450.0, rel=1e-6)
    centre = found @ np.arange(len(found)) / found.sum()
    assert centre == pytest.approx(6 + shift + (300 * 7 + 100 * 8 + 50 * 11) / 450, abs=1e-5)


def test_the_overlap_is_a_ramp_between_the_beds(template: EmissionScan) -> None:
    """Two beds that disagree, so that the weights can be read off."""
    lower = bed(template, np.full((10, 2, 2), 100.0), 0)
    upper = bed(template, np.full((10, 2, 2), 200.0), 6, minutes=25)

    joined = join_beds([lower, upper], half_life_h=1e9)

    middle = joined.image.values[5:11, 0, 0]
    assert_allclose(middle, [100, 112.5, 137.5, 162.5, 187.5, 200], rtol=1e-5)
    told = next(n for n in joined.notes if n.code == "W-DCM-BEDS")
    assert told.value == pytest.approx(2.0, rel=1e-6)


def test_counts_of_a_longer_bed_are_brought_to_the_first_ones_time(template: EmissionScan) -> None:
    """Counts are the integral of what was there: worked out here by the formula of decay."""
    rate, lam = 500.0, np.log(2) / T_HALF_H
    long = Timing(40.0, 60, 2)

    def counted(start_min: float, timing: Timing) -> float:
        elapsed_h = timing.elapsed_scan_time_s / 3600
        return float(rate * np.exp(-lam * start_min / 60) * -np.expm1(-lam * elapsed_h) / lam)

    lower = bed(template, np.full((6, 2, 2), counted(0, TWENTY)), 0)
    upper = bed(template, np.full((6, 2, 2), counted(25, long)), 4, minutes=25, timing=long)

    joined = join_beds([lower, upper], half_life_h=T_HALF_H)

    assert_allclose(joined.image.values, counted(0, TWENTY), rtol=1e-6)


@pytest.mark.parametrize(
    ("reference", "factor"), [("ADMIN", 1.0), ("START", 1 / decayed(25)), ("NONE", 1 / decayed(25))]
)
def test_activities_are_brought_to_the_first_start_as_their_reference_asks(
    template: EmissionScan, reference: str, factor: float
) -> None:
    beds = [
        bed(template, np.ones((6, 2, 2)), at, minutes=m, unit="Bq/ml", decay_reference=reference)
        for at, m in ((0, 0), (5, 25))
    ]

    joined = join_beds(beds, half_life_h=T_HALF_H)

    assert joined.image.values[0, 0, 0] == 1
    assert joined.image.values[-1, 0, 0] == pytest.approx(factor, rel=1e-6)
    assert joined.doubts == {}


@pytest.mark.parametrize("when", ["one stamp on both", "no time"])
def test_beds_without_their_own_times_carry_the_doubt_of_one_bed(
    template: EmissionScan, when: str
) -> None:
    at = None if when == "no time" else START
    beds = [bed(template, np.ones((6, 2, 2)) * 100, n, acquired_at=at) for n in (0, 5)]

    joined = join_beds(beds, half_life_h=T_HALF_H)

    assert_allclose(joined.image.values, 100.0)
    assert joined.doubts == {CAUSE: pytest.approx((1 / decayed(20) - 1) / np.sqrt(3), rel=1e-6)}
    assert "W-DCM-BEDS-TIME" in codes(joined)


def test_a_decay_reference_that_is_assumed_leaves_the_doubt_of_the_whole_wait(
    template: EmissionScan,
) -> None:
    assumed = (note("S-DCM-DECAY-REF", where="x"),)
    beds = [bed(template, np.ones((6, 2, 2)), n, minutes=5 * n, decay_reference="START",
                notes=assumed) for n in (0, 5)]  # fmt: skip

    joined = join_beds(beds, half_life_h=T_HALF_H)

    assert joined.doubts[CAUSE] == pytest.approx((1 / decayed(25) - 1) / np.sqrt(3), rel=1e-6)
    assert joined.image.values[-1, 0, 0] == pytest.approx(1 / decayed(25))


def test_a_few_counts_that_differ_by_chance_are_not_noted(template: EmissionScan) -> None:
    few = [np.full((6, 1, 1), n) for n in (4.0, 5.0)]
    many = [1000 * one for one in few]

    def said(pair: list[NDArray[Any]]) -> set[str]:
        return codes(join_beds([bed(template, pair[0], 0), bed(template, pair[1], 4, minutes=25)],
                               half_life_h=1e9))  # fmt: skip

    assert "W-DCM-BEDS" not in said(few)
    assert "W-DCM-BEDS" in said(many)


def test_the_head_saw_one_bed_at_a_time(template: EmissionScan) -> None:
    """Dead time goes by what one bed shows, not by the sum of both."""
    joined = join_beds(
        [bed(template, np.full((10, 2, 2), 3.0), 0),
         bed(template, np.full((10, 2, 2), 3.0), 10, minutes=25)], half_life_h=1e9,
    )  # fmt: skip

    assert joined.busiest_bed == pytest.approx(0.5)


Spoil = Callable[[EmissionScan], EmissionScan]


def regrid(scan: EmissionScan, change: Callable[[NDArray[Any]], None]) -> EmissionScan:
    affine = scan.image.grid.affine.copy()
    change(affine)
    grid = Grid(scan.image.grid.shape, affine)
    return replace(scan, image=Image(grid, scan.image.array, scan.image.unit))


def moved(axis: int, mm: float) -> Spoil:
    def by(affine: NDArray[Any]) -> None:
        affine[axis, 3] += mm

    return lambda scan: regrid(scan, by)


def scaled(axis: int, factor: float) -> Spoil:
    def by(affine: NDArray[Any]) -> None:
        affine[:, axis] *= factor

    return lambda scan: regrid(scan, by)


def with_unit(scan: EmissionScan) -> EmissionScan:
    return replace(scan, image=Image(scan.image.grid, scan.image.array, "Bq/ml"))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (moved(2, 30 * STEP_MM), "104.0 mm are missing"),
        (moved(0, 5.0), "5.0 mm apart across the slices"),
        (scaled(2, 1.1), "voxels differ in size"),
        (scaled(0, 1.02), "voxels differ in size"),
        (with_unit, "units differ"),
        (lambda s: replace(s, decay_reference="START"), "decay references differ"),
        (lambda s: replace(s, timing=None), "how long each counted is not known"),
        (lambda s: replace(s, frame_of_reference="2.25.4"), "frames of reference differ"),
        (lambda s: replace(s, identity=Identity("P2")), "patients differ"),
        (lambda s: replace(s, device=replace(s.device, serial="2")), "cameras differ"),
        (lambda s: replace(s, device=replace(s.device, corrections=("SCAT",))), "corrections"),
        (lambda s: replace(s, acquired_at=START + timedelta(hours=5)), "start 5.0 h apart"),
    ],
)
def test_beds_that_do_not_fit_are_refused_with_the_reason(
    template: EmissionScan, spoil: Spoil, says: str
) -> None:
    lower, upper = (bed(template, np.ones((12, 2, 2)), n, minutes=3 * n) for n in (0, 8))
    upper = replace(upper, acquired_at=START + timedelta(minutes=25))
    assert join_beds([lower, upper], half_life_h=T_HALF_H).image.grid.shape == (20, 2, 2)

    with pytest.raises(QuimbyError) as caught:
        join_beds([lower, spoil(upper)], half_life_h=T_HALF_H)

    assert caught.value.code == "E-DCM-BEDS"
    assert says in caught.value.what


# Which series of a folder are beds


def placed(z_mm: float, minutes: int, **changes: Any) -> Any:
    """A file of 10 slices, 4 mm apart, from z on."""
    head = build.item(ImagePositionPatient=[10.0, 20.0, z_mm], ImageOrientationPatient=build.AXIAL)
    when = f"{START + timedelta(minutes=minutes):%H%M%S}"
    usual = {"DetectorInformationSequence": [head], "AcquisitionTime": when,
             "SeriesInstanceUID": f"2.25.{int(1000 + z_mm)}{minutes}"}  # fmt: skip
    return build.spect(np.ones((10, 5, 6), dtype="u2"), **{**usual, **changes})


def groups(folder: Path, *datas: Any) -> list[int]:
    build.save(folder, *datas)
    return [len(group) for group in bed_groups(survey(folder).of("spect"))]


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (placed(32.0, 25), [2]),
        (placed(-32.0, 25), [2]),
        (placed(40.0, 25), [2]),
        (placed(60.0, 25), [1, 1]),
        (placed(0.0, 25), [1, 1]),
        (placed(32.0, 90), [1, 1]),
        (placed(32.0, 25, StudyInstanceUID="2.25.9"), [1, 1]),
        (placed(32.0, 25, FrameOfReferenceUID="2.25.9"), [1, 1]),
        (placed(32.0, 25, PixelSpacing=[3.0, 3.0]), [1, 1]),
        (placed(32.0, 25, DetectorInformationSequence=None), [1, 1]),
    ],
    ids=["above", "below", "touching", "with a gap", "the same place", "later", "another study",
         "another frame", "other pixels", "no place"],
)  # fmt: skip
def test_only_overlapping_scans_of_one_session_are_taken_for_beds(
    tmp_path: Path, other: Any, found: list[int]
) -> None:
    assert groups(tmp_path, placed(0.0, 0), other) == found


def test_three_beds_are_one_scan(tmp_path: Path) -> None:
    assert groups(tmp_path, placed(0, 0), placed(64, 40), placed(32, 20)) == [3]


# A real scan cut into beds


def cut(source: Path, into: Path, first: int, last: int, *, minutes: float) -> Path:
    """Slices `first` to `last` of a real file as a bed that started later, fewer by decay."""
    data = pydicom.dcmread(source)
    kept = 2.0 ** (-minutes / 60.0 / 159.5)
    counts = np.random.default_rng(first).binomial(data.pixel_array[first:last].astype(int), kept)
    build.pixels(data, counts.astype("u2"))
    data.NumberOfSlices, data.SliceVector = len(counts), list(range(1, len(counts) + 1))
    head = data.DetectorInformationSequence[0]
    place = [float(v) for v in head.ImagePositionPatient]
    place[2] += first * float(data.SpacingBetweenSlices)
    for one in data.DetectorInformationSequence:
        one.ImagePositionPatient = place
    started = datetime.strptime(data.AcquisitionTime[:6], "%H%M%S") + timedelta(minutes=minutes)
    data.AcquisitionTime = f"{started:%H%M%S}"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{first + 500}")
    data.SeriesInstanceUID = f"2.25.{first + 900}"
    path = into / f"bed{first}.dcm"
    data.save_as(path)
    return path


@pytest.fixture(scope="module")
def cut_case_a(case_a: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Case A with the SPECT of its second day in two beds."""
    folder = tmp_path_factory.mktemp("beds")
    for part in ("tp2/CT", "calibration"):
        shutil.copytree(case_a / part, folder / part)
    (folder / "administration.json").write_bytes((case_a / "administration.json").read_bytes())
    source = case_a / "tp2" / "SPECT.dcm"
    cut(source, folder / "tp2", 0, 50, minutes=0)
    cut(source, folder / "tp2", 35, 84, minutes=25)
    return folder


def test_a_draft_takes_two_beds_for_one_scan(cut_case_a: Path) -> None:
    found = draft(cut_case_a)

    (scan,) = found.document["administrations"][0]["measurements"]
    assert scan["image"]["path"] == "tp2/bed0.dcm"
    assert [one["path"] for one in scan["beds"]] == ["tp2/bed35.dcm"]
    assert scan["ct"]["path"] == "tp2/CT"
    assert "scan-1 of 03 Mar 2026 09:54 in 2 beds, with its CT (90 slices)" in found.found
    assert not [path for path, _ in found.left_out if "bed" in path]


def test_a_real_scan_in_two_beds_holds_the_counts_it_had(case_a: Path, cut_case_a: Path) -> None:
    whole = read_emission([case_a / "tp2" / "SPECT.dcm"])
    beds = [read_emission([cut_case_a / "tp2" / name]) for name in ("bed35.dcm", "bed0.dcm")]

    joined = join_beds(beds, half_life_h=159.5)

    assert joined.image.grid.matches(whole.image.grid)
    counts, total = joined.image.values, float(whole.image.values.sum())
    assert counts.sum() == pytest.approx(total, rel=5e-5)  # what the second bed's draw left out
    assert np.array_equal(joined.image.array[:35], whole.image.array[:35])
    assert joined.acquired_at == whole.acquired_at
    assert "W-DCM-BEDS" not in codes(joined)
    assert whole.busiest_bed == 1 > joined.busiest_bed


def test_the_document_has_a_place_for_beds() -> None:
    scan = {"id": "scan-1", "image": {"path": "a"}, "beds": [{"path": "b"}, {"path": "c"}]}
    document = parse_study(
        {"id": "x", "therapy": "lu177-dotatate", "protocol": "p", "patient": {"id": "1"},
         "administrations": [{"id": "c", "nuclide": "Lu-177", "measurements": [scan]}]},
        where="x",
    )  # fmt: skip

    assert [one.path for one in document.administrations[0].scans[0].beds] == ["b", "c"]
