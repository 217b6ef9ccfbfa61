"""Reading CT: HU and place of every slice, or the reason why not."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.testing import assert_allclose
from pydicom.uid import RLELossless

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import read_ct, read_outlines
from tests import dicom_builder as build
from tests.conftest import shared_path


def test_case_a_ct_is_read_in_hu_from_the_feet_up(case_a: Path) -> None:
    files = sorted((case_a / "tp2" / "CT").iterdir())

    ct = read_ct(files[::-1])

    assert ct.image.grid.shape == (90, 128, 128)
    assert_allclose(ct.image.grid.spacing_mm, (3.9063, 3.9063, 4.4196), atol=1e-6)
    assert_allclose(ct.image.grid.origin_mm, (-248.05, -248.05, -196.6722))
    assert ct.image.unit == "HU"
    assert ct.image.array.min() == -1024
    zone = timezone(timedelta(hours=1))
    assert ct.acquired_at == datetime(2026, 3, 3, 9, 50, tzinfo=zone)
    first = pydicom.dcmread(files[0])
    assert ct.sop_uids[0] == first.SOPInstanceUID
    assert (ct.image.array[0] == first.pixel_array.astype(int) - 1024).all()


def test_a_feet_first_ct_lies_by_its_positions_not_its_label() -> None:
    ct = read_ct(sorted(shared_path("data", "ct_seg").glob("ct_*.dcm")))

    assert ct.patient_position == "FFS"
    assert_allclose(ct.image.grid.spacing_mm, (0.810547, 0.810547, 1.0), atol=1e-6)
    assert_allclose(ct.image.grid.origin_mm, (-235.2, -226.8, -128.69), atol=1e-5)


def test_the_liver_of_the_fdg_patient_has_its_published_hu(tmp_path: Path) -> None:
    folder = shared_path("data", "pet_ct_rtstruct_fdg")
    with tarfile.open(folder / "CT_z316-484mm.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    ct = read_ct(tmp_path.rglob("*.dcm"))
    liver = next(o for o in read_outlines(folder / "RTstruct.dcm") if o.name == "liver")
    assert ct.image.grid.shape == (68, 512, 512)
    assert_allclose(ct.image.grid.spacing_mm, (0.9355, 0.9355, 2.5), atol=1e-3)
    assert ct.frame_of_reference == liver.frame_of_reference

    mask = build.voxels_within(ct.image.grid, liver.contours, reach_mm=0.1)

    assert mask.sum() * ct.image.grid.voxel_ml == pytest.approx(1490, rel=0.01)
    assert ct.image.values[mask].mean() == pytest.approx(58.5, abs=1.0)


def test_a_fractional_slope_keeps_its_fractions(tmp_path: Path) -> None:
    ct = read_ct(build.save(tmp_path, *build.ct(RescaleSlope=0.25)))

    assert ct.image.values[:, 0, 0].tolist() == [-1021.5, -1019.0, -1016.5, -1014.0]


def test_compressed_slices_read_as_plain_ones(tmp_path: Path) -> None:
    plain = read_ct(build.save(tmp_path / "a", *build.ct()))
    packed = build.save(tmp_path / "b", *build.ct())
    for path in packed:
        data = pydicom.dcmread(path)
        data.compress(RLELossless, generate_instance_uid=False)
        data.save_as(path)

    assert (read_ct(packed).image.array == plain.image.array).all()


def test_the_contrast_agent_is_kept(tmp_path: Path) -> None:
    assert (
        read_ct(build.save(tmp_path, *build.ct(ContrastBolusAgent="Iohexol"))).contrast == "Iohexol"
    )


def without(slices: list[Any], *lost: int) -> list[Any]:
    return [data for k, data in enumerate(slices) if k not in lost]


def moved(slices: list[Any], k: int, position: list[float]) -> list[Any]:
    slices[k].ImagePositionPatient = position
    return slices


def tilted(slices: list[Any]) -> list[Any]:
    for k, data in enumerate(slices):
        data.ImagePositionPatient = [10.0, 20.0 + 0.5 * k, 30.0 + 3.0 * k]
    return slices


def turned(slices: list[Any]) -> list[Any]:
    slices[1].ImageOrientationPatient = [0.0, 1.0, 0.0, -1.0, 0.0, 0.0]
    return slices


def other(slices: list[Any], keyword: str, value: Any) -> list[Any]:
    setattr(slices[1], keyword, value)
    return slices


@pytest.mark.parametrize(
    ("slices", "code", "says"),
    [
        (without(build.ct(6), 3), "E-DCM-GAP", "between 36.00 and 42.00 mm"),
        (moved(build.ct(4), 2, [10.0, 20.0, 33.0]), "E-DCM-DUPLICATE", "(33.00 mm)"),
        (tilted(build.ct(4)), "E-DCM-TILT", "0.50 mm"),
        (turned(build.ct(4)), "E-DCM-MIXED", "orientations"),
        (other(build.ct(4), "SeriesInstanceUID", "2.25.9"), "E-DCM-MIXED", "SeriesInstanceUID"),
        (other(build.ct(4), "FrameOfReferenceUID", "2.25.9"), "E-DCM-MIXED", "FrameOfReferenceUID"),
        (other(build.ct(4), "PatientID", "P2"), "E-DCM-MIXED", "PatientID"),
        (other(build.ct(4), "PixelSpacing", [3.0, 2.1]), "E-DCM-MIXED", "pixel sizes"),
        (build.ct(4, RescaleSlope=None, RescaleIntercept=None), "E-DCM-HU", "no rescale"),
        (build.ct(4, ImagePositionPatient=None), "E-DCM-GEOM", "image position"),
        (build.ct(1, SliceThickness=None), "E-DCM-ONE-SLICE", "one slice"),
        (build.ct(2, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), "E-DCM-SOP", "localizer"),
        (build.pet(2), "E-DCM-SOP", "Positron"),
        ([], "E-DCM-EMPTY", "no image"),
    ],
)
def test_a_broken_stack_is_refused_with_its_place(
    tmp_path: Path, slices: list[Any], code: str, says: str
) -> None:
    with pytest.raises(QuimbyError) as caught:
        read_ct(build.save(tmp_path, *slices))

    assert caught.value.code == code
    assert says in caught.value.what


def test_positions_rounded_by_the_export_make_an_even_stack(tmp_path: Path) -> None:
    slices = build.ct(40)
    for k, data in enumerate(slices):
        data.ImagePositionPatient = [10.0, 20.0, round(30.0 + 2.6667 * k, 1)]

    ct = read_ct(build.save(tmp_path, *slices))

    assert ct.image.grid.spacing_mm[2] == pytest.approx(2.6667, abs=2e-3)
    assert ct.notes == ()


def test_reading_ct_costs_at_most_a_fifth_more_than_pydicom_itself(tmp_path: Path) -> None:
    big = np.arange(512 * 512, dtype="i2").reshape(512, 512) % 3000
    paths = build.save(tmp_path, *[build.pixels(data, big) for data in build.ct(60)])

    def by_pydicom() -> None:
        read = [pydicom.dcmread(path) for path in paths]
        np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in read])

    assert cheapest(lambda: read_ct(paths)) < 1.2 * cheapest(by_pydicom)


def cheapest(work: Callable[[], object]) -> float:
    """Processor seconds, the least of three."""
    spent = []
    for _ in range(3):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def test_hu_too_low_for_16_bits_do_not_wrap_round(tmp_path: Path) -> None:
    ct = read_ct(build.save(tmp_path, *build.ct(RescaleIntercept=-32780.0)))

    assert ct.image.values[:, 0, 0].tolist() == [-32770, -32760, -32750, -32740]
