"""One picture in every transfer syntax: the same numbers come out, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from quimby.core.errors import QuimbyError
from quimby.measure.dicom import read_ct, read_emission, survey
from quimby.measure.dicom.opened import Opened
from quimby.measure.dicom.planar import read_planar
from tests import dicom_builder as build

GDCM = {
    JPEG2000Lossless: gdcm.TransferSyntax.JPEG2000Lossless,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
    RLELossless: gdcm.TransferSyntax.RLELossless,
}
LOSSLESS = [
    ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, *GDCM,
]  # fmt: skip


def rewritten(path: Path, syntax: UID) -> Path:
    """The same file in another transfer syntax."""
    out = path.with_name(f"as_{path.name}")
    if syntax in GDCM:
        _packed(path, out, GDCM[syntax])
    else:
        data = pydicom.dcmread(path)
        if syntax == ExplicitVRBigEndian:
            data["PixelData"].VR = "OW"
            data.PixelData = np.frombuffer(data.PixelData, "<u2").astype(">u2").tobytes()
        data.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(
            out, data, implicit_vr=syntax == ImplicitVRLittleEndian,
            little_endian=syntax != ExplicitVRBigEndian, force_encoding=True,
        )  # fmt: skip
    path.unlink()
    return out


def _packed(path: Path, out: Path, syntax: Any) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(out))
    assert writer.Write()


def noise(shape: tuple[int, ...], low: int = 0, high: int = 4000) -> NDArray[Any]:
    return np.random.default_rng(5).integers(low, high, shape).astype("i2" if low < 0 else "u2")


def ct(picture: Callable[[int], NDArray[Any]], **changes: Any) -> list[Dataset]:
    found = build.ct(3, **changes)
    return [build.changed(build.pixels(data, picture(k)), **changes)
            for k, data in enumerate(found)]  # fmt: skip


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda uid: uid.name)
@pytest.mark.parametrize("low", [0, -1024])
def test_a_ct_has_the_same_hu_in_every_lossless_syntax(
    tmp_path: Path, syntax: Any, low: int
) -> None:
    slices = ct(lambda k: np.roll(noise((24, 20), low), k))
    paths = build.save(tmp_path, *slices)
    plain = read_ct(paths).image.array.copy()

    packed = [rewritten(path, syntax) for path in paths]

    assert all(str(pydicom.dcmread(p).file_meta.TransferSyntaxUID) == syntax for p in packed)
    kept: dict[Path, Opened] = {}
    assert [s.kind for s in survey(tmp_path, keep=kept).series] == ["ct"]
    assert np.array_equal(read_ct(packed).image.array, plain)
    assert np.array_equal(read_ct(packed, opened=kept).image.array, plain)


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda uid: uid.name)
def test_a_spect_file_has_the_same_counts_in_every_lossless_syntax(
    tmp_path: Path, syntax: Any
) -> None:
    (path,) = build.save(tmp_path, build.spect(noise((5, 24, 20), 0, 30000)))
    plain = read_emission([path])

    scan = read_emission([rewritten(path, syntax)])

    assert np.array_equal(scan.image.array, plain.image.array)
    assert (scan.timing, scan.notes[0].code) == (plain.timing, plain.notes[0].code)


@pytest.mark.parametrize("syntax", LOSSLESS, ids=lambda uid: uid.name)
def test_a_pet_has_the_same_activity_in_every_lossless_syntax(tmp_path: Path, syntax: Any) -> None:
    slices = [build.pixels(data, noise((24, 20), 0, 30000)) for data in build.pet(3)]
    paths = build.save(tmp_path, *slices)
    plain = read_emission(paths).image.array

    assert np.array_equal(read_emission([rewritten(p, syntax) for p in paths]).image.array, plain)


def near_lossless(path: Path) -> Path:
    data = pydicom.dcmread(path)
    data.compress(JPEGLSNearLossless, jls_error=2, generate_instance_uid=False)
    data.save_as(path)
    return path


def planar() -> Dataset:
    head = [build.item(StartAngle=angle) for angle in (180, 0)]
    return build.spect(noise((2, 24, 20)), ImageType=["ORIGINAL", "PRIMARY", "STATIC", "EMISSION"],
                       DetectorVector=[1, 2], DetectorInformationSequence=head,
                       ActualFrameDuration=60000)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "reader"),
    [
        (lambda: build.spect(noise((5, 24, 20))), read_emission),
        (lambda: build.pixels(build.pet(1)[0], noise((24, 20))), read_emission),
        (planar, read_planar),
    ],
    ids=["SPECT", "PET", "planar"],
)
@pytest.mark.parametrize("said", [True, False])
def test_counts_compressed_with_loss_are_refused(
    tmp_path: Path, data: Callable[[], Dataset], reader: Callable[..., Any], said: bool
) -> None:
    """By the syntax, or where a file was unpacked since, by what it says of its past."""
    made = data()
    if said:
        made.LossyImageCompression = "01"
    (path,) = build.save(tmp_path, made)
    if not said:
        reader([path])
        near_lossless(path)

    with pytest.raises(QuimbyError) as caught:
        reader([path])

    assert caught.value.code == "E-DCM-LOSSY"
    assert "without loss" in str(caught.value)


def test_a_ct_compressed_with_loss_is_read_and_says_so(tmp_path: Path) -> None:
    paths = build.save(tmp_path, *ct(lambda _: noise((24, 20))))
    plain = read_ct(paths)

    lossy = read_ct([near_lossless(path) for path in paths])

    assert [n.code for n in plain.notes] == []
    assert [n.code for n in lossy.notes] == ["W-DCM-LOSSY"]
    assert 0 < np.abs(lossy.image.values - plain.image.values).max() <= 2


@pytest.mark.parametrize("signed", [True, False])
def test_bits_that_are_not_stored_mean_nothing(tmp_path: Path, signed: bool) -> None:
    """Twelve bits in sixteen, the spare ones full of an old overlay."""
    slices = ct(lambda _: noise((24, 20), -2000 if signed else 0, 2000))
    plain = read_ct(build.save(tmp_path / "a", *slices)).image.array
    for data in slices:
        raw = np.frombuffer(data.PixelData, "<u2")
        data.PixelData = ((raw & 0x0FFF) | 0xA000).tobytes()
        data.BitsStored, data.HighBit = 12, 11

    found = read_ct(build.save(tmp_path / "b", *slices)).image.array

    assert np.array_equal(found, plain)


def test_a_file_cut_short_in_its_picture_is_named(tmp_path: Path) -> None:
    paths = build.save(tmp_path, *ct(lambda _: noise((24, 20))))
    paths[1].write_bytes(paths[1].read_bytes()[:-100])

    with pytest.raises(QuimbyError) as caught:
        read_ct(paths)

    assert caught.value.code == "E-DCM-PIXELS"
    assert paths[1].name in str(caught.value.where)


def test_headers_kept_by_a_survey_give_the_same_ct(tmp_path: Path) -> None:
    paths = build.save(tmp_path, *ct(lambda k: noise((24, 20), -500 * k - 1)))
    kept: dict[Path, Opened] = {}
    found = survey(tmp_path, keep=kept)

    assert set(kept) == set(paths)
    one, other = read_ct(paths), read_ct(found.of("ct")[0].files, opened=kept)
    assert np.array_equal(one.image.array, other.image.array)
    assert (one.sop_uids, one.identity, one.acquired_at) == (
        other.sop_uids, other.identity, other.acquired_at,
    )  # fmt: skip
