"""NIfTI: nothing is turned, moved or renamed on the way out and back."""

from __future__ import annotations

import gzip
import json
import struct
from pathlib import Path

import numpy as np
import pytest

from quimby.core.errors import QuimbyError
from quimby.core.grid import Grid, Image, Rigid
from quimby.core.outline import Outline
from quimby.measure.dicom import read_ct, read_outlines
from quimby.measure.nifti import read_labels, read_nifti, write_labels, write_nifti
from quimby.measure.occupancy import occupancy, region_mask, volume_ml
from quimby.measure.overlap import dice
from tests.conftest import shared_path

FRAME = "1.2.3"
TURNED = np.array([[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])


def oblique(shape: tuple[int, int, int] = (5, 7, 9)) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = TURNED * [2.0, 3.0, 4.0]
    affine[:3, 3] = (-31.0, 12.0, 105.0)
    return Grid(shape, affine)


def by_hand(path: Path, array: np.ndarray, ras: np.ndarray, **codes: int) -> Path:
    """A NIfTI-1 file written byte by byte from the standard; array is [slice, row, column]."""
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    k, j, i = array.shape
    struct.pack_into("<8h", head, 40, 3, i, j, k, 1, 1, 1, 1)
    struct.pack_into("<2h", head, 70, 4, 16)  # int16
    steps = np.linalg.norm(ras[:3, :3], axis=0)
    struct.pack_into("<8f", head, 76, 1.0, *steps, 0, 0, 0, 0)
    struct.pack_into("<3f", head, 108, 352.0, 1.0, 0.0)
    head[123] = 2  # mm
    struct.pack_into("<2h", head, 252, codes.get("qform", 0), codes.get("sform", 1))
    struct.pack_into("<12f", head, 280, *ras[:3].ravel())
    head[344:348] = b"n+1\0"
    path.write_bytes(bytes(head) + array.astype("<i2").tobytes())
    return path


def outline(name: str, mask: np.ndarray, grid: Grid) -> Outline:
    return Outline(name, FRAME, mask=Image(grid, mask.astype(np.float32), "1"))


def block(grid: Grid, low: tuple[int, int, int], high: tuple[int, int, int]) -> np.ndarray:
    mask = np.zeros(grid.shape)
    mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = 1.0
    return mask


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_volume_comes_back_where_it_was(tmp_path: Path, ending: str) -> None:
    image = Image(oblique(), np.arange(5 * 7 * 9).reshape(5, 7, 9) - 100, "HU")
    back = read_nifti(write_nifti(image, tmp_path / f"ct{ending}"), unit="HU")
    assert back.grid.matches(image.grid)
    assert np.array_equal(back.array, image.array)


def test_right_front_head_in_a_file_written_by_hand_is_left_back_head_here(tmp_path: Path) -> None:
    ras = np.diag([2.0, 3.0, 4.0, 1.0])
    ras[:3, 3] = (-10.0, -20.0, 30.0)
    array = np.zeros((4, 5, 6), dtype=np.int16)
    array[2, 1, 5] = 7
    image = read_nifti(by_hand(tmp_path / "a.nii", array, ras), unit="HU")
    k, j, i = (int(n[0]) for n in np.nonzero(image.values))
    # RAS of voxel (5, 1, 2): x = 0, y = -17, z = 38; LPS turns the first two about.
    assert image.grid.points_mm((i, j, k)) == pytest.approx([0.0, 17.0, 38.0])


def test_a_file_without_an_orientation_is_refused(tmp_path: Path) -> None:
    file = by_hand(tmp_path / "a.nii", np.ones((3, 3, 3)), np.eye(4), sform=0)
    with pytest.raises(QuimbyError, match="E-NII-ORIENT  The header states no orientation"):
        read_nifti(file, unit="1")


def test_a_file_with_two_orientations_that_differ_is_refused(tmp_path: Path) -> None:
    image = Image(oblique(), np.zeros((5, 7, 9)), "HU")
    file = write_nifti(image, tmp_path / "a.nii")
    data = bytearray(file.read_bytes())
    (x,) = struct.unpack_from("<f", data, 292)
    struct.pack_into("<f", data, 292, x + 25.0)  # the matrix says 25 mm further right
    file.write_bytes(bytes(data))
    with pytest.raises(QuimbyError, match="E-NII-ORIENT"):
        read_nifti(file, unit="HU")


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.nii", b"no header at all", "it is no NIfTI-1 file"),
        ("a.nii.gz", b"no gzip", "it cannot be unpacked"),
        ("a.mha", b"", "its name does not end on"),
    ],
)
def test_a_broken_file_is_refused_by_name(
    tmp_path: Path, name: str, data: bytes, says: str
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(QuimbyError) as caught:
        read_nifti(tmp_path / name, unit="1")
    assert says in str(caught.value)
    assert name in caught.value.where


def test_outlines_come_back_by_name_from_a_label_map(tmp_path: Path) -> None:
    grid = oblique()
    given = [outline("Leber", block(grid, (0, 0, 0), (2, 7, 9)), grid),
             outline("Milz ß", block(grid, (3, 2, 2), (5, 6, 6)), grid)]  # fmt: skip
    found = read_labels(write_labels(given, grid, tmp_path / "l.nii.gz"), frame_of_reference=FRAME,
                        like=grid)  # fmt: skip
    assert [o.name for o in found.outlines] == ["Leber", "Milz ß"]
    for old, new in zip(given, found.outlines, strict=True):
        one, two = (occupancy(region_mask(o), grid, Rigid.identity()) for o in (old, new))
        assert dice(one, two) == pytest.approx(1.0)
        assert (new.frame_of_reference, new.status) == (FRAME, "draft")
    assert found.notes == ()


def test_in_an_overlap_a_voxel_goes_to_the_region_that_fills_more_of_it(tmp_path: Path) -> None:
    grid = oblique()
    a, b = block(grid, (0, 0, 0), (4, 7, 9)), 0.7 * block(grid, (2, 0, 0), (5, 7, 9))
    file = write_labels([outline("A", a, grid), outline("B", b, grid)], grid, tmp_path / "l.nii")
    labels = read_nifti(file, unit="1").array
    assert labels[3, 3, 3] == 1
    assert labels[4, 3, 3] == 2


def test_a_region_that_a_label_map_would_lose_is_refused(tmp_path: Path) -> None:
    grid = oblique()
    thin = outline("thin", 0.3 * block(grid, (0, 0, 0), (1, 7, 9)), grid)
    with pytest.raises(QuimbyError, match="E-NII-LOST"):
        write_labels([thin], grid, tmp_path / "l.nii")


def labelled(folder: Path, name: str = "l.nii") -> Path:
    labels = np.zeros((5, 7, 9), dtype=np.int16)
    labels[1:3], labels[3:] = 2, 5
    return write_nifti(Image(oblique(), labels, "1"), folder / name)


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (".json", '{"labels": {"2": "liver", "5": "spleen"}}'),
        (".json", '{"labels": {"background": 0, "liver": 2, "spleen": 5}}'),
        (".json", '{"2": "liver", "5": "spleen"}'),
        (".csv", "label,name\n2,liver\n5,spleen\n"),
        (".csv", "Index;Structure\n2;liver\n5;spleen\n"),
    ],
)
def test_names_stand_in_a_file_beside_it(tmp_path: Path, ending: str, text: str) -> None:
    file = labelled(tmp_path)
    (tmp_path / f"l{ending}").write_text(text)
    found = read_labels(file, frame_of_reference=FRAME)
    assert [o.name for o in found.outlines] == ["liver", "spleen"]


