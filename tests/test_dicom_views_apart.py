"""Planar views that a camera wrote into files of their own: found together, read as one pair."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from quimby.measure.dicom import survey
from quimby.measure.dicom.planar import read_planar
from quimby.measure.dicom.planar_groups import view_groups
from quimby.measure.planar_scan import view_pair
from quimby.study.document import parse_study
from quimby.study.sorting import sort
from tests import dicom_builder as build
from tests.conftest import shared_path

STATIC = ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"]
PEAK, SCATTER = (187.2, 228.8), (166.4, 187.2)


def window(limits: tuple[float, float]) -> Dataset:
    found = build.item(EnergyWindowLowerLimit=limits[0], EnergyWindowUpperLimit=limits[1])
    return build.item(EnergyWindowRangeSequence=[found])


def view(
    angle: int, *windows: tuple[float, float], level: int = 100, time: str = "095400",
    **changes: Any,
) -> Dataset:  # fmt: skip
    """One head's picture in one or more windows."""
    held = windows or (PEAK,)
    count = len(held)
    picture = (
        np.full((count, 5, 6), level, dtype="u2") + np.arange(count, dtype="u2")[:, None, None]
    )
    usual = {
        "ImageType": STATIC, "DetectorVector": [1] * count, "AcquisitionTime": time,
        "EnergyWindowVector": list(range(1, count + 1)), "ActualFrameDuration": 600000,
        "EnergyWindowInformationSequence": [window(w) for w in held], "SliceVector": None,
        "DetectorInformationSequence": [build.item(StartAngle=angle)], "NumberOfDetectors": 1,
    }  # fmt: skip
    return build.spect(picture, **{**usual, **changes})


def groups(folder: Path, *datas: Dataset) -> list[list[str]]:
    """File names of each group."""
    build.save(folder, *datas)
    found = view_groups(survey(folder).of("planar", "whole body"))
    return [[path.name for one in group for path in one.files] for group in found]


def test_front_and_back_in_two_files_are_one_pair(tmp_path: Path) -> None:
    front, back = view(180, level=100), view(0, level=70, time="095405")

    assert groups(tmp_path, front, back) == [["f000.dcm", "f001.dcm"]]
    pair = view_pair(read_planar(sorted(tmp_path.iterdir())))
    assert pair.names == ("anterior", "posterior")
    assert (pair.first.max(), pair.second.max()) == (100, 70)
    assert pair.seconds == 600


def test_windows_in_files_of_their_own_join_too(tmp_path: Path) -> None:
    datas = [view(angle, held) for held in (PEAK, SCATTER) for angle in (180, 0)]

    assert [len(group) for group in groups(tmp_path, *datas)] == [4]
    scan = read_planar(sorted(tmp_path.iterdir()))
    assert [(w.lower_kev, w.upper_kev) for w in scan.windows] == [PEAK, SCATTER]
    assert {f.view for f in scan.frames} == {"anterior", "posterior"}


def test_several_windows_of_one_head_are_no_pair_by_themselves(tmp_path: Path) -> None:
    """Frames are no views: a file of three windows still lacks its opposite view."""
    assert groups(tmp_path / "a", view(180, PEAK, SCATTER)) == []
    both = groups(tmp_path / "b", view(180, PEAK, SCATTER), view(0, PEAK, SCATTER))
    assert [len(group) for group in both] == [2]


def test_each_moment_is_a_pair_of_its_own(tmp_path: Path) -> None:
    datas = [view(angle, time=time) for time in ("090000", "140000") for angle in (180, 0)]

    assert groups(tmp_path, *datas) == [["f000.dcm", "f001.dcm"], ["f002.dcm", "f003.dcm"]]


@pytest.mark.parametrize(
    "other",
    [
        view(180),
        view(0, PatientID="P2"),
        view(0, StudyInstanceUID="2.25.9"),
        view(0, PixelSpacing=[3.0, 2.5]),
        view(0, time="120000"),
        view(0, ImageType=["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]),
    ],
    ids=["the same view", "another patient", "another study", "other pixels", "later", "a sweep"],
)
def test_a_view_without_its_own_opposite_is_left_out(tmp_path: Path, other: Dataset) -> None:
    assert groups(tmp_path, view(180), other) == []


def test_files_with_both_views_stay_alone_and_in_order_of_time() -> None:
    found = survey(shared_path("data", "planar_antpost")).series

    assert view_groups(found) == ((found[0],),)


def split_views(source: Path, into: Path) -> list[Path]:
    """The two heads of a real file, each as a file of its own."""
    data = pydicom.dcmread(source)
    frames = data.pixel_array
    paths = []
    for head in (1, 2):
        at = [n for n, vector in enumerate(data.DetectorVector) if vector == head]
        one = pydicom.dcmread(source)
        build.pixels(one, frames[at])
        one.DetectorVector, one.NumberOfDetectors = [1] * len(at), 1
        one.EnergyWindowVector = [data.EnergyWindowVector[n] for n in at]
        one.DetectorInformationSequence = [data.DetectorInformationSequence[head - 1]]
        one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = UID(f"2.25.{head}77")
        paths.append(into / f"view{head}.dcm")
        one.save_as(paths[-1])
    return paths


def test_a_study_takes_both_files_of_case_a(case_a: Path, tmp_path: Path) -> None:
    """Beside one SPECT/CT, a real pair cut into two files gives the same pair as the one file."""
    source = case_a / "tp1" / "PLANAR.dcm"
    (tmp_path / "SPECT.dcm").write_bytes((case_a / "tp2" / "SPECT.dcm").read_bytes())
    paths = split_views(source, tmp_path)

    (group,) = sort(survey(tmp_path)).planars
    apart, whole = read_planar(paths), read_planar([source])

    assert [one.files[0] for one in group] == paths
    for energy in (208.4, 175.0):
        one, other = view_pair(apart, energy), view_pair(whole, energy)
        assert np.array_equal(one.first, other.first)
        assert np.array_equal(one.second, other.second)
        assert one.names == other.names


def test_the_document_has_a_place_for_them() -> None:
    planar = {"kind": "planar", "id": "planar-1", "image": {"path": "a.dcm"},
              "views": [{"path": "b.dcm"}]}  # fmt: skip
    document = parse_study(
        {"id": "x", "therapy": "lu177-dotatate", "protocol": "p", "patient": {"id": "1"},
         "administrations": [{"id": "c", "nuclide": "Lu-177", "measurements": [planar]}]},
        where="x",
    )  # fmt: skip

    assert document.administrations[0].planars[0].views[0].path == "b.dcm"
