"""RTDOSE and SEG: what is written reads back, lies where it lay, and satisfies a stranger."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset

from quimby.core.errors import InputError, MethodUnfit
from quimby.core.grid import Grid, Image
from quimby.report import dicom
from tests.sample_result import sample_result, write_ct

WHEN = datetime(2026, 3, 9, 9, 36, tzinfo=UTC)
GRID = Grid((9, 20, 16), np.array([[4.0, 0, 0, -31.5], [0, 4.5, 0, -40.25], [0, 0, 5.0, 12.125],
                                  [0, 0, 0, 1]]))  # fmt: skip
ORGANS = {"Kidney L": ("kidney", "left"), "Lesion": ("lesion", "")}


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    folder = tmp_path_factory.mktemp("ct")
    rng = np.random.default_rng(1)
    image = Image(GRID, rng.integers(-200, 200, GRID.shape).astype(np.int16), "HU")
    return dicom.read_headers(write_ct(folder, image))


def ball(centre: tuple[float, float, float], radius: float) -> Image:
    far = np.linalg.norm(GRID.centres_mm() - np.array(centre), axis=-1)
    return Image(GRID, np.clip((radius - far) / 4 + 0.5, 0, 1), "1")


MASKS = {"Kidney L": ball((-5, 0, 30), 14), "Lesion": ball((5, 4, 35), 7)}


def dose_of(seed: int, top: float = 40.0) -> Image:
    return Image(GRID, np.random.default_rng(seed).uniform(0, top, GRID.shape), "Gy")


def read(data: bytes) -> Any:
    return dcmread(BytesIO(data))


def placed(ds: Any) -> np.ndarray[Any, Any]:
    """Affine of an RTDOSE as its header says, an independent way: by its own definitions."""
    rows, columns = np.array(ds.ImageOrientationPatient, float).reshape(2, 3)
    offsets = np.array(ds.GridFrameOffsetVector, float)
    normal = np.cross(rows, columns)
    affine = np.eye(4)
    affine[:3, 0] = rows * float(ds.PixelSpacing[1])
    affine[:3, 1] = columns * float(ds.PixelSpacing[0])
    affine[:3, 2] = normal * (offsets[1] - offsets[0])
    affine[:3, 3] = np.array(ds.ImagePositionPatient, float)
    return affine


def test_a_dose_reads_back_within_half_a_step_where_it_lay(ct: list[Dataset]) -> None:
    dose = dose_of(3)
    ds = read(dicom.rtdose(dose, ct=ct[0], version="0.1.0"))
    step = float(ds.DoseGridScaling)
    back = ds.pixel_array * step
    assert np.abs(back - dose.values).max() <= step / 2 * (1 + 1e-6)
    assert step == pytest.approx(dose.values.max() / (2**32 - 1), rel=1e-6)
    np.testing.assert_allclose(placed(ds), GRID.affine, atol=1e-9)


@given(st.integers(0, 2**31), st.floats(1e-12, 1e9))
def test_any_dose_fits_its_thirty_two_bits(seed: int, top: float) -> None:
    dose = np.random.default_rng(seed).uniform(0, 1, (2, 3, 4))
    dose *= top / dose.max()
    stored, step = dicom.quantised(dose)
    assert len(step) <= 16
    assert np.abs(stored * float(step) - dose).max() <= float(step) * 0.5000001


def test_rounding_is_to_the_nearest_step_and_not_downwards() -> None:
    dose = np.random.default_rng(5).uniform(0, 50, (10, 10, 10))
    stored, step = dicom.quantised(dose)
    bias = float((stored * float(step) - dose).mean()) / float(step)
    assert abs(bias) < 0.05  # cutting off would give -0.5


def test_an_empty_dose_map_is_written_as_zeros(ct: list[Dataset]) -> None:
    nothing = Image(GRID, np.zeros(GRID.shape), "Gy")
    ds = read(dicom.rtdose(nothing, ct=ct[0], version="0.1.0"))
    assert not ds.pixel_array.any()
    assert float(ds.DoseGridScaling) > 0


def test_a_dose_below_zero_is_refused(ct: list[Dataset]) -> None:
    values = dose_of(3).values.copy()
    values[0, 0, 0] = -0.25
    with pytest.raises(MethodUnfit, match=r"holds 1 voxels below zero, the lowest -0\.25 Gy"):
        dicom.rtdose(Image(GRID, values, "Gy"), ct=ct[0], version="0.1.0")


def test_slices_from_head_to_feet_are_turned_and_nothing_moves(ct: list[Dataset]) -> None:
    dose = dose_of(4)
    affine = np.array(GRID.affine)
    affine[:3, 3] = GRID.points_mm((0, 0, GRID.shape[0] - 1))
    affine[2, 2] *= -1
    down = Image(Grid(GRID.shape, affine), dose.array[::-1], "Gy")
    a, b = (read(dicom.rtdose(x, ct=ct[0], version="0.1.0")) for x in (dose, down))
    assert np.array_equal(a.pixel_array, b.pixel_array)
    np.testing.assert_allclose(placed(a), placed(b), atol=1e-9)


def test_an_oblique_grid_keeps_its_directions(ct: list[Dataset]) -> None:
    turn = np.deg2rad(7.0)
    spin = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    affine = np.array(GRID.affine)
    affine[:3, :3] = spin @ affine[:3, :3]
    ds = read(dicom.rtdose(Image(Grid(GRID.shape, affine), dose_of(1).array, "Gy"), ct=ct[0],
                           version="0.1.0"))  # fmt: skip
    np.testing.assert_allclose(placed(ds), affine, atol=1e-8)


def test_the_dose_belongs_to_the_cts_patient_study_and_frame(ct: list[Dataset]) -> None:
    ds = read(dicom.rtdose(dose_of(3), ct=ct[0], version="0.1.0"))
    for name in ("PatientID", "PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert ds[name].value == ct[0][name].value
    assert (ds.DoseUnits, ds.DoseType, ds.Modality) == ("GY", "PHYSICAL", "RTDOSE")
    assert ds.SeriesInstanceUID != ct[0].SeriesInstanceUID


def test_the_same_input_gives_the_same_bytes_and_another_dose_other_uids(
    ct: list[Dataset],
) -> None:
    one, again, other = (
        dicom.rtdose(dose_of(seed), ct=ct[0], version="0.1.0") for seed in (3, 3, 4)
    )
    assert one == again
    assert read(one).SOPInstanceUID != read(other).SOPInstanceUID
    assert str(read(one).SOPInstanceUID).startswith("2.25.")
    assert len(read(one).SOPInstanceUID) <= 64


def outlines(ct: list[Dataset]) -> bytes:
    return dicom.segmentation(MASKS, ORGANS, ct=ct, made_at=WHEN, version="0.1.0")


def frames(ds: Any, number: int) -> dict[str, Any]:
    """Pixels of one segment by the CT slice they refer to."""
    found = {}
    for group, pixels in zip(ds.PerFrameFunctionalGroupsSequence, ds.pixel_array, strict=True):
        if group.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number:
            source = group.DerivationImageSequence[0].SourceImageSequence[0]
            found[str(source.ReferencedSOPInstanceUID)] = (pixels, group)
    return found


def test_outlines_read_back_voxel_by_voxel_on_the_slices_they_name(ct: list[Dataset]) -> None:
    ds = read(outlines(ct))
    assert [s.SegmentLabel for s in ds.SegmentSequence] == list(MASKS)
    for number, mask in enumerate(MASKS.values(), start=1):
        by_slice = frames(ds, number)
        for k, header in enumerate(ct):
            wanted = mask.values[k] >= 0.5
            if not wanted.any():
                assert str(header.SOPInstanceUID) not in by_slice
                continue
            pixels, group = by_slice[str(header.SOPInstanceUID)]
            assert np.array_equal(pixels.astype(bool), wanted)
            where = group.PlanePositionSequence[0].ImagePositionPatient
            np.testing.assert_allclose(np.array(where, float), GRID.points_mm((0, 0, k)))


def test_slices_in_any_order_give_the_same_segmentation(ct: list[Dataset]) -> None:
    shuffled = [ct[i] for i in (4, 0, 8, 2, 6, 1, 7, 3, 5)]
    assert outlines(shuffled) == outlines(ct)


def test_organs_carry_their_snomed_codes(ct: list[Dataset]) -> None:
    kidney, lesion = read(outlines(ct)).SegmentSequence
    assert kidney.SegmentedPropertyTypeCodeSequence[0].CodeValue == "64033007"
    assert lesion.SegmentedPropertyTypeCodeSequence[0].CodeValue == "52988006"
    assert kidney.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "SCT"


def test_a_missing_slice_is_named(ct: list[Dataset]) -> None:
    with pytest.raises(InputError, match=r"E-REP-CT-GRID .* 8 files, 9 slices"):
        dicom.segmentation(MASKS, ORGANS, ct=ct[1:], made_at=WHEN, version="0.1.0")


def test_slices_of_another_place_are_refused(ct: list[Dataset]) -> None:
    affine = np.array(GRID.affine)
    affine[2, 3] += 2.5
    away = {n: Image(Grid(GRID.shape, affine), m.array, "1") for n, m in MASKS.items()}
    with pytest.raises(InputError, match=r"slice 0 lies 2\.50 mm away"):
        dicom.segmentation(away, ORGANS, ct=ct, made_at=WHEN, version="0.1.0")


def test_an_outline_that_meets_no_voxel_is_named(ct: list[Dataset]) -> None:
    gone = {**MASKS, "Lesion 9": Image(GRID, np.zeros(GRID.shape), "1")}
    with pytest.raises(InputError, match="The outline of Lesion 9 covers no voxel"):
        dicom.segmentation(gone, ORGANS, ct=ct, made_at=WHEN, version="0.1.0")


def test_a_region_smaller_than_a_voxel_is_not_lost(ct: list[Dataset]) -> None:
    speck = np.zeros(GRID.shape)
    speck[4, 10, 8] = 0.3
    ds = read(dicom.segmentation({**MASKS, "Speck": Image(GRID, speck, "1")}, ORGANS, ct=ct,
                                 made_at=WHEN, version="0.1.0"))  # fmt: skip
    assert sum(int(p.sum()) for p, _ in frames(ds, 3).values()) == 1


def verdict(path: Path) -> list[str]:
    """Errors that dciodvfy finds; skips where it is absent or falls over itself."""
    tool = shutil.which("dciodvfy")
    if tool is None:
        pytest.skip("dciodvfy (Debian dicom3tools) is not installed")
    found = subprocess.run([tool, str(path)], capture_output=True, text=True, check=False)
    if found.returncode < 0:
        pytest.skip(f"dciodvfy itself crashed: {found.stderr.strip()[-160:]}")
    lines = (found.stdout + found.stderr).splitlines()
    return [line for line in lines if line.startswith("Error")]


def test_dciodvfy_finds_no_error_in_the_outlines(ct: list[Dataset], tmp_path: Path) -> None:
    path = tmp_path / "seg.dcm"
    path.write_bytes(outlines(ct))
    assert verdict(path) == []


def test_dciodvfy_finds_no_error_in_the_dose(ct: list[Dataset], tmp_path: Path) -> None:
    path = tmp_path / "dose.dcm"
    path.write_bytes(dicom.rtdose(dose_of(3), ct=ct[0], version="0.1.0"))
    assert verdict(path) == []


def test_dciodvfy_finds_no_error_in_the_doses_header(ct: list[Dataset], tmp_path: Path) -> None:
    """Some builds of it fall over 32-bit pixels; the same header over 16 bits is judged."""
    ds = read(dicom.rtdose(dose_of(3), ct=ct[0], version="0.1.0"))
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 16, 15
    ds.PixelData = np.zeros(GRID.shape, "<u2").tobytes()
    path = tmp_path / "dose16.dcm"
    ds.save_as(path)
    assert verdict(path) == []
    del ds.DoseUnits
    ds.save_as(path)
    assert any("DoseUnits" in line for line in verdict(path))  # the judge is awake


def test_the_sample_results_dose_reads_back(ct: list[Dataset]) -> None:
    pictures = sample_result().pictures
    assert pictures is not None
    ds = read(dicom.rtdose(pictures.dose, ct=ct[0], version="0.1.0"))
    assert (ds.pixel_array * float(ds.DoseGridScaling)).max() == pytest.approx(
        pictures.dose.values.max(), rel=1e-7
    )


def test_real_ct_headers_are_good_enough(case_a: Path, tmp_path: Path) -> None:
    files = sorted((case_a / "tp2" / "CT").rglob("*.dcm"))
    headers = sorted(dicom.read_headers(files), key=lambda h: float(h.ImagePositionPatient[2]))
    first, second = headers[:2]
    step = float(second.ImagePositionPatient[2]) - float(first.ImagePositionPatient[2])
    affine = np.diag([float(first.PixelSpacing[1]), float(first.PixelSpacing[0]), step, 1.0])
    affine[:3, 3] = np.array(first.ImagePositionPatient, float)
    grid = Grid((len(headers), first.Rows, first.Columns), affine)
    middle = grid.points_mm(((first.Columns - 1) / 2, (first.Rows - 1) / 2, len(headers) / 2))
    far = np.linalg.norm(grid.centres_mm() - middle, axis=-1)
    mask = Image(grid, (far < 30).astype(np.float32), "1")
    path = tmp_path / "seg.dcm"
    path.write_bytes(
        dicom.segmentation({"Liver": mask}, {"Liver": ("liver", "")}, ct=headers, made_at=WHEN,
                           version="0.1.0")
    )  # fmt: skip
    assert verdict(path) == []
    assert int(dcmread(path).pixel_array.sum()) == int((far < 30).sum())
