"""Looking through a folder: every series by kind, every file accounted for."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import read_ct, read_emission, survey
from quimby.measure.dicom.split_series import whole_series
from tests import dicom_builder as build
from tests.conftest import shared_path


def test_case_a_is_found_series_by_series_in_order_of_time(case_a: Path) -> None:
    found = survey(case_a)

    kinds = Counter(one.kind for one in found.series)
    assert kinds == {"spect": 6, "ct": 4, "whole body": 4, "rtstruct": 1}
    assert sorted(path.name for path, _ in found.left_out) == ["administration.json", "fill.json"]
    times = [one.acquired_at for one in found.of("spect")]
    assert all(t is not None and t.utcoffset() == timedelta(hours=1) for t in times)
    assert times == sorted(t for t in times if t is not None)
    outlines, reference = found.of("rtstruct")[0], found.of("ct")[1]
    assert outlines.references == (reference.series_uid,)
    assert outlines.frame_of_reference == reference.frame_of_reference
    assert all(len(one.files) == 90 for one in found.of("ct"))
    assert {one.nuclide for one in found.of("spect")} == {"Lu-177"}


def test_every_file_of_the_shared_data_is_in_a_series_or_left_out_with_a_reason(
    shared_data: Path,
) -> None:
    start = time.process_time()
    found = survey(shared_data)
    seconds = time.process_time() - start

    listed = [path for one in found.series for path in one.files]
    listed += [path for path, _ in found.left_out]
    assert sorted(listed) == sorted(path for path in shared_data.rglob("*") if path.is_file())
    assert all(reason for _, reason in found.left_out)
    assert seconds < 10


@pytest.mark.parametrize(
    ("folder", "kinds"),
    [
        ("nm_qc", {"planar": 6, "dynamic": 2, "spect": 2}),
        ("nm_misc", {"spect": 1, "other": 1}),
        ("planar_antpost", {"planar": 1}),
        ("pet_nema_phantom", {"pet": 1}),
        ("pet_ct_rtstruct_fdg", {"pet": 1, "rtstruct": 1, "rwvm": 1}),
        ("ct_seg", {"ct": 1, "seg": 1}),
    ],
)
def test_kinds_are_told_apart(folder: str, kinds: dict[str, int]) -> None:
    found = survey(shared_path("data", folder))

    assert Counter(one.kind for one in found.series) == kinds


def test_a_damaged_file_never_stops_the_survey(tmp_path: Path) -> None:
    build.save(tmp_path / "deep" / "er", *build.ct(3))
    good = build.save(tmp_path, build.spect(SeriesInstanceUID="2.25.5"))[0]
    (tmp_path / "cut").write_bytes(good.read_bytes()[:300])
    (tmp_path / "empty.dcm").write_bytes(b"")
    (tmp_path / "noise").write_bytes(b"\x08\x00" + bytes(range(256)) * 4)
    (tmp_path / "note.txt").write_text("hello")
    (tmp_path / "DICOMDIR").write_bytes(good.read_bytes())

    found = survey(tmp_path)

    assert sorted(one.kind for one in found.series) == ["ct", "spect"]
    assert {path.name for path, _ in found.left_out} == {
        "cut", "empty.dcm", "noise", "note.txt", "DICOMDIR",
    }  # fmt: skip
    assert len(found.of("ct")[0].files) == 3


def test_names_and_endings_of_files_do_not_matter(tmp_path: Path) -> None:
    (path,) = build.save(tmp_path, build.spect())
    path.rename(tmp_path / "IM 0001")

    assert survey(tmp_path).series[0].kind == "spect"


def test_one_object_in_two_files_is_listed_once(tmp_path: Path) -> None:
    data = build.spect()
    build.save(tmp_path / "a", data)
    build.save(tmp_path / "b", data)

    found = survey(tmp_path)

    assert len(found.series) == 1
    assert "the same object as" in found.left_out[0][1]


def test_patients_that_share_a_series_number_stay_apart(tmp_path: Path) -> None:
    build.save(tmp_path, *build.ct(2), name="a")
    build.save(tmp_path, *build.ct(2, PatientID="P2"), name="b")

    found = survey(tmp_path)

    assert sorted(one.identity.patient_id for one in found.series) == ["P1", "P2"]


def test_a_map_object_travels_with_the_series_it_names(tmp_path: Path) -> None:
    image = build.spect(Units=None)
    reference = build.item(
        ReferencedSOPClassUID=build.NM, ReferencedSOPInstanceUID=image.SOPInstanceUID
    )
    holder = build.item(
        ReferencedImageSequence=[reference],
        RealWorldValueMappingSequence=[build.mapping("Bq/ml", 3.0)],
    )
    apart = build.base(build.RWVM, "RWV")
    apart.SeriesInstanceUID = "2.25.8"
    apart.ReferencedImageRealWorldValueMappingSequence = [holder]
    build.save(tmp_path, image, apart)

    found = survey(tmp_path)
    scan = read_emission(found.files_for(found.of("spect")[0]))

    assert (scan.image.unit, scan.image.values.max()) == ("Bq/ml", 357)


def test_a_localizer_is_not_taken_for_a_ct(tmp_path: Path) -> None:
    build.save(tmp_path, *build.ct(1, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]))

    assert survey(tmp_path).series[0].kind == "other"


def parts(first: int, then: int, **changes: Any) -> list[Any]:
    """A CT whose later slices carry another series UID."""
    slices = build.ct(first + then)
    for data in slices[first:]:
        build.changed(data, SeriesInstanceUID="2.25.77", **changes)
    return slices


def cts(folder: Path, *datas: Any) -> list[int]:
    build.save(folder, *datas)
    return [len(one.files) for one in whole_series(survey(folder).of("ct"))]


def test_a_ct_that_arrived_as_two_series_is_one_volume(tmp_path: Path) -> None:
    whole = read_ct(build.save(tmp_path / "one", *build.ct(9)))
    assert cts(tmp_path / "two", *parts(5, 4)) == [9]

    (found,) = whole_series(survey(tmp_path / "two").of("ct"))
    scan = read_ct(found.files, split=True)

    assert found.series_uid == f"{build.SERIES} + 2.25.77"
    assert np.array_equal(scan.image.array, whole.image.array)
    assert [n.code for n in scan.notes] == ["I-DCM-SPLIT"]
    with pytest.raises(QuimbyError, match="E-DCM-MIXED"):
        read_ct(found.files)


@pytest.mark.parametrize(
    "change",
    [
        {"StudyInstanceUID": "2.25.5"},
        {"FrameOfReferenceUID": "2.25.5"},
        {"PatientID": "P2"},
        {"AcquisitionTime": "101500"},
        {"PixelSpacing": [3.0, 2.5]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_series_that_are_not_one_scan_stay_apart(tmp_path: Path, change: dict[str, Any]) -> None:
    assert cts(tmp_path, *parts(5, 4, **change)) == [5, 4]


def test_series_with_a_gap_or_at_one_place_stay_apart(tmp_path: Path) -> None:
    slices = parts(5, 4)
    assert cts(tmp_path / "gap", *slices[:5], *slices[6:]) == [5, 3]
    again = build.ct(5, SeriesInstanceUID="2.25.77")
    assert cts(tmp_path / "twice", *build.ct(5), *again) == [5, 5]


def test_one_series_in_two_folders_is_one(tmp_path: Path) -> None:
    slices = build.ct(6)
    build.save(tmp_path / "a", *slices[::2])
    build.save(tmp_path / "b" / "c", *slices[1::2])

    (found,) = survey(tmp_path).of("ct")

    assert len(found.files) == 6
    assert read_ct(found.files).image.values[:, 0, 0].tolist() == [
        -1014, -1004, -994, -984, -974, -964,
    ]  # fmt: skip
