"""Planar NM files: each frame is what it says it is, and what cannot serve is refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

import tests.dicom_builder as build
from quimby.core.errors import InputError
from quimby.measure.dicom.emission import read_emission
from quimby.measure.dicom.planar import read_planar
from quimby.measure.fitness import check_for_dosimetry as check_fit
from quimby.measure.planar_scan import PlanarScan, beside, check_for_dosimetry, view_pair
from quimby.measure.scans import EnergyWindow
from tests.conftest import shared_path

PEAK, LOWER, UPPER = (187.2, 228.8), (166.4, 187.2), (228.8, 249.6)
VIEWS = {"anterior": ("R-10206", 180.0), "posterior": ("R-10214", 0.0)}


def window(low: float, high: float) -> Dataset:
    limits = build.item(EnergyWindowLowerLimit=low, EnergyWindowUpperLimit=high)
    return build.item(EnergyWindowRangeSequence=[limits])


def head(view: str | None = None, *, coded: bool = True) -> Dataset:
    one = build.item(CollimatorGridName="MELP")
    if view and coded:
        one.ViewCodeSequence = [build.item(CodeValue=VIEWS[view][0], CodeMeaning=view)]
    elif view:
        one.StartAngle = VIEWS[view][1]
    return one


def planar(array: Any = None, **changes: Any) -> Dataset:
    """Two heads, three windows, 4 x 5 pixels; frame n holds 100 (n + 1) in its first pixel."""
    if array is None:
        array = np.zeros((6, 4, 5), dtype="u2")
        array[:, 0, 0] = 100 * np.arange(1, 7)
    data = build.pixels(build.base(build.NM, "NM"), array)
    data.ImageType = ["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"]
    data.PixelSpacing, data.ActualFrameDuration = [3.0, 2.0], 120000
    data.EnergyWindowVector, data.DetectorVector = [1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2]
    data.EnergyWindowInformationSequence = [window(*w) for w in (PEAK, LOWER, UPPER)]
    data.DetectorInformationSequence = [head("anterior"), head("posterior")]
    data.RadiopharmaceuticalInformationSequence = [build.drug()]
    return build.changed(data, **changes)


def single(**changes: Any) -> Dataset:
    """One view of one window, rising from pixel to pixel."""
    usual: dict[str, Any] = {
        "EnergyWindowVector": [1], "DetectorVector": [1],
        "EnergyWindowInformationSequence": [window(*PEAK)],
        "DetectorInformationSequence": [head("anterior")],
    }  # fmt: skip
    return planar(np.arange(20, dtype="u2").reshape(1, 4, 5), **{**usual, **changes})


def reading(folder: Path, *datas: Dataset, **words: Any) -> PlanarScan:
    return read_planar(build.save(folder, *datas), **words)


def codes(scan: PlanarScan) -> set[str]:
    return {n.code for n in scan.notes}


def test_every_frame_finds_its_window_and_view_by_the_vectors(tmp_path: Path) -> None:
    scan = reading(tmp_path, planar(EnergyWindowVector=[3, 1, 1, 2, 2, 3],
                                    DetectorVector=[2, 2, 1, 1, 2, 1]))  # fmt: skip

    found = {(f.view, f.window.lower_kev): f.counts[0, 0] for f in scan.frames if f.window}
    assert found == {
        ("posterior", 228.8): 100, ("posterior", 187.2): 200, ("anterior", 187.2): 300,
        ("anterior", 166.4): 400, ("posterior", 166.4): 500, ("anterior", 228.8): 600,
    }  # fmt: skip
    assert (scan.kind, scan.pixel_mm, scan.frames[0].seconds) == ("static", (3.0, 2.0), 120.0)
    peak = EnergyWindow("", *PEAK)
    assert beside(scan, peak) == (EnergyWindow("", *LOWER), EnergyWindow("", *UPPER))


def test_the_posterior_view_is_turned_onto_the_anterior(tmp_path: Path) -> None:
    pair = view_pair(reading(tmp_path, planar()), 208.0)

    assert pair.names == ("anterior", "posterior")
    assert pair.first[0, 0] == 100
    assert pair.second[0, -1] == 200
    assert pair.window == EnergyWindow("", *PEAK)


@pytest.mark.parametrize("coded", [True, False])
def test_a_view_is_known_by_its_code_or_its_angle(tmp_path: Path, coded: bool) -> None:
    heads = [head("posterior", coded=coded), head("anterior", coded=coded)]

    scan = reading(tmp_path, planar(DetectorInformationSequence=heads))

    assert scan.views == ("posterior", "anterior")
    assert view_pair(scan, 208.0).first[0, 0] == 200  # the second head is the anterior one


def test_a_view_is_known_by_its_plane_where_the_planes_differ(tmp_path: Path) -> None:
    front, back = [1.0, 0, 0, 0, 0, -1.0], [-1.0, 0, 0, 0, 0, -1.0]
    heads = [build.item(ImageOrientationPatient=p) for p in (front, back)]
    same = [build.item(ImageOrientationPatient=back) for _ in range(2)]

    told = reading(tmp_path / "a", planar(DetectorInformationSequence=heads))
    silent = reading(tmp_path / "b", planar(DetectorInformationSequence=same))

    assert told.views == ("anterior", "posterior")
    assert silent.views == ("head 1", "head 2")
    assert "S-PLN-SIDES" in [n.code for n in view_pair(silent, 208.0).notes]
    assert "S-PLN-SIDES" not in [n.code for n in view_pair(told, 208.0).notes]


def test_views_written_into_two_files_are_one_scan(tmp_path: Path) -> None:
    two = single(DetectorInformationSequence=[head("posterior")])

    scan = reading(tmp_path, single(), two)

    assert scan.views == ("anterior", "posterior")
    assert len(scan.files) == 2
    assert view_pair(scan).second[0, 0] == 4  # turned round: 0 1 2 3 4


@pytest.mark.parametrize(
    ("second", "says"),
    [
        ({"PatientID": "P2"}, "patient"),
        ({"AcquisitionTime": "115400"}, "time of acquisition"),
        ({"PixelSpacing": [4.0, 4.0]}, "pixel size"),
        ({"DetectorInformationSequence": [head("anterior")]}, "one view is there twice"),
    ],
)
def test_two_files_that_do_not_belong_together_are_refused(
    tmp_path: Path, second: dict[str, Any], says: str
) -> None:
    other = single(**{"DetectorInformationSequence": [head("posterior")], **second})
    with pytest.raises(InputError, match=says) as caught:
        reading(tmp_path, single(), other)
    assert caught.value.code == "E-DCM-MIXED"


@pytest.mark.parametrize(
    ("changes", "code", "says"),
    [
        ({"DetectorVector": None}, "E-PLN-VECTORS", "DetectorVector is missing"),
        ({"DetectorVector": [1, 2]}, "E-PLN-VECTORS", "has 2 entries"),
        ({"DetectorVector": [1] * 6}, "E-PLN-VECTORS", "same window, head and time"),
        ({"PixelSpacing": None}, "E-DCM-GEOM", "pixel spacing"),
        ({"ActualFrameDuration": None}, "E-DCM-FRAMEDUR", "does not say the frame time"),
        ({"ActualFrameDuration": 120}, "E-DCM-FRAMEDUR", "may be seconds"),
        ({"Units": "PROPCNTS"}, "E-DCM-UNITS", "PROPCNTS"),
        ({"Units": "BQML"}, "E-DCM-UNITS", "Bq/ml"),
        ({"SOPClassUID": build.CT}, "E-DCM-SOP", "CT Image Storage"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]}, "E-PLN-KIND", "RECON"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], code: str, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        reading(tmp_path, planar(**changes))
    assert caught.value.code == code
    assert says in str(caught.value)
    assert caught.value.do


@pytest.mark.parametrize(
    ("changes", "energy", "code", "says"),
    [
        ({"DetectorInformationSequence": [head("anterior")] * 2}, 208.0, "E-PLN-ONE-VIEW",
         "kidney"),
        ({"EnergyWindowInformationSequence": None}, None, "E-PLN-NO-WINDOW", "energy window"),
        ({}, None, "E-PLN-NO-WINDOW", "187.2-228.8 keV"),
        ({}, 140.0, "E-PLN-NO-WINDOW", "140 keV"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "STATIC", "TRANSMISSION"]}, 208.0, "E-PLN-KIND",
         "transmission"),
    ],
)  # fmt: skip
def test_what_cannot_serve_dosimetry_is_refused_with_the_way_out(
    tmp_path: Path, changes: dict[str, Any], energy: float | None, code: str, says: str
) -> None:
    scan = reading(tmp_path, planar(**changes))
    with pytest.raises(InputError) as caught:
        view_pair(scan, energy)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_person_can_say_what_the_file_leaves_out(tmp_path: Path) -> None:
    bare = single(EnergyWindowInformationSequence=None, ActualFrameDuration=None)

    scan = reading(tmp_path, bare, seconds=300.0, window=EnergyWindow("told", 126.0, 154.0))

    assert (scan.frames[0].seconds, scan.windows[0].name) == (300.0, "told")


def test_a_dynamic_series_keeps_its_order_and_phase_times(tmp_path: Path) -> None:
    array = np.arange(1, 5, dtype="u2")[:, None, None] * np.ones((1, 4, 5), dtype="u2")
    phases = [build.item(ActualFrameDuration=ms) for ms in (500, 10000)]
    data = planar(array, ImageType=["ORIGINAL", "PRIMARY", "DYNAMIC", "EMISSION"],
                  EnergyWindowVector=[1] * 4, DetectorVector=[1] * 4, PhaseVector=[1, 1, 2, 2],
                  TimeSliceVector=[1, 2, 1, 2], PhaseInformationSequence=phases,
                  DetectorInformationSequence=[head("posterior")])  # fmt: skip

    scan = reading(tmp_path, data)

    assert [(f.number, f.seconds, f.counts[0, 0]) for f in scan.frames] == [
        (1, 0.5, 1), (2, 0.5, 2), (3, 10.0, 3), (4, 10.0, 4)]  # fmt: skip


def test_counts_cut_off_or_changed_are_noted(tmp_path: Path) -> None:
    full = np.full((1, 4, 5), 65535, dtype="u2")
    kind = {"EnergyWindowVector": [1], "DetectorVector": [1]}

    scan = reading(tmp_path, planar(full, CountsAccumulated=1000, **kind))

    assert {"S-PLN-CLIPPED", "W-PLN-COUNTS"} <= codes(scan)


def test_views_that_are_turned_already_are_noted(tmp_path: Path) -> None:
    array = np.zeros((6, 60, 60), dtype="u2")
    array[:, 20:40, 5:20] = 100
    data = planar(array, PixelSpacing=[5.0, 5.0])

    assert "W-PLN-MIRROR" in [n.code for n in view_pair(reading(tmp_path, data), 208.0).notes]


def test_the_real_lung_scan_gives_both_views_as_they_were_taken() -> None:
    scan = read_planar([shared_path("data", "planar_antpost", "poumonsReins.dcm")])

    assert (scan.kind, scan.views) == ("static", ("anterior", "posterior"))
    assert sum(f.counts.sum() for f in scan.frames) == 1596488  # CountsAccumulated of the file
    assert scan.windows == (EnergyWindow("", 128.575, 149.425),)
    assert scan.frames[0].seconds == pytest.approx(120.001)
    assert "W-PLN-ORIENT" in codes(scan)  # both heads have the posterior head's plane
    pair = view_pair(scan)
    assert not pair.notes
    likeness = [np.corrcoef(pair.first.ravel(), v.ravel())[0, 1]
                for v in (pair.second, pair.second[:, ::-1])]  # fmt: skip
    assert likeness[0] > likeness[1] + 0.05  # the lungs lie on each other


def test_a_bone_scan_of_one_view_is_read_and_refused_for_dosimetry() -> None:
    scan = read_planar([shared_path("data", "nm_misc", "NM1_RLE.dcm")])

    assert scan.kind == "whole body"
    assert scan.frames[0].counts.sum() == 3596452
    assert scan.sweep is not None
    assert (scan.sweep.velocity_mm_s, scan.sweep.length_mm) == (1.671598, 1899.0)
    assert {"S-PLN-COPY", "I-PLN-SWEEP"} <= codes(scan)
    with pytest.raises(InputError, match="one view only") as caught:
        check_for_dosimetry(scan)
    assert "export the views of both heads" in caught.value.do


def test_an_old_file_without_geometry_is_refused_for_dosimetry_with_all_it_lacks() -> None:
    path = shared_path("data", "nm_misc", "NM-MONO2-16-13x-heart.dcm")

    with pytest.raises(InputError, match="position of its slices") as caught:
        check_fit(read_emission([path]))

    assert caught.value.code == "E-DCM-UNFIT"
    for lack in ("orientation", "how long it counted", "energy window"):
        assert lack in caught.value.what
    assert "console" in caught.value.do
    with pytest.raises(InputError, match="RECON TOMO"):
        read_planar([path])


def test_a_scan_with_its_geometry_is_fit(tmp_path: Path) -> None:
    check_fit(read_emission(build.save(tmp_path, build.spect())))


def test_a_pet_in_proportional_counts_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="PROPCNTS") as caught:
        read_emission(build.save(tmp_path, *build.pet(Units="PROPCNTS")))
    assert (caught.value.code, "Bq/ml" in caught.value.do) == ("E-DCM-UNITS", True)


def test_the_planar_views_of_case_a_hold_three_windows_of_two_heads(case_a: Path) -> None:
    scan = read_planar([case_a / "tp1" / "PLANAR.dcm"])

    assert (scan.kind, scan.views) == ("whole body", ("anterior", "posterior"))
    assert [w.lower_kev for w in scan.windows] == [187.2, 166.4, 228.8]
    assert [f.counts.sum() for f in scan.frames] == [
        4889301, 4097655, 1012795, 849570, 252547, 212478]  # fmt: skip
