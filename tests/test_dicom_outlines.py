"""Reading outlines: contours and masks in their place, and nothing lost unsaid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import read_ct, read_outline_file, read_outlines
from tests import dicom_builder as build
from tests.conftest import shared_path

SQUARE = [0, 0, 3, 10, 0, 3, 10, 10, 3, 0, 10, 3]
ONE = np.ones((5, 6), dtype=int)


def only(row: int, column: int) -> Any:
    plane = np.zeros((5, 6), dtype=int)
    plane[row, column] = 1
    return plane


def area_mm2(contour: Any) -> float:
    x, y = contour[:, 0], contour[:, 1]
    return abs(float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))) / 2


# Real files


def test_case_a_outlines_have_the_true_volumes(case_a: Path) -> None:
    truth = json.loads(case_a.with_name("lu177_dotatate_case_a.truth.json").read_text("utf-8"))

    outlines = {o.name: o for o in read_outlines(case_a / "tp2" / "RTSTRUCT.dcm")}

    assert len(outlines) == 8
    for name in ("Liver", "Spleen", "Kidney_L", "Kidney_R", "Lesion_1"):
        volume_ml = sum(area_mm2(c) for c in outlines[name].contours) * 4.4196 / 1000
        assert volume_ml == pytest.approx(truth["regions"][name]["volume_ml"], rel=1e-3)
    assert outlines["Liver"].author.startswith("manual")
    assert outlines["Liver"].status == "draft"
    assert outlines["Liver"].frame_of_reference.endswith("61313")


def test_outlines_of_another_program_are_read_and_its_crumbs_named() -> None:
    found = read_outline_file(shared_path("data", "pet_ct_rtstruct_fdg", "RTstruct.dcm"))

    names = [o.name for o in found.outlines]
    assert len(names) == 10
    assert {"liver", "femur_left", "small_bowel"} <= set(names)
    liver = found.outlines[names.index("liver")]
    assert sum(area_mm2(c) for c in liver.contours) * 2.5 / 1000 == pytest.approx(1507, abs=1)
    assert liver.author == "automatic, Qurit rt-utils"
    assert {n.code for n in found.notes} == {"W-DCM-CONTOUR"}  # contours of one or two points


def test_the_liver_mask_has_every_voxel_and_lies_on_its_ct() -> None:
    folder = shared_path("data", "ct_seg")
    (liver,) = read_outlines(folder / "liver_seg.dcm")
    ct = read_ct(sorted(folder.glob("ct_*.dcm")))

    assert liver.name == "Liver"
    assert liver.mask is not None
    assert liver.mask.values.sum() == 107098
    assert liver.frame_of_reference == ct.frame_of_reference
    corner = ct.image.grid.index_of(liver.mask.grid.origin_mm)
    assert_allclose(corner, np.rint(corner), atol=1e-3)
    start = np.rint(corner).astype(int)[::-1]
    part = tuple(slice(a, a + n) for a, n in zip(start, liver.mask.grid.shape, strict=True))
    mask, around = liver.mask.values > 0, ct.image.values[part]
    assert np.median(around[mask]) == 45  # HU, plain liver
    assert around[mask].std() < 60
    assert around[mask[:, ::-1]].std() > 300  # turned over it would hold lung and bone
    assert around[mask[::-1]].std() > 70


# Structure sets


def test_contours_keep_their_points(tmp_path: Path) -> None:
    data = build.rtstruct({"Liver": [SQUARE], "Kidney L": [SQUARE, [x + 1 for x in SQUARE]]})

    liver, kidney = read_outlines(build.save(tmp_path, data)[0])

    assert liver.contours[0].tolist() == np.reshape(SQUARE, (4, 3)).tolist()
    assert (kidney.name, len(kidney.contours)) == ("Kidney L", 2)
    assert liver.frame_of_reference == build.FRAME


def test_contours_are_matched_by_number_not_by_order(tmp_path: Path) -> None:
    data = build.rtstruct({"A": [SQUARE], "B": [[2 * x for x in SQUARE]]})
    data.ROIContourSequence = list(data.ROIContourSequence)[::-1]

    first, second = read_outlines(build.save(tmp_path, data)[0])

    assert (first.name, first.contours[0].max()) == ("A", 10)
    assert (second.name, second.contours[0].max()) == ("B", 20)


@pytest.mark.parametrize(
    ("written", "status"), [("APPROVED", "approved"), ("UNAPPROVED", "draft"), (None, "draft")]
)
def test_only_an_approved_structure_set_is_approved(
    tmp_path: Path, written: str | None, status: str
) -> None:
    data = build.rtstruct({"Liver": [SQUARE]}, ApprovalStatus=written)

    assert read_outlines(build.save(tmp_path, data)[0])[0].status == status


def test_a_region_without_contours_is_named(tmp_path: Path) -> None:
    found = read_outline_file(
        build.save(tmp_path, build.rtstruct({"Liver": [SQUARE], "Empty": []}))[0]
    )

    assert [o.name for o in found.outlines] == ["Liver"]
    assert "'Empty'" in found.notes[0].text


def test_two_regions_of_one_name_are_kept_apart(tmp_path: Path) -> None:
    data = build.rtstruct({"Lesion": [SQUARE], "x": [[2 * v for v in SQUARE]]})
    data.StructureSetROISequence[1].ROIName = "Lesion"

    found = read_outline_file(build.save(tmp_path, data)[0])

    assert [o.name for o in found.outlines] == ["Lesion (1)", "Lesion (2)"]
    assert "2 regions are called 'Lesion'" in found.notes[0].text


def test_oblique_contours_are_kept_and_bent_ones_refused(tmp_path: Path) -> None:
    oblique = [0, 0, 0, 10, 0, 5, 10, 10, 5, 0, 10, 0]
    bent = [0, 0, 0, 10, 0, 5, 10, 10, 0, 0, 10, 5]
    (kept,) = read_outlines(build.save(tmp_path / "a", build.rtstruct({"A": [oblique]}))[0])
    assert len(kept.contours) == 1

    with pytest.raises(QuimbyError, match="'A' does not lie in one plane"):
        read_outlines(build.save(tmp_path / "b", build.rtstruct({"A": [bent]}))[0])


# Segmentations


def test_planes_the_file_leaves_out_are_empty(tmp_path: Path) -> None:
    data = build.seg({"Liver": {0: ONE, 3: ONE}})

    (liver,) = read_outlines(build.save(tmp_path, data)[0])

    assert liver.mask is not None
    assert liver.mask.values.sum(axis=(1, 2)).tolist() == [30, 0, 0, 30]
    assert_allclose(liver.mask.grid.spacing_mm, (2, 3, 3))
    assert_allclose(liver.mask.grid.origin_mm, (10, 20, 30))


def test_frames_may_come_in_any_order_and_segments_interleaved(tmp_path: Path) -> None:
    data = build.seg({"A": {2: only(1, 1), 0: only(0, 0)}, "B": {1: only(4, 5)}})

    a, b = read_outlines(build.save(tmp_path, data)[0])

    assert centre(a) == pytest.approx((11.0, 21.5, 33.0))
    assert centre(b) == pytest.approx((20.0, 32.0, 33.0))


def centre(outline: Any) -> Any:
    points = outline.mask.grid.centres_mm()
    return tuple(np.average(points.reshape(-1, 3), axis=0, weights=outline.mask.values.ravel()))


@given(row=st.integers(0, 4), column=st.integers(0, 5), plane=st.integers(0, 6))
def test_a_voxel_is_found_where_it_was_painted(
    tmp_path_factory: pytest.TempPathFactory, row: int, column: int, plane: int
) -> None:
    folder = tmp_path_factory.mktemp("seg")
    data = build.seg({"A": {plane: only(row, column)}})

    (outline,) = read_outlines(build.save(folder, data)[0])

    assert outline.mask is not None
    assert outline.mask.values.sum() == 1
    assert centre(outline) == pytest.approx((10 + 2 * column, 20 + 3 * row, 30 + 3 * plane))


def test_fractions_are_occupancies(tmp_path: Path) -> None:
    data = build.seg({"Liver": {0: 50 * ONE, 1: 200 * ONE}}, kind="FRACTIONAL")

    (liver,) = read_outlines(build.save(tmp_path, data)[0])

    assert liver.mask is not None
    assert liver.mask.values[:, 0, 0].tolist() == [0.25, 1.0]


def test_a_label_map_gives_each_label_its_own_mask(tmp_path: Path) -> None:
    plane = only(0, 0) + 2 * only(3, 3)
    data = build.seg({"A": {0: plane}, "B": {}}, kind="LABELMAP")
    for group in data.PerFrameFunctionalGroupsSequence:
        del group.SegmentIdentificationSequence

    a, b = read_outlines(build.save(tmp_path, data)[0])

    assert centre(a) == pytest.approx((10, 20, 30))
    assert centre(b) == pytest.approx((16, 29, 30))


def test_spacing_is_found_from_the_frames_when_the_file_is_silent_or_wrong(tmp_path: Path) -> None:
    for spacing in (None, 2.0):
        data = build.seg({"A": {0: ONE, 1: ONE, 3: ONE}}, spacing=spacing)
        (outline,) = read_outlines(build.save(tmp_path / str(spacing), data)[0])
        assert outline.mask is not None
        assert outline.mask.grid.spacing_mm[2] == pytest.approx(3)


def test_an_empty_segment_is_named(tmp_path: Path) -> None:
    data = build.seg({"A": {0: ONE}, "B": {0: 0 * ONE}})

    found = read_outline_file(build.save(tmp_path, data)[0])

    assert [o.name for o in found.outlines] == ["A"]
    assert "'B'" in found.notes[0].text


def twice(data: Any) -> Any:
    groups = data.PerFrameFunctionalGroupsSequence
    groups[1].PlanePositionSequence = groups[0].PlanePositionSequence
    return data


def shifted(data: Any) -> Any:
    place = data.PerFrameFunctionalGroupsSequence[1].PlanePositionSequence[0]
    place.ImagePositionPatient = [11.0, 20.0, 33.0]
    return data


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        (twice(build.seg({"A": {0: ONE, 1: ONE}})), "E-DCM-OUTLINE", "two frames at one place"),
        (shifted(build.seg({"A": {0: ONE, 1: ONE}})), "E-DCM-OUTLINE", "do not lie on one grid"),
        (build.seg({"A": {0: 0 * ONE}}), "E-DCM-OUTLINE", "no region"),
        (build.rtstruct({}), "E-DCM-OUTLINE", "no region"),
        (build.rtstruct({"A": [SQUARE]}, ApprovalStatus="REJECTED"), "E-DCM-OUTLINE-REJECTED", ""),
        (build.spect(), "E-DCM-SOP", "Nuclear Medicine"),
    ],
)
def test_outlines_that_cannot_be_read_right_are_refused(
    tmp_path: Path, data: Any, code: str, says: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        read_outlines(build.save(tmp_path, data)[0])

    assert caught.value.code == code
    assert says in caught.value.what