@pytest.mark.parametrize(
    ("ending", "text"),
    [(".json", "{"), (".json", "[1]"), (".json", '{"2": 5}'), (".csv", "a,b\n2,liver\n"),
     (".csv", "label,name\n2,liver\n2,spleen\n"), (".csv", "")],
)  # fmt: skip
def test_a_list_of_names_that_says_nothing_is_refused(
    tmp_path: Path, ending: str, text: str
) -> None:
    file = labelled(tmp_path)
    (tmp_path / f"l{ending}").write_text(text)
    with pytest.raises(QuimbyError, match="E-NII-NAMES"):
        read_labels(file, frame_of_reference=FRAME)


def test_names_in_the_header_s_own_table_are_read(tmp_path: Path) -> None:
    plain = labelled(tmp_path, "plain.nii").read_bytes()
    table = ('<CaretExtension><LabelTable><Label Key="2" Red="1"><![CDATA[liver]]></Label>\n'
             '<Label Key="5" Red="0"><![CDATA[spleen]]></Label></LabelTable>')  # fmt: skip
    extension = struct.pack("<2i", 512, 30) + table.encode().ljust(504, b"\0")
    head = bytearray(plain[:348]) + b"\1\0\0\0" + extension
    struct.pack_into("<f", head, 108, 352.0 + 512)
    file = tmp_path / "l.nii.gz"
    file.write_bytes(gzip.compress(bytes(head) + plain[352:]))
    found = read_labels(file, frame_of_reference=FRAME)
    assert [o.name for o in found.outlines] == ["liver", "spleen"]


def test_labels_that_nobody_names_are_called_by_their_numbers_and_said(tmp_path: Path) -> None:
    found = read_labels(labelled(tmp_path), frame_of_reference=FRAME)
    assert [o.name for o in found.outlines] == ["label 2", "label 5"]
    assert [n.code for n in found.notes] == ["W-NII-NAMES"]


def test_a_folder_of_one_file_a_region_is_named_by_its_files(tmp_path: Path) -> None:
    grid = oblique()
    full, empty = block(grid, (0, 0, 0), (2, 7, 9)), np.zeros(grid.shape)
    for name, mask in (("kidney_left", full), ("spleen", empty), ("liver", 0.4 * full)):
        write_nifti(Image(grid, mask, "1"), tmp_path / f"{name}.nii.gz")
    found = read_labels(tmp_path, frame_of_reference=FRAME)
    assert [o.name for o in found.outlines] == ["kidney_left", "liver"]
    assert [n.code for n in found.notes] == ["I-NII-EMPTY"]
    whole, part = (volume_ml(region_mask(o)) for o in found.outlines)
    assert part == pytest.approx(0.4 * whole, rel=1e-5)


def test_what_is_no_label_is_refused(tmp_path: Path) -> None:
    grid = oblique()
    ramp = np.linspace(0, 9.5, 5 * 7 * 9).reshape(5, 7, 9)
    for number, (values, code) in enumerate(
        [(ramp, "E-NII-LABELS"), (-ramp, "E-NII-LABELS"), (0 * ramp, "E-NII-NONE")]
    ):
        file = write_nifti(Image(grid, values, "1"), tmp_path / f"{number}.nii")
        with pytest.raises(QuimbyError, match=code):
            read_labels(file, frame_of_reference=FRAME)


def test_labels_off_the_ct_s_grid_are_refused(tmp_path: Path) -> None:
    moved = np.array(oblique().affine)
    moved[0, 3] += 2.0
    with pytest.raises(QuimbyError, match="E-NII-GRID"):
        read_labels(labelled(tmp_path), frame_of_reference=FRAME, like=Grid((5, 7, 9), moved))


def test_two_regions_of_one_name_are_refused(tmp_path: Path) -> None:
    file = labelled(tmp_path)
    (tmp_path / "l.json").write_text(json.dumps({"2": "liver", "5": "liver"}))
    with pytest.raises(QuimbyError, match="E-NII-TWICE"):
        read_labels(file, frame_of_reference=FRAME)


def test_a_real_ct_and_a_real_liver_come_back_in_their_place(tmp_path: Path) -> None:
    folder = shared_path("data", "ct_seg")
    ct = read_ct(sorted(folder.glob("ct_*.dcm"))).image
    (liver,) = read_outlines(folder / "liver_seg.dcm")
    back = read_nifti(write_nifti(ct, tmp_path / "ct.nii.gz"), unit="HU")
    assert back.grid.matches(ct.grid, tolerance_mm=0.01)
    assert np.array_equal(back.values, ct.values)
    file = write_labels([liver], ct.grid, tmp_path / "l.nii.gz")
    (again,) = read_labels(file, frame_of_reference=liver.frame_of_reference, like=ct.grid).outlines
    assert again.name == liver.name
    one, two = (occupancy(region_mask(o), ct.grid, Rigid.identity()) for o in (liver, again))
    assert dice(one, two) == pytest.approx(1.0, abs=1e-6)
    assert float(two.values.sum()) == 107098  # voxels, as its provenance says


def test_case_a_s_outlines_keep_side_and_volume_through_a_label_map(
    case_a: Path, tmp_path: Path
) -> None:
    ct = read_ct(sorted((case_a / "tp2" / "CT").glob("*.dcm"))).image
    named = {o.name: o for o in read_outlines(case_a / "tp2" / "RTSTRUCT.dcm")}
    given = [named[n] for n in ("Kidney_L", "Kidney_R", "Spleen")]
    file = write_labels(given, ct.grid, tmp_path / "l.nii.gz")
    found = {o.name: o for o in read_labels(file, frame_of_reference="1", like=ct.grid).outlines}
    for one in given:
        assert volume_ml(region_mask(found[one.name])) == pytest.approx(
            volume_ml(region_mask(one)), rel=0.03
        )
    mask = region_mask(found["Kidney_L"])
    k, j, i = np.nonzero(mask.values)
    assert mask.grid.points_mm((i.mean(), j.mean(), k.mean()))[0] > 30.0  # +x is the left
